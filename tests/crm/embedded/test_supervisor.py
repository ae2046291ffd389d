"""The process group of `make run`, with small programs for the real ones."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crm.embedded import EmbeddedError
from crm.embedded.console import Console
from crm.embedded.guardian import is_running
from crm.embedded.locking import Busy, owned
from crm.embedded.processes import Process, Processes
from crm.embedded.run import web_port
from crm.embedded.servers import HOST, is_free
from crm.embedded.supervisor import Service, Stopped, Supervisor

STUBBORN = r"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
os.write(1, b"%d\n" % os.getpid())
time.sleep(60)
"""


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(processes: Processes, screen: io.StringIO) -> Supervisor:
    return Supervisor(processes, Console(screen))


def python(processes: Processes, code: str) -> Callable[[], Process]:
    return lambda: processes.spawn([sys.executable, "-c", code], output=subprocess.PIPE)


def tick_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        supervisor.tick(0.02)


def test_a_killed_child_comes_back_and_the_change_is_told(
    supervisor: Supervisor, processes: Processes, screen: io.StringIO
) -> None:
    told: list[int] = []
    service = Service(
        "worker", python(processes, "import time; print('at work', flush=True); time.sleep(60)")
    )
    supervisor.start(service)
    supervisor.changed = lambda: told.append(service.process.pid if service.process else 0)
    tick_until(supervisor, lambda: "at work" in screen.getvalue())
    assert service.process is not None
    first = service.process.pid
    os.kill(first, signal.SIGKILL)
    tick_until(supervisor, lambda: screen.getvalue().count("worker   | at work") == 2)
    assert told == [service.process.pid]
    assert service.process.pid != first
    assert "worker   | ended with SIGKILL; starts again in 0.25 s" in screen.getvalue()


def test_a_child_that_keeps_dying_is_given_longer_and_longer_pauses(
    supervisor: Supervisor, processes: Processes, screen: io.StringIO
) -> None:
    supervisor.start(Service("web", python(processes, "raise SystemExit(3)")))
    tick_until(supervisor, lambda: "starts again in 1 s" in screen.getvalue())
    pauses = [line.rpartition("; ")[2] for line in screen.getvalue().splitlines()]
    assert pauses == ["starts again in 0.25 s", "starts again in 0.5 s", "starts again in 1 s"]


def test_a_child_that_may_end_is_not_started_again(
    supervisor: Supervisor, processes: Processes, screen: io.StringIO
) -> None:
    demo = Service("demo", python(processes, "print('loaded'); raise SystemExit(2)"), restarts=False)
    supervisor.start(demo)
    tick_until(supervisor, lambda: demo.process is None)
    assert (demo.due_at, demo.deaths) == (None, 0)
    assert screen.getvalue().splitlines() == ["demo     | loaded", "demo     | ended with exit code 2"]


def test_a_stubborn_child_is_killed_with_its_own_children(
    supervisor: Supervisor, processes: Processes, screen: io.StringIO
) -> None:
    service = Service("worker", python(processes, STUBBORN), patience=0.2)
    supervisor.start(service)
    tick_until(supervisor, lambda: screen.getvalue().count("\n") == 2)
    assert service.process is not None
    family = {int(line.rpartition(" ")[2]) for line in screen.getvalue().splitlines()}
    assert service.process.pid in family
    supervisor.stop("worker")
    deadline = time.monotonic() + 2
    while any(map(is_running, family)):
        assert time.monotonic() < deadline


def test_a_request_to_stop_ends_the_waiting(supervisor: Supervisor) -> None:
    supervisor.request_stop()
    with pytest.raises(Stopped):
        supervisor.tick(0)


def test_a_failed_step_shows_what_it_printed(
    supervisor: Supervisor, processes: Processes, screen: io.StringIO
) -> None:
    process = processes.spawn(
        [sys.executable, "-c", "import sys; print('out'); sys.exit('broken')"],
        output=subprocess.PIPE,
        errors=subprocess.PIPE,
    )
    with pytest.raises(EmbeddedError, match="migrate ended with exit code 1"):
        supervisor.finish("migrate", process)
    assert screen.getvalue().splitlines() == ["migrate  | broken", "migrate  | out"]


def test_one_directory_has_one_owner(tmp_path: Path) -> None:
    with (
        owned(tmp_path),
        pytest.raises(Busy, match=f"process {os.getpid()} is using {tmp_path}"),
        owned(tmp_path),
    ):
        pass
    with owned(tmp_path):
        pass


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(EmbeddedError, match=f"PORT={port} is not a port"):
        web_port({"PORT": port})


def test_a_taken_port_is_refused_with_a_way_out() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(EmbeddedError, match=f"port {port} can't be used .*PORT=8080 make run"):
            web_port({"PORT": str(port)})
