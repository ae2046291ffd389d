"""What the two servers have in common: a remembered port, a log, and starting until they really answer."""

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from crm.embedded import EmbeddedError
from crm.embedded.processes import Process, Processes

HOST = "127.0.0.1"
RETRY_FOR = (
    15.0  # seconds in which a server that ends at once is started again: its predecessor may still be ending
)
ANSWER_WITHIN = 300.0  # seconds that a living server may need to answer: a crash recovery reads its whole log


class Server(Protocol):
    title: str
    name: str
    port: int
    patience: float
    log: Path

    def create(self) -> None:
        """Make the data directory unless it exists."""

    def spawn(self, processes: Processes) -> Process:
        """Start the process, without waiting."""

    def answers(self) -> bool:
        """Whether this very server, not another one on its port, takes queries."""

    def prepare(self) -> None:
        """Bring the answering server to the state its clients expect; repeatable."""


def start(server: Server, processes: Processes, *, wait: Callable[[float], None] = time.sleep) -> Process:
    """Start a server and return once it answers. Raises EmbeddedError with the end of its log if it never does."""
    server.create()
    began = time.monotonic()
    process = server.spawn(processes)
    while not server.answers():
        waited = time.monotonic() - began
        if process.poll() is not None:
            processes.bury(process)
            if waited > RETRY_FOR:
                raise EmbeddedError(
                    f"{server.name} does not start; {server.log} ends with\n{tail(server.log)}"
                )
            wait(0.2)
            if not is_free(server.port):
                server.port = free_port()
            process = server.spawn(processes)
        elif waited > ANSWER_WITHIN:
            processes.stop(process)
            raise EmbeddedError(f"{server.name} does not answer; see {server.log}")
        wait(0.02)
    server.prepare()
    (server.log.parent / "port").write_text(str(server.port))
    return process


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def recorded_port(directory: Path) -> int | None:
    """The port on which the server of a directory last ran."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((directory / "port").read_text())
    return None


def usual_port(directory: Path) -> int:
    """The port of the last run, so that addresses stay valid, or a free one."""
    port = recorded_port(directory)
    return port if port is not None and is_free(port) else free_port()


def tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
