"""Whatever happens to people, and whoever is merged: the members are those that the rules would find now."""

import re
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers.merging import merge_customers
from customers.models import Booking, BookingPlayer, CustomerMetrics, CustomerProfile, MergeRecord
from customers.unmerging import unmerge
from segments import live, membership
from segments.compiler import current_vocabulary, matching
from segments.entries import Assignment, put_in
from segments.meaning import tree_of
from segments.models import MembershipChange, Segment, SegmentMember, State
from segments.services import change_segment, delete_segment
from tests.clock import frozen
from tests.factories import CustomerProfileFactory, InboundEventFactory
from tests.segments.test_membership import BY, follow, log_of, made, members, news
from timeline.models import InboundEvent

pytestmark = pytest.mark.django_db


def rule(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({} if value is None else {"value": value})


def test_a_segment_of_segments_follows_them(tenant: Tenant) -> None:
    vips = made(name="VIPs")
    both = made([rule("segments", "in", [str(vips.pk)]), rule("country", "eq", "ZA")], name="VIPs in ZA")
    rest = made([rule("segments", "notIn", [str(both.pk)])], name="Others")
    person = CustomerProfileFactory(country="ZA")
    follow()
    assert (members(both), members(rest)) == (set(), {person.pk})
    CustomerProfile.objects.update(is_vip=True)
    follow()
    assert (members(both), members(rest)) == ({person.pk}, set())


def test_merged_people_are_in_since_either_was_and_set_nothing_off(tenant: Tenant) -> None:
    for frequency in ("LIVE", "DAILY"):
        winner, loser = CustomerProfileFactory(), CustomerProfileFactory(tags=["a"])
        segment = made([rule("tags", "contains", "a")], name=frequency, refresh_frequency=frequency)
        follow()
        since = SegmentMember.objects.get(segment=segment, customer=loser).joined_at
        before = len(news(historical=False))
        merge_customers(winner.pk, loser.pk, by=BY, chosen={"tags": "loser"})
        follow()
        mine = SegmentMember.objects.get(segment=segment, customer__in=[winner, loser])
        assert (mine.customer_id, mine.joined_at) == (winner.pk, since)
        assert (winner.pk, True, "MERGED") in log_of(segment)
        assert not [one for one in news(historical=False)[before:] if one["joined"]]
        unmerge(MergeRecord.objects.live().get().pk, by=BY)
        follow()
        assert not [one for one in news(historical=False)[before:] if one["joined"]]
        if frequency == "LIVE":
            assert members(segment) == {loser.pk}
        CustomerProfile.objects.update(tags=[])


def test_what_was_said_by_hand_goes_over_in_a_merge(tenant: Tenant) -> None:
    winner, loser = CustomerProfileFactory(), CustomerProfileFactory()
    segment = made(None, type="STATIC")
    put_in(segment, [Assignment(loser.pk)], by=BY)
    merge_customers(winner.pk, loser.pk, by=BY)
    follow()
    assert members(segment) == {winner.pk}
    unmerge(MergeRecord.objects.get().pk, by=BY)
    follow()
    assert members(segment) == {loser.pk}


def test_a_segment_that_can_not_be_worked_out_stops_no_other(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment, other = made(), made(name="Others")
    Segment.objects.filter(pk=segment.pk).update(criteria={"rules": [rule("gone", "eq", 1)]})
    person = CustomerProfileFactory(is_vip=True)
    follow()
    segment.refresh_from_db()
    assert segment.state == State.BROKEN and "gone" in segment.refresh_error
    assert members(other) == {person.pk}


def test_states_are_told_alike_by_row_and_by_list(tenant: Tenant) -> None:
    now = timezone.now()
    long_ago = now - timedelta(days=3)
    made(name="fresh")
    made(None, type="STATIC", name="list")
    for name, fields in {
        "new": {"refreshed_at": None},
        "changed": {"criteria_version": 2},
        "behind": {"clock_at": long_ago},
        "late": {"refresh_frequency": "HOURLY", "refreshed_at": long_ago},
        "manual": {"refresh_frequency": "MANUAL", "refreshed_at": long_ago, "clock_at": long_ago},
        "broken": {"refresh_error": "No."},
        "again": {"refresh_error": "No.", "refresh_started_at": now},
    }.items():
        Segment.objects.filter(pk=made(name=name).pk).update(**fields)
    by_row = {one.name: one.state_at(now) for one in Segment.objects.all()}
    assert by_row == {
        "fresh": "FRESH", "list": "FRESH", "new": "STALE", "changed": "STALE", "behind": "STALE", "late": "STALE",
        "manual": "FRESH", "broken": "BROKEN", "again": "REFRESHING",
    }  # fmt: skip
    for state in State:
        names = set(Segment.objects.in_state(state, now).values_list("name", flat=True))
        assert names == {name for name, own in by_row.items() if own == state}


def test_the_log_can_only_be_added_to(tenant: Tenant) -> None:
    CustomerProfileFactory(is_vip=True)
    made()
    with pytest.raises(Exception, match="append-only"):
        MembershipChange.objects.update(joined=False)


FIELDS = ("is_vip", "country", "tags", "lifecycle_stage", "email_opt_in", "handicap")
TREES: tuple[Any, ...] = (
    [rule("isVip", "eq", True)],
    {"combinator": "OR", "rules": [rule("country", "in", ["ZA", "GB"]), rule("tags", "contains", "a")]},
    {"combinator": "AND", "not": True, "rules": [rule("emailOptIn", "eq", True)]},
    [rule("handicap", "lte", 12), rule("handicap", "isNotNull")],
    [rule("lifetimeValue", "gte", 5000)],
    [rule("hasSclLink", "eq", True)],
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_kept_up_is_the_same_as_worked_out_anew(tenant: Tenant, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - a shuffle
    people = [CustomerProfileFactory() for _ in range(6)]
    known = {one.name for _, group in current_vocabulary().groups() for one in group}
    trees = [tree for tree in TREES if "hasSclLink" not in str(tree) or "hasSclLink" in known]
    segments = [made(tree, name=f"Segment {number}") for number, tree in enumerate(trees)]
    for _ in range(30):
        person = chance.choice(people)
        _something(chance, person, people)
        if chance.random() < 0.3:
            live.follow_batch()
    follow()
    for segment in segments:
        tree = tree_of(segment)
        assert tree is not None
        anew = set(matching(tree, moment=timezone.now()).values_list("pk", flat=True))
        assert members(segment) == anew, segment.criteria
        segment.refresh_from_db()
        assert segment.member_count == len(anew)


def _something(chance: Random, person: CustomerProfile, people: list[CustomerProfile]) -> None:
    values: dict[str, Any] = {
        "is_vip": chance.random() < 0.5, "country": chance.choice(["ZA", "GB", "US", ""]),
        "tags": chance.sample(["a", "b"], chance.randint(0, 2)), "email_opt_in": chance.choice([True, False, None]),
        "handicap": chance.choice([None, 5, 12, 30]),
        "status": chance.choice(["ACTIVE", "ACTIVE", "INACTIVE", "DELETED"]),
        "scl_member_id": chance.choice([None, chance.randint(1, 99)]),
        "processing_restricted_at": chance.choice([None, None, timezone.now()]),
    }  # fmt: skip
    name = chance.choice(list(values))
    if chance.random() < 0.2:
        CustomerMetrics.objects.filter(customer=person).update(
            lifetime_value_cents=chance.choice([0, 4999, 5000, 9000])
        )
    else:
        CustomerProfile.objects.filter(pk=person.pk).update(**{name: values[name]})


NEVER_CHANGES = {"id", "tenant_id", "key", "created_at"}
WRITTEN_ONCE = {"customers_consententry"}


def watched(name: str) -> str:
    """What the trigger compares."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [f"segments_touch_{name}_on_update"])
        return str(cursor.fetchone()[0])


def test_every_column_that_a_rule_reads_is_watched(tenant: Tenant) -> None:
    vocabulary = current_vocabulary()
    sources = {"p": watched("customerprofile"), "m": watched("customermetrics") + " n.customer_id"}
    for field in vocabulary.words.fields.values():
        for alias, column in re.findall(r"\b([pm])\.(\w+)", field.column.text):
            known = column in NEVER_CHANGES or re.search(rf"\bn\.{column}\b", sources[alias])
            assert known, f"{field.name} reads {alias}.{column}, which no trigger watches"
    for relation in vocabulary.relations.values():
        (table,) = re.findall(r"^(\w+) \{row\}", relation.source)
        own = watched(table.partition("_")[2])
        seen = {
            "": lambda column, own=own: f"n.{column}" in own,
            "b": lambda column: f"r.{column}" in watched("players"),
        }
        for text in (relation.when, *(field.column.text for field in relation.words.fields.values())):
            for alias, column in re.findall(r"\{row\}(b?)\.(\w+)", text):
                known = column in NEVER_CHANGES or table in WRITTEN_ONCE or seen[alias](column)
                assert known, f"{relation.name} read {alias or table}.{column}, which no trigger watches"


def test_whoever_plays_follows_what_becomes_of_the_booking(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    segment = made(
        [
            {
                "relation": "bookingPlayers",
                "where": [rule("status", "eq", "NO_SHOW")],
                "operator": "gte",
                "value": 1,
            }
        ]
    )
    booking = Booking.objects.create(tenant=tenant, key="b1", status="BOOKED", tee_time=timezone.now())
    BookingPlayer.objects.create(
        tenant=tenant, key="b1:1", booking_key="b1", customer=person, recorded_for=person.pk
    )
    follow()
    assert members(segment) == set()
    Booking.objects.filter(pk=booking.pk).update(status="NO_SHOW")
    follow()
    assert members(segment) == {person.pk}


def test_time_alone_moves_people_in_and_out(tenant: Tenant) -> None:
    now = timezone.now()
    with frozen(now) as clock:
        person = CustomerProfileFactory(metrics={"last_booking_at": now - timedelta(days=29)})
        segment = made([rule("lastBookingAt", "inLast", {"amount": 30, "unit": "days"})])
        lapsed = made([rule("lastBookingAt", "moreThanAgo", {"amount": 30, "unit": "days"})], name="Lapsed")
        follow()
        assert (members(segment), members(lapsed)) == ({person.pk}, set())
        for _ in range(2):
            clock.forward(hours=40)
            live.apply_clock(clock.now)
            follow()
        assert (members(segment), members(lapsed)) == (set(), {person.pk})
        assert log_of(segment)[-1] == (person.pk, False, "CLOCK")
        assert len(news(historical=False)) == 2


def test_the_log_says_which_rules_made_the_difference(tenant: Tenant) -> None:
    person = CustomerProfileFactory(country="ZA")
    segment = made({"combinator": "AND", "rules": [
        rule("country", "eq", "ZA"),
        {"combinator": "OR", "rules": [rule("isVip", "eq", True), rule("tags", "contains", "a")]},
    ]})  # fmt: skip
    follow()
    CustomerProfile.objects.update(is_vip=True)
    follow()
    (change,) = MembershipChange.objects.filter(segment=segment, customer=person)
    assert change.leaves == ["rules[0]", "rules[1].rules[0]"]


def test_a_deleted_segment_has_nobody(tenant: Tenant) -> None:
    CustomerProfileFactory(is_vip=True)
    segment = made()
    delete_segment(segment.pk, by=BY)
    assert members(segment) == set()
    assert log_of(segment), "its log stays"
    follow()
    assert members(segment) == set()


def test_other_rules_let_all_of_it_be_worked_out_again(tenant: Tenant) -> None:
    vip, other = CustomerProfileFactory(is_vip=True), CustomerProfileFactory()
    segment = made()
    change_segment(segment.pk, {"criteria": [rule("isVip", "eq", False)]}, by=BY)
    segment.refresh_from_db()
    assert segment.state == State.STALE
    follow()
    assert members(segment) == {vip.pk}, "not by old rules and not by half of the new ones"
    membership.refresh_due()
    assert members(segment) == {other.pk}
    assert {cause for _, _, cause in log_of(segment)} == {"FIRST_FILL", "NEW_RULES"}


def test_events_of_the_past_set_nothing_off(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    made()
    follow()
    event = InboundEventFactory(historical=True)
    CustomerProfile.objects.update(is_vip=True)
    InboundEvent.objects.filter(pk=event.pk).update(status="SUCCESS", customer=person)
    follow()
    assert [len(one["joined"]) for one in news(historical=True)] == [1]
    assert news(historical=False) == []
