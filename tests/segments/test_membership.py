"""Who is in a segment: by rules, by hand, at once, when time goes by, and beside everything else that happens."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from customers.models import CustomerProfile, Status
from customers.services import delete_customer, restore_customer, update_customer
from segments import live, membership
from segments.entries import Assignment, put_in, take_out
from segments.models import MembershipChange, Segment, SegmentEntry, SegmentMember, SegmentTouch, State
from segments.services import create_segment
from tests.factories import CustomerProfileFactory

BY = "key:test"
VIP = [{"field": "isVip", "operator": "eq", "value": True}]


def made(rules: Any = VIP, **more: Any) -> Segment:
    """A segment, worked out."""
    segment = create_segment(more.pop("name", "VIPs"), by=BY, criteria=rules, **more)
    membership.refresh(segment.pk)
    segment.refresh_from_db()
    return segment


def members(segment: Segment) -> set[UUID]:
    return set(SegmentMember.objects.filter(segment=segment).values_list("customer_id", flat=True))


def log_of(segment: Segment) -> list[tuple[UUID, bool, str]]:
    rows = MembershipChange.objects.filter(segment=segment).order_by("pk")
    return list(rows.values_list("customer_id", "joined", "cause"))


def follow() -> None:
    """As the worker does, until nobody is left."""
    live.follow(budget_seconds=60)
    assert not SegmentTouch.objects.exists()


def news(historical: bool | None = None) -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(topic="crm.segment.membership.changed").order_by("pk")
    return [row.payload for row in rows if historical in (None, row.historical)]


def test_a_new_segment_is_filled_and_says_who_came(tenant: Tenant) -> None:
    vip, _ = CustomerProfileFactory(is_vip=True), CustomerProfileFactory()
    segment = made()
    assert members(segment) == {vip.pk}
    assert (segment.member_count, segment.state) == (1, State.FRESH)
    assert log_of(segment) == [(vip.pk, True, "FIRST_FILL")]
    (told,) = news(historical=True)
    assert (told["segmentId"], told["joined"], told["left"]) == (str(segment.pk), [str(vip.pk)], [])


def test_a_second_refresh_changes_nothing_and_tells_nothing(tenant: Tenant) -> None:
    CustomerProfileFactory(is_vip=True)
    segment = made()
    since = SegmentMember.objects.get(segment=segment).joined_at
    assert membership.refresh(segment.pk) == (0, 0)
    assert SegmentMember.objects.get(segment=segment).joined_at == since
    assert len(log_of(segment)) == len(news()) == 1


def test_whoever_changes_comes_and_goes_within_moments(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    segment = made()
    follow()
    update_customer(person.pk, {"is_vip": True}, by=BY)
    follow()
    assert members(segment) == {person.pk}
    update_customer(person.pk, {"is_vip": False}, by=BY)
    follow()
    assert members(segment) == set()
    assert [(joined, cause) for _, joined, cause in log_of(segment)] == [(True, "RULES"), (False, "RULES")]
    assert [len(one["joined"]) - len(one["left"]) for one in news(historical=False)] == [1, -1]
    segment.refresh_from_db()
    assert segment.member_count == 0


@pytest.mark.parametrize("frequency", ["MANUAL", "HOURLY", "DAILY", "LIVE"])
def test_whoever_is_deleted_leaves_at_once_whatever_the_frequency(tenant: Tenant, frequency: str) -> None:
    person = CustomerProfileFactory(is_vip=True)
    segment = made(refresh_frequency=frequency)
    listed = made(None, type="STATIC", name="A list")
    put_in(listed, [Assignment(person.pk)], by=BY)
    delete_customer(person.pk, by=BY)
    follow()
    assert members(segment) == members(listed) == set()
    assert log_of(segment)[-1] == (person.pk, False, "LEFT_POPULATION")
    segment.refresh_from_db()
    assert segment.member_count == 0
    restore_customer(person.pk, by=BY)
    follow()
    assert members(listed) == {person.pk}, "what was said by hand still holds"


def test_hands_are_stronger_than_rules(tenant: Tenant) -> None:
    vip, other = CustomerProfileFactory(is_vip=True), CustomerProfileFactory()
    segment = made()
    assert put_in(segment, [Assignment(other.pk, reason="Sponsor", confidence=80)], by=BY) == {other.pk}
    assert take_out(segment, [vip.pk], by=BY) == {vip.pk}
    assert members(segment) == {other.pk}
    membership.refresh(segment.pk)
    follow()
    assert members(segment) == {other.pk}
    assert log_of(segment)[1:] == [(other.pk, True, "BY_HAND"), (vip.pk, False, "BY_HAND")]
    put_in(segment, [Assignment(vip.pk)], by=BY)
    assert members(segment) == {other.pk, vip.pk}, "the last word counts"


def test_an_assignment_ends_when_it_was_to(tenant: Tenant) -> None:
    person, now = CustomerProfileFactory(), timezone.now()
    segment = made(None, type="STATIC")
    put_in(segment, [Assignment(person.pk, expires_at=now + timedelta(hours=1))], by=BY)
    live.apply_clock(now)
    follow()
    assert members(segment) == {person.pk}
    SegmentEntry.objects.update(expires_at=now)
    live.apply_clock(now)
    follow()
    assert members(segment) == set()
    assert log_of(segment)[-1] == (person.pk, False, "EXPIRED")


def test_people_without_a_place_in_segments_are_in_none(tenant: Tenant) -> None:
    now = timezone.now()
    for fields in (
        {"status": Status.DELETED}, {"is_light": True}, {"erased_at": now}, {"processing_restricted_at": now},
    ):  # fmt: skip
        CustomerProfileFactory(is_vip=True, **fields)
    segment = made()
    put_in(segment, [Assignment(pk) for pk in CustomerProfile.objects.values_list("pk", flat=True)], by=BY)
    assert members(segment) == set()
