"""Erasure of a person with many kinds of traces: afterwards nothing names them, and reports count as before."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Count, Sum
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import CustomerNotFound
from crm.outbox.models import OutboxMessage
from crm.outbox.streams import INBOUND, OUTBOUND, redis_client
from crm.tenancy import audit
from crm.tenancy.models import AuditEntry, IdempotentCall, Tenant
from customers import suppression
from customers.erasure import LegalHold, erase_customer, needles_of
from customers.models import (
    AliasHolder,
    Booking,
    BookingPlayer,
    CustomerMetrics,
    CustomerProfile,
    DuplicateCandidate,
    IdentityAlias,
    Membership,
    Order,
    Payment,
    SearchWord,
    Suppression,
    Ticket,
)
from customers.scrubbing import ERASED, Needles
from customers.services import update_customer
from tests.factories import CustomerProfileFactory, NoteFactory, UserFactory, hold
from timeline.drafts import save_draft
from timeline.ingestion import process_due, receive
from timeline.models import Activity, EventBody, InboundEvent
from timeline.services import add_activity

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
EMAIL, PHONE, FORMER = "zanthippe.quork@example.com", "+27825550142", "z.formerly@example.com"
MARKERS = (
    "Zanthippe", "Quork", EMAIL, "Formerly", "5550142", "ZQGOLF8841", "auth0|zq-7741", "contact-zq-9911",
    "marker-in-note", "marker-in-metadata", "marker-in-custom-field", "marker-in-subject", "marker-in-reason",
    "marker-in-context", "marker-in-draft", "marker-in-internal-notes", "1971-03-14", "marker-in-gift",
)  # fmt: skip


def event(number: int, type: str, source: str, payload: dict[str, Any], **identity: Any) -> dict[str, Any]:
    return {
        "id": f"zq-{number}", "type": type, "source": source, "version": "1.0",
        "timestamp": (NOW - timedelta(minutes=number)).isoformat(), "identity": identity, "payload": payload,
    }  # fmt: skip


EVENTS = [
    event(1, "scl.member.created", "scl", {
        "id": 884412, "firstName": "Zanthippe", "lastName": "Quork", "email": EMAIL, "phoneNumber": "082 555 0142",
        "dateOfBirth": "1971-03-14", "membershipTierName": "Gold", "status": "ACTIVE", "clubId": "club-fynbos",
        "remark": "marker-in-metadata",
    }),
    event(2, "contact.created", "messaging", {"contactId": "contact-zq-9911", "email": EMAIL, "emailOptIn": True}),
    event(3, "scl.payment.received", "scl", {"id": "pay-1", "memberId": 884412, "amount": 125000, "currency": "ZAR"},
          sclMemberId=884412),
    event(4, "teetime.booking.created", "teetime", {
        "id": "book-1", "clubId": "club-fynbos", "teeTime": "2026-12-01T08:00:00Z",
        "players": [{"name": "Zanthippe Quork", "email": EMAIL}],
    }, email=EMAIL),
    event(5, "order.paid", "ecommerce", {
        "orderId": "order-1", "total": 5000, "currency": "ZAR",
        "items": [{"sku": "balls", "quantity": 2, "giftMessage": "marker-in-gift"}],
    }, email=EMAIL),
    event(6, "support.ticket.opened", "support", {"ticketId": "t-1", "subject": "marker-in-subject"}, email=EMAIL),
    event(7, "web.page_view", "web", {
        "url": "https://club.example/", "userAgent": "marker-in-context", "referrer": f"https://x.example/?e={EMAIL}",
    }, email=EMAIL),
    event(8, "scl.member.deleted", "scl", {"id": 884412, "deletionType": "soft", "reason": "marker-in-reason"}),
    event(9, "no.such.type", "scl", {"about": EMAIL, "said": "marker-in-metadata"}, email=EMAIL),
    event(10, "scl.member.created", "scl", {"id": "not a number", "firstName": "Zanthippe", "lastName": "Quork"},
          email=EMAIL),
    event(11, "message.unsubscribed", "messaging", {"messageId": "m-1", "contactId": "contact-zq-9911"}),
]  # fmt: skip


@pytest.fixture
def person(tenant: Tenant) -> CustomerProfile:
    """Somebody who left traces wherever people do."""
    receive([event(12, "scl.member.created", "scl", {"id": 884412, "email": FORMER, "lastName": "Formerly"})])
    process_due(tenant)
    receive(EVENTS)
    process_due(tenant)
    found: CustomerProfile = AliasHolder.objects.get(alias__kind="sclMemberId").customer
    user = UserFactory()
    by = f"user:{user.pk}"
    update_customer(
        found.pk,
        {"internal_notes": "marker-in-internal-notes", "display_name": "Zanthippe Quork", "tags": ["vip"]},
        by=by,
        hints={"externalIds.golfRsaId": "ZQGOLF8841", "authUserId": "auth0|zq-7741"},
    )
    CustomerProfile.objects.filter(pk=found.pk).update(custom_fields={"hobby": "marker-in-custom-field"})
    NoteFactory(customer=found, body="marker-in-note of Zanthippe")
    save_draft(found, user, found.pk, {"body": "marker-in-draft"})
    add_activity(
        found, type="PHONE_CALL", category="SYSTEM", title="Called Zanthippe", by=by, description=EMAIL
    )
    other = CustomerProfileFactory()
    first, second = sorted([found, other], key=lambda one: one.pk)
    DuplicateCandidate.objects.create(
        tenant=tenant, first=first, second=second, reason=f"the same e-mail {EMAIL}"
    )
    IdempotentCall.objects.create(
        tenant=tenant,
        caller="key:x",
        key="k",
        fingerprint="f",
        status=200,
        body=json.dumps({"email": EMAIL}).encode(),
    )
    audit.record(
        "customer.updated", by=by, object_type="customer", object_id=found.pk, after={"email": EMAIL}
    )
    return found


def tables() -> Iterator[tuple[str, str]]:
    """Every table of ours, as text."""
    for model in apps.get_models():
        if model._meta.managed and not model._meta.proxy:
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT to_jsonb(t)::text FROM "{model._meta.db_table}" t')
                yield model._meta.label, "\n".join(row[0] for row in cursor.fetchall())


def left(markers: Any = MARKERS) -> set[tuple[str, str]]:
    return {(label, one) for label, text in tables() for one in markers if one.lower() in text.lower()}


def counts() -> dict[str, Any]:
    """What reports say: how much there was of what, and what it came to."""
    return {
        "activities": dict(Activity.objects.values_list("type").annotate(Count("pk"))),
        "categories": dict(Activity.objects.values_list("category").annotate(Count("pk"))),
        "payments": Payment.objects.aggregate(Count("pk"), Sum("amount_cents")),
        "orders": Order.objects.aggregate(Count("pk"), Sum("total_cents")),
        "bookings": dict(Booking.objects.values_list("status").annotate(Count("pk"))),
        "members": sorted(Membership.objects.values_list("tier", "status", "joined_on")),
        "tickets": dict(Ticket.objects.values_list("status").annotate(Count("pk"))),
        "value": CustomerMetrics.objects.aggregate(Sum("lifetime_value_cents"), Sum("booking_count_30d")),
        "events": InboundEvent.objects.count(),
        "received": dict(InboundEvent.objects.values_list("type").annotate(Count("pk"))),
        "stages": dict(CustomerProfile.objects.values_list("lifecycle_stage").annotate(Count("pk"))),
    }  # fmt: skip


def test_the_markers_are_everywhere_before(person: CustomerProfile) -> None:
    found = left()
    assert {marker for _label, marker in found} == set(MARKERS)
    assert len({label for label, _marker in found}) >= 14, {label for label, _marker in found}


def test_nothing_that_names_the_person_is_left_and_reports_count_as_before(person: CustomerProfile) -> None:
    before = counts()
    done = erase_customer(person.pk, by="user:x", reason="asked by letter")
    assert left() == set()
    assert counts() == before
    assert {"profile", "activities", "notes"} <= set(done)
    person.refresh_from_db()
    assert (person.status, person.email, person.first_name, person.provenance) == ("DELETED", "", "", {})
    assert person.erased_at is not None


def test_a_trial_says_what_would_go_and_changes_nothing(person: CustomerProfile) -> None:
    before = sorted(tables())
    done = erase_customer(person.pk, by="user:x", dry_run=True)
    assert sorted(tables()) == before
    assert erase_customer(person.pk, by="user:x") == done


def test_erasing_again_does_nothing(person: CustomerProfile) -> None:
    erase_customer(person.pk, by="user:x")
    before = sorted(tables())
    assert erase_customer(person.pk, by="user:x") == {}
    assert sorted(tables()) == before


def test_what_is_erased_is_told_to_the_world_and_to_the_audit_log(person: CustomerProfile) -> None:
    erase_customer(person.pk, by="user:x", reason="asked")
    (news,) = OutboxMessage.objects.all()
    assert (news.topic, news.payload["id"]) == ("crm.profile.erased", str(person.pk))
    entry = AuditEntry.objects.get(action="customer.erased")
    assert (entry.actor, entry.after["reason"], entry.object_id) == ("user:x", "asked", str(person.pk))


def test_a_legal_hold_keeps_everything(person: CustomerProfile) -> None:
    CustomerProfile.objects.filter(pk=person.pk).update(legal_hold_at=NOW)
    with pytest.raises(LegalHold):
        erase_customer(person.pk, by="user:x")
    assert {marker for _label, marker in left()} == set(MARKERS)


def test_what_a_household_shares_stays_with_the_others(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(email="family@example.com", phone_number="+27825550111")
    ben = CustomerProfileFactory(email="ben@example.com")
    hold(ben, "email", "family@example.com", is_owner=False)
    erase_customer(ann.pk, by="user:x")
    holder = AliasHolder.objects.get(alias__value="family@example.com")
    assert (holder.customer_id, holder.is_owner) == (ben.pk, True)
    assert {row.kind for row in Suppression.objects.all()} == {"phoneNumber"}
    assert not IdentityAlias.objects.filter(value="+27825550111").exists()


def test_a_namesake_keeps_what_is_theirs(tenant: Tenant, person: CustomerProfile) -> None:
    receive(
        [event(20, "scl.member.created", "scl", {"id": 5, "firstName": "Zanthippe", "lastName": "Quork"})]
    )
    process_due(tenant)
    erase_customer(person.pk, by="user:x")
    namesake = AliasHolder.objects.get(alias__value="5").customer
    assert (namesake.full_name, namesake.status) == ("Zanthippe Quork", "ACTIVE")
    assert SearchWord.objects.filter(word="quork").exists()


def test_those_who_were_merged_into_the_person_go_with_them(tenant: Tenant) -> None:
    winner = CustomerProfileFactory(first_name="Winnie")
    loser = CustomerProfileFactory(first_name="Losie", status="MERGED", merged_into=winner)
    erase_customer(loser.pk, by="user:x")
    assert left(["Winnie", "Losie"]) == set()
    loser.refresh_from_db()
    assert (loser.status, loser.merged_into_id) == ("MERGED", winner.pk)


def test_a_guest_is_taken_out_of_the_bookings_of_others(tenant: Tenant) -> None:
    booker, guest = (
        CustomerProfileFactory(),
        CustomerProfileFactory(first_name="Gus", last_name="Guestly", email="gus@example.com"),
    )
    party = [{"firstName": "Gus", "lastName": "Guestly"}, {"firstName": "Bo", "lastName": "Booker"}]
    Booking.objects.create(tenant=tenant, key="b1", customer=booker, party=party, cancel_reason="rain")
    BookingPlayer.objects.create(
        tenant=tenant, key="b1:1", booking_key="b1", customer=guest, first_name="Gus", last_name="Guestly"
    )
    erase_customer(guest.pk, by="user:x")
    assert Booking.objects.get().party == [
        {"firstName": ERASED, "lastName": ERASED},
        {"firstName": "Bo", "lastName": "Booker"},
    ]
    assert Booking.objects.get().cancel_reason == "rain"


def test_what_waits_in_the_streams_goes_and_what_is_others_stays(
    tenant: Tenant, person: CustomerProfile, django_capture_on_commit_callbacks: Any
) -> None:
    client: Any = redis_client()
    mine = client.xadd(
        INBOUND, {"name": "x", "data": json.dumps({"tenantId": tenant.slug, "payload": {"email": EMAIL}})}
    )
    told = client.xadd(
        OUTBOUND, {"name": "x", "data": json.dumps({"tenantId": tenant.slug, "payload": {"email": EMAIL}})}
    )
    theirs = client.xadd(
        INBOUND, {"name": "x", "data": json.dumps({"tenantId": "elsewhere", "payload": {"email": EMAIL}})}
    )
    named = {"type": "crm.profile.updated", "tenantId": tenant.slug}
    changed = client.xadd(
        OUTBOUND,
        {"name": "x", "data": json.dumps(named | {"payload": {"id": str(person.pk), "lastName": "Quork"}})},
    )
    with django_capture_on_commit_callbacks(execute=True):
        erase_customer(person.pk, by="user:x")
        assert client.xrange(OUTBOUND, told, told), "nothing goes before all of it is committed"
    assert client.xrange(OUTBOUND, changed, changed) == []
    assert client.xrange(INBOUND, mine, mine) == client.xrange(OUTBOUND, told, told) == []
    assert len(client.xrange(INBOUND, theirs, theirs)) == 1
    client.xdel(INBOUND, theirs)


def test_nobody_is_erased_who_is_not_there(tenant: Tenant) -> None:
    with pytest.raises(CustomerNotFound):
        erase_customer(tenant.pk, by="user:x")


def test_who_comes_back_gets_no_marketing(tenant: Tenant, person: CustomerProfile) -> None:
    erase_customer(person.pk, by="user:x")
    again = event(
        0,
        "contact.created",
        "messaging",
        {"contactId": "contact-zq-9911", "email": EMAIL, "emailOptIn": True},
    )
    again["timestamp"] = datetime.now(UTC).isoformat()
    receive([again | {"id": "again"}])
    process_due(tenant)
    back = AliasHolder.objects.get(alias__kind="email", alias__value=EMAIL).customer
    assert back.pk != person.pk
    assert (back.email_opt_in, back.sms_opt_in) == (False, False)


def test_a_late_event_from_before_stays_out(tenant: Tenant, person: CustomerProfile) -> None:
    erase_customer(person.pk, by="user:x")
    people = CustomerProfile.objects.count()
    receive([event(30, "scl.member.updated", "scl", {"id": 884412, "email": EMAIL, "lastName": "Quork"})])
    process_due(tenant)
    late = InboundEvent.objects.get(event_id="zq-30")
    assert (late.status, late.error_code, late.customer_id) == ("SKIPPED", "ERASED", None)
    assert not EventBody.objects.filter(event=late).exists()
    assert CustomerProfile.objects.count() == people
    assert left() == set()


def test_a_number_is_an_id_only_where_it_is_called_one() -> None:
    needles = Needles(frozenset({("sclMemberId", "884412"), ("externalIds.lockerNo", "51")}), frozenset())
    assert not needles.are_in('{"amount": 884412, "orderId": "884412", "text": "884412"}')
    said = {"memberId": 884412, "lockerNo": "51", "amount": 884412, "hole": "51"}
    assert needles.scrubbed(said) == {"memberId": ERASED, "lockerNo": ERASED, "amount": 884412, "hole": "51"}
    assert re.search(needles.as_id("sclMemberId"), '{"id": 884412}')
    assert not re.search(needles.as_id("sclMemberId"), '{"id": 8844120}')


def test_an_address_that_goes_on_is_another() -> None:
    needles = Needles(frozenset({("email", "ab@example.com")}), frozenset())
    assert [needles.are_in(text) for text in ("ab@example.com.", "ab@example.com.au")] == [True, False]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to ann.bee@example.com!", True), ("joann.bee@example.com", False), ("call 082 123-4567 now", True),
        ("+27 82 123 4567", True), ("(082) 1234567", True), ("0821234568", False), ("Ann Bee won", True),
        ("Bee, Ann", True), ("Annbee", False), ("Ann won", False), ("484 golfers", False),
        ('{"sclMemberId": 484}', True), ("+44 82 123 4567", False), ("8821234567", False), ("821234567", False),
        ("0027 82 123 4567", True), ("+27 (0) 82 123 4567", True), ('{"memberId": "484"}', True),
        ('{"bookingId": 484}', False), ('{"id": "484"}', False), ("AUTH-77412", True), ("XAUTH-77412", False),
        ('{"firstName": "Ann", "lastName": "Bee"}', True),
    ],
)  # fmt: skip
def test_what_names_a_person_is_found(text: str, found: bool) -> None:
    needles = Needles(
        frozenset({
            ("email", "ann.bee@example.com"), ("phoneNumber", "+27821234567"), ("sclMemberId", "484"),
            ("authUserId", "auth-77412"),
        }),
        frozenset({("Ann", "Bee")}),
    )  # fmt: skip
    assert needles.are_in(text) is found


json_values = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.sampled_from(["ann@x.org", "+27 82 123 4567", "Ann Bee"]))
def test_scrubbing_leaves_nothing_and_touches_nothing_else(value: Any, said: str) -> None:
    needles = Needles(
        frozenset({("email", "ann@x.org"), ("phoneNumber", "+27821234567")}), frozenset({("Ann", "Bee")})
    )
    assert needles.scrubbed(value) == value
    assert needles.scrubbed([value, {"a": f"x {said} y"}]) == [value, {"a": f"x {ERASED} y"}]


def test_the_database_finds_what_python_finds(person: CustomerProfile) -> None:
    needles = needles_of([person.pk])
    texts = [
        f"x {EMAIL} y",
        "082 555 0142",
        "Zanthippe Quork",
        "Quork, Zanthippe",
        '"sclMemberId": 884412',
        "nothing",
        FORMER,
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT t ~* %s FROM unnest(%s::text[]) t", [needles.pattern, texts])
        assert [row[0] for row in cursor.fetchall()] == [needles.are_in(text) for text in texts]
    assert suppression.suppressed([("email", EMAIL)]) == {}
