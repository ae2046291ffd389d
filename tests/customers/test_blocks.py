"""The walk of a full run: every pair that shares a key once, with few people in memory."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from crm.tenancy.scope import current_tenant
from customers import blocks, comparing
from customers.blocks import all_pairs, block_everybody, drop_blocks
from customers.models import CustomerProfile

NAMES = ["Botha", "Nkosi", "Smith", "Naidoo", "Venter", "Zulu", "Jones"]


@pytest.fixture
def people(tenant: Tenant) -> Iterator[list[CustomerProfile]]:
    """Seven couples of one name, and everybody born on one day."""
    made = [
        CustomerProfile(
            tenant=current_tenant(), first_name="Ann", last_name=name, date_of_birth=date(1980, 2, 3)
        )
        for name in NAMES * 2
    ]
    CustomerProfile.objects.bulk_create(made)
    comparing.refresh_keys()
    yield made
    drop_blocks()


def met(**options: Any) -> list[frozenset[Any]]:
    found = block_everybody(len(NAMES) * 2)
    return [frozenset((one.id, other.id)) for batch in all_pairs(found, **options) for one, other in batch]


@pytest.mark.parametrize(("size", "batch"), [(50_000, 10_000), (2, 3), (5, 1), (1, 100)])
def test_every_pair_is_met_once_however_the_ranges_are_cut(
    people: list[CustomerProfile], monkeypatch: pytest.MonkeyPatch, size: int, batch: int
) -> None:
    monkeypatch.setattr(blocks, "RANGE", size)
    monkeypatch.setattr(blocks, "BATCH", batch)
    found = met()
    assert len(found) == len(set(found))
    assert set(found) == {frozenset((one.pk, other.pk)) for one, other in combinations(people, 2)}


def test_of_many_people_two_ranges_are_in_memory(
    people: list[CustomerProfile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "RANGE", 3)
    monkeypatch.setattr(blocks, "BATCH", 1)
    held = []
    fetch = blocks._Shelf.holding

    def holding(shelf: Any, numbers: set[int]) -> Any:
        known = fetch(shelf, numbers)
        held.append(len(known))
        return known

    monkeypatch.setattr(blocks._Shelf, "holding", holding)
    assert len(met()) == 91
    assert max(held) <= 6


def test_a_sample_is_of_every_so_manieth_pair(people: list[CustomerProfile]) -> None:
    assert len(met(every=10)) == 9


def test_who_is_gone_by_now_is_in_no_pair(people: list[CustomerProfile]) -> None:
    found = block_everybody(len(people))
    CustomerProfile.objects.filter(pk=people[0].pk).update(status="DELETED")
    walked = [pair for batch in all_pairs(found) for pair in batch]
    assert len(walked) == 13 * 12 // 2
    assert people[0].pk not in {one.id for pair in walked for one in pair}
