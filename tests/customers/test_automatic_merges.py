from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile, DuplicateCandidate, HouseholdMember, MergeRecord
from customers.services import get_customer, resolve
from customers.unmerging import unmerge
from tests.timeline.test_order_and_repetition import live_through
from timeline.ingestion import process_due, receive
from timeline.models import Activity

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
numbers = count(1)
BY = "key:test"


def event(kind: str, identity: dict[str, Any], **payload: Any) -> dict[str, Any]:
    number = next(numbers)
    source = {"scl": "scl", "order": "ecommerce", "web": "web"}.get(kind.split(".")[0], "messaging")
    return {
        "id": f"e-{number:05}", "type": kind, "source": source, "version": "1.0",
        "timestamp": (AT + timedelta(minutes=number)).isoformat(), "identity": identity, "payload": payload,
    }  # fmt: skip


def member(number: int, first: str, last: str, email: str, **more: Any) -> dict[str, Any]:
    payload = {"id": number, "firstName": first, "lastName": last, "email": email, "status": "ACTIVE", **more}
    return event("scl.member.created", {"sclMemberId": number}, **payload)


def seen(email: str) -> dict[str, Any]:
    return event("web.page_view", {"email": email}, url="https://club.example/", sessionId="s")


def happened(tenant: Tenant, *events: dict[str, Any]) -> None:
    for one in events:
        assert receive([one]).accepted == 1
        assert process_due(tenant).applied == 1


def contact(contact: str, **payload: Any) -> dict[str, Any]:
    identity = {"messagingContactId": contact} | {
        k: v for k, v in payload.items() if k in ("email", "phoneNumber")
    }
    return event("contact.created", identity, contactId=contact, **payload)


@pytest.mark.django_db
def test_two_whom_one_event_names_are_one_and_the_one_known_for_longer_stays(tenant: Tenant) -> None:
    happened(tenant, seen("ann@x.com"), member(1, "Ann", "Nel", "ann@y.com"))
    visitor, ann = CustomerProfile.objects.order_by("pk")
    tie = member(1, "Ann", "Nel", "ann@x.com")
    happened(tenant, tie)
    assert get_customer(ann.pk) == (visitor, ann.pk)
    visitor.refresh_from_db()
    assert (visitor.scl_member_id, visitor.last_name) == (1, "Nel")
    record = MergeRecord.objects.get()
    assert (record.rule, record.actor, record.source_event_id) == ("AUTOMATIC", "job:merge", tie["id"])
    assert record.reason == "the same email"
    assert DuplicateCandidate.objects.get().status == "MERGED"


@pytest.mark.django_db
def test_who_may_be_two_people_waits_for_somebodys_word(tenant: Tenant) -> None:
    happened(tenant, member(1, "Ann", "Nel", "a@x.com"), member(2, "Ann", "Nel", "b@x.com"))
    happened(tenant, member(1, "Ann", "Nel", "b@x.com"))
    assert not MergeRecord.objects.exists()
    pair = DuplicateCandidate.objects.get()
    assert (pair.status, pair.reason) == ("OPEN", "the same email, but each has another sclMemberId")


@pytest.mark.django_db
@pytest.mark.parametrize("name", [{"firstName": "Ben"}, {"lastName": "Botha"}])
def test_who_goes_by_another_name_at_the_same_address_is_family_and_no_duplicate(
    tenant: Tenant, name: dict[str, str]
) -> None:
    happened(tenant, member(1, "Ann", "Nel", "a@x.com"), contact("c-1", email="b@x.com", **name))
    happened(tenant, member(1, "Ann", "Nel", "b@x.com"))
    assert not MergeRecord.objects.exists()
    assert not DuplicateCandidate.objects.exists()
    assert HouseholdMember.objects.values("household").distinct().count() == 1
    assert HouseholdMember.objects.count() == 2


@pytest.mark.django_db
def test_those_whom_somebody_parted_are_not_merged_again(tenant: Tenant) -> None:
    happened(
        tenant, seen("ann@x.com"), member(1, "Ann", "Nel", "ann@y.com"), member(1, "Ann", "Nel", "ann@x.com")
    )
    record = MergeRecord.objects.get()
    unmerge(record.pk, by=BY)
    happened(tenant, event("order.paid", {"email": "ann@x.com"}, orderId="o", total=1, currency="ZAR"))
    happened(tenant, contact("c-1", email="ann@x.com", phoneNumber="0821234567"))
    happened(
        tenant,
        event("contactPreference.updated", {"sclMemberId": 1, "phoneNumber": "0821234567"}, smsOptIn=True),
    )
    assert MergeRecord.objects.live().count() == 0
    assert get_customer(record.loser_id)[1] is None


@pytest.mark.django_db
def test_an_api_call_that_names_two_makes_them_one(tenant: Tenant) -> None:
    one = resolve({"email": "a@x.com"}, by=BY).profile
    two = resolve({"phoneNumber": "0821234567"}, by=BY).profile
    found = resolve({"email": "a@x.com", "phoneNumber": "0821234567"}, by=BY)
    assert (found.profile.pk, get_customer(two.pk)[0].pk) == (one.pk, one.pk)


@pytest.mark.django_db
def test_late_events_with_the_losers_id_land_on_the_winner(tenant: Tenant) -> None:
    happened(
        tenant, seen("ann@x.com"), member(1, "Ann", "Nel", "ann@y.com"), member(1, "Ann", "Nel", "ann@x.com")
    )
    winner = CustomerProfile.objects.get(merged_into=None)
    late = [event("scl.payment.received", {"sclMemberId": 1}, id=f"p-{n}", memberId=1, amount=100, currency="ZAR")
            for n in range(200)]  # fmt: skip
    assert receive(late).accepted == 200
    process_due(tenant)
    paid = Activity.objects.filter(type__contains="PAYMENT")
    assert set(paid.values_list("customer", flat=True)) == {winner.pk}
    assert paid.count() == 200


@pytest.mark.django_db
def test_every_order_of_what_ties_three_ends_in_the_same_people() -> None:
    events = [
        seen("a@x.com"), contact("c-1", email="b@x.com"), member(7, "Ann", "Nel", "a@x.com"),
        event("order.paid", {"email": "b@x.com", "phoneNumber": "0821234567"}, orderId="o", total=5, currency="ZAR"),
        event("contactPreference.updated", {"sclMemberId": 7, "phoneNumber": "0821234567"}, smsOptIn=True),
    ]  # fmt: skip
    worlds = [live_through(list(order), chunks=[1] * 5) for order in list(permutations(events))[::7]]
    assert all(world == worlds[0] for world in worlds)
    assert len(worlds[0]["people"]) == 1
