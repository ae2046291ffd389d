"""Guests of bookings: people known by a name only, until more is known of them."""

from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from crm.tenancy.permissions import Role
from customers.identity_settings import set_rules
from customers.merging import merge_customers
from customers.models import BookingPlayer, CustomerProfile, DuplicateCandidate, HouseholdMember, MergeRecord
from customers.services import create_customer, update_customer
from tests.conftest import Api
from tests.factories import ClubFactory
from tests.pages import LIST, staff_of
from tests.timeline.test_order_and_repetition import live_through
from timeline.ingestion import process_due, receive

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
numbers = count(1)
BY = "key:test"
BOOKER = {"playerId": "p1", "name": "Priya", "surname": "Sharma"}
SAM = {"name": "Sam", "surname": "Visser"}
MAIL = {"email": "sam@example.com"}


def booking(
    *guests: dict[str, str], kind: str = "created", id: str = "bk-1", **payload: Any
) -> dict[str, Any]:
    number = next(numbers)
    return {
        "id": f"g-{number:05}", "type": f"teetime.booking.{kind}", "source": "teetime", "version": "1.0",
        "timestamp": (AT + timedelta(minutes=number)).isoformat(), "identity": {"teetimePlayerId": "p1"},
        "payload": {"id": id, "playerId": "p1", "players": [BOOKER, *guests], **payload},
    }  # fmt: skip


def told(tenant: Tenant, *events: dict[str, Any]) -> None:
    for one in events:
        receive([one])
        process_due(tenant)


def light() -> CustomerProfile:
    found: CustomerProfile = CustomerProfile.objects.get(is_light=True, merged_into=None)
    return found


def sams() -> list[CustomerProfile]:
    return list(CustomerProfile.objects.filter(first_name="Sam", merged_into=None))


def test_a_guest_is_somebody_by_name_only_however_often_the_booking_is_told(tenant: Tenant) -> None:
    event = booking(SAM, {"name": "Guest", "surname": "of Sharma"})
    told(tenant, event, {**event, "id": "again"}, booking({}, SAM, kind="updated"))
    assert {str(one) for one in CustomerProfile.objects.filter(is_light=True)} == {
        "Sam Visser",
        "Guest of Sharma",
    }
    (sam,) = sams()
    assert (sam.email, sam.email_opt_in, sam.created_by) == ("", None, "events")
    assert BookingPlayer.objects.filter(customer=sam, booking_key="bk-1").exists()
    told(tenant, booking(SAM, id="bk-2"))
    assert len(sams()) == 2, "a namesake in another booking is anybody"
    assert DuplicateCandidate.objects.count() == 0


def test_guests_are_left_out_of_lists_and_searches_until_asked_for(tenant: Tenant, api: Api) -> None:
    told(tenant, booking(SAM))
    pk = str(light().pk)
    assert pk not in {one["id"] for one in api.get("/api/v1/customers").json()["data"]}
    assert pk not in {
        one["id"] for one in api.get("/api/v1/customers?status=ACTIVE&search=sam").json()["data"]
    }
    assert [one["id"] for one in api.get("/api/v1/customers?isLight=true").json()["data"]] == [pk]
    assert api.get(f"/api/v1/customers/{pk}").json()["isLight"] is True


@pytest.mark.parametrize("more", [MAIL, {"phone": "082 123 4567"}, {"playerId": "p9"}])
def test_a_guest_who_turns_up_with_an_identifier_becomes_that_person(
    tenant: Tenant, more: dict[str, str]
) -> None:
    told(tenant, booking(SAM))
    before = light().pk
    told(tenant, booking(SAM | more, kind="updated"))
    (sam,) = sams()
    assert (sam.pk, sam.is_light) == (before, False)


def test_a_guest_who_turns_out_to_be_somebody_known_is_merged_into_them(tenant: Tenant) -> None:
    told(tenant, booking(SAM))
    guest = light()
    known = create_customer({"first_name": "Sam", "last_name": "Visser"}, MAIL, by=BY)
    told(tenant, booking(SAM | MAIL, kind="updated"))
    (sam,) = sams()
    record = MergeRecord.objects.get()
    assert (sam.pk, sam.is_light, record.loser_id, record.rule) == (known.pk, False, guest.pk, "AUTOMATIC")
    assert set(
        BookingPlayer.objects.filter(booking_key="bk-1", is_booker=False).values_list("customer", flat=True)
    ) == {known.pk}
    told(tenant, booking(SAM, kind="completed"))
    assert len(sams()) == 1, "what only names the guest means who they turned out to be"


def test_a_guest_with_the_address_of_somebody_else_shares_it(tenant: Tenant) -> None:
    known = create_customer({"first_name": "Elsa", "last_name": "Visser"}, MAIL, by=BY)
    told(tenant, booking(SAM), booking(SAM | MAIL, kind="updated"))
    (sam,) = sams()
    assert sam.pk != known.pk
    assert not sam.is_light
    assert MergeRecord.objects.count() == 0
    assert HouseholdMember.objects.count() == 2


def test_any_order_of_what_is_told_of_a_guest_ends_in_the_same_people(db: None) -> None:
    events = [
        booking(SAM), booking(SAM | MAIL, kind="updated"), booking(SAM | {"playerId": "p9"}, kind="updated"),
        booking(kind="cancelled"),
    ]  # fmt: skip
    worlds = [live_through(list(order), chunks=[1] * 4) for order in permutations(events)]
    assert all(world == worlds[0] for world in worlds)
    assert len(worlds[0]["people"]) == 2


def test_staff_say_who_a_guest_is(tenant: Tenant) -> None:
    told(tenant, booking(SAM))
    guest = light()
    update_customer(guest.pk, {}, hints=MAIL, by=BY)
    guest.refresh_from_db()
    assert not guest.is_light
    told(tenant, booking(SAM, id="bk-2"))
    other = light()
    merge_customers(guest.pk, other.pk, by=BY)
    told(tenant, booking(SAM, id="bk-2", kind="completed"))
    assert [one.pk for one in sams()] == [guest.pk]
    assert not CustomerProfile.objects.filter(is_light=True, merged_into=None).exists()


def test_where_guests_are_not_to_be_kept_they_are_names_in_the_booking(tenant: Tenant) -> None:
    set_rules({"bookingGuest": {"is_active": False}}, by=BY)
    told(tenant, booking(SAM))
    assert sams() == []
    assert BookingPlayer.objects.get(is_booker=False).last_name == "Visser"


def test_the_party_stands_with_the_booking_and_the_guest_says_whose_they_are(tenant: Tenant) -> None:
    coming = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    told(
        tenant,
        booking(SAM, {"playerId": "p7", "name": "Ewan", "surname": "Strachan"}, {"name": ""}, teeTime=coming),
    )
    browser, guest = staff_of(), light()
    booker = CustomerProfile.objects.get(first_name="Priya")
    page = browser.text(f"{LIST}{booker.pk}/?tab=timeline")
    assert page.count("With Sam Visser (name only) , Ewan Strachan") == 2, (
        "at the entry and at the next tee time"
    )
    assert f"{LIST}{guest.pk}/" in browser.get(f"{LIST}{booker.pk}/?tab=timeline").content.decode()
    assert "Guest of Priya Sharma" in browser.text(f"{LIST}{guest.pk}/")


def test_staff_of_other_clubs_read_a_name_and_get_no_link(tenant: Tenant) -> None:
    club = ClubFactory(refs=["club-1"])
    told(tenant, booking(SAM, clubId="club-1"))
    booker = CustomerProfile.objects.get(first_name="Priya")
    page = staff_of(Role.STAFF, clubs=[club]).get(f"{LIST}{booker.pk}/?tab=timeline").content.decode()
    assert "Sam Visser" in page
    assert f"{LIST}{light().pk}/" not in page
