"""B17: does a row cost more where there are more? The same batch in a database of each size, in turns."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.db import connection

from crm.tenancy.models import Tenant
from tests.bench.b2_processing import UNTIL_DONE, contestant
from tests.bench.context import Bench, people_at, populated
from tests.bench.database import create
from tests.bench.harness import Contestant, race
from tests.bench.measure import OURS, Goal, Measure
from timeline.ingestion import process_due

SHARES = (0.01, 0.1, 1.0)  # of the people at this scale: ten thousand, a hundred thousand, a million at 1
MICROSECONDS = 1_000_000


def measure(bench: Bench) -> Iterator[Measure]:
    sizes = sorted({people_at(bench.scale * share) for share in SHARES})
    laps = race([_worker(bench, people) for people in sizes], rounds=bench.rounds)
    costs = {people: [MICROSECONDS / rate for rate in laps[str(people)].rates()] for people in sizes}
    *_, middle, largest = (sizes[0], *sizes)
    ratios = [large / less for large, less in zip(costs[largest], costs[middle], strict=True)]
    yield Measure(
        "B17",
        f"cost of processing an event, {largest:,} over {middle:,} people",
        "×",
        {OURS: ratios},
        [Goal(at_most=1.5)],
        {OURS: laps[str(largest)].peak},
        {"microseconds": costs},
    )


def _worker(bench: Bench, people: int) -> Contestant:
    """Someone who processes the batch among so many people; the largest place is the benchmark's own."""
    place = bench if people == bench.people else _smaller(bench, people)
    return contestant(
        place,
        str(people),
        lambda _: process_due(place.tenant, budget_seconds=UNTIL_DONE),
        database=connection.settings_dict["NAME"] if place is bench else _name(people),
    )


def _name(people: int) -> str:
    own = urlsplit(os.environ["DATABASE_URL"]).path.strip("/")
    return f"{own}_{people}"


def _smaller(bench: Bench, people: int) -> Bench:
    """A database with fewer people, populated from this process."""
    create(os.environ["MIGRATION_DATABASE_URL"], _name(people), template=os.environ["BENCH_TEMPLATE"])
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = _name(people)
    try:
        tenant: Tenant = populated(people)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
    return Bench(bench.scale, bench.rounds, tenant, people, bench.service)
