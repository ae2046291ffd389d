"""Consent that ends, and a suppression that is lifted: flags, ledger, pages and other systems say the same."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from customers import expiry, ledger, suppression
from customers.consents import lift_suppression
from customers.merging import merge_customers
from customers.models import ConsentEntry, CustomerProfile
from customers.unmerging import unmerge
from tests.customers.test_consent import preference, tell
from tests.factories import CustomerProfileFactory
from tests.pages import LIST, log_in, member

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
END = NOW + timedelta(days=10)
BY = "user:x"


@pytest.fixture
def person(tenant: Tenant) -> CustomerProfile:
    tell(tenant, preference(at=NOW, emailOptIn=True, expiresAt=END.isoformat()))
    found: CustomerProfile = CustomerProfile.objects.get()
    assert found.email_opt_in is True
    return found


def agree() -> None:
    assert [people for _channel, people in ledger.differences() if people] == []


def flag(person: CustomerProfile) -> bool | None:
    person.refresh_from_db()
    return person.email_opt_in


def test_the_flag_moves_when_the_grant_ends(person: CustomerProfile) -> None:
    OutboxMessage.objects.all().delete()
    assert expiry.end_due(END - timedelta(seconds=1)) == 0
    assert flag(person) is True
    assert expiry.end_due(END) == 1
    assert flag(person) is None
    agree()
    news = OutboxMessage.objects.get(topic="crm.profile.updated")
    assert (news.payload["changes"], news.payload["emailOptIn"]) == (["emailOptIn"], None)
    assert expiry.end_due(END + timedelta(days=1)) == 0, "once"


@pytest.mark.parametrize("hours", [1, 24 * 20])
@pytest.mark.parametrize("heard_first", [True, False])
def test_a_later_grant_stands_whenever_it_is_heard(
    tenant: Tenant, person: CustomerProfile, hours: int, heard_first: bool
) -> None:
    again = preference(at=NOW + timedelta(hours=hours), emailOptIn=True) | {"id": "again"}
    if heard_first:
        tell(tenant, again)
    expiry.end_due(END + timedelta(days=1))
    if not heard_first:
        tell(tenant, again)
    assert flag(person) is True
    agree()


def test_a_no_is_not_undone_by_the_end_of_a_yes(tenant: Tenant, person: CustomerProfile) -> None:
    tell(tenant, preference(at=NOW + timedelta(hours=1), emailOptIn=False) | {"id": "no"})
    expiry.end_due(END)
    assert flag(person) is False
    agree()


def test_it_ends_for_the_part_that_gave_it(person: CustomerProfile) -> None:
    winner = CustomerProfileFactory(email="")
    made = merge_customers(winner.pk, person.pk, by=BY)
    assert made is not None
    assert flag(winner) is True
    expiry.end_due(END)
    assert flag(winner) is None
    unmerge(made.pk, by=BY)
    assert flag(person) is None
    agree()


def test_it_takes_the_same_statements_for_many(tenant: Tenant, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        said = preference(at=NOW, emailOptIn=True, expiresAt=END.isoformat())
        tell(tenant, said | {"id": f"e{number}", "identity": {"messagingContactId": f"c-{number}"}})
    with django_assert_max_num_queries(12):
        assert expiry.end_batch(END) == 12
    assert not CustomerProfile.objects.filter(email_opt_in=True).exists()
    assert expiry.end_batch(END) == 0


# --- a suppression that is lifted
def test_other_systems_hear_that_a_suppression_is_lifted(tenant: Tenant) -> None:
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by=BY, now=NOW)
    tell(tenant, preference(at=NOW + timedelta(days=1), emailOptIn=True))
    person = CustomerProfile.objects.get()
    OutboxMessage.objects.all().delete()
    lift_suppression(person.pk, by=BY, reason="signed")
    news = OutboxMessage.objects.get(topic="crm.profile.updated")
    assert news.payload["emailOptIn"] is True
    assert "smsOptIn" in news.payload["changes"]


def test_a_lifted_suppression_is_lifted_for_all_parts(tenant: Tenant) -> None:
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by=BY, now=NOW)
    tell(tenant, preference(at=NOW + timedelta(days=1), emailOptIn=True))
    person, winner = CustomerProfile.objects.get(), CustomerProfileFactory(email="")
    made = merge_customers(winner.pk, person.pk, by=BY)
    assert made is not None
    lift_suppression(winner.pk, by=BY, reason="signed")
    unmerge(made.pk, by=BY)
    assert flag(person) is True
    agree()


def test_the_page_does_not_count_a_lifted_suppression(tenant: Tenant) -> None:
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by=BY, now=NOW)
    tell(tenant, preference(at=NOW + timedelta(days=1), emailOptIn=True))
    person = CustomerProfile.objects.get()
    entries = list(ConsentEntry.objects.filter(customer=person))
    assert len(ledger.heard(entries)) == 5
    lift_suppression(person.pk, by=BY, reason="signed")
    assert {entry.state for entry in ledger.heard(entries)} == {"GRANTED"}
    page = log_in(member("ADMIN").user).get(f"{LIST}{person.pk}/", {"tab": "privacy"}).content.decode()
    table = re.findall(r"<table.*?</table>", page, re.DOTALL)[0]
    assert "Marketing" in table
    assert "Agreed" in table
    assert "Refused" not in table
