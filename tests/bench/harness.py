"""How contestants are measured: each in processes of its own, in turns, several rounds, the median."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from django.db import connections


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work of a row.

    work:      does one round's work; what it returns is collected (a list of seconds where latency is asked).
    amount:    how much one round is, for a rate; contestants of other speeds may have other amounts.
    prepare:   sets one round's work up, outside of the time; it runs in the first process, and what it returns is
               handed to `work` there, None to the `work` of the others.
    processes: how many do it at once, each with connections of its own.
    memory:    peak bytes of whoever does the work where that is not the process that asks for it.
    database:  the name of another database than the benchmark's.
    """

    name: str
    work: Callable[[Any], Any]
    amount: int = 0
    prepare: Callable[[], Any] = lambda: None
    processes: int = 1
    memory: Callable[[], int | None] | None = None
    database: str = ""


@dataclass(slots=True)
class Laps:
    """What one contestant did: seconds of every round, what `work` returned, peak bytes of a process."""

    amount: int
    seconds: list[float] = field(default_factory=list)
    returned: list[Any] = field(default_factory=list)
    peak: int | None = None

    def rates(self) -> list[float]:
        return [self.amount / seconds for seconds in self.seconds]

    def quantiles(self, share: float) -> list[float]:
        """One figure a round, in milliseconds, of work that returned a list of seconds."""
        return [1000 * quantile(sample, share) for sample in self.returned]


def race(contestants: Sequence[Contestant], *, rounds: int) -> dict[str, Laps]:
    """Run every contestant in turns, another one first each round, after one round that does not count."""
    for connection in connections.all():
        connection.close()  # a connection can't be shared with the processes made here
    runners = {contestant.name: _Runner(contestant) for contestant in contestants}
    laps = {contestant.name: Laps(contestant.amount) for contestant in contestants}
    try:
        for number in range(rounds + 1):
            first = number % len(contestants)
            for contestant in (*contestants[first:], *contestants[:first]):
                seconds, returned = runners[contestant.name].lap()
                if number:
                    laps[contestant.name].seconds.append(seconds)
                    laps[contestant.name].returned.append(returned)
        for contestant in contestants:
            own = runners[contestant.name].peak()
            laps[contestant.name].peak = contestant.memory() if contestant.memory else own
    finally:
        for runner in runners.values():
            runner.stop()
    return laps


class _Runner:
    """The processes of one contestant."""

    def __init__(self, contestant: Contestant) -> None:
        fork = multiprocessing.get_context("fork")
        self.pipes: list[Connection] = []
        self.processes = []
        for index in range(contestant.processes):
            here, there = fork.Pipe()
            process = fork.Process(target=_serve, args=(there, contestant, index == 0), daemon=True)
            process.start()
            there.close()
            self.pipes.append(here)
            self.processes.append(process)

    def lap(self) -> tuple[float, Any]:
        """Prepare, then let all start at once; seconds until the last is done, and what the first returned."""
        for pipe in self.pipes:
            pipe.send(True)
            _answer(pipe)
        start = time.perf_counter()
        for pipe in self.pipes:
            pipe.send(True)
        answers = [_answer(pipe) for pipe in self.pipes]
        return time.perf_counter() - start, answers[0]

    def peak(self) -> int | None:
        peaks = [peak_memory(process.pid or 0) for process in self.processes]
        return max((peak for peak in peaks if peak is not None), default=None)

    def stop(self) -> None:
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            with suppress(OSError):
                pipe.send(False)
            process.join(10)
            process.kill()


def _answer(pipe: Connection) -> Any:
    answer = pipe.recv()
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _serve(pipe: Connection, contestant: Contestant, is_first: bool) -> None:
    """The life of a contestant's process: prepare when told, work when told, until it is told to stop."""
    if contestant.database:
        connections["default"].settings_dict["NAME"] = contestant.database
    try:
        while pipe.recv():
            prepared = contestant.prepare() if is_first else None
            pipe.send(None)
            pipe.recv()
            pipe.send(contestant.work(prepared))
    except KeyboardInterrupt:
        pass
    except BaseException as error:
        pipe.send(RuntimeError(f"{contestant.name}: {type(error).__name__}: {error}"))
        raise


def peak_memory(pid: int) -> int | None:
    """The most bytes a process ever had in memory; None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)


def timed(calls: Sequence[Callable[[], Any]]) -> list[float]:
    """Seconds that each call took."""
    found = []
    for call in calls:
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return found


def quantile(sample: Sequence[float], share: float) -> float:
    """The value that `share` of the sample do not exceed."""
    ordered = sorted(sample)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(sample: Sequence[float]) -> float:
    return statistics.median(sample)
