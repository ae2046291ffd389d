"""`make run` as a whole: facts, restarts, ends. Long, since it loads the platform three times."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crm.embedded import ROOT
from crm.embedded.guardian import is_running
from crm.embedded.servers import free_port

pytestmark = pytest.mark.proof
FACTS = {"url", "adminEmail", "adminPassword", "apiKey", "tenant", "databaseUrl", "redisUrl", "pids"}
NAMES = {
    "postgres",
    "valkey",
    "web",
    "worker",
    "slow-worker",
    "send-worker",
    "consumer",
    "beat",
    "supervisor",
}
BARE = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


@contextmanager
def platform(var: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "crm.embedded", "run", "--var", str(var)]
    with subprocess.Popen(command, cwd=ROOT, env=BARE | {"PORT": str(free_port())}) as process:
        try:
            wait_for(lambda: (var / "run.json").exists() or process.poll() is not None, seconds=90)
            yield process
        finally:
            process.terminate()


def wait_for(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def facts(var: Path) -> dict[str, Any]:
    return dict(json.loads((var / "run.json").read_text()))


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            return int(reply.status)
    except OSError:
        return 0


def test_it_comes_up_survives_kills_ends_cleanly_and_finds_its_data_again(tmp_path: Path) -> None:
    with platform(tmp_path) as supervisor:
        first = facts(tmp_path)
        assert first.keys() == FACTS
        assert first["pids"].keys() == NAMES
        assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
        assert status_of(f"{first['url']}/admin/") == 200
        for name in ("web", "postgres", "valkey", "beat"):
            os.kill(first["pids"][name], signal.SIGKILL)
        wait_for(
            lambda: not set(facts(tmp_path)["pids"].values()) & {first["pids"]["web"], first["pids"]["beat"]}
        )
        wait_for(lambda: status_of(f"{first['url']}/health/ready") == 200, seconds=60)
        restarted = facts(tmp_path)
        assert restarted["pids"]["supervisor"] == supervisor.pid
        assert {**restarted, "pids": None} == {**first, "pids": None}
        supervisor.terminate()
        assert supervisor.wait(60) == 0
    assert not any(map(is_running, restarted["pids"].values()))
    assert not (tmp_path / "run.json").exists()

    with platform(tmp_path) as supervisor:
        second = facts(tmp_path)
        assert all(
            second[name] == first[name] for name in ("apiKey", "adminPassword", "databaseUrl", "redisUrl")
        )
        supervisor.kill()
        supervisor.wait()
        wait_for(lambda: not any(map(is_running, second["pids"].values())))
