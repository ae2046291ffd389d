"""Those whom the demo's systems know twice: planted, found, and told from those who only look so."""

from crm.demo.generator import SEED
from crm.demo.story.doubles import doubles
from crm.demo.story.period import Period
from crm.demo.story.world import make_world
from tests.bench.demo_pairs import AS_OF, members
from tests.bench.febrl import judged, quality


def test_there_are_some_of_each_kind_and_the_same_ones_each_time() -> None:
    world = make_world(Period(SEED, AS_OF), 2_000)
    planted = [double for double, _drafts in doubles(world)]
    assert planted == [double for double, _drafts in doubles(world)]
    assert sum(double.is_one for double in planted) == 20
    assert sum(not double.is_one for double in planted) == 4


def test_the_finder_sees_through_them() -> None:
    found, true = members()
    measured = quality(found, true)
    assert measured.recall >= 0.9
    assert measured.precision >= 0.7, "twins, fathers and sons are fair questions"
    assert measured.false_merges == 0
    suggested = [pair for pair, verdict in judged(found).items() if verdict.band != "IGNORE"]
    assert len(suggested) <= 40, "a queue that a person gets through"
