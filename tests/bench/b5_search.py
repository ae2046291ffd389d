"""B5: finding people, by each way to type who is meant."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

from crm.tenancy.scope import tenant_scope
from customers import terms
from customers.search import find_people
from tests.bench.context import Bench
from tests.bench.harness import Contestant, Laps, race, timed
from tests.bench.measure import LIMIT, NAIVE, OURS, Goal, Measure
from tests.bench.statements import connect

TAKE = 10
AT_MOST_MS = 100
NEVER_OVER_MS = 300
# By hand, for one kind of term at a time: the hits of one index, the most recently active of the first thousand.
BY_HAND = f"""
    WITH hits AS MATERIALIZED (
        SELECT customer_id FROM customers_customersearch
        WHERE tenant_id = %(tenant)s AND {{condition}} LIMIT 1001
    )
    SELECT p.*, m.last_activity_at FROM hits h
    JOIN customers_customerprofile p ON p.tenant_id = %(tenant)s AND p.id = h.customer_id
    JOIN customers_customermetrics m ON m.tenant_id = %(tenant)s AND m.customer_id = h.customer_id
    WHERE p.status NOT IN ('MERGED', 'DELETED')
    ORDER BY m.last_activity_at DESC NULLS LAST LIMIT {TAKE}
"""
WORDS = BY_HAND.format(condition="lexemes @@ %(query)s::tsquery")
DIGITS = BY_HAND.format(condition="phones LIKE %(query)s")
NAIVELY = f"""
    SELECT p.*, m.last_activity_at FROM customers_customerprofile p
    LEFT JOIN customers_customermetrics m ON m.customer_id = p.id
    WHERE p.tenant_id = %(tenant)s AND p.status NOT IN ('MERGED', 'DELETED') AND (
        p.first_name || ' ' || p.last_name ILIKE %(like)s OR p.email ILIKE %(like)s OR p.phone_number ILIKE %(like)s
        OR p.scl_member_id::text = %(term)s)
    ORDER BY m.last_activity_at DESC NULLS LAST LIMIT {TAKE}
"""


class Kind(NamedTuple):
    """A way to type who is meant, by a person's number; and what the statement by hand looks for."""

    name: str
    term: Callable[[int], str]
    query: Callable[[int], str]
    statement: str = WORDS


LAST = ("Nkosi", "Botha", "Dlamini", "Mokoena")
SLIPS = ("Nkosy", "Bohta", "Dlamnii", "Mokoean")
KINDS = (
    Kind("e-mail", lambda n: f"person{n}@example.com", lambda n: f"'@person{n}@example.com'"),
    Kind("start of an e-mail", lambda n: f"person{n}@ex", lambda n: f"'@person{n}@ex':*"),
    Kind("common last name", lambda n: LAST[n % 4], lambda n: f"'{LAST[n % 4].lower()}':*"),
    Kind("first and last name", lambda n: f"Thandi {LAST[n % 4]}", lambda n: f"'thandi' & '{LAST[n % 4].lower()}'"),
    Kind("slip of the keys", lambda n: SLIPS[n % 4], lambda n: f"'{LAST[n % 4].lower()}'"),
    Kind("phone fragment", lambda n: f"{n // 1000 % 1000:03} {n % 1000:03}", lambda n: f"%{n % 10**6:06}%", DIGITS),
    Kind("member number", lambda n: str(n + 1), lambda n: f"'#{n + 1}'"),
    Kind("three characters", lambda n: LAST[n % 4][:3], lambda n: f"'{LAST[n % 4][:3].lower()}':*"),
    Kind("one character", lambda n: LAST[n % 4][:1], lambda n: f"'{LAST[n % 4][:1].lower()}':*"),
    Kind("nobody", lambda n: f"Xq{n % 7}zzy Vw", lambda n: f"'xq{n % 7}zzy':* & 'vw':*"),
)  # fmt: skip


def measure(bench: Bench) -> Iterator[Measure]:
    for kind in KINDS:
        yield _function(bench, kind)
    slowest: list[float] = []
    for kind in KINDS:
        laps = _over_http(bench, kind)
        slowest = [max(pair) for pair in zip(laps.quantiles(1), slowest or laps.quantiles(1), strict=True)]
        yield _line(f"search by {kind.name}: API, p95", {OURS: laps}, 0.95, [Goal(at_most=AT_MOST_MS)])
    operation, goals = "search, the slowest answer of all: API", [Goal(at_most=NEVER_OVER_MS)]
    yield Measure("B5", operation, "ms", {OURS: slowest}, goals)


def _numbers(bench: Bench) -> list[int]:
    """Whom to look for: people far apart."""
    return [number * 7919 % bench.people for number in range(1, bench.amount(40, least=4) + 1)]


def _function(bench: Bench, kind: Kind) -> Measure:
    """The search itself beside one statement by hand and the table read through."""
    numbers = _numbers(bench)
    ways: dict[str, Callable[[], list[Callable[[], Any]]]] = {
        OURS: lambda: [partial(_ours, bench, kind.term(number)) for number in numbers],
        LIMIT: lambda: _by_hand(bench, kind, numbers),
        NAIVE: lambda: _naively(bench, kind, numbers[: max(2, len(numbers) // 8)]),
    }
    laps = race(
        [Contestant(name, timed, prepare=prepare) for name, prepare in ways.items()], rounds=bench.rounds
    )
    return _line(f"search by {kind.name}: p50", laps, 0.5, [])


def _ours(bench: Bench, text: str) -> None:
    with tenant_scope(bench.tenant):
        find_people(text, take=TAKE)


def _by_hand(bench: Bench, kind: Kind, numbers: list[int]) -> list[Callable[[], Any]]:
    return _asked(
        kind.statement, [{"tenant": bench.tenant.pk, "query": kind.query(number)} for number in numbers]
    )


def _naively(bench: Bench, kind: Kind, numbers: list[int]) -> list[Callable[[], Any]]:
    asked = []
    for term in map(kind.term, numbers):
        typed = terms.parse(term).tokens
        like = f"%{' '.join(token.whole for token in typed)}%"
        asked.append({"tenant": bench.tenant.pk, "term": term, "like": like})
    return _asked(NAIVELY, asked)


def _asked(statement: str, params: list[dict[str, Any]]) -> list[Callable[[], Any]]:
    connection = connect()
    return [lambda one=one: connection.execute(statement, one).fetchall() for one in params]  # type: ignore[misc]


def _over_http(bench: Bench, kind: Kind) -> Laps:
    paths = [
        f"/api/v1/customers/search?{urlencode({'q': kind.term(number), 'take': TAKE})}"
        for number in _numbers(bench)
    ]

    def calls() -> list[Callable[[], bytes]]:
        client = bench.service.integrator()
        return [partial(client.call, "GET", path) for path in paths]

    bench.service.start()
    one = Contestant(OURS, timed, prepare=calls, memory=bench.service.memory)
    return race([one], rounds=bench.rounds)[OURS]


def _line(operation: str, laps: Mapping[str, Laps], share: float, goals: list[Goal]) -> Measure:
    samples = {name: lap.quantiles(share) for name, lap in laps.items()}
    return Measure("B5", operation, "ms", samples, goals, {name: lap.peak for name, lap in laps.items()})
