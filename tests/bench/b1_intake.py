"""B1: events over HTTP into the inbox. 2xx means durable, so every contestant commits a batch before the next."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from psycopg import ClientCursor

from tests.bench.context import Bench
from tests.bench.harness import Contestant, race, timed
from tests.bench.measure import LIMIT, NAIVE, OURS, Goal, Measure
from tests.bench.service import Client
from tests.bench.statements import connect, expressions, insert_into
from tests.bench.traffic import EVENTS
from timeline.models import InboundEvent

BATCH = 500
CLIENTS = 4
# What a hand would write to store an event that it has not looked into.
VALUES = {
    "id": "id", "tenant_id": "tenant_id", "source": "source", "event_id": "event_id", "type": "type",
    "priority": "priority", "occurred_at": "at",
}  # fmt: skip
GIVEN = """FROM (SELECT %s::uuid, %s::uuid, %s, %s, %s, %s::int, %s::timestamptz)
    e (id, tenant_id, source, event_id, type, priority, at)"""
INSERT = insert_into(InboundEvent, VALUES, GIVEN)
INSERT_BODY = "INSERT INTO timeline_eventbody (event_id, tenant_id, raw) VALUES (%s, %s, %s)"
KEEP_ONE = f"""
    WITH kept AS ({INSERT} ON CONFLICT (tenant_id, source, event_id) DO NOTHING RETURNING id, tenant_id)
    INSERT INTO timeline_eventbody (event_id, tenant_id, raw) SELECT id, tenant_id, %s FROM kept
"""
IS_THERE = "SELECT 1 FROM timeline_inboundevent WHERE tenant_id = %s AND source = %s AND event_id = %s"
FIELDS = "id, %(tenant)s::uuid AS tenant_id, source, event_id, type, priority, at, raw"


def measure(bench: Bench) -> Iterator[Measure]:
    yield _batches(bench)
    yield _singles(bench)


def _batches(bench: Bench) -> Measure:
    amount = BATCH * bench.amount(12, least=2)
    few = bench.amount(500, least=10)
    bench.service.start()
    laps = race(
        [
            Contestant(
                OURS, _post_all, amount, partial(_bodies, bench, amount, bench.numbers(amount)),
                memory=bench.service.memory,
            ),
            Contestant(LIMIT, _copy_all, amount, partial(_blocks, bench, amount, bench.numbers(amount))),
            Contestant(NAIVE, _insert_all, few, partial(_rows, bench, few, bench.numbers(few))),
        ],
        rounds=bench.rounds,
    )  # fmt: skip
    return Measure(
        "B1",
        f"event intake over HTTP, batches of {BATCH}",
        "events/s",
        {name: lap.rates() for name, lap in laps.items()},
        [Goal(LIMIT, at_least=0.15), Goal(NAIVE, at_least=10)],
        {name: lap.peak for name, lap in laps.items()},
    )


def _singles(bench: Bench) -> Measure:
    amount = bench.amount(100, least=5)
    laps = race(
        [
            Contestant(
                OURS, timed, prepare=partial(_posts, bench, amount, bench.numbers(amount)),
                memory=bench.service.memory,
            ),
            Contestant(LIMIT, timed, prepare=partial(_keeps, bench, amount, bench.numbers(amount))),
        ],
        rounds=bench.rounds,
    )  # fmt: skip
    return Measure(
        "B1",
        "one event over HTTP, p95",
        "ms",
        {name: lap.quantiles(0.95) for name, lap in laps.items()},
        [Goal(at_most=30)],
        {name: lap.peak for name, lap in laps.items()},
    )


# --- ours
def _bodies(bench: Bench, amount: int, number: Callable[[], int]) -> list[tuple[Client, list[bytes]]]:
    """What each client is to post."""
    texts = bench.traffic.texts(number(), amount)
    bodies = [f"[{','.join(texts[i : i + BATCH])}]".encode() for i in range(0, amount, BATCH)]
    return [(bench.service.integrator(), bodies[i::CLIENTS]) for i in range(CLIENTS)]


def _post_all(shares: list[tuple[Client, list[bytes]]]) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(_post, client, bodies) for client, bodies in shares]:
            done.result()


def _post(client: Client, bodies: list[bytes]) -> None:
    for body in bodies:
        client.call("POST", "/api/v1/events", body)


def _posts(bench: Bench, amount: int, number: Callable[[], int]) -> list[Callable[[], Any]]:
    texts = bench.traffic.texts(number(), amount)
    client = bench.service.integrator()
    client.call("GET", "/api/v1/events?take=1")
    return client.calls("POST", "/api/v1/events", [text.encode() for text in texts])


# --- limit
def _blocks(bench: Bench, amount: int, number: Callable[[], int]) -> tuple[Any, list[tuple[bytes, bytes]]]:
    """The rows of each batch in COPY's own format."""
    connection = connect()
    sent = f"CREATE TEMP TABLE sent AS SELECT n, {FIELDS} FROM ({EVENTS}) e"
    ClientCursor(connection).execute(sent, bench.traffic.params(number(), amount))
    columns = ", ".join(expressions(InboundEvent, VALUES).values())
    first = connection.execute("SELECT min(n) FROM sent").fetchone()[0]
    found = []
    for start in range(first, first + amount, BATCH):
        rows = f"FROM sent WHERE n BETWEEN {start} AND {start + BATCH - 1}"
        queries = (f"SELECT {columns} {rows}", f"SELECT id, tenant_id, raw {rows}")
        found.append((_copied(connection, queries[0]), _copied(connection, queries[1])))
    return connection, found


def _copied(connection: Any, query: str) -> bytes:
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
        return b"".join(copy)


def _copy_all(prepared: tuple[Any, list[tuple[bytes, bytes]]]) -> None:
    connection, blocks = prepared
    columns = ", ".join(expressions(InboundEvent, VALUES))
    targets = (f"timeline_inboundevent ({columns})", "timeline_eventbody (event_id, tenant_id, raw)")
    with connection:
        for batch in blocks:
            with connection.transaction():
                for target, block in zip(targets, batch, strict=True):
                    with connection.cursor().copy(f"COPY {target} FROM STDIN") as copy:
                        copy.write(block)


def _keeps(bench: Bench, amount: int, number: Callable[[], int]) -> list[Callable[[], Any]]:
    connection, rows = _rows(bench, amount, number)
    return [partial(connection.execute, KEEP_ONE, row) for row in rows]


# --- naive
def _rows(bench: Bench, amount: int, number: Callable[[], int]) -> tuple[Any, list[tuple[Any, ...]]]:
    connection = connect()
    rows = connection.execute(f"SELECT {FIELDS} FROM ({EVENTS}) e", bench.traffic.params(number(), amount))
    return connection, rows.fetchall()


def _insert_all(prepared: tuple[Any, list[tuple[Any, ...]]]) -> None:
    """Event by event: is it there, insert it, insert its body, commit."""
    connection, rows = prepared
    with connection:
        for pk, tenant, source, event_id, *rest, raw in rows:
            with connection.transaction():
                if connection.execute(IS_THERE, [tenant, source, event_id]).fetchone() is None:
                    connection.execute(INSERT, [pk, tenant, source, event_id, *rest])
                    connection.execute(INSERT_BODY, [pk, tenant, raw])
