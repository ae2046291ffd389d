"""Staff limited to clubs in the API (UX-4): who is not at their clubs is not there, whatever they ask."""

from typing import Any

import pytest

from crm.tenancy.models import Club, Tenant
from crm.tenancy.permissions import Role
from customers.models import Booking, CustomerProfile, Status
from tests.conftest import Api
from tests.factories import ActivityFactory, ClubFactory, CustomerProfileFactory, hold
from tests.pages import LIST as PAGES
from tests.pages import member, staff_of

LIST = "/api/v1/customers"


@pytest.fixture
def here(tenant: Tenant) -> Club:
    return ClubFactory(name="Here", refs=["here", "HERE-1"])


@pytest.fixture
def ours(here: Club) -> CustomerProfile:
    return CustomerProfileFactory(
        last_name="Ours", email="ours@example.com", scl_member_id=7, home_club_ref="here"
    )


@pytest.fixture
def theirs(here: Club) -> CustomerProfile:
    return CustomerProfileFactory(last_name="Theirs", email="theirs@example.com", home_club_ref="there")


def session_of(role: str, *clubs: Club) -> Api:
    browser = Api()
    browser.force_login(member(role, clubs=clubs).user, "django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_the_people_of_its_clubs_only(role, here, ours, theirs, tenant):
    guest = CustomerProfileFactory(last_name="Guest")
    Booking.objects.create(tenant=tenant, key="b", customer=guest, club_ref="HERE-1")
    ActivityFactory(customer=ours)
    browser = session_of(role, here)
    page = browser.get(LIST).json()
    assert {row["lastName"] for row in page["data"]} == {"Ours", "Guest"}
    assert page["meta"]["total"] == 2
    assert browser.get(LIST, {"search": "theirs@example.com"}).json()["data"] == []
    assert browser.get(f"{LIST}/{ours.pk}").status_code == 200
    assert len(browser.get(f"{LIST}/{ours.pk}/activities").json()["data"]) == 1
    found = browser.get(f"{LIST}/resolve", {"sclMemberId": "7"}).json()
    assert found["profile"]["id"] == str(ours.pk)


def calls(pk: Any) -> list[tuple[str, str, Any]]:
    return [
        ("get", f"{LIST}/{pk}", None),
        ("patch", f"{LIST}/{pk}", {"lastName": "Changed"}),
        ("delete", f"{LIST}/{pk}", None),
        ("get", f"{LIST}/{pk}/activities", None),
        ("post", f"{LIST}/{pk}/activities", {"type": "PHONE_CALL"}),
        ("post", f"{LIST}/{pk}/restore", None),
    ]


def test_a_person_beyond_is_a_person_who_is_not_there(here, theirs):
    browser = session_of(Role.ADMIN, here)
    for method, address, body in calls(theirs.pk):
        reply = getattr(browser, method)(address, *([body] if body else []))
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND"), address
    theirs.refresh_from_db()
    assert (theirs.last_name, theirs.status) == ("Theirs", Status.ACTIVE)


def test_a_merged_id_leads_no_further_than_the_limit(here, ours, theirs):
    merged = CustomerProfileFactory(home_club_ref="here", status=Status.MERGED, merged_into=theirs)
    assert session_of(Role.STAFF, here).get(f"{LIST}/{merged.pk}").status_code == 404


def test_resolving_somebody_beyond_finds_nobody_and_learns_nothing(here, theirs):
    hold(theirs, "authUserId", "login-1")
    browser = session_of(Role.MARKETING, here)
    assert browser.get(f"{LIST}/resolve", {"email": theirs.email}).status_code == 404
    reply = browser.post(f"{LIST}/resolve", {"authUserId": "login-1", "phone": "0821234567"})
    assert reply.status_code == 404
    theirs.refresh_from_db()
    assert theirs.phone_number == ""


def test_whom_they_make_belongs_to_their_club(here):
    browser = session_of(Role.MARKETING, here)
    made = browser.post(LIST, {"email": "new@example.com"}).json()
    assert made["homeClubId"] == "here"
    resolved = browser.post(f"{LIST}/resolve", {"email": "newer@example.com"}).json()
    assert (resolved["isNew"], resolved["profile"]["homeClubId"]) == (True, "here")
    refused = browser.post(LIST, {"email": "other@example.com", "homeClubId": "there"})
    assert refused.json()["error"]["details"][0]["field"] == "homeClubId"
    assert browser.patch(f"{LIST}/{made['id']}", {"homeClubId": "there"}).status_code == 400


def test_the_form_makes_people_of_their_club_too(here):
    reply = staff_of(Role.MARKETING, clubs=(here,)).post(
        f"{PAGES}add/", {"first_name": "New", "email": "new@example.com", "customer_type": "REGISTERED"}
    )
    assert reply.status_code == 302
    assert CustomerProfile.objects.get().home_club_ref == "here"


def test_the_owner_of_a_taken_identifier_is_not_named(here, ours, theirs):
    browser = session_of(Role.MARKETING, here)
    known = browser.post(LIST, {"email": ours.email}).json()["error"]
    hidden = browser.post(LIST, {"email": theirs.email}).json()["error"]
    assert known["details"][0]["message"] == str(ours.pk)
    assert (hidden["code"], hidden["details"]) == ("DUPLICATE_RESOURCE", [])


def test_an_admin_of_some_clubs_leaves_the_groups_settings_and_events_alone(here):
    browser = session_of(Role.ADMIN, here)
    reply = browser.get("/api/v1/events")
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "SCOPE_REQUIRED")
    pages = staff_of(Role.ADMIN, clubs=(here,))
    for name in ("club", "staffmembership", "apikey", "auditentry"):
        assert pages.get(f"/admin/tenancy/{name}/").status_code == 403
