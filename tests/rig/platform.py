"""The platform as `make run` runs it, by the same code, on throw-away servers; and what can be done to it."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
import requests

from crm.embedded.console import Console
from crm.embedded.guardian import is_running
from crm.embedded.processes import Process, Processes
from crm.embedded.programs import background, manage
from crm.embedded.run import Group
from crm.embedded.servers import HOST, free_port
from crm.embedded.supervisor import SOUND_AFTER, Supervisor
from tests.rig.events import TENANT

OURS = ("web", "worker", "consumer", "beat")
UNLIMITED = {"read": 10**6, "write": 10**6, "events": 10**6}
KEPT = ("PATH", "HOME", "LANG")
WIDER = 3 if os.environ.get("CI") else 1  # liveness bounds are no timed tests
STAFF, PASSWORD = "rig@rig.example", "a rig is no place for secrets"


class Failure(AssertionError):
    """The platform broke a promise; the text is the witness's."""


class Rig(Group):
    """Everything under one terminal, and a hand to break it. Whoever waits calls `wait`, which restarts the dead."""

    def __init__(self, directory: Path, processes: Processes, seed: int) -> None:
        environ = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.log = (directory / "platform.log").open("a")
        environ |= {"PORT": str(free_port()), "LOG_FORMAT": "json", "RIG_POISON": str(directory / "poison")}
        super().__init__(environ, directory, Supervisor(processes, Console(self.log, colour=False)))
        self.seed, self.dice = seed, random.Random(seed)
        self.faults: list[tuple[float, str]] = []
        self.runs = 0
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
        self.key = self.manage(
            *("create_api_key", "--tenant", TENANT, "--name", "rig"),
            *("--scopes", "crm:read,crm:write,crm:admin,crm:events"),
        ).splitlines()[-1]
        with self.database() as database:
            database.execute("UPDATE tenancy_apikey SET limits = %s", [json.dumps(UNLIMITED)])
        self.wait_for_answer(web)
        for name, command in background().items():
            poisonable = (*command, "--include", "tests.rig.poison") if name == "worker" else command
            self.supervisor.start(self.service(name, poisonable))
        self.session = self.log_in()
        self.until(lambda: self.health()["status"] == "ok", within=90, what="everything shows signs of life")

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

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
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

    # --- processes
    def process(self, name: str) -> Process:
        """The process of a service, once the supervisor has it up."""
        service = self.supervisor.services[name]
        self.until(lambda: service.process is not None, within=60, what=f"{name} runs")
        assert service.process is not None
        return service.process

    def family(self, name: str) -> list[int]:
        """A process and its children."""
        pid = self.process(name).pid
        return [pid, *children(pid)]

    def pids(self) -> dict[str, int]:
        return {name: self.process(name).pid for name in OURS}

    def signal(self, name: str, number: int) -> None:
        """Signal a process; the supervisor takes each death as the first, as it would after a minute of peace."""
        process = self.process(name)
        self.supervisor.services[name].born_at -= SOUND_AFTER
        self.note(f"{signal.Signals(number).name} {name} {process.pid}")
        process.send_signal(number)

    def kill(self, name: str) -> None:
        """kill -9, and its children with it once the supervisor has seen it."""
        service, process = self.supervisor.services[name], self.process(name)
        self.signal(name, signal.SIGKILL)
        self.until(lambda: service.process is not process, within=10, what=f"{name} is buried")

    def kill_child(self, name: str) -> None:
        found = children(self.process(name).pid)
        if found:
            pid = self.dice.choice(found)
            self.note(f"SIGKILL a child of {name} {pid}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A process and its children that are there and do nothing."""
        pids = self.family(name)
        self.note(f"SIGSTOP {name} {pids}")
        _signal_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            self.note(f"SIGCONT {name}")
            _signal_all(pids, signal.SIGCONT)

    @contextlib.contextmanager
    def without(self, name: str) -> Iterator[None]:
        """A server or process that is stopped and that nobody restarts meanwhile."""
        service, process = self.supervisor.services[name], self.process(name)
        self.note(f"stop {name}")
        self.supervisor.processes.stop(process, patience=service.patience, wait=self.supervisor.pump)
        service.process = None
        try:
            yield
        finally:
            self.note(f"start {name}")
            self.supervisor.launch(service)

    # --- servers
    def crash_postgres(self) -> None:
        """As `pg_ctl restart -m immediate`: no goodbye, then recovery from the log."""
        self.signal("postgres", signal.SIGQUIT)

    def end_all_sessions(self) -> None:
        self.note("pg_terminate_backend of all")
        with self.database("postgres") as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = 'fairway_app' AND pid <> pg_backend_pid()"
            )

    def flush_redis(self) -> None:
        """FLUSHALL, and in the same instant the entries of crm-events that were acknowledged before it."""
        self.remember_acknowledged(then_flush=True)
        self.note("FLUSHALL")

    def lose_redis(self) -> None:
        """kill -9 of a Redis that keeps nothing on disk."""
        self.remember_acknowledged()
        process = self.process("valkey")
        self.kill("valkey")
        self.until(lambda: not is_running(process.pid), within=10, what="Valkey is dead")
        shutil.rmtree(self.var / "valkey" / "appendonlydir", ignore_errors=True)

    def remember_acknowledged(self, *, then_flush: bool = False) -> None:
        """Note which entries the consumers have acknowledged: those are promised, the others die with Redis."""
        with self.valkey().pipeline(transaction=True) as pipeline:
            pipeline.xinfo_groups("crm-events")
            pipeline.xpending_range("crm-events", "fairway", "-", "+", 100_000)
            if then_flush:
                pipeline.flushall()
            groups, pending, *_ = pipeline.execute(raise_on_error=False)
        if isinstance(groups, Exception) or isinstance(pending, Exception) or not groups:
            last, held = "0-0", []
        else:
            last = groups[0]["last-delivered-id"].decode()
            held = [entry["message_id"].decode() for entry in pending]
        with (self.journal / "acknowledged.jsonl").open("a") as file:
            file.write(json.dumps({"at": time.time(), "last": last, "held": held}) + "\n")

    def note(self, fault: str) -> None:
        self.faults.append((time.time(), fault))
        self.console.line("rig", f"{time.time():.3f} {fault}")


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _quietly(true: Callable[[], object]) -> object:
    """Whether something is so; while a server is away nobody can say so."""
    try:
        return true()
    except (psycopg.Error, redis.RedisError, requests.RequestException):
        return False
