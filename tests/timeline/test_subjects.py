"""TL-3: what entries are about is looked up when they are read, and kept as it was for when it is gone."""

from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import tags
from customers.models import Booking, ClubEvent, CustomerProfile, Tag, Ticket
from tests.conftest import Api
from tests.factories import ActivityFactory
from tests.pages import LIST, at_most, staff_of
from timeline.ingestion import process_due, receive
from timeline.models import Activity
from timeline.subjects import with_subjects

count = iter(range(10_000))


def tell(tenant: Tenant, kind: str, **payload: Any) -> None:
    source = {"teetime": "teetime", "support": "support", "scl": "scl"}[kind.partition(".")[0]]
    receive([{
        "id": f"e{next(count)}", "type": kind, "source": source, "timestamp": timezone.now().isoformat(),
        "identity": {"teetimePlayerId": "p1", "email": "p@example.com"}, "payload": payload,
    }])  # fmt: skip
    process_due(tenant)


def shown(api: Api, type: str) -> list[dict[str, Any]]:
    person = CustomerProfile.objects.get()
    found: list[dict[str, Any]] = api.get(f"/api/v1/customers/{person.pk}/activities?type={type}").json()[
        "data"
    ]
    return found


def test_entries_follow_a_competition_that_is_renamed(api: Api, tenant: Tenant) -> None:
    tell(tenant, "teetime.competition.published", competitionId="c1", competitionName="Medal")
    for _ in range(2):
        tell(tenant, "teetime.competition.entered", competitionId="c1", playerId="p1")
    assert [entry["title"] for entry in shown(api, "COMPETITION_ENTERED")] == [
        "Entered a competition: Medal"
    ] * 2
    tell(tenant, "teetime.competition.updated", competitionId="c1", competitionName="Winter Medal")
    assert [(entry["title"], entry["subject"]) for entry in shown(api, "COMPETITION_ENTERED")] == [
        (
            "Entered a competition: Winter Medal",
            {"kind": "competition", "id": "c1", "name": "Winter Medal", "exists": True},
        )
    ] * 2
    assert "Entered a competition: Winter Medal" in staff_of().text(
        f"{LIST}{CustomerProfile.objects.get().pk}/"
    )
    assert "Entered a competition: Winter Medal" in staff_of().text("/admin/timeline/activity/")


def test_an_entry_heard_of_before_its_competition_gets_the_name_too(api: Api, tenant: Tenant) -> None:
    tell(tenant, "teetime.competition.entered", competitionId="c1", playerId="p1")
    assert shown(api, "COMPETITION_ENTERED")[0]["subject"] == {
        "kind": "competition", "id": "c1", "name": None, "exists": False,
    }  # fmt: skip
    tell(tenant, "teetime.competition.published", competitionId="c1", competitionName="Medal")
    assert shown(api, "COMPETITION_ENTERED")[0]["title"] == "Entered a competition: Medal"


def test_what_is_gone_keeps_the_name_that_it_had(api: Api, tenant: Tenant) -> None:
    tell(tenant, "teetime.competition.published", competitionId="c1", competitionName="Medal")
    tell(tenant, "teetime.competition.entered", competitionId="c1", playerId="p1")
    ClubEvent.objects.all().delete()
    (entry,) = shown(api, "COMPETITION_ENTERED")
    assert entry["title"] == "Entered a competition: Medal"
    assert entry["subject"] == {"kind": "competition", "id": "c1", "name": "Medal", "exists": False}


def test_titles_that_hold_the_name_say_the_new_one(api: Api, tenant: Tenant) -> None:
    tell(tenant, "support.ticket.opened", ticketId="t1", subject="Lost putter")
    tell(tenant, "teetime.booking.created", id="b1", playerId="p1", clubName="Fynbos")
    Ticket.objects.update(subject="Lost iron")
    Booking.objects.update(club_name="Fynbos Links")
    assert shown(api, "TICKET_OPENED")[0]["title"] == "Opened a ticket: Lost iron"
    assert shown(api, "TEETIME_BOOKED")[0]["title"] == "Booked a tee time at Fynbos Links"
    assert Activity.objects.get(type="TICKET_OPENED").title == "Opened a ticket: Lost putter"


def test_entries_follow_a_tag_that_is_renamed(api: Api, tenant: Tenant) -> None:
    tell(tenant, "support.ticket.opened", ticketId="t1")
    tags.tag_one(CustomerProfile.objects.get().pk, add=["VIP"], by="key:a")
    tags.rename_tag(Tag.objects.get(), "Gold", by="user:x")
    assert shown(api, "TAG_ADDED")[0]["title"] == "Tagged: Gold"
    tags.remove_tag(Tag.objects.get(), by="user:x")
    assert shown(api, "TAG_ADDED")[0]["title"] == "Tagged: VIP"


def test_a_page_of_any_length_costs_a_statement_a_kind(tenant: Tenant) -> None:
    types = ("COMPETITION_ENTERED", "TICKET_OPENED", "TEETIME_BOOKED", "TAG_ADDED", "WEB_PAGE_VIEW")
    entries = [ActivityFactory(type=types[number % 5], source_id=str(number)) for number in range(50)]
    with at_most(4):
        with_subjects(entries)
    with at_most(0):
        with_subjects([entry for entry in entries if entry.type == "WEB_PAGE_VIEW"])


def test_another_tenants_competition_has_no_name_here(api: Api, tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        ClubEvent.objects.create(tenant=other_tenant, key="COMPETITION:c1", name="Theirs")
    tell(tenant, "teetime.competition.entered", competitionId="c1", playerId="p1")
    assert shown(api, "COMPETITION_ENTERED")[0]["title"] == "Entered a competition"


@pytest.mark.parametrize("source_id", ["", "x", "9" * 30])
def test_an_id_that_cannot_be_one_is_nothing(tenant: Tenant, source_id: str) -> None:
    entry = ActivityFactory(type="TAG_ADDED", source_id=source_id, title="Tagged: VIP")
    with_subjects([entry])
    assert entry.title == "Tagged: VIP"
