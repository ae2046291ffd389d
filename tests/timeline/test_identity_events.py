"""Whose events are they? Through the pipeline, where identifiers are blocked, shared or don't fit."""

from typing import Any

from django.utils import timezone

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import AliasHolder, CustomerProfile, Demotion, DuplicateCandidate
from tests.conftest import Api
from tests.factories import TenantFactory
from tests.pages import LIST, staff_of
from timeline.ingestion import process_due, receive
from timeline.models import InboundEvent

EMAIL = "nel@example.com"


def member(number: int, first: str, **more: Any) -> dict[str, Any]:
    payload = {"id": number, "firstName": first, "lastName": "Nel", "email": EMAIL, **more}
    return said("scl.member.created", payload, source="scl")


def said(kind: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": f"e-{timezone.now().timestamp()}", "type": kind, "timestamp": timezone.now().isoformat(),
        "payload": payload, **more,
    }  # fmt: skip


def deliver(tenant: Tenant, *events: dict[str, Any]) -> list[InboundEvent]:
    receive(list(events))
    process_due(tenant)
    rows = {row.event_id: row for row in InboundEvent.objects.all()}
    return [rows[event["id"]] for event in events]


def test_four_members_of_a_family_at_one_address_are_four_people(tenant: Tenant) -> None:
    events = [member(n, first) for n, first in enumerate(["Pieter", "Anna", "Jan", "Jana"], 1)]
    rows = deliver(tenant, *events)
    assert {row.customer.first_name for row in rows if row.customer} == {"Pieter", "Anna", "Jan", "Jana"}
    holders = AliasHolder.objects.filter(alias__kind="email")
    assert (holders.count(), holders.filter(is_owner=True).count()) == (4, 1)
    assert not DuplicateCandidate.objects.exists()
    noted = Demotion.objects.filter(kind="email")
    assert noted.count() == 3
    assert set(noted.values_list("source_event_id", flat=True)) <= {event["id"] for event in events}


def test_an_order_from_the_family_s_address_goes_to_whom_it_names(tenant: Tenant) -> None:
    deliver(tenant, *(member(n, first) for n, first in enumerate(["Pieter", "Anna"], 1)))
    guest = {"name": "Anna", "surname": "Nel", "email": EMAIL}
    booking = {"id": "b-1", "playerId": "p-9", "teeTime": timezone.now().isoformat(), "players": [guest]}
    deliver(tenant, said("teetime.booking.created", booking, source="teetime"))
    assert CustomerProfile.objects.filter(first_name="Anna").count() == 1


def test_who_changes_their_name_is_known_by_the_new_one_at_once(tenant: Tenant) -> None:
    deliver(tenant, member(1, "Anna"))
    broken = {"id": "not a number", "firstName": "Anna", "lastName": "Botha", "email": EMAIL}
    deliver(
        tenant,
        member(1, "Anna", lastName="Botha", phoneNumber="0825550142"),
        said("scl.member.created", broken, source="scl"),
    )
    assert CustomerProfile.objects.get().last_name == "Botha"


def test_a_shared_address_without_a_name_is_its_owner_s_and_said_to_be_ambiguous(
    api: Api, tenant: Tenant
) -> None:
    deliver(tenant, *(member(n, first) for n, first in enumerate(["Pieter", "Anna"], 1)))
    reply = api.get(f"/api/v1/customers/resolve?email={EMAIL}").json()
    assert (reply["profile"]["firstName"], reply["ambiguous"]) == ("Pieter", True)
    named = api.post(
        "/api/v1/customers/resolve", {"email": EMAIL, "firstName": "Anna", "lastName": "Nel"}
    ).json()
    assert (named["profile"]["firstName"], named["isNew"], named["ambiguous"]) == ("Anna", False, False)
    other = api.post(
        "/api/v1/customers/resolve", {"email": EMAIL, "firstName": "Jan", "lastName": "Nel"}
    ).json()
    assert (other["profile"]["firstName"], other["isNew"]) == ("Jan", True)


def test_staff_read_on_event_and_person_what_was_set_aside_and_why(tenant: Tenant) -> None:
    tablet = {"externalIds": {"tabletId": "tab-7"}}
    visits = [
        said("web.page_view", {"url": "https://club.example/"}, identity={"sclMemberId": n, **tablet})
        for n in (1, 2)
    ]
    first, second = (deliver(tenant, visit)[0] for visit in visits)
    assert first.customer_id != second.customer_id
    browser = staff_of()
    words = "its holder has another SCL member"
    assert f"Tablet tab-7 : {words}" in browser.text(f"/admin/timeline/inboundevent/{second.pk}/")
    assert words in browser.text(f"{LIST}{second.customer_id}/")
    assert words not in browser.text(f"{LIST}{first.customer_id}/")


def test_the_same_address_is_one_person_in_two_clubs_of_a_group_and_two_in_two_groups(tenant: Tenant) -> None:
    other = TenantFactory(slug="other-group")
    visit = said("web.page_view", {"url": "https://club.example/"}, identity={"email": EMAIL})
    for club in ("club-one", "club-two"):
        deliver(tenant, {**visit, "id": club, "payload": {**visit["payload"], "clubId": club}})
    assert CustomerProfile.objects.count() == 1
    with tenant_scope(other):
        deliver(other, visit)
        assert CustomerProfile.objects.count() == 1
        assert AliasHolder.objects.count() == 1
