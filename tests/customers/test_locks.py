"""Restrictions, legal holds, minors and their guardians, and the requests of people about their data."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from crm.errors import Conflict, CustomerNotFound, ValidationFailed
from crm.tenancy.models import AuditEntry, Tenant
from customers import locks, majority
from customers.consents import object_to_marketing
from customers.erasure import LegalHold, erase_customer
from customers.export import columns_of, rows_of
from customers.marketing import age_on, may_market
from customers.merging import Pair, RestrictedCustomer, merge_many
from customers.models import AliasHolder, CustomerProfile, IdentityAlias, MergeRecord, PrivacyRequest
from customers.requests import decide_request, due_at, record_request
from customers.unmerging import TooLateToUndo, unmerge
from tests.factories import CustomerProfileFactory
from tests.pages import LIST, log_in, member
from timeline import tasks
from timeline.ingestion import process_due, receive
from timeline.models import Activity, EventBody, InboundEvent

NOW = datetime.now(UTC).replace(microsecond=0)


def rename(number: int, name: str, member_id: int = 7) -> dict[str, Any]:
    return {
        "id": f"e{number}", "type": "scl.member.updated", "source": "scl", "version": "1.0",
        "timestamp": (NOW - timedelta(minutes=60 - number)).isoformat(), "identity": {},
        "payload": {"id": member_id, "lastName": name},
    }  # fmt: skip


@pytest.fixture
def person(tenant: Tenant) -> CustomerProfile:
    made: CustomerProfile = CustomerProfileFactory(last_name="Botha", scl_member_id=7)
    return made


# --- restriction
def test_what_comes_under_a_restriction_waits_until_it_is_lifted(
    tenant: Tenant, person: CustomerProfile
) -> None:
    locks.restrict(person.pk, by="user:x", reason="accuracy contested")
    receive([rename(1, "Nel"), rename(2, "Other", member_id=8)])
    process_due(tenant)
    person.refresh_from_db()
    assert person.last_name == "Botha"
    waiting = InboundEvent.objects.get(event_id="e1")
    assert (waiting.status, waiting.error_code, waiting.customer_id) == (
        "SKIPPED",
        "PROCESSING_RESTRICTED",
        person.pk,
    )
    assert EventBody.objects.filter(event=waiting).exists()
    assert CustomerProfile.objects.filter(last_name="Other").exists()
    assert tasks.apply_held() == 0
    locks.unrestrict(person.pk, by="user:x", reason="settled")
    assert tasks.apply_held() == 1
    process_due(tenant)
    person.refresh_from_db()
    assert person.last_name == "Nel"


def test_nobody_writes_to_a_restricted_person_but_for_their_rights(
    tenant: Tenant, person: CustomerProfile, api: Any
) -> None:
    locks.restrict(person.pk, by="user:x", reason="asked")
    path = f"/api/v1/customers/{person.pk}"
    for reply in (
        api.patch(path, {"lastName": "Nel"}),
        api.delete(path),
        api.post(f"{path}/notes", {"body": "x"}),
        api.post(f"{path}/tags", {"tags": ["x"]}),
        api.post(f"{path}/activities", {"type": "CALL"}),
        api.post(f"{path}/consents", {"channel": "EMAIL", "state": "PENDING"}),
    ):
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "PROCESSING_RESTRICTED")
    assert api.get(path).json()["processingRestrictedAt"]
    assert api.post(f"{path}/consents", {"channel": "EMAIL", "state": "WITHDRAWN"}).status_code == 200
    assert api.post(f"{path}/data-export").status_code == 200
    object_to_marketing(person.pk, by="user:x")


def test_a_resolve_teaches_a_restricted_person_nothing(
    tenant: Tenant, person: CustomerProfile, api: Any
) -> None:
    locks.restrict(person.pk, by="user:x", reason="asked")
    before = CustomerProfile.objects.filter(pk=person.pk).values().get()
    told = {"sclMemberId": 7, "email": "new@example.com", "teetimePlayerId": "player-9"}
    reply = api.post("/api/v1/customers/resolve", told)
    assert (reply.status_code, reply.json()["profile"]["id"]) == (200, str(person.pk))
    assert reply.json()["isNew"] is False
    assert CustomerProfile.objects.filter(pk=person.pk).values().get() == before
    assert not IdentityAlias.objects.filter(value__in=["new@example.com", "player-9"]).exists()
    locks.unrestrict(person.pk, by="user:x", reason="settled")
    api.post("/api/v1/customers/resolve", told)
    assert AliasHolder.objects.get(alias__value="player-9").customer_id == person.pk


def test_exports_leave_restricted_people_out(tenant: Tenant, person: CustomerProfile) -> None:
    other = CustomerProfileFactory()
    locks.restrict(person.pk, by="user:x", reason="asked")
    rows = list(rows_of(CustomerProfile.objects.all(), columns_of(["id"])))
    assert rows == [{"id": str(other.pk)}]


def test_staff_see_the_restriction_and_can_not_edit(tenant: Tenant, person: CustomerProfile) -> None:
    admin = log_in(member("ADMIN").user)
    admin.post(f"{LIST}{person.pk}/lock/", {"act": "restrict", "reason": ""})
    person.refresh_from_db()
    assert person.processing_restricted_at is None
    admin.post(f"{LIST}{person.pk}/lock/", {"act": "restrict", "reason": "asked by letter"})
    assert "Processing is restricted" in admin.text(f"{LIST}{person.pk}/")
    assert admin.post(f"{LIST}{person.pk}/mark/", {"mark": "is_vip", "on": "1"}).status_code == 403
    entry = AuditEntry.objects.get(action="customer.restricted")
    assert entry.after == {"reason": "asked by letter"}
    assert locks.reason_of(person.pk, "processing_restricted_at") == "asked by letter"
    admin.post(f"{LIST}{person.pk}/lock/", {"act": "unrestrict", "reason": "settled"})
    person.refresh_from_db()
    assert person.processing_restricted_at is None
    assert set(Activity.objects.values_list("type", flat=True)) == {
        "CUSTOMER_RESTRICTED",
        "CUSTOMER_UNRESTRICTED",
    }


# --- legal hold
def test_a_hold_blocks_erasure_until_it_is_lifted(person: CustomerProfile, api: Any) -> None:
    locks.place_hold(person.pk, by="user:x", reason="a dispute")
    with pytest.raises(Conflict):
        locks.place_hold(person.pk, by="user:x", reason="again")
    with pytest.raises(LegalHold):
        erase_customer(person.pk, by="user:x")
    refused = api.post(f"/api/v1/customers/{person.pk}/erase")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LEGAL_HOLD")
    with pytest.raises(locks.ReasonNeeded):
        locks.lift_hold(person.pk, by="user:x", reason=" ")
    locks.lift_hold(person.pk, by="user:x", reason="settled")
    erase_customer(person.pk, by="user:x")
    with pytest.raises(CustomerNotFound):
        locks.place_hold(person.pk, by="user:x", reason="too late")


# --- minors
@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2008, 6, 1), date(2026, 5, 31), 17), (date(2008, 6, 1), date(2026, 6, 1), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17), (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)  # fmt: skip
def test_an_age_is_in_full_years(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""), ({"email_opt_in": None}, "NEVER_ASKED"), ({"email_opt_in": False}, "REFUSED"),
        ({"date_of_birth": date(2010, 1, 1)}, "MINOR"), ({"date_of_birth": date(2008, 6, 1)}, ""),
        ({"is_blocked": True}, "BLOCKED"), ({"status": "DELETED"}, "NOT_ACTIVE"),
        ({"processing_restricted_at": NOW, "email_opt_in": False}, "RESTRICTED"), ({"erased_at": NOW}, "ERASED"),
    ],
)  # fmt: skip
def test_why_somebody_gets_no_marketing(changes: dict[str, Any], expected: str) -> None:
    who = CustomerProfile(**{"email_opt_in": True, **changes})
    assert may_market(who, "EMAIL", day=date(2026, 6, 1), majority=18) == expected


def test_a_guardian_is_somebody_else_and_shown(tenant: Tenant, person: CustomerProfile) -> None:
    child = CustomerProfileFactory(first_name="Kid", date_of_birth=NOW.date() - timedelta(days=3000))
    admin = log_in(member("ADMIN").user)
    admin.post(f"{LIST}{child.pk}/guardian/", {"guardian": str(person.pk)})
    child.refresh_from_db()
    assert child.guardian_id == person.pk
    page = admin.text(f"{LIST}{child.pk}/", tab="privacy")
    assert "Minors get no marketing" in page
    assert str(person) in page
    for wrong, error in ((child.pk, ValidationFailed), (uuid4(), CustomerNotFound)):
        with pytest.raises(error):
            locks.set_guardian(child.pk, wrong, by="user:x")
    with pytest.raises(ValidationFailed):
        locks.set_guardian(person.pk, child.pk, by="user:x")
    admin.post(f"{LIST}{child.pk}/guardian/", {"guardian": "nonsense"})
    locks.set_guardian(child.pk, None, by="user:x")
    assert AuditEntry.objects.filter(action="customer.guardian_set").count() == 2


def test_who_came_of_age_is_looked_at_once(tenant: Tenant, person: CustomerProfile) -> None:
    today = NOW.date()
    turned = CustomerProfileFactory(date_of_birth=today.replace(year=today.year - 18) - timedelta(days=3))
    CustomerProfileFactory(date_of_birth=today.replace(year=today.year - 17))
    CustomerProfileFactory(date_of_birth=today.replace(year=today.year - 40))
    ward = CustomerProfileFactory(date_of_birth=today.replace(year=today.year - 21), guardian=person)
    assert majority.ask_all(NOW) == 2
    assert majority.ask_all(NOW) == 0
    asked = PrivacyRequest.objects.filter(kind="MAJORITY", status="OPEN")
    assert set(asked.values_list("customer_id", flat=True)) == {turned.pk, ward.pk}


# --- requests
def test_a_request_has_a_clock_and_is_decided_with_words(tenant: Tenant, person: CustomerProfile) -> None:
    tenant.privacy_days = 10
    made = record_request(person, "ACCESS", by="user:x", reason="by phone")
    assert made.requested_at is not None
    assert due_at(made) == made.requested_at + timedelta(days=10)
    with pytest.raises(Conflict):
        decide_request(made.pk, "DONE", by="user:x", decision="")
    decide_request(made.pk, "DONE", by="user:x", decision="Sent by registered mail")
    with pytest.raises(Conflict):
        decide_request(made.pk, "REFUSED", by="user:x", decision="no")


def test_the_front_desk_puts_a_request_into_the_queue(tenant: Tenant, person: CustomerProfile) -> None:
    desk, admin = log_in(member("STAFF").user), log_in(member("ADMIN").user)
    desk.post(f"{LIST}{person.pk}/request/", {"kind": "ERASURE", "reason": "At the desk"})
    desk.post(f"{LIST}{person.pk}/request/", {"kind": "MAJORITY"})
    asked = PrivacyRequest.objects.get()
    assert "At the desk" in desk.text(f"{LIST}{person.pk}/", tab="privacy")
    PrivacyRequest.objects.update(requested_at=NOW - timedelta(days=31))
    page = admin.text("/admin/customers/privacyrequest/")
    assert "overdue" in page
    assert "Erase them" in admin.text(f"/admin/customers/privacyrequest/{asked.pk}/decide/")
    erase_customer(person.pk, by="user:x")
    asked.refresh_from_db()
    assert (asked.status, asked.reason) == ("DONE", "")


# --- together with merging
def test_a_restricted_person_is_not_merged_and_a_hold_goes_over(
    tenant: Tenant, person: CustomerProfile
) -> None:
    other = CustomerProfileFactory()
    locks.restrict(person.pk, by="user:x", reason="asked")
    with pytest.raises(RestrictedCustomer):
        merge_many([Pair(other.pk, person.pk)], by="user:x", rule=MergeRecord.Rule.MANUAL)
    locks.unrestrict(person.pk, by="user:x", reason="settled")
    locks.place_hold(person.pk, by="user:x", reason="a dispute")
    merge_many([Pair(other.pk, person.pk)], by="user:x", rule=MergeRecord.Rule.MANUAL)
    other.refresh_from_db()
    assert other.legal_hold_at is not None
    with pytest.raises(LegalHold):
        erase_customer(other.pk, by="user:x")


def test_what_was_merged_is_erased_as_one_and_stays_one(tenant: Tenant, person: CustomerProfile) -> None:
    other = CustomerProfileFactory(first_name="Otherwise")
    (record,) = merge_many([Pair(other.pk, person.pk)], by="user:x", rule=MergeRecord.Rule.MANUAL)
    erase_customer(person.pk, by="user:x")
    assert record is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT row::text FROM customers_profilepart")
        text = " ".join(row[0] for row in cursor.fetchall())
    assert "Otherwise" not in text
    assert "Botha" not in text
    with pytest.raises(TooLateToUndo):
        unmerge(record, by="user:x")
