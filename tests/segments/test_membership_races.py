"""Refreshes beside each other, beside people who change, and workers that die half way."""

import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from crm.tenancy.models import Tenant
from crm.tenancy.rows import run
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile
from segments import live, membership
from segments.compiler import matching
from segments.entries import Assignment, put_in
from segments.locks import lock
from segments.meaning import tree_of
from segments.models import MembershipChange, Segment, SegmentTouch, State
from segments.services import change_segment
from tests.customers.test_merge_races import at_once
from tests.factories import CustomerProfileFactory
from tests.segments.test_membership import BY, follow, made, members

pytestmark = pytest.mark.django_db(transaction=True)


def expected(segment: Segment) -> set[Any]:
    tree = tree_of(segment)
    assert tree is not None
    return set(matching(tree, moment=timezone.now(), zone=segment.zone).values_list("pk", flat=True))


def count_of(segment: Segment) -> int:
    segment.refresh_from_db()
    return segment.member_count


def while_held(tenant: Tenant, segment: Segment, job: Callable[[], Any]) -> None:
    """Do something while somebody else is working the segment out."""
    is_held, is_done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock(segment.pk)
            is_held.set()
            assert is_done.wait(timeout=60)

    def work() -> None:
        assert is_held.wait(timeout=60)
        try:
            job()
        finally:
            is_done.set()

    at_once(tenant, hold, work)


def test_two_refreshes_at_once_do_the_work_once(tenant: Tenant) -> None:
    segment = made()
    for _ in range(20):
        CustomerProfileFactory(is_vip=True)
    start = threading.Barrier(4)

    def refresh() -> None:
        start.wait(timeout=60)
        membership.refresh(segment.pk)

    at_once(tenant, *[refresh] * 4)
    assert members(segment) == expected(segment)
    assert count_of(segment) == 20
    assert MembershipChange.objects.filter(segment=segment).count() == 20
    assert segment.state == State.FRESH


def test_a_busy_segment_is_left_alone_and_seen_to_later(tenant: Tenant) -> None:
    segment, other = made(), made(name="Others")
    person = CustomerProfileFactory(is_vip=True)

    def while_busy() -> None:
        assert membership.refresh(segment.pk) is None
        live.follow_batch()
        put_in(
            segment, [Assignment(CustomerProfileFactory(pk="0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c91").pk)], by=BY
        )
        assert members(segment) == set()
        assert members(other) == {person.pk}

    while_held(tenant, segment, while_busy)
    assert segment.state == State.FRESH
    follow()
    assert members(segment) == {
        person.pk,
        CustomerProfile.objects.get(pk="0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c91").pk,
    }


def test_its_rules_can_be_changed_while_it_is_worked_out(tenant: Tenant) -> None:
    segment = made()
    while_held(tenant, segment, lambda: change_segment(segment.pk, {"description": "Gold"}, by=BY))
    segment.refresh_from_db()
    assert segment.description == "Gold"


def test_a_worker_that_dies_over_it_leaves_nothing_half_done(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment, person = made(), CustomerProfileFactory(is_vip=True)
    waiting = SegmentTouch.objects.count()

    class Killed(BaseException):
        """As sudden as a signal."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(live, "leave", die)
        with suppress(Killed):
            live.follow_batch()
        patch.setattr(membership, "count_of", die)
        with suppress(Killed):
            membership.refresh(segment.pk)
    assert members(segment) == set()
    assert SegmentTouch.objects.count() == waiting
    segment.refresh_from_db()
    assert segment.state == State.REFRESHING and segment.due_at is not None, "it is done again"
    membership.refresh_due()
    follow()
    assert members(segment) == {person.pk}
    assert count_of(segment) == 1
    assert MembershipChange.objects.filter(segment=segment).count() == 1
    assert segment.state == State.FRESH


def test_one_that_takes_too_long_is_broken_and_keeps_its_members(tenant: Tenant, settings: Any) -> None:
    person = CustomerProfileFactory(is_vip=True)
    segment = made()
    change_segment(segment.pk, {"criteria": [{"field": "isVip", "operator": "eq", "value": False}]}, by=BY)
    settings.SEGMENT_REFRESH_SECONDS = 0.05

    def refresh() -> None:
        with pytest.raises(membership.Broken, match="longer"):
            membership.refresh(segment.pk)

    is_held, is_done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            run("LOCK TABLE segments_segmentmember IN EXCLUSIVE MODE", [])
            is_held.set()
            is_done.wait(timeout=60)

    def work() -> None:
        is_held.wait(timeout=60)
        refresh()
        is_done.set()

    at_once(tenant, hold, work)
    segment.refresh_from_db()
    assert (segment.state, members(segment)) == (State.BROKEN, {person.pk})
    assert "longer than" in segment.refresh_error and segment.due_at > timezone.now()
    settings.SEGMENT_REFRESH_SECONDS = 60
    membership.refresh(segment.pk)
    segment.refresh_from_db()
    assert (segment.state, members(segment)) == (State.FRESH, set())


@pytest.mark.parametrize("seed", [1, 2])
def test_people_who_change_while_all_is_worked_out_end_where_they_belong(tenant: Tenant, seed: int) -> None:
    segment = made()
    people = [CustomerProfileFactory().pk for _ in range(12)]
    over = threading.Event()

    def change(which: int) -> None:
        chance = Random(seed * 10 + which)  # noqa: S311 - a shuffle
        for _ in range(25):
            pk = chance.choice(people)
            CustomerProfile.objects.filter(pk=pk).update(is_vip=chance.random() < 0.5)

    def changing(which: int) -> Callable[[], None]:
        return lambda: change(which)

    def keep(what: Callable[[], Any]) -> Callable[[], None]:
        def work() -> None:
            while not over.is_set():
                what()

        return work

    changers = [threading.Thread(target=_in(tenant, changing(number))) for number in range(3)]

    def end() -> None:
        for one in changers:
            one.start()
        for one in changers:
            one.join(timeout=120)
        over.set()

    at_once(
        tenant,
        end,
        keep(live.follow_batch),
        keep(live.follow_batch),
        keep(lambda: membership.refresh(segment.pk)),
    )
    follow()
    assert members(segment) == expected(segment)
    assert count_of(segment) == len(members(segment))
    joined = MembershipChange.objects.filter(segment=segment, joined=True).count()
    left = MembershipChange.objects.filter(segment=segment, joined=False).count()
    assert joined - left == len(members(segment)), "the log adds up"


def _in(tenant: Tenant, job: Callable[[], None]) -> Callable[[], None]:
    def work() -> None:
        try:
            with tenant_scope(tenant):
                job()
        finally:
            connections.close_all()

    return work
