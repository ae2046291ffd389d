"""B12: what staff look at all day and integrators page through: time over HTTP, statements counted in here."""

from collections.abc import Callable, Iterator
from functools import partial

from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from crm.embedded.servers import HOST
from tests.bench.context import Bench
from tests.bench.harness import Contestant, race, timed
from tests.bench.measure import OURS, Goal, Measure
from tests.bench.population import BUSY, BUSY_ENTRIES, find_person

FILTERED = "lifecycleStage=MEMBER&emailOptIn=true&sort=lastName"
AT_MOST_MS = 300
AT_MOST_STATEMENTS = 25


def measure(bench: Bench) -> Iterator[Measure]:
    busy = find_person(bench.tenant, BUSY)
    api, admin = "/api/v1/customers", "/admin/customers/customerprofile/"
    pages = {
        "API customer list, take 100": f"{api}?take=100",
        "API customer list, filtered and sorted": f"{api}?take=100&{FILTERED}",
        f"API customer with {BUSY_ENTRIES:,} entries": f"{api}/{busy}",
        "admin home": "/admin/",
        "admin customer list": admin,
        "admin customer list, searched by name": f"{admin}?q=nkosi",
        f"admin customer with {BUSY_ENTRIES:,} entries": f"{admin}{busy}/",
    }
    for name, path in pages.items():
        yield _time(bench, name, path)
    asked = {name: _statements(bench, path) for name, path in pages.items()}
    operation, goals = "statements of the hungriest page", [Goal(at_most=AT_MOST_STATEMENTS)]
    yield Measure("B12", operation, "number", {OURS: [max(asked.values())]}, goals, details=asked)


def _time(bench: Bench, name: str, path: str) -> Measure:
    amount = bench.amount(10, least=2)
    client = bench.service.integrator if path.startswith("/api/") else bench.service.staff

    def calls() -> list[Callable[[], bytes]]:
        return client().calls("GET", path, [None] * amount)

    bench.service.start()
    laps = race([Contestant(OURS, timed, prepare=calls, memory=bench.service.memory)], rounds=bench.rounds)[
        OURS
    ]
    samples = {OURS: laps.quantiles(0.95)}
    return Measure("B12", f"{name}, p95", "ms", samples, [Goal(at_most=AT_MOST_MS)], {OURS: laps.peak})


def _statements(bench: Bench, path: str) -> int:
    """How many statements a page takes from the second time on."""
    key, session = bench.service.key, bench.service.session
    headers = {"Authorization": f"Bearer {key}"} if path.startswith("/api/") else {"Cookie": session}
    get = partial(Browser().get, path, headers={"Host": HOST, **headers})
    get()
    with CaptureQueriesContext(connection) as queries:
        reply = get()
    if reply.status_code != 200:
        raise RuntimeError(f"{path} answered {reply.status_code}")
    return len(queries)
