"""What can be done to the platform: its processes and servers killed, frozen, taken away, emptied."""

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from crm.embedded.guardian import is_running
from crm.embedded.processes import Process
from crm.embedded.supervisor import SOUND_AFTER
from tests.rig.running import Failure, Running

__all__ = ["Failure", "Rig"]
OURS = ("web", "worker", "consumer", "beat")
SERVERS = ("postgres", "valkey")


class Rig(Running):
    """The running platform, and a hand to break it."""

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
        self.is_away(name)
        pids = self.family(name)
        self.note(f"SIGSTOP {name} {pids}")
        _signal_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            self.note(f"SIGCONT {name}")
            _signal_all(pids, signal.SIGCONT)
            self.is_back(name)

    @contextlib.contextmanager
    def without(self, name: str) -> Iterator[None]:
        """A server or process that is stopped and that nobody restarts meanwhile."""
        service, process = self.supervisor.services[name], self.process(name)
        self.is_away(name)
        self.note(f"stop {name}")
        self.supervisor.processes.stop(process, patience=service.patience, wait=self.supervisor.pump)
        service.process = None
        try:
            yield
        finally:
            self.note(f"start {name}")
            self.supervisor.launch(service)
            self.is_back(name)

    def is_away(self, name: str) -> None:
        if name in SERVERS:
            self.whole_since = float("inf")

    def is_back(self, name: str) -> None:
        """What waited while a server was away by our own hand was not stuck: it could not be worked on."""
        if name in SERVERS:
            self.whole_since = time.monotonic()

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


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
