"""`python -m crm.embedded exec`: the command's environment, its exit code, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from crm.embedded import ROOT
from crm.embedded.postmaster import processes_in

BARE = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
GIVEN = {"DATABASE_URL": "postgresql://given/fairway", "REDIS_URL": "redis://given/0"}
TELL = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); "


def start_exec(
    var: Path, code: str, *options: str, environ: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Run Python code under `exec` in an environment without servers."""
    argv = [
        sys.executable,
        "-m",
        "crm.embedded",
        "exec",
        "--var",
        str(var),
        *options,
        "--",
        sys.executable,
        "-c",
        code,
    ]
    return subprocess.Popen(
        argv, cwd=ROOT, env=BARE | (environ or {}), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_a_throwaway_gives_addresses_and_the_exit_code_and_leaves_nothing(tmp_path: Path) -> None:
    code = TELL + "import psycopg; psycopg.connect(os.environ['DATABASE_URL']); sys.exit(7)"
    with start_exec(tmp_path, code, "--throwaway", environ={"BROKER_URL": "amqp://rabbit"}) as command:
        told = json.loads(command.communicate()[0])
    assert command.returncode == 7
    assert told["DATABASE_URL"].startswith("postgresql://fairway_app@127.0.0.1:")
    assert told["MIGRATION_DATABASE_URL"].startswith("postgresql://fairway_owner@127.0.0.1:")
    assert told["REDIS_URL"].startswith("redis://127.0.0.1:")
    assert (told["BROKER_URL"], told["FAIRWAY_EMBEDDED"]) == ("amqp://rabbit", "1")
    assert Path(told["FAIRWAY_VAR"]).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_given_servers_are_used_as_they_are(tmp_path: Path) -> None:
    with start_exec(tmp_path, TELL, environ=GIVEN | {"SECRET_KEY": "given"}) as command:
        told = json.loads(command.communicate()[0])
    assert {name: told[name] for name in GIVEN} == GIVEN
    assert told["SECRET_KEY"] == "given"
    assert "MIGRATION_DATABASE_URL" not in told
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "valkey").exists()


def test_a_killed_exec_takes_its_servers_and_its_directory_with_it(tmp_path: Path) -> None:
    with start_exec(tmp_path, TELL + "sys.stdin.read()", "--throwaway") as command:
        assert command.stdout is not None
        command.stdout.readline()
        (directory,) = tmp_path.iterdir()
        assert processes_in(directory / "postgres" / "data")
        assert processes_in(directory / "valkey")
        command.kill()
    assert within(10, lambda: not directory.exists())
    assert not processes_in(directory / "postgres" / "data")
    assert not processes_in(directory / "valkey")


def test_a_second_exec_borrows_the_servers_of_the_first(tmp_path: Path) -> None:
    with start_exec(tmp_path, TELL + "sys.stdin.read()") as first:
        assert first.stdout is not None
        told = json.loads(first.stdout.readline())
        with start_exec(tmp_path, TELL) as second:
            assert json.loads(second.communicate()[0])["DATABASE_URL"] == told["DATABASE_URL"]
        first.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_signal_reaches_the_command_and_shows_in_the_exit_code(tmp_path: Path) -> None:
    with start_exec(tmp_path, TELL + "sys.stdin.read()", environ=GIVEN) as command:
        assert command.stdout is not None
        command.stdout.readline()
        command.send_signal(signal.SIGTERM)
        assert command.wait(30) == 128 + signal.SIGTERM


def test_an_unknown_command_is_named(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "crm.embedded", "exec", "--var", str(tmp_path), "--", "no-such-command"]
    done = subprocess.run(argv, cwd=ROOT, env=BARE | GIVEN, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (1, "there is no command no-such-command")
