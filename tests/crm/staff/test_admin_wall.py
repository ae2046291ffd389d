"""The wall between tenants, seen from the staff pages: another tenant's row is a page that does not exist."""

import re
from typing import Any

import pytest
from django.contrib import admin

from crm.tenancy.models import ApiKey, Club, Invitation, Tenant, User
from crm.tenancy.scope import tenant_scope
from customers.models import Booking, CustomerProfile, DuplicateCandidate
from tests.factories import (
    ActivityFactory,
    ClubFactory,
    CustomerProfileFactory,
    InboundEventFactory,
    issue_key,
)
from tests.pages import DEAD, EVENTS, LIST, Browser, log_in, member, staff_of
from timeline.models import InboundEvent

LISTS = [f"/admin/{m._meta.app_label}/{m._meta.model_name}/" for m in admin.site._registry]


@pytest.fixture
def foreign(other_tenant: Tenant) -> dict[str, Any]:
    """A row of every kind behind the wall."""
    with tenant_scope(other_tenant):
        person = CustomerProfileFactory(last_name="Behindwall", email="behind@wall.example")
        other = CustomerProfileFactory(last_name="Behindwalltoo")
        first, second = sorted((person, other), key=lambda one: one.pk)
        event = InboundEventFactory(
            event_id="behind-wall", customer=person, status="FAILED", is_waiting=False,
            dead_at="2026-01-01T00:00:00Z", error_code="BEHIND_WALL",
        )  # fmt: skip
        Booking.objects.create(tenant=other_tenant, key="behind-wall", customer=person)
        return {
            "person": person,
            "event": event,
            "activity": ActivityFactory(customer=person, title="Behind wall"),
            "pair": DuplicateCandidate.objects.create(
                tenant=other_tenant, first=first, second=second, reason="behind wall"
            ),
            "club": ClubFactory(tenant=other_tenant, name="Behind Wall Club"),
            "key": issue_key(other_tenant)[0],
            "membership": member(tenant=other_tenant),
        }


def test_no_list_shows_another_tenants_rows(tenant: Tenant, foreign: dict[str, Any]) -> None:
    browser = staff_of()
    assert len(LISTS) > 15
    for path in [*LISTS, DEAD, "/admin/"]:
        page = browser.text(path).lower()
        assert "behind" not in page, path


def test_every_page_of_a_foreign_row_is_not_found(tenant: Tenant, foreign: dict[str, Any]) -> None:
    browser = staff_of()
    pages = {
        f"{LIST}{foreign['person'].pk}/",
        f"{LIST}{foreign['person'].pk}/live/",
        f"{LIST}{foreign['person'].pk}/change/",
        f"{EVENTS}{foreign['event'].pk}/",
        f"{EVENTS}{foreign['event'].pk}/change/",
        f"/admin/timeline/activity/{foreign['activity'].pk}/change/",
        f"/admin/customers/duplicatecandidate/{foreign['pair'].pk}/",
        f"/admin/tenancy/club/{foreign['club'].pk}/change/",
        f"/admin/tenancy/apikey/{foreign['key'].pk}/change/",
        f"/admin/tenancy/staffmembership/{foreign['membership'].pk}/change/",
    }
    assert {path: browser.get(path).status_code for path in pages} == dict.fromkeys(pages, 404)
    missing = browser.get(f"{LIST}01900000-0000-7000-8000-000000000000/")
    assert missing.status_code == 404
    behind = browser.get(f"{LIST}{foreign['person'].pk}/")
    assert without_token(missing.content) == without_token(behind.content)


def without_token(page: bytes) -> bytes:
    return re.sub(rb'(?<=name="csrfmiddlewaretoken" value=")[^"]+', b"", page)


def test_no_form_changes_a_foreign_row(tenant: Tenant, other_tenant: Tenant, foreign: dict[str, Any]) -> None:
    browser = staff_of()
    tried = {
        f"{LIST}{foreign['person'].pk}/remove/": {},
        f"{LIST}{foreign['person'].pk}/restore/": {},
        f"{LIST}{foreign['person'].pk}/change/": {"first_name": "Taken"},
        f"{EVENTS}{foreign['event'].pk}/replay/": {},
        f"/admin/customers/duplicatecandidate/{foreign['pair'].pk}/dismiss/": {},
        f"/admin/tenancy/club/{foreign['club'].pk}/change/": {"name": "Taken", "refs": "x"},
        f"/admin/tenancy/apikey/{foreign['key'].pk}/revoke/": {},
        f"/admin/tenancy/apikey/{foreign['key'].pk}/rotate/": {"overlap": 0},
        f"/admin/tenancy/staffmembership/{foreign['membership'].pk}/password/": {},
        f"/admin/tenancy/staffmembership/{foreign['membership'].pk}/change/": {"role": "VIEWER"},
    }
    assert {path: browser.post(path, data).status_code for path, data in tried.items()} == dict.fromkeys(
        tried, 404
    )
    browser.post(EVENTS, {"action": "replay_chosen", "_selected_action": [foreign["event"].pk]})
    browser.post(f"{DEAD}replay/")
    browser.post(f"{DEAD}discard/", {"reason": "mine"})
    pair = foreign["pair"]
    browser.post("/admin/customers/duplicatecandidate/", {"action": "dismiss", "_selected_action": [pair.pk]})
    with tenant_scope(other_tenant):
        assert CustomerProfile.objects.get(pk=foreign["person"].pk).status == "ACTIVE"
        assert InboundEvent.objects.get(pk=foreign["event"].pk).error_code == "BEHIND_WALL"
        assert DuplicateCandidate.objects.get(pk=pair.pk).status == "OPEN"
        assert Club.objects.get(pk=foreign["club"].pk).name == "Behind Wall Club"
        assert ApiKey.objects.get(pk=foreign["key"].pk).revoked_at is None
        assert ApiKey.objects.count() == 1


def test_search_stops_at_the_wall(tenant: Tenant, foreign: dict[str, Any]) -> None:
    browser = staff_of()
    for term in (
        "behind@wall.example",
        "Behindwall",
        str(foreign["person"].pk),
        str(foreign["person"].external_id),
    ):
        assert "Nobody found" in browser.text(LIST, q=term)


def test_the_outsider_sees_their_own_tenant_and_nothing_of_this(
    tenant: Tenant, outsider: User, foreign: dict[str, Any]
) -> None:
    ours = CustomerProfileFactory(last_name="Ourmember")
    browser: Browser = log_in(outsider)
    page = browser.text(LIST)
    assert "Behindwall" in page
    assert "Ourmember" not in page
    assert browser.get(f"{LIST}{ours.pk}/").status_code == 404


def test_an_api_key_opens_no_staff_page_beside_a_session(
    tenant: Tenant, other_tenant: Tenant, foreign: dict[str, Any]
) -> None:
    """The key decides the tenant of a request; it must not lend it to the session's pages."""
    key = issue_key(other_tenant)[1]
    browser = staff_of()
    for path in ("/admin/", "/admin/live/", LIST, f"{LIST}{foreign['person'].pk}/"):
        reply = browser.get(path, headers={"Authorization": f"Bearer {key}"})
        assert reply.status_code == 302
        assert reply["Location"].startswith("/admin/tenant/")


def test_a_club_id_of_another_tenant_can_not_be_ticked(tenant: Tenant, foreign: dict[str, Any]) -> None:
    reply = staff_of().post(
        "/admin/tenancy/invitation/add/",
        {"full_name": "New", "email": "new@club.example", "role": "STAFF", "club_ids": [foreign["club"].pk]},
    )
    assert reply.status_code == 200
    assert not Invitation.objects.exists()
