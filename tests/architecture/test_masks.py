"""What is kept from a role is nowhere: every staff page and every reply is asked for and searched for raw values."""

from typing import Any, NamedTuple

import pytest
from django.db.models import Q

from campaigns import ready_made
from crm.tenancy.masks import Personal, masks_of
from crm.tenancy.models import Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import Eyes, seen_by
from customers import upward
from customers.listing import ORDERING, TELLS, TELLS_NOTHING_KEPT_BACK
from customers.models import AssociationNumber, CustomerMetrics, CustomerProfile, Deal, Ticket
from customers.queries import CustomerListQuery
from customers.suppressions import add
from tests import everything
from tests.architecture.test_wall import API, named, send
from tests.campaigns.making import campaign, message_to
from tests.conftest import Api
from tests.factories import (
    ActivityFactory,
    CustomerProfileFactory,
    CustomFieldFactory,
    InboundEventFactory,
    NoteFactory,
    SegmentFactory,
    hold,
    house,
    issue_key,
)
from tests.pages import LIST, log_in, member
from timeline.models import Activity, InboundEvent, Note

RAW: dict[Personal, tuple[str, ...]] = {
    Personal.EMAIL: ("raw.leak@example.com", "nameless.leak@example.com"),
    Personal.PHONE: ("+27825550199", "082 555 0199"),
    Personal.BIRTH_DATE: ("1971-03-14", "14 Mar 1971"),
    Personal.IDENTIFIERS: ("raw-login-7781", "RAWGOLF9912"),
    Personal.INTERNAL_NOTES: ("Raw words inside",),
    Personal.CUSTOM_FIELDS: ("raw-custom-value", "raw-detail-value"),
    Personal.SCORES: ("123,456.78", "12345678"),
}
SAID = "Reach me at raw.leak@example.com or 082 555 0199, born 1971"
TOLD = {
    "email": "raw.leak@example.com",
    "dateOfBirth": "1971-03-14",
    "words": [SAID],
    "authUserId": "raw-login-7781",
}


class World(NamedTuple):
    all: everything.Everything
    rows: dict[str, Any]


@pytest.fixture
def world(tenant: Tenant) -> World:
    """Everything, with what must not leak in all places where somebody may have put it."""
    found = everything.build(tenant)
    person, nameless = found.of("customers.CustomerProfile")[:2]
    people: Any = CustomerProfile.objects
    people.filter(pk=person.pk).update(
        first_name="Thandi", last_name="Leak", email="raw.leak@example.com", email_display="raw.leak@example.com",
        phone_number="+27825550199", phone_is_valid=True, date_of_birth="1971-03-14", auth_user_id="raw-login-7781",
        external_ids={"golfRsaId": "RAWGOLF9912"}, internal_notes="Raw words inside",
        custom_fields={"hobby": "raw-custom-value"}, source_details={"from": "raw-detail-value"},
        provenance={name: [1, 0, 0, 1, "e", "scl"] for name in ("email", "date_of_birth", "internal_notes")},
    )  # fmt: skip
    people.filter(pk=nameless.pk).update(
        first_name="", last_name="", display_name="", email="nameless.leak@example.com",
        email_display="nameless.leak@example.com",
    )  # fmt: skip
    CustomerMetrics.objects.filter(customer=person).update(
        engagement_score=87, engagement_score_at="2026-11-01T00:00:00Z", lifetime_value_cents=12345678
    )
    for kind, value in (
        ("email", "raw.leak@example.com"), ("phoneNumber", "+27825550199"), ("authUserId", "raw-login-7781"),
        ("externalIds.golfRsaId", "RAWGOLF9912"),
    ):  # fmt: skip
        hold(person, kind, value)
    AssociationNumber.objects.create(
        tenant=tenant, key="leak", customer=person, association="golfRsaId", number="RAWGOLF9912"
    )
    whose = Q(customer__in=[person, nameless])
    Activity.objects.filter(whose).update(title=SAID, description=SAID, metadata=TOLD, context=TOLD)
    Ticket.objects.filter(whose).update(subject=SAID)
    Deal.objects.filter(whose).update(reason=SAID)
    Note.objects.filter(whose).update(body=SAID, visibility="ALL", is_pinned=True, deleted_at=None)
    InboundEvent.objects.filter(whose).update(error=SAID)
    rows = {
        "customer": person,
        "deleted": person,
        "event": InboundEventFactory(customer=person, error=SAID),
        "activity": ActivityFactory(
            customer=person, title=SAID, description=SAID, metadata=TOLD, context=TOLD
        ),
        "note": NoteFactory(customer=person, body=SAID),
        "household": house(person, nameless),
        "field": CustomFieldFactory(),
        "segment": SegmentFactory(),
        "template": ready_made.take("welcome", by="user:1", name="Hello"),
        "suppression": add("back@example.com", by="user:1"),
        "campaign": campaign(),
        "message": message_to(person, subject=SAID, error=SAID),
        "duplicate": found.of("customers.DuplicateCandidate")[1],
    }
    return World(found, rows)


def pages(world: World, role: str) -> dict[str, str]:
    """What a role reads on every staff page."""
    browser = log_in(member(role).user)
    addresses = everything.addresses(world.all)
    return {name: browser.get(path).content.decode() for name, path in addresses.items()}


def replies(world: World, client: Api) -> dict[str, str]:
    """What a caller reads at every address of the API."""
    return {
        route: send(client, "GET", route, named(route, world.rows), calls["GET"]).content.decode()
        for route, calls in API.items()
        if "GET" in calls
    }


def leaks(texts: dict[str, str], kinds: Any) -> set[tuple[str, str]]:
    return {(name, raw) for name, text in texts.items() for kind in kinds for raw in RAW[kind] if raw in text}


def session(role: str) -> Api:
    client = Api()
    client.force_login(member(role).user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER])
def test_no_staff_page_shows_what_is_kept_from_a_role(world: World, tenant: Tenant, role: Role) -> None:
    assert leaks(pages(world, role), masks_of(role, tenant.masks)) == set()


def test_the_search_for_leaks_finds_them_where_nothing_is_kept_back(world: World) -> None:
    shown = leaks(pages(world, Role.ADMIN), Personal)
    assert {kind for kind in Personal if any(raw in RAW[kind] for _name, raw in shown)} == set(Personal)
    told = leaks(replies(world, session(Role.ADMIN)), Personal)
    assert {kind for kind in Personal if any(raw in RAW[kind] for _name, raw in told)} == set(Personal)


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER])
def test_no_reply_tells_what_is_kept_from_a_role(world: World, tenant: Tenant, role: Role) -> None:
    masks = masks_of(role, tenant.masks)
    key = issue_key(tenant, scopes=["crm:read"], sees_as=role)[1]
    for client in (session(role), Api(key)):
        assert leaks(replies(world, client), masks) == set()
        one = client.get(f"/api/v1/customers/{world.rows['customer'].pk}").json()
        assert {"engagementScore", "internalNotes"} <= set(one["masked"])
        assert one["engagementScore"] is one["internalNotes"] is None


def test_a_club_group_may_keep_everything_back_from_staff(world: World, tenant: Tenant) -> None:
    keep_back(tenant, dict.fromkeys(Personal, "HIDDEN"))
    assert leaks(pages(world, Role.STAFF), Personal) == set()
    assert leaks(replies(world, session(Role.STAFF)), Personal) == set()


def keep_back(tenant: Tenant, levels: dict[Any, str]) -> None:
    tenant.masks = {"STAFF": levels}
    tenant.full_clean()
    tenant.save()


def test_nobody_is_found_by_what_is_kept_back(world: World) -> None:
    viewer, staff, asking = log_in(member("VIEWER").user), log_in(member("STAFF").user), session("VIEWER")
    for raw in ("raw.leak@example.com", "+27825550199", "082 555 0199", "raw-login-7781", "RAWGOLF9912"):
        assert viewer.get(LIST, {"q": raw}).status_code == 200, raw
        assert "Thandi Leak" not in viewer.text(LIST, q=raw)
        assert staff.get(LIST, {"q": raw}).status_code == 302
        assert asking.get("/api/v1/customers", {"search": raw}).json()["data"] == []
        assert asking.get("/api/v1/customers/search", {"q": raw}).json()["data"] == []
        assert "Thandi Leak" not in viewer.text(f"{LIST}find/", q=raw)


@pytest.mark.parametrize(
    "query", ["?email=ann@example.com", "?phone=0825550199", "?externalIds[golfRsaId]=RAWGOLF9912"]
)
def test_nobody_is_resolved_by_what_is_kept_back(tenant: Tenant, query: str) -> None:
    person = CustomerProfileFactory(email="ann@example.com", phone_number="+27825550199")
    hold(person, "externalIds.golfRsaId", "RAWGOLF9912")
    reply = session(Role.VIEWER).get(f"/api/v1/customers/resolve{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "FIELD_MASKED")
    assert session(Role.STAFF).get(f"/api/v1/customers/resolve{query}").status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=-engagementScore", "engagementScore"),
        ("sort=lastName,churnRiskScore", "churnRiskScore"),
        ("sort=lifetimeValue", "lifetimeValue"),
        ("engagementMin=1", "engagementMin"),
        ("churnRiskMin=1", "churnRiskMin"),
    ],
)
def test_nothing_is_filtered_or_sorted_by_what_is_kept_back(tenant: Tenant, query: str, field: str) -> None:
    reply = session(Role.STAFF).get(f"/api/v1/customers?{query}")
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["details"][0]["field"]) == (403, "FIELD_MASKED", field)
    assert session(Role.MARKETING).get(f"/api/v1/customers?{query}").status_code == 200


def test_every_filter_and_order_says_whether_it_tells_something_that_is_kept_back() -> None:
    offered = {*CustomerListQuery().fields, *ORDERING.columns}
    known = {*TELLS, *TELLS_NOTHING_KEPT_BACK, *upward.filters()}
    assert offered == known, f"name these in customers/listing.py, as one or the other: {offered ^ known}"


def test_what_was_read_under_masks_can_not_be_saved(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    with seen_by(Eyes("user:x", masks_of(Role.VIEWER, {}))):
        seen = CustomerProfile.objects.get(pk=person.pk)
    with pytest.raises(RuntimeError, match="read under masks"):
        seen.save()


def test_staff_read_their_own_words_whole_and_keep_them(tenant: Tenant) -> None:
    keep_back(tenant, {"phone": "MASKED"})
    mine = member(Role.STAFF)
    note = NoteFactory(author=f"user:{mine.user_id}", body="Call 082 555 0199")
    theirs = NoteFactory(customer=note.customer, body="Call 082 555 0188")
    browser, edit = log_in(mine.user), f"/admin/timeline/note/{note.pk}/edit/"
    assert "082 555 0199" in browser.text(edit)
    browser.post(
        edit, {"body": "Call 082 555 0199 now", "type": "GENERAL", "visibility": "ALL", "version": 1}
    )
    page = browser.text(f"{LIST}{note.customer_id}/", tab="notes")
    assert "Call 082 555 0199 now" in page
    assert "Call •••188" in page
    note.refresh_from_db()
    theirs.refresh_from_db()
    assert (note.body, theirs.body) == ("Call 082 555 0199 now", "Call 082 555 0188")
