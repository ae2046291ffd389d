"""B4: pages of 50 of the longest timeline, the first and the hundredth."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.rest.paging import Walk, walk
from crm.tenancy.scope import tenant_scope
from tests.bench.context import Bench
from tests.bench.harness import Contestant, Laps, race, timed
from tests.bench.measure import LIMIT, NAIVE, OURS, Goal, Measure
from tests.bench.population import BUSY, find_person
from tests.bench.service import Client
from tests.bench.statements import connect
from timeline.listing import TIMELINE, entries_of
from timeline.models import Activity

TAKE = 50
FAR = 100
COLUMNS = ", ".join(f.column for f in Activity._meta.concrete_fields)
FIRST = f"""
    SELECT {COLUMNS} FROM timeline_activity WHERE tenant_id = %(tenant)s AND customer_id = %(customer)s
    ORDER BY occurred_at DESC, id DESC LIMIT {TAKE + 1}
"""
NEXT = f"""
    SELECT {COLUMNS} FROM timeline_activity
    WHERE tenant_id = %(tenant)s AND customer_id = %(customer)s AND (occurred_at, id) < (%(at)s, %(pk)s)
    ORDER BY occurred_at DESC, id DESC LIMIT {TAKE + 1}
"""
SKIPPING = f"""
    SELECT {COLUMNS} FROM timeline_activity WHERE tenant_id = %(tenant)s AND customer_id = %(customer)s
    ORDER BY occurred_at DESC LIMIT {TAKE} OFFSET %(skip)s
"""
TOTAL = "SELECT count(*) FROM timeline_activity WHERE tenant_id = %(tenant)s AND customer_id = %(customer)s"


def measure(bench: Bench) -> Iterator[Measure]:
    customer = find_person(bench.tenant, BUSY)
    pages = {1: "", FAR: _cursor_of(bench, customer)}
    for page, cursor in pages.items():
        yield _sql(bench, customer, page, cursor)
    yield from _over_http(bench, customer)


def _cursor_of(bench: Bench, customer: uuid.UUID) -> str:
    """Where the hundredth page starts."""
    with tenant_scope(bench.tenant):
        cursor = ""
        for _ in range(FAR - 1):
            cursor = _page(customer, cursor).next_cursor or ""
    return cursor


def _page(customer: uuid.UUID, cursor: str) -> Walk:
    return walk(entries_of(customer, {}), TIMELINE, cursor=cursor, take=TAKE)


def _sql(bench: Bench, customer: uuid.UUID, page: int, cursor: str) -> Measure:
    """The statements alone, each sent as its owner sends it: ours as text, the others prepared."""
    amount = bench.amount(100, least=5)
    with tenant_scope(bench.tenant):
        statement = _statement(customer, cursor)
        rows = _page(customer, cursor).rows
    params: dict[str, Any] = {"tenant": bench.tenant.pk, "customer": customer, "skip": (page - 1) * TAKE}
    by_hand = FIRST
    if cursor:
        by_hand, newer = NEXT, _entry_before(bench, customer, rows[0])
        params |= {"at": newer.occurred_at, "pk": newer.pk}
    ways: dict[str, Callable[[Any], None]] = {
        OURS: lambda connection: connection.execute(statement, prepare=False).fetchall(),
        LIMIT: lambda connection: connection.execute(by_hand, params).fetchall(),
        NAIVE: lambda connection: [
            connection.execute(query, params).fetchall() for query in (SKIPPING, TOTAL)
        ],
    }
    laps = race(
        [Contestant(name, timed, prepare=partial(_times, way, amount)) for name, way in ways.items()],
        rounds=bench.rounds,
    )
    return _line(f"timeline, page {page}: SQL, p50", laps, 0.5, [Goal(LIMIT, at_most=1.5)])


def _times(way: Callable[[Any], None], amount: int) -> list[Callable[[], Any]]:
    return [partial(way, connect())] * amount


def _statement(customer: uuid.UUID, cursor: str) -> str:
    with CaptureQueriesContext(connection) as queries:
        _page(customer, cursor)
    (query,) = queries.captured_queries
    return str(query["sql"])


def _entry_before(bench: Bench, customer: uuid.UUID, entry: Activity) -> Activity:
    with tenant_scope(bench.tenant):
        newer = Activity.objects.filter(customer_id=customer, occurred_at__gt=entry.occurred_at)
        found: Activity = newer.order_by("occurred_at", "pk")[0]
    return found


def _over_http(bench: Bench, customer: uuid.UUID) -> Iterator[Measure]:
    path = f"/api/v1/customers/{customer}/activities?take={TAKE}"
    far = _walk(bench.service.integrator(), path)
    amount = bench.amount(50, least=5)
    laps = race(
        [
            Contestant(
                name, timed, memory=bench.service.memory,
                prepare=lambda address=address: bench.service.integrator().calls("GET", address, [None] * amount),
            )
            for name, address in (("first", path), ("far", far))
        ],
        rounds=bench.rounds,
    )  # fmt: skip
    goals = [Goal(at_most=40)]
    yield _line("timeline, page 1 and its total: API, p95", {OURS: laps["first"]}, 0.95, goals)
    yield _line(f"timeline, page {FAR}: API, p95", {OURS: laps["far"]}, 0.95, goals)
    ratios = [
        far / first
        for far, first in zip(laps["far"].quantiles(0.5), laps["first"].quantiles(0.5), strict=True)
    ]
    operation = f"timeline, page {FAR} over page 1: API, p50"
    yield Measure("B4", operation, "×", {OURS: ratios}, [Goal(at_most=1.25)])


def _walk(client: Client, path: str) -> str:
    """The address of the hundredth page."""
    address = f"{path}&cursor="
    for _ in range(FAR - 1):
        address = f"{path}&cursor={json.loads(client.call('GET', address))['meta']['nextCursor']}"
    return address


def _line(operation: str, laps: Mapping[str, Laps], share: float, goals: list[Goal]) -> Measure:
    samples = {name: lap.quantiles(share) for name, lap in laps.items()}
    return Measure("B4", operation, "ms", samples, goals, {name: lap.peak for name, lap in laps.items()})
