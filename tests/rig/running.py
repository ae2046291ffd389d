"""The platform as `make run` runs it, by the same code, on throw-away servers; and the looks at it from outside."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
import requests

from crm.embedded.console import Console
from crm.embedded.processes import Processes
from crm.embedded.programs import CELERY, background, manage
from crm.embedded.run import Group
from crm.embedded.servers import HOST, free_port
from crm.embedded.supervisor import Service, Supervisor
from tests.rig.events import TENANT

UNLIMITED = {"read": 10**6, "write": 10**6, "events": 10**6}
KEPT = ("PATH", "HOME", "LANG")
WIDER = 3 if os.environ.get("CI") else 1  # liveness bounds are no timed tests
STAFF, PASSWORD = "rig@rig.example", "a rig is no place for secrets"
SCOPES = "crm:read,crm:write,crm:admin,crm:events"


class Failure(AssertionError):
    """The platform broke a promise; the text is the witness's."""


class Running(Group):
    """Everything under one terminal. Whoever waits calls `wait`, which restarts the dead."""

    def __init__(self, directory: Path, processes: Processes, seed: int) -> None:
        environ = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.log = (directory / "platform.log").open("a")
        environ |= {"PORT": str(free_port()), "LOG_FORMAT": "json", "RIG_POISON": str(directory / "poison")}
        super().__init__(environ, directory, Supervisor(processes, Console(self.log, colour=False)))
        self.seed, self.dice = seed, random.Random(seed)
        self.faults: list[tuple[float, str]] = []
        self.runs, self.whole_since = 0, 0.0  # a moment of the monotonic clock; inf while a server is away
        self.journal = directory / "journal"
        self.journal.mkdir()
        self.samplers: list[Callable[[], None]] = []

    # --- life
    def start(self) -> None:
        self.supervisor.listen()
        self.env = self.start_servers()
        web = self.start_web()
        self.manage("migrate", "--no-input")
        tenant = ("create_tenant", "--slug", TENANT, "--name", "Rig Group", "--admin-email", STAFF)
        env, self.env = self.env, {**self.env, "FIRST_PASSWORD": PASSWORD}
        self.manage(*tenant)
        self.env = env
        self.key = self.make_key("rig")
        self.wait_for_answer(web)
        for name, command in background().items():
            self.supervisor.start(self.service(name, command))
        self.session = self.log_in()
        self.until(lambda: self.health()["status"] == "ok", within=90, what="everything shows signs of life")

    def make_key(self, name: str) -> str:
        """A key of the API that may do everything, as often as it likes."""
        key = self.manage("create_api_key", "--tenant", TENANT, "--name", name, "--scopes", SCOPES)
        with self.database() as database:
            database.execute("UPDATE tenancy_apikey SET limits = %s", [json.dumps(UNLIMITED)])
        return key.splitlines()[-1]

    def service(self, name: str, command: Sequence[str], **options: Any) -> Service:
        """The platform's own programs, with the rig's ways to die in web and worker."""
        if name == "web":
            command = ["tests.rig.wsgi:load()" if part == "crm.wsgi" else part for part in command]
        elif name == "worker":
            command = [*command, "--include", "tests.rig.poison"]
        return super().service(name, command, **options)

    def run_task(self, name: str) -> None:
        """Send a task as beat would, out of turn."""
        process = self.processes.spawn([*CELERY, "call", name], output=subprocess.PIPE, env=self.env)
        self.supervisor.finish(name, process)

    def wait(self, seconds: float) -> None:
        """Let time pass while the supervisor does its work."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.supervisor.tick(min(left, 0.1))
            for sample in self.samplers:
                sample()

    def until(self, true: Callable[[], object], *, within: float, what: str) -> float:
        """Wait until something is so; the seconds it took. Raises Failure when it takes longer than `within`."""
        began = time.monotonic()
        while not _quietly(true):
            if time.monotonic() - began > within * WIDER:
                raise Failure(f"after {within * WIDER:.0f} s it is still not so that {what}")
            self.wait(0.1)
        return time.monotonic() - began

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Clients at work; at the end each has heard the answer to everything it asked for."""
        self.runs += 1
        config = self.var / f"load{self.runs}.json"
        facts = {"name": f"{self.seed:x}r{self.runs}", "url": self.url, "redis": self.env["REDIS_URL"], "key": self.key,
                 "session": self.session, "journal": str(self.journal)}  # fmt: skip
        config.write_text(json.dumps(facts))
        process = self.processes.spawn(
            [sys.executable, "-m", "tests.rig.load", str(config)], output=self.log, env=self.environ
        )
        try:
            yield
        finally:
            process.terminate()
            self.until(lambda: process.poll() is not None, within=450, what="the clients have their answers")
            self.processes.bury(process)
        if process.returncode:
            failed = self.journal / f"failed.{facts['name']}.json"
            raise Failure(f"clients gave up: {failed.read_text() if failed.exists() else process.returncode}")

    # --- looking
    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def database(self, role: str = "fairway_owner") -> "psycopg.Connection[Any]":
        """A connection of the witness's own."""
        parts = urlsplit(self.env["DATABASE_URL"])
        netloc = f"{role}@{parts.hostname}:{parts.port}"
        return psycopg.connect(urlunsplit(parts._replace(netloc=netloc)), autocommit=True, connect_timeout=5)

    def rows(self, sql: str, *params: Any) -> list[Any]:
        with self.database() as database:
            return database.execute(sql, params).fetchall()  # type: ignore[arg-type]

    def valkey(self) -> Any:
        return redis.Redis.from_url(self.env["REDIS_URL"], socket_timeout=5)

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", headers=headers, timeout=30, allow_redirects=False)

    def post(self, path: str, body: Any, **headers: Any) -> requests.Response:
        own = {"Authorization": f"Bearer {self.key}", **headers}
        return requests.post(f"{self.url}{path}", json=body, headers=own, timeout=30)

    def health(self) -> Any:
        return self.get("/health").json()

    def metric(self, name: str) -> list[float]:
        """The values of a metric, whatever its labels."""
        lines = self.get("/metrics").text.splitlines()
        return [
            float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        ]

    def doctor(self) -> str:
        """What `manage.py doctor` prints."""
        process = self.processes.spawn(manage("doctor"), output=subprocess.PIPE, env=self.env)
        printed: list[str] = []
        assert process.stdout is not None
        pipe = self.supervisor.read(process.stdout, printed.append)
        self.until(lambda: pipe.closed, within=60, what="the doctor is done")
        self.processes.bury(process)
        return "\n".join(printed)

    def log_in(self) -> str:
        """Log in by the form, as staff do; the session's cookie."""
        browser = requests.Session()
        form = browser.get(f"{self.url}/admin/login/", timeout=30)
        data = {"username": STAFF, "password": PASSWORD, "next": "/admin/",
                "csrfmiddlewaretoken": browser.cookies["fairway_csrf"]}  # fmt: skip
        reply = browser.post(
            form.url, data=data, headers={"Referer": form.url}, timeout=30, allow_redirects=False
        )
        if reply.status_code != 302:
            raise Failure(f"logging in answered {reply.status_code}")
        return browser.cookies["fairway_session"]

    def note(self, fault: str) -> None:
        self.faults.append((time.time(), fault))
        self.console.line("rig", f"{time.time():.3f} {fault}")


def _quietly(true: Callable[[], object]) -> object:
    """Whether something is so; while a server is away nobody can say so."""
    try:
        return true()
    except (psycopg.Error, redis.RedisError, requests.RequestException):
        return False
