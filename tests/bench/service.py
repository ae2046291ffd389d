"""The platform's own processes, started for the benchmarks as `make run` starts them, and a client of theirs."""

import http.client
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from crm.embedded import ROOT
from crm.embedded.programs import WEB_THREADS, background, web
from crm.embedded.run import answers
from crm.embedded.servers import HOST, free_port
from tests.bench.harness import peak_memory

START_WITHIN = 60.0


class Client:
    """One keep-alive connection. Raises RuntimeError for an answer of 400 and above."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self.connection = http.client.HTTPConnection(HOST, port, timeout=120)
        self.headers = dict(headers)

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            reply = self._send(method, path, body)
        except ConnectionError:  # the server closes a connection that was idle for two seconds
            self.connection.close()
            reply = self._send(method, path, body)
        content = reply.read()
        if reply.status >= 400:
            raise RuntimeError(f"{method} {path} answered {reply.status}: {content[:500]!r}")
        return content

    def _send(self, method: str, path: str, body: bytes | None) -> http.client.HTTPResponse:
        self.connection.request(method, path, body, self.headers)
        return self.connection.getresponse()

    def calls(self, method: str, path: str, bodies: Sequence[bytes | None]) -> list[Callable[[], bytes]]:
        return [lambda body=body: self.call(method, path, body) for body in bodies]  # type: ignore[misc]


class Service:
    """Gunicorn on a port of its own, from the first time that somebody asks for it."""

    def __init__(self, key: str, session: str) -> None:
        self.key, self.session = key, session
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.stack = ExitStack()

    def start(self) -> None:
        if self.process is None:
            env = {"DATABASE_POOL": str(WEB_THREADS), "DATABASE_URL": os.environ["DATABASE_URL"]}
            self.process = self.stack.enter_context(running(web(self.port), env))
            wait_for(lambda: answers(self.port), self.process)

    def stop(self) -> None:
        self.stack.close()

    def integrator(self) -> Client:
        """A client with an API key of every scope."""
        self.start()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return Client(self.port, headers)

    def staff(self) -> Client:
        """A browser in which an Admin is logged in."""
        self.start()
        return Client(self.port, {"Cookie": self.session})

    def memory(self) -> int | None:
        """The peak of the largest web process."""
        peaks = [peak_memory(pid) for pid in children(self.process.pid)] if self.process else []
        return max((peak for peak in peaks if peak is not None), default=None)


@contextmanager
def worker() -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker with two processes for all queues."""
    with running(background()["worker"], {}) as process:
        yield process


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(true: Callable[[], Any], process: "subprocess.Popen[bytes] | None" = None) -> None:
    """Return once something is so. Raises RuntimeError when it takes a minute, or when `process` ends before."""
    deadline = time.monotonic() + START_WITHIN
    while not true():
        if time.monotonic() > deadline or (process is not None and process.poll() is not None):
            raise RuntimeError("a process of the platform did not come up")
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """The processes that a process has started; none where the system does not tell."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
