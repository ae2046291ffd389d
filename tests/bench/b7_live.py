"""B7: from a change of somebody to their being in a live segment, with two hundred of those; what touches cost."""

import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection, connections

from crm.tenancy.models import Tenant
from crm.tenancy.rows import select
from crm.tenancy.scope import tenant_scope
from segments import live, membership
from segments.models import SegmentTouch
from segments.services import create_segment
from tests.bench.b2_processing import UNTIL_DONE, contestant
from tests.bench.context import Bench, populated
from tests.bench.database import create
from tests.bench.harness import quantile, race
from tests.bench.measure import OURS, Goal, Measure
from timeline.ingestion import process_due

SEGMENTS, RATE, SECONDS = 200, 200, 20  # a second, at a tenth of the full scale
AT_MOST = 5
FLIP = """
    UPDATE customers_customerprofile SET is_vip = NOT is_vip WHERE tenant_id = %s AND scl_member_id = %s RETURNING id
"""
NEWEST = "SELECT coalesce(max(id), 0) AS id FROM segments_membershipchange WHERE tenant_id = %s"
NEWER = """
    SELECT id, customer_id FROM segments_membershipchange
    WHERE tenant_id = %s AND segment_id = %s AND id > %s ORDER BY id
"""
TIERS = ("Gold", "Silver", "Weekday", "Junior")
TRIGGERS = """
    SELECT format('DROP TRIGGER %I ON %I', tgname, tgrelid::regclass) FROM pg_trigger
    WHERE NOT tgisinternal AND tgname LIKE 'segments_%'
"""


def measure(bench: Bench) -> Iterator[Measure]:
    with tenant_scope(bench.tenant):
        watched = [_segment(number) for number in range(SEGMENTS)][0]
        SegmentTouch.objects.all().delete()
    rate = RATE * min(1.0, bench.scale / 0.1)
    seconds = _delays(bench, watched, rate)
    details = {"rate": rate, "changes": len(seconds), "median": statistics.median(seconds)}
    yield Measure(
        "B7", f"change visible among {SEGMENTS} live segments at {rate:g}/s, p95", "s",
        {OURS: [quantile(seconds, 0.95)]}, [Goal(at_most=AT_MOST)], details=details,
    )  # fmt: skip
    yield _cost(bench)


def _segment(number: int) -> Any:
    """The first is of VIPs; the others ask a few things of everybody, some of rows."""
    rules: list[dict[str, Any]] = [{"field": "isVip", "operator": "eq", "value": True}]
    if number:
        rules = [
            {"field": "membershipTier", "operator": "eq", "value": TIERS[number % 4]},
            {"field": "lifetimeValue", "operator": "gte", "value": 1000 * number},
            {"field": "activityCount30d", "operator": "lte", "value": number},
        ]
    if number % 4 == 3:
        within = {"amount": number, "unit": "days"}
        where = [{"field": "type", "operator": "eq", "value": "TEETIME_BOOKED"},
                 {"field": "occurredAt", "operator": "inLast", "value": within}]  # fmt: skip
        rules.append({"relation": "activities", "where": where, "operator": "gte", "value": 1})
    segment = create_segment(f"Live {number}", by="key:bench", criteria=rules)
    membership.refresh(segment.pk)
    return segment.pk


def _delays(bench: Bench, watched: Any, rate: float) -> list[float]:
    """Seconds from the commit of each change to that of the batch that saw it."""
    changed: deque[tuple[Any, float]] = deque()
    over = threading.Event()

    def change() -> None:
        chance, began = Random(1), time.perf_counter()  # noqa: S311 - a shuffle
        try:
            with tenant_scope(bench.tenant):
                for number in range(round(rate * SECONDS)):
                    time.sleep(max(0.0, began + number / rate - time.perf_counter()))
                    (row,) = select(FLIP, [bench.tenant.pk, 1 + chance.randrange(bench.people)])
                    changed.append((row["id"], time.perf_counter()))
        finally:
            over.set()
            connections.close_all()

    thread = threading.Thread(target=change)
    thread.start()
    seconds, last = [], 0
    with tenant_scope(bench.tenant):
        (newest,) = select(NEWEST, [bench.tenant.pk])
        last = newest["id"]
        waiting: dict[Any, list[float]] = {}
        while not over.is_set() or SegmentTouch.objects.exists():
            batch = live.follow_batch()
            done = time.perf_counter()
            while changed:
                pk, at = changed.popleft()
                waiting.setdefault(pk, []).append(at)
            for row in select(NEWER, [bench.tenant.pk, watched, last]):
                last = row["id"]
                seconds += [done - at for at in waiting.pop(row["customer_id"], [])]
            if not batch.people:
                time.sleep(0.2)  # a worker is asked every second, or by itself where more is left
    thread.join()
    return seconds


def _cost(bench: Bench) -> Measure:
    """Processing events with the triggers that write touches, and without them, in turns."""
    without = _without_triggers(bench)
    laps = race(
        [
            contestant(bench, OURS, lambda _: process_due(bench.tenant, budget_seconds=UNTIL_DONE)),
            contestant(
                without, "untouched", lambda _: process_due(without.tenant, budget_seconds=UNTIL_DONE),
                database=_name(),
            ),
        ],
        rounds=bench.rounds,
    )  # fmt: skip
    ratios = [own / other for own, other in zip(laps["untouched"].rates(), laps[OURS].rates(), strict=True)]
    details = {"with": laps[OURS].rates(), "without": laps["untouched"].rates()}
    return Measure(
        "B7", "cost of an event with touches over without", "×", {OURS: ratios}, [], details=details
    )


def _name() -> str:
    return f"{urlsplit(os.environ['DATABASE_URL']).path.strip('/')}_untouched"


def _without_triggers(bench: Bench) -> Bench:
    """A database like the benchmark's own whose changes touch nobody."""
    owner = os.environ["MIGRATION_DATABASE_URL"]
    create(owner, _name(), template=os.environ["BENCH_TEMPLATE"])
    with psycopg.connect(owner, dbname=_name(), autocommit=True) as database:
        for (statement,) in database.execute(TRIGGERS).fetchall():
            database.execute(statement)
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = _name()
    try:
        tenant: Tenant = populated(bench.people)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
    return Bench(bench.scale, bench.rounds, tenant, bench.people, bench.service)
