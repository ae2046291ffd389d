"""B16: the finder of duplicates: how good it is on the FEBRL sets and the demo, and how long everybody takes."""

from collections.abc import Iterator

from crm import env
from crm.tenancy.scope import tenant_scope
from customers.deduplication import find_all
from customers.models import DuplicateCandidate, LikenessKeys
from tests.bench.context import Bench
from tests.bench.crowd import crowd
from tests.bench.demo_pairs import members
from tests.bench.febrl import Quality, people, quality
from tests.bench.harness import Contestant, race
from tests.bench.measure import OURS, Goal, Measure

SETS = {"FEBRL 4": (("4a", "4b"), 0.98), "FEBRL 3": (("3",), 0.96)}
BY_NAME_AND_BIRTH = {"FEBRL 4": 0.85, "FEBRL 3": 0.8}  # recall: what is left without an address


def measure(bench: Bench) -> Iterator[Measure]:
    for name, (sets, recall) in SETS.items():
        yield from _quality(name, quality(people(*sets)), precision=0.99, recall=recall)
        alone = quality(people(*sets, addresses=False))
        yield _share(f"{name}, names and birth dates alone: precision", alone.precision, 0.99)
        yield _share(f"{name}, names and birth dates alone: recall", alone.recall, BY_NAME_AND_BIRTH[name])
    found, true = members()
    yield from _quality("the demo's planted pairs", quality(found, true), precision=0.8, recall=0.9)
    yield _time(bench)


def _quality(name: str, found: Quality, *, precision: float, recall: float) -> Iterator[Measure]:
    yield _share(f"{name}: precision of what is put forward", found.precision, precision)
    yield _share(f"{name}: recall", found.recall, recall)
    yield _share(f"{name}: recall of blocking", found.blocking, 0.995)
    if found.merges:
        yield _share(f"{name}: automatic merges that are right", 1 - found.false_merges / found.merges, 1)


def _share(operation: str, value: float, at_least: float) -> Measure:
    return Measure("B16", operation, "share", {OURS: [value]}, [Goal(at_least=at_least)])


def _time(bench: Bench) -> Measure:
    """BENCH_CROWD: among how many people, of whom nothing else is known; as many as there are unless given."""
    people = env.number("BENCH_CROWD", bench.people)
    tenant = crowd(people)

    def everybody(_prepared: None) -> None:
        with tenant_scope(tenant):
            find_all()

    def forget() -> None:
        with tenant_scope(tenant):
            LikenessKeys.objects.all().delete()
            DuplicateCandidate.objects.all().delete()

    contestant = Contestant(OURS, everybody, amount=people, prepare=forget)
    laps = race([contestant], rounds=bench.rounds)[OURS]
    operation = f"compare everybody for the first time, {people:,} people"
    return Measure("B16", operation, "people/s", {OURS: laps.rates()}, (), {OURS: laps.peak})
