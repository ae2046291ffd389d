"""B2: waiting events of the inbox turned into people, timelines, counters and news."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import connection

from tests.bench import processing_limit, processing_naive
from tests.bench.context import Bench
from tests.bench.harness import Contestant, quantile, race
from tests.bench.measure import LIMIT, NAIVE, OURS, Goal, Measure
from tests.bench.service import Client, wait_for, worker
from timeline.ingestion import process_due

AMOUNTS = {OURS: 2000, LIMIT: 5000, NAIVE: 500}  # about a second's work of one process
MANY = 4
UNTIL_DONE = 3600.0
BACKLOG = 1_000_000  # at BENCH_SCALE=1
URGENT = 20
PAUSE = 0.1
STATE = (
    "SELECT status FROM timeline_inboundevent WHERE tenant_id = %s AND source = 'messaging' AND event_id = %s"
)
WAITING = "SELECT 1 FROM timeline_inboundevent WHERE tenant_id = %s AND is_waiting LIMIT 1"


def measure(bench: Bench) -> Iterator[Measure]:
    yield _processing(bench, 1, [Goal(LIMIT, at_least=0.4)])
    yield _processing(bench, MANY, [Goal(NAIVE, at_least=5)])
    yield _urgent(bench)


def _processing(bench: Bench, processes: int, goals: list[Goal]) -> Measure:
    ways: dict[str, Callable[[Any], Any]] = {
        OURS: lambda _: process_due(bench.tenant, budget_seconds=UNTIL_DONE),
        LIMIT: lambda _: processing_limit.process_all(bench.tenant),
        NAIVE: lambda _: processing_naive.process_all(bench.tenant),
    }
    laps = race(
        [contestant(bench, name, work, processes=processes) for name, work in ways.items()],
        rounds=bench.rounds,
    )
    plural = "es" if processes > 1 else ""
    return Measure(
        "B2",
        f"event processing, {processes} process{plural}",
        "events/s",
        {name: lap.rates() for name, lap in laps.items()},
        goals,
        {name: lap.peak for name, lap in laps.items()},
    )


def contestant(
    bench: Bench, name: str, work: Callable[[Any], Any], *, processes: int = 1, database: str = ""
) -> Contestant:
    """Someone who works off a batch that has just arrived."""
    amount = bench.amount(AMOUNTS.get(name, AMOUNTS[OURS]), least=60) * processes
    arrive = partial(_arrive, bench, amount, bench.numbers(amount))
    return Contestant(name, work, amount, arrive, processes, database=database)


def _arrive(bench: Bench, amount: int, number: Callable[[], int]) -> None:
    bench.traffic.arrive(number(), amount)


# --- what is urgent
def _urgent(bench: Bench) -> Measure:
    """From the POST of an opt-out to its effect, while a worker has a backlog to work off."""
    backlog = round(max(BACKLOG * bench.scale, bench.amount(10_000, least=500)))
    bench.traffic.arrive(bench.numbers(backlog)(), backlog)
    client = bench.service.integrator()
    with worker() as process:
        _post(client, "warm-up", person=1)
        wait_for(partial(_is_done, bench, "warm-up"), process)
        seconds = list(_delays(bench, client))
        wait_for(lambda: not _answer(WAITING, [bench.tenant.pk]), process)
    return Measure(
        "B2",
        "urgent event visible during a backlog, p95",
        "s",
        {OURS: [quantile(seconds, 0.95)]},
        [Goal(at_most=2)],
        details={"backlog": backlog, "seconds": seconds},
    )


def _delays(bench: Bench, client: Client) -> Iterator[float]:
    """Seconds until each urgent event has counted; the first one counts even when the backlog was short."""
    for number in range(bench.amount(URGENT, least=2)):
        if number and not _answer(WAITING, [bench.tenant.pk]):
            return
        start = time.perf_counter()
        _post(client, f"urgent-{number}", person=number)
        wait_for(partial(_is_done, bench, f"urgent-{number}"))
        yield time.perf_counter() - start
        time.sleep(PAUSE)


def _post(client: Client, event_id: str, *, person: int) -> None:
    event = {
        "id": event_id, "type": "contactPreference.updated", "source": "messaging",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "identity": {"messagingContactId": f"contact-{person}"}, "payload": {"emailOptIn": False},
    }  # fmt: skip
    client.call("POST", "/api/v1/events", json.dumps(event).encode())


def _is_done(bench: Bench, event_id: str) -> bool:
    return _answer(STATE, [bench.tenant.pk, event_id]) == ("SUCCESS",)


def _answer(query: str, params: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchone()
