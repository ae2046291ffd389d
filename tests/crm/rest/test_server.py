"""The API behind the real web server: bodies as they come over a wire, and answers that never arrive."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from crm.embedded.programs import web
from customers.models import CustomerProfile
from tests.servers import beside, eventually

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1024 * 1024


class Server:
    """Gunicorn as `make run` starts it, on a port of its own, with one API key."""

    def __init__(self, key: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api/v1"
        self.key = key
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = beside(*web(self.port)[1:])
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/nothing", timeout=5).status_code == 404
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        """No goodbye: the master and its workers, at once."""
        assert self.process is not None
        workers = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in [self.process.pid, *map(int, workers)]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def post(self, path: str, data: Any, **headers: str) -> requests.Response:
        own = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
        return requests.post(f"{self.url}/{path}", data=data, headers=own, timeout=30)

    def send_only(self, path: str, body: bytes, *, length: int | None = None, **headers: str) -> None:
        """Send a request and hang up without reading the answer."""
        lines = {"Host": "127.0.0.1", "Authorization": f"Bearer {self.key}", "Content-Type": "application/json",
                 "Content-Length": str(len(body) if length is None else length), **headers}  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(f"POST /api/v1/{path} HTTP/1.1\r\n{head}\r\n".encode() + body)


@pytest.fixture
def server(api) -> Iterator[Server]:
    server = Server(api.key)
    server.start()
    yield server
    server.kill()


def chunks(size: int) -> Iterator[bytes]:
    yield b'{"email": "a@example.com", "customerNotes": "'
    for _ in range(size // 1000):
        yield b"x" * 1000
    yield b'"}'


def test_bodies_come_whole_or_in_chunks_and_too_large_ones_are_told_so(server):
    assert server.post("customers", b'{"email": "b@example.com"}').status_code == 201
    assert server.post("customers", chunks(10_000)).status_code == 201
    for body in (b"x" * 5 * MB, chunks(2 * MB)):
        reply = server.post("customers", body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert server.post("events", b" " * 5 * MB).status_code == 413
    server.send_only("customers", b'{"email": "c@example.com"}', length=1000)
    time.sleep(0.5)
    assert sorted(CustomerProfile.objects.values_list("email", flat=True)) == [
        "a@example.com",
        "b@example.com",
    ]


def test_a_caller_that_never_heard_the_answer_gets_it_by_asking_again(server):
    server.send_only("customers", b'{"email": "a@example.com"}', **{"Idempotency-Key": "k"})
    eventually(CustomerProfile.objects.exists)
    reply = server.post("customers", b'{"email": "a@example.com"}', **{"Idempotency-Key": "k"})
    assert (reply.status_code, reply.headers["Idempotency-Replayed"]) == (201, "true")
    assert CustomerProfile.objects.count() == 1


@pytest.mark.proof
def test_a_web_server_killed_at_any_moment_leaves_one_object_and_its_answer(server):
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    dice = random.Random(seed)
    for round_ in range(20):
        body = f'{{"email": "round{round_}@example.com"}}'.encode()
        server.send_only("customers", body, **{"Idempotency-Key": f"k{round_}"})
        time.sleep(dice.uniform(0, 0.04))
        server.kill()
        server.start()
        replies = [server.post("customers", body, **{"Idempotency-Key": f"k{round_}"}) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [201, 201], (seed, replies[0].text)
        assert replies[0].content == replies[1].content
        assert CustomerProfile.objects.count() == round_ + 1, seed
