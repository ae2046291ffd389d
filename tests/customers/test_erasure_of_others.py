"""What is others' stays whole when somebody is erased: only what names the person goes from it."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from crm.outbox.models import OutboxMessage
from crm.outbox.services import emit
from crm.outbox.streams import OUTBOUND, redis_client
from crm.tenancy import audit, retention
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.scope import tenant_scope
from customers import erasure, locks
from customers.duplicates import dismiss
from customers.erasure import LegalHold, erase_customer
from customers.families import load_families
from customers.locks import set_guardian
from customers.merging import merge_customers
from customers.models import AliasHolder, CustomerProfile, DuplicateCandidate, Household
from customers.scrubbing import ERASED
from customers.services import create_customer
from tests.factories import CustomerProfileFactory, house
from timeline.ingestion import process_due, receive
from timeline.models import Activity, EventBody, InboundEvent

BY = "user:0190d1c0-0000-7000-8000-000000000000"
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def send(tenant: Tenant, number: int, type: str, source: str, payload: Any, **identity: Any) -> InboundEvent:
    receive([
        {"id": f"e-{number}", "type": type, "source": source, "version": "1.0", "identity": identity,
         "timestamp": (NOW + timedelta(seconds=number % 100)).isoformat(), "payload": payload}
    ])  # fmt: skip
    process_due(tenant)
    found: InboundEvent = InboundEvent.objects.get(event_id=f"e-{number}")
    return found


def member(tenant: Tenant, number: int, **payload: Any) -> CustomerProfile:
    known = {"id": number, "firstName": "Zanthippe", "lastName": "Quork", "status": "ACTIVE"}
    send(tenant, number, "scl.member.created", "scl", known | payload)
    found: CustomerProfile = AliasHolder.objects.get(
        alias__kind="sclMemberId", alias__value=str(number)
    ).customer
    return found


def said_of_others() -> list[Any]:
    """Bodies, entries and news, all of them."""
    return [
        list(EventBody.objects.order_by("pk").values()),
        list(Activity.objects.order_by("pk").values()),
        list(AuditEntry.objects.order_by("pk").values()),
        list(OutboxMessage.objects.order_by("pk").values()),
    ]


def test_a_namesake_and_look_alike_numbers_are_left_whole(tenant: Tenant) -> None:
    other = member(tenant, 884413, email="other@example.com", phoneNumber="+44 82 555 0142")
    order = {"orderId": "884412", "total": 884412, "currency": "ZAR", "items": [{"sku": "884412"}]}
    send(tenant, 2, "order.paid", "ecommerce", order, email="other@example.com")
    audit.record(
        "customer.updated",
        by=BY,
        object_type="customer",
        object_id=other.pk,
        after={"name": "Zanthippe Quork", "total": 884412, "phone": "0842555014", "to": "z@example.com.au"},
    )
    emit("crm.profile.updated", key=other.pk, payload={"id": str(other.pk), "fullName": "Zanthippe Quork"})
    before = said_of_others()
    # Not by an event: what is told of the person is told here alone.
    mine = create_customer(
        {"first_name": "Zanthippe", "last_name": "Quork"},
        {"email": "z@example.com", "phoneNumber": "+27825550142", "sclMemberId": 884412}, by=BY,
    )  # fmt: skip
    erase_customer(mine.pk, by=BY)
    after = said_of_others()
    for old, new in zip(before, after, strict=True):
        assert [row for row in new if row in old] == old


def test_what_a_household_shares_stays_in_what_is_told_of_the_others(tenant: Tenant) -> None:
    ann = member(tenant, 1, firstName="Ann", email="home@example.com", phoneNumber="+27825550142")
    ben = member(tenant, 2, firstName="Ben", email="Home@Example.com", phoneNumber="+27825550142")
    assert ann.pk != ben.pk
    emit("crm.profile.updated", key=ben.pk, payload={"id": str(ben.pk), "email": "home@example.com"})
    audit.record(
        "customer.updated",
        by=BY,
        object_type="customer",
        object_id=ben.pk,
        after={"email": "home@example.com", "phone": "082 555 0142"},
    )
    body = EventBody.objects.get(event__event_id="e-2").raw
    erase_customer(ann.pk, by=BY)
    assert not EventBody.objects.filter(event__event_id="e-1").exists()
    assert EventBody.objects.get(event__event_id="e-2").raw == body
    ben.refresh_from_db()
    assert (ben.full_name, ben.email) == ("Ben Quork", "home@example.com")
    (news,) = OutboxMessage.objects.filter(key=ben.pk, topic="crm.profile.updated")
    assert news.payload["email"] == "home@example.com"
    entry = AuditEntry.objects.get(action="customer.updated", object_id=ben.pk)
    assert entry.after == {"email": "home@example.com", "phone": "082 555 0142"}


def test_from_what_is_told_of_others_the_person_is_taken_out_alone(tenant: Tenant) -> None:
    booker = member(tenant, 1, firstName="Bo", lastName="Booker", email="bo@example.com")
    booking = {
        "id": "book-1", "clubId": "c", "teeTime": "2026-12-01T08:00:00Z", "cancelReason": "rain",
        "players": [{"name": "Bo Booker", "email": "bo@example.com"},
                    {"name": "Gus Guestly", "email": "gus@example.com"}],
    }  # fmt: skip
    sent = send(tenant, 2, "teetime.booking.created", "teetime", booking, email="bo@example.com")
    guest = AliasHolder.objects.get(alias__value="gus@example.com").customer
    emit("something.told", key=booker.pk, payload={"with": "Gus Guestly <gus@example.com>", "hole": 7})
    audit.record(
        "note.added", by=BY, object_type="note", object_id="1", after={"to": "gus@example.com", "hole": 7}
    )
    audit.record("customer.listed", by=BY, object_type="customer", after={"searched": "Gus Guestly"})
    erase_customer(guest.pk, by=BY)
    sent.refresh_from_db()
    assert (sent.status, sent.customer_id) == ("SUCCESS", booker.pk)
    kept = json.loads(EventBody.objects.get(event=sent).raw)["payload"]
    assert (kept["id"], kept["cancelReason"]) == ("book-1", "rain")
    assert kept["players"] == [
        {"name": "Bo Booker", "email": "bo@example.com"},
        {"name": ERASED, "email": ERASED},
    ]
    assert OutboxMessage.objects.get(topic="something.told").payload == {
        "with": f"{ERASED} <{ERASED}>",
        "hole": 7,
    }
    assert AuditEntry.objects.get(action="note.added").after == {"to": ERASED, "hole": 7}
    assert AuditEntry.objects.get(action="customer.listed").after == {"searched": ERASED}


def test_names_of_households_and_remarks_on_pairs_go(tenant: Tenant) -> None:
    ann, ben = CustomerProfileFactory(first_name="Ann"), CustomerProfileFactory(first_name="Ben")
    household = house(ann, ben, name="Ann at the mill")
    audit.record(
        "household.changed",
        by=BY,
        object_type="household",
        object_id=household.pk,
        after={"name": "Ann at the mill"},
    )
    first, second = sorted([ann, ben], key=lambda one: one.pk)
    DuplicateCandidate.objects.create(tenant=tenant, first=first, second=second, reason="x")
    dismiss(DuplicateCandidate.objects.all(), by=BY, remark="the one with the limp")
    erase_customer(ann.pk, by=BY)
    assert Household.objects.get().name == ""
    assert not DuplicateCandidate.objects.exists()
    said = str(list(AuditEntry.objects.values_list("after", flat=True)))
    assert "mill" not in said
    assert "limp" not in said


def test_who_is_erased_answers_for_nobody(tenant: Tenant) -> None:
    mother, child, twin = (CustomerProfileFactory() for _ in range(3))
    set_guardian(child.pk, mother.pk, by=BY)
    merge_customers(child.pk, twin.pk, by=BY)
    erase_customer(mother.pk, by=BY)
    assert CustomerProfile.objects.get(pk=child.pk).guardian_id is None
    (family,) = load_families([child.pk]).values()
    assert family.fold()["guardian_id"] is None


# --- under the person's lock
def waiting() -> bool:
    """Whether somebody waits for a lock just now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_who_is_merged_away_meanwhile_goes_with_whom_they_became(tenant: Tenant) -> None:
    ann, ben = CustomerProfileFactory(first_name="Annabel"), CustomerProfileFactory(first_name="Benedict")
    problems: list[BaseException] = []

    def erase() -> None:
        try:
            with tenant_scope(tenant):
                erase_customer(ann.pk, by=BY)
        except BaseException as error:  # noqa: BLE001 - whatever happens in a thread must fail the test
            problems.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=erase)
    with transaction.atomic():
        merge_customers(ben.pk, ann.pk, by=BY)
        thread.start()
        deadline = time.monotonic() + 60
        while not waiting():
            assert thread.is_alive() and time.monotonic() < deadline, problems
    thread.join(60)
    assert problems == []
    for one in (ann, ben):
        one.refresh_from_db()
        assert (one.first_name, one.erased_at is not None) == ("", True)


def in_the_stream(person: UUID, tenant: Tenant) -> Any:
    told = {"type": "x", "tenantId": tenant.slug, "payload": {"id": str(person)}}
    return redis_client().xadd(OUTBOUND, {"name": "x", "data": json.dumps(told)})


@pytest.mark.django_db(transaction=True)
def test_the_streams_keep_what_an_erasure_that_was_refused_or_failed_would_have_taken(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann: CustomerProfile = CustomerProfileFactory()
    entry, client = in_the_stream(ann.pk, tenant), redis_client()
    locks.place_hold(ann.pk, by=BY, reason="a dispute")
    with pytest.raises(LegalHold):
        erase_customer(ann.pk, by=BY)
    locks.lift_hold(ann.pk, by=BY, reason="settled")
    with monkeypatch.context() as patch:
        patch.setattr(erasure.audit, "record", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase_customer(ann.pk, by=BY)
    assert client.xrange(OUTBOUND, entry, entry)
    erase_customer(ann.pk, by=BY, dry_run=True)
    assert client.xrange(OUTBOUND, entry, entry)
    erase_customer(ann.pk, by=BY)
    assert not client.xrange(OUTBOUND, entry, entry)


def test_the_retention_job_goes_on_after_one_person_and_says_so(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = (NOW - timedelta(days=10)).date()
    people = sorted(
        (CustomerProfileFactory(data_retention_date=day) for _ in range(3)), key=lambda one: one.pk
    )
    real = erasure.needles_of

    def needles(family: list[UUID]) -> Any:
        if people[0].pk in family:
            raise RuntimeError("a row that nobody thought of")
        return real(family)

    monkeypatch.setattr(erasure, "needles_of", needles)
    retention.decide({"KEEP_UNTIL": 0}, by=BY)
    retention.apply_rules(datetime.now(UTC))
    gone = CustomerProfile.objects.filter(erased_at__isnull=False)
    assert set(gone) == set(people[1:])
    entry = AuditEntry.objects.get(action="customer.erasure_failed")
    assert (entry.object_id, entry.after) == (str(people[0].pk), {"error": "RuntimeError"})
    assert AuditEntry.objects.get(action="retention.applied").after == {"KEEP_UNTIL": 2}
