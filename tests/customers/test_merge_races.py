"""M2: merges that cross each other end in one person, and one that dies half way never was."""

import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import families, ledger, merging, moving, unmerging
from customers.merging import merge_customers
from customers.models import AliasHolder, CustomerProfile, MergeRecord, ProfilePart
from customers.services import create_customer, get_customer, resolve, update_customer
from customers.unmerging import MergeNotFound, MergeUndone, unmerge
from timeline.models import Activity

BY = "key:test"
THREADS = 8


def person(number: int) -> UUID:
    made = create_customer(
        {"first_name": f"Number {number}"}, {"email": f"p{number}@x.com", "sclMemberId": number + 1}, by=BY
    )
    return made.pk


def at_once(tenant: Tenant, *jobs: Callable[[], Any]) -> None:
    """Do all of them in threads of their own; whatever one raises fails the test."""
    problems: list[BaseException] = []

    def work(job: Callable[[], Any]) -> None:
        try:
            with tenant_scope(tenant):
                job()
        except BaseException as error:  # noqa: BLE001 - whatever happens in a thread must fail the test
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert problems == []


def check_whole(people: list[UUID]) -> None:
    """Nothing lost, nothing twice: every id leads to a person who is nobody's loser, with all that is theirs."""
    roots = {pk: get_customer(pk)[0] for pk in people}
    assert all(root.merged_into_id is None for root in roots.values())
    holders = AliasHolder.objects.values_list("recorded_for", "customer", "is_owner")
    assert len(holders) == 2 * len(people)
    assert all(is_owner and roots[part].pk == customer for part, customer, is_owner in holders)
    for part, customer in Activity.objects.values_list("recorded_for", "customer"):
        assert roots[part].pk == customer
    parts = dict(ProfilePart.objects.values_list("customer", "root"))
    sizes = [list(roots.values()).count(root) for root in roots.values()]
    assert parts == {pk: roots[pk].pk for pk, size in zip(people, sizes, strict=True) if size > 1}
    for family in families.load_families(set(parts.values())).values():
        folded = family.fold()
        assert not {n for n in folded if n not in merging.KEPT and folded[n] != family.row[n]}
    live = MergeRecord.objects.live()
    assert live.count() == len(people) - len({root.pk for root in roots.values()})


@pytest.mark.django_db(transaction=True)
def test_three_who_are_merged_in_a_circle_at_once_are_one(tenant: Tenant) -> None:
    people = [person(number) for number in range(3)]
    start = threading.Barrier(3)

    def merge(winner: UUID, loser: UUID) -> None:
        start.wait(timeout=60)
        merge_customers(winner, loser, by=BY)

    pairs = zip(people, people[1:] + people[:1], strict=True)
    at_once(tenant, *(lambda pair=pair: merge(*pair) for pair in pairs))  # type: ignore[misc]
    assert len({get_customer(pk)[0].pk for pk in people}) == 1
    assert MergeRecord.objects.count() == 2
    check_whole(people)


def crossing(tenant: Tenant, *, people: int, merges: int) -> None:
    """Threads that merge, part, change and look up the same few people, all of them crossing."""
    ids = [person(number) for number in range(people)]

    def work(seed: int) -> None:
        random = Random(seed)
        for turn in range(merges):
            one, other = random.sample(range(people), 2)
            match random.randrange(10):
                case 0 | 1 | 2 | 3 | 4:
                    merge_customers(ids[one], ids[other], by=BY)
                case 5 | 6:
                    part(ids[one])
                case 7 | 8:
                    update_customer(ids[one], {"last_name": f"{seed}-{turn}"}, by=BY)
                case _:
                    resolve({"email": f"p{one}@x.com", "sclMemberId": str(one + 1)}, by=BY)

    at_once(tenant, *(lambda seed=seed: work(seed) for seed in range(THREADS)))  # type: ignore[misc]
    check_whole(ids)
    assert CustomerProfile.objects.count() == people


def part(pk: UUID) -> None:
    record = MergeRecord.objects.live().filter(loser=pk).first()
    if record:
        with suppress(MergeUndone, MergeNotFound):  # somebody was faster
            unmerge(record.pk, by=BY)


@pytest.mark.django_db(transaction=True)
def test_merges_that_cross_lose_nothing(tenant: Tenant) -> None:
    crossing(tenant, people=6, merges=8)


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_eight_threads_of_five_hundred_crossing_merges_lose_nothing_and_never_deadlock(
    tenant: Tenant,
) -> None:
    crossing(tenant, people=12, merges=500)


STEPS = [
    (merging, "store_families"), (merging, "update_rows"), (moving, "move"), (moving, "recount"),
    (merging, "insert_rows"), (merging, "record_acts"), (merging, "emit_many"), (ledger, "write"),
    (families, "write_parts"), (families, "update_rows"),
]  # fmt: skip
UNDO_STEPS = [
    (unmerging, "store_families"), (moving, "part"), (moving, "recount"), (unmerging, "record_acts"),
    (unmerging, "emit_many"), (ledger, "forget_merges"), (families, "update_rows"),
]  # fmt: skip


class Killed(BaseException):
    """What dies tells nobody."""


def everything() -> list[Any]:
    tables = (CustomerProfile, ProfilePart, AliasHolder, Activity, MergeRecord)
    return [list(model._default_manager.order_by("pk").values()) for model in tables]


@pytest.mark.parametrize(("module", "step"), STEPS)
@pytest.mark.django_db(transaction=True)
def test_a_merge_that_dies_after_any_step_never_was(
    tenant: Tenant, module: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = person(1), person(2)
    before = everything()
    dies_after(module, step, monkeypatch)
    with pytest.raises(Killed):
        merge_customers(ann, ben, by=BY)
    assert everything() == before
    monkeypatch.undo()
    assert merge_customers(ann, ben, by=BY)


@pytest.mark.parametrize(("module", "step"), UNDO_STEPS)
@pytest.mark.django_db(transaction=True)
def test_an_undoing_that_dies_after_any_step_never_was(
    tenant: Tenant, module: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = person(1), person(2)
    made = merge_customers(ann, ben, by=BY)
    assert made is not None
    before = everything()
    dies_after(module, step, monkeypatch)
    with pytest.raises(Killed):
        unmerge(made.pk, by=BY)
    assert everything() == before
    monkeypatch.undo()
    unmerge(made.pk, by=BY)


def dies_after(module: Any, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(module, step)

    def die(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(module, step, die)
