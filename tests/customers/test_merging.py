from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.errors import ValidationFailed
from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from customers import ledger
from customers.history import changes_of
from customers.merging import DeletedCustomer, MergeRefused, merge_customers
from customers.models import (
    AliasHolder,
    Booking,
    CustomerProfile,
    DuplicateCandidate,
    MergeRecord,
    ProfilePart,
)
from customers.services import create_customer, get_customer, resolve, update_customer
from customers.unmerging import MergeUndone, TooLateToUndo, unmerge
from tests.conftest import Api
from tests.factories import ActivityFactory, NoteFactory
from timeline.ingestion import process_due, receive
from timeline.models import Activity, InboundEvent, Note

BY = "user:0190d1c0-0000-7000-8000-000000000000"
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(tenant: Tenant) -> CustomerProfile:
    return create_customer(
        {"first_name": "Ann", "last_name": "Nel", "tags": ["golf"]},
        {"email": "ann@x.com", "sclMemberId": 1},
        by=BY,
    )


@pytest.fixture
def ben(ann: CustomerProfile) -> CustomerProfile:
    """Ann under another address, made after her."""
    return create_customer(
        {"first_name": "Annie", "country": "ZA", "tags": ["shop"]}, {"email": "ann@y.com", "phoneNumber": "0821234567"},
        by=BY,
    )  # fmt: skip


def state(customer: CustomerProfile) -> dict[str, Any]:
    """All of a profile and its rows but for the bookkeeping of writes."""
    row = CustomerProfile.objects.filter(pk=customer.pk).values().get()
    for name in ("version", "updated_at", "updated_by"):
        del row[name]
    holders = AliasHolder.objects.filter(customer=customer).order_by("pk")
    return {
        **row,
        "identifiers": list(holders.values_list("alias__kind", "alias__value", "is_owner")),
        "entries": set(
            Activity.objects.filter(customer=customer)
            .exclude(type__in=["PROFILE_MERGED", "PROFILE_UNMERGED"])
            .values_list("pk", flat=True)
        ),
        "notes": set(Note.objects.filter(customer=customer).values_list("pk", flat=True)),
    }


def test_the_loser_stands_for_the_winner_for_ever(ann: CustomerProfile, ben: CustomerProfile) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY, reason="same voice")
    assert made is not None
    profile, merged_from = get_customer(ben.pk)
    assert (profile.pk, merged_from) == (ann.pk, ben.pk)
    loser = CustomerProfile.objects.get(pk=ben.pk)
    assert (loser.status, loser.merged_into_id, loser.merge_reason) == ("MERGED", ann.pk, "same voice")
    assert (made.rule, made.actor, made.reason) == ("MANUAL", BY, "same voice")
    found = resolve({"email": "ann@y.com"}, by=BY)
    assert (found.profile.pk, found.is_new) == (ann.pk, False)


def test_the_latest_write_of_an_attribute_stands_and_tags_come_together(
    ann: CustomerProfile, ben: CustomerProfile
) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY)
    ann.refresh_from_db()
    assert (ann.first_name, ann.last_name, ann.country) == ("Annie", "Nel", "ZA")
    assert (ann.email, ann.scl_member_id, ann.phone_number) == ("ann@y.com", 1, "+27821234567")
    assert ann.tags == ["golf", "shop"]
    assert made is not None
    assert made.before["first_name"]["before"][0] == "Ann"
    assert made.before["first_name"]["after"][0] == "Annie"


def test_staff_may_choose_whose_value_stands(ann: CustomerProfile, ben: CustomerProfile) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY, chosen={"first_name": "winner", "email": "winner"})
    ann.refresh_from_db()
    assert (ann.first_name, ann.email, ann.email_display) == ("Ann", "ann@x.com", "ann@x.com")
    assert made is not None
    unmerge(made.pk, by=BY)
    ann.refresh_from_db()
    assert (ann.first_name, ann.email) == ("Ann", "ann@x.com")


@pytest.mark.parametrize(
    "chosen", [{"email_opt_in": "loser"}, {"scl_member_id": "winner"}, {"first_name": "both"}]
)
def test_what_can_not_be_chosen_is_refused(
    ann: CustomerProfile, ben: CustomerProfile, chosen: dict[str, str]
) -> None:
    with pytest.raises(ValidationFailed):
        merge_customers(ann.pk, ben.pk, by=BY, chosen=chosen)


def test_nobody_is_merged_with_themselves_and_no_pair_twice(
    ann: CustomerProfile, ben: CustomerProfile
) -> None:
    with pytest.raises(MergeRefused):
        merge_customers(ann.pk, ann.pk, by=BY)
    assert merge_customers(ann.pk, ben.pk, by=BY)
    assert merge_customers(ben.pk, ann.pk, by=BY) is None
    assert MergeRecord.objects.count() == 1


def test_a_deleted_customer_is_not_merged(ann: CustomerProfile, ben: CustomerProfile) -> None:
    update_customer(ben.pk, {"status": "DELETED"}, by=BY)
    with pytest.raises(DeletedCustomer):
        merge_customers(ann.pk, ben.pk, by=BY)


def test_all_that_hangs_on_the_loser_follows_and_comes_back(
    ann: CustomerProfile, ben: CustomerProfile
) -> None:
    ActivityFactory(customer=ben, counts=True)
    NoteFactory(customer=ben)
    booking = Booking.objects.create(
        tenant=ben.tenant, key="b", customer=ben, booked_at=timezone.now(), status="BOOKED"
    )
    before = [state(ann), state(ben)]
    made = merge_customers(ann.pk, ben.pk, by=BY)
    assert made is not None
    assert made.moved["timeline.Note"] == made.moved["customers.Booking"] == 1
    booking.refresh_from_db()
    assert booking.customer_id == ann.pk
    ann.metrics.refresh_from_db()
    assert (ann.metrics.activity_count_30d, ann.metrics.booking_count_30d) == (1, 1)
    assert state(ben)["entries"] == set()
    unmerge(made.pk, by=BY, reason="two people after all")
    assert [state(ann), state(ben)] == before
    booking.refresh_from_db()
    ann.metrics.refresh_from_db()
    assert (booking.customer_id, ann.metrics.booking_count_30d) == (ben.pk, 0)
    assert not ProfilePart.objects.exists()


def test_what_comes_after_a_merge_goes_with_its_own_part_when_that_is_undone(
    tenant: Tenant, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY)
    assert made is not None
    send(
        tenant,
        "scl.member.updated",
        {"sclMemberId": 1},
        {"id": 1, "changes": ["lastName"], "lastName": "Nell"},
    )
    send(tenant, "order.paid", {"email": "ann@y.com"}, {"orderId": "o-1", "total": 5000, "currency": "ZAR"})
    update_customer(ben.pk, {"gender": "F"}, by=BY)
    ann.refresh_from_db()
    assert (ann.last_name, ann.gender, ann.lifecycle_stage) == ("Nell", "F", "CUSTOMER")
    unmerge(made.pk, by=BY)
    ann.refresh_from_db()
    ben.refresh_from_db()
    assert (ann.last_name, ann.gender, ann.lifecycle_stage) == ("Nell", "F", "SUBSCRIBER")
    assert (ben.last_name, ben.gender, ben.lifecycle_stage) == ("", "", "CUSTOMER")
    assert set(Activity.objects.filter(customer=ben).values_list("type", flat=True)) >= {"ORDER_PAID"}
    assert {event.customer_id for event in InboundEvent.objects.all()} == {ann.pk, ben.pk}


def test_the_events_of_a_merged_person_are_those_of_all_their_parts(
    api: Api, tenant: Tenant, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    send(tenant, "order.paid", {"email": "ann@y.com"}, {"orderId": "o-1", "total": 5000, "currency": "ZAR"})
    merge_customers(ann.pk, ben.pk, by=BY)
    for pk in (ann.pk, ben.pk):
        assert len(api.get("/api/v1/events", {"customerId": str(pk)}).json()["data"]) == 1


def send(tenant: Tenant, kind: str, identity: dict[str, Any], payload: dict[str, Any]) -> None:
    source = "scl" if kind.startswith("scl") else "ecommerce"
    event = {
        "id": f"{kind}-{len(payload)}-{timezone.now()}", "type": kind, "source": source, "version": "1.0",
        "timestamp": timezone.now().isoformat(), "identity": identity, "payload": payload,
    }  # fmt: skip
    assert receive([event]).accepted == 1
    assert process_due(tenant).applied == 1


def test_a_merge_in_the_middle_is_undone_with_those_below_it(
    ann: CustomerProfile, ben: CustomerProfile
) -> None:
    cat, dan = (create_customer({}, {"email": f"{name}@x.com"}, by=BY) for name in ("cat", "dan"))
    merge_customers(ben.pk, cat.pk, by=BY)
    middle = merge_customers(ann.pk, ben.pk, by=BY)
    merge_customers(dan.pk, ann.pk, by=BY)
    assert {get_customer(pk)[0].pk for pk in (ann.pk, ben.pk, cat.pk)} == {dan.pk}
    assert middle is not None
    unmerge(middle.pk, by=BY)
    assert [get_customer(pk)[0].pk for pk in (ann.pk, ben.pk, cat.pk)] == [dan.pk, ben.pk, ben.pk]


def test_a_merge_of_an_id_that_was_merged_away_acts_on_its_root(
    ann: CustomerProfile, ben: CustomerProfile
) -> None:
    cat = create_customer({}, {"email": "cat@x.com"}, by=BY)
    merge_customers(ann.pk, ben.pk, by=BY)
    assert merge_customers(cat.pk, ben.pk, by=BY)
    assert {get_customer(pk)[0].pk for pk in (ann.pk, ben.pk, cat.pk)} == {cat.pk}


def test_an_undone_merge_is_remembered_and_not_undone_twice(
    ann: CustomerProfile, ben: CustomerProfile
) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY)
    assert made is not None
    unmerge(made.pk, by=BY)
    assert DuplicateCandidate.objects.get().status == "DISMISSED"
    with pytest.raises(MergeUndone):
        unmerge(made.pk, by=BY)


def test_a_merge_is_undone_within_the_days_that_the_tenant_sets(
    tenant: Tenant, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY)
    assert made is not None
    MergeRecord.objects.update(at=timezone.now() - timedelta(days=91))
    with pytest.raises(TooLateToUndo):
        unmerge(made.pk, by=BY)


def test_consent_is_never_wider_than_before(ann: CustomerProfile, ben: CustomerProfile) -> None:
    update_customer(ann.pk, {"gdpr_consent": False}, by=BY)
    update_customer(ben.pk, {"gdpr_consent": True}, by=BY)
    made = merge_customers(ann.pk, ben.pk, by=BY)
    ann.refresh_from_db()
    assert ann.gdpr_consent is False
    update_customer(ann.pk, {"gdpr_consent": True}, by=BY)
    ann.refresh_from_db()
    assert ann.gdpr_consent is True, "a later own grant counts"
    assert made is not None
    unmerge(made.pk, by=BY)
    ben.refresh_from_db()
    assert ben.gdpr_consent is True


def test_other_systems_hear_of_a_merge_and_of_its_undoing_once(
    ann: CustomerProfile, ben: CustomerProfile
) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY)
    assert made is not None
    unmerge(made.pk, by=BY)
    (merged,) = OutboxMessage.objects.filter(topic="crm.profile.merged")
    assert merged.payload["winnerId"], merged.payload["loserId"] == (str(ann.pk), str(ben.pk))
    assert merged.payload["mergedFields"]["activities"] == 1
    assert OutboxMessage.objects.filter(topic="crm.profile.unmerged").count() == 1
    updates = OutboxMessage.objects.filter(topic="crm.profile.updated")
    assert all(news.historical for news in updates), "nothing merged in triggers anything"


def test_the_ledger_says_what_a_merge_makes_of_consent(
    tenant: Tenant, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    agree(tenant, {"email": "ann@x.com"}, emailOptIn=False)
    agree(tenant, {"email": "ann@y.com"}, emailOptIn=True, smsOptIn=True)
    made = merge_customers(ann.pk, ben.pk, by=BY)
    ann.refresh_from_db()
    assert (ann.email_opt_in, ann.sms_opt_in) == (False, True)
    assert not [people for _channel, people in ledger.differences() if people]
    assert made is not None
    unmerge(made.pk, by=BY)
    for one, flags in ((ann, (False, None)), (ben, (True, True))):
        one.refresh_from_db()
        assert (one.email_opt_in, one.sms_opt_in) == flags
    assert not [people for _channel, people in ledger.differences() if people]


def agree(tenant: Tenant, identity: dict[str, Any], **flags: bool) -> None:
    event = {
        "id": f"agree-{timezone.now()}", "type": "contactPreference.updated", "source": "messaging", "version": "1.0",
        "timestamp": timezone.now().isoformat(), "identity": identity, "payload": flags,
    }  # fmt: skip
    assert receive([event]).accepted == 1
    assert process_due(tenant).applied == 1


def test_the_history_tells_a_merge_and_its_undoing(ann: CustomerProfile, ben: CustomerProfile) -> None:
    made = merge_customers(ann.pk, ben.pk, by=BY)
    assert made is not None
    assert [change.after for change in changes_of(ann.pk, ["first_name"]).order_by("at")] == ["Ann", "Annie"]
    unmerge(made.pk, by=BY)
    assert [change.after for change in changes_of(ann.pk, ["first_name"]).order_by("at")] == [
        "Ann",
        "Annie",
        "Ann",
    ]
    assert [change.after for change in changes_of(ben.pk, ["first_name"])] == ["Annie"]
