"""The two executors answer alike, whatever is asked of whomever."""

import json
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from crm.tenancy.models import Tenant
from segments import facts
from segments.compiler import current_vocabulary, matching_ids, population
from segments.evaluator import evaluate
from segments.periods import Clock
from segments.rules import dump, parse
from segments.trees import AND, Group
from tests.segments.crowd import Crowd
from tests.segments.random_rules import MOMENTS, ZONES, RuleMaker

AT_ONCE = 25  # trees that share one reading of facts


def in_sql(tree: Group, clock: Clock, **options: Any) -> set[UUID]:
    statement = matching_ids(tree, moment=clock.moment, zone=clock.zone, **options)
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return {pk for (pk,) in cursor.fetchall()}


def compare(tenant: Tenant, seed: int, *, people: int, trees: int) -> None:
    random = Random(seed)
    crowd = Crowd(random, tenant)
    crowd.define()
    segments = crowd.segments(crowd.people(people))
    everybody = set(population().values_list("pk", flat=True))
    vocabulary = current_vocabulary()
    maker = RuleMaker(random, vocabulary, segments)
    hits = 0
    for _ in range(0, trees, AT_ONCE):
        clock = Clock(random.choice(MOMENTS), ZoneInfo(random.choice(ZONES)))
        asked = [parse(maker.tree(), vocabulary) for _ in range(AT_ONCE)]
        known = facts.load(Group(AND, tuple(asked)), everybody, clock)
        for tree in asked:
            in_memory = {pk for pk in everybody if evaluate(tree, known[pk], clock)}
            found = in_sql(tree, clock)
            assert found == in_memory, (
                f"seed {seed}, {clock}: {json.dumps(dump(tree), ensure_ascii=False)}\n"
                f"only in SQL: {[known[pk] for pk in sorted(found - in_memory)[:1]]}\n"
                f"only in memory: {[known[pk] for pk in sorted(in_memory - found)[:1]]}"
            )
            some = set(random.sample(sorted(everybody), 5))
            assert in_sql(tree, clock, only=some) == found & some
            assert parse(json.loads(json.dumps(dump(tree))), vocabulary) == tree
            hits += 0 < len(found) < len(everybody)
    assert hits > trees / 3  # most of what is asked tells people apart


@pytest.mark.parametrize("seed", range(3))
def test_both_executors_find_the_same_people(tenant: Tenant, seed: int) -> None:
    compare(tenant, seed, people=80, trees=100)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 110))
def test_both_executors_find_the_same_people_in_full(tenant: Tenant, seed: int) -> None:
    compare(tenant, seed, people=1000, trees=1000)
