"""The lists of golf and shop: what they show, how they narrow, what they come to."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.admin import base
from crm.tenancy.models import Tenant
from customers.models import Booking, ClubEvent, CompetitionEntry, Membership, Order
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import at_most, staff_of

FACTS = "/admin/customers/"


def book(tenant: Tenant, key: str, at: datetime, **fields: Any) -> Booking:
    values = {
        "status": "BOOKED",
        "currency": "ZAR",
        "amount_cents": 10000,
        "customer": CustomerProfileFactory(),
    }
    booking: Booking = Booking.objects.create(tenant=tenant, key=key, tee_time=at, **(values | fields))
    return booking


def keys(page: str, **query: str) -> list[str]:
    return sorted(row.key for row in staff_of().get(f"{FACTS}{page}/", query).context["cl"].result_list)


def test_tee_times_are_told_by_the_clubs_own_clock(tenant: Tenant) -> None:
    ClubFactory(name="Heathland", refs=["club-heathland"], timezone="Europe/London")
    at = datetime.fromisoformat("2026-07-01T09:04:00+00:00")
    book(tenant, "here", at, club_name="Fynbos")
    book(tenant, "there", at, club_ref="club-heathland")
    page = staff_of().text(f"{FACTS}booking/")
    assert "Wed 1 Jul 2026, 11:04 Fynbos" in page
    assert "Wed 1 Jul 2026, 10:04 Heathland" in page


def test_days_clubs_and_states_narrow_the_list(tenant: Tenant) -> None:
    club = ClubFactory(refs=["club-fynbos", "FYN-01"])
    noon = timezone.localtime().replace(hour=12, minute=0)
    book(tenant, "today", noon, club_ref="FYN-01")
    book(tenant, "tomorrow", noon + timedelta(days=1), club_ref="club-fynbos", status="CANCELLED")
    book(tenant, "past", noon - timedelta(days=3), club_ref="club-other")
    assert keys("booking", when="today") == ["today"]
    assert keys("booking", when="tomorrow") == ["tomorrow"]
    assert keys("booking", when="week") == ["today", "tomorrow"]
    assert keys("booking", when="past-week") == ["past", "today"]
    assert keys("booking", club=str(club.pk)) == ["today", "tomorrow"]
    assert keys("booking", club=str(club.pk), status="CANCELLED") == ["tomorrow"]
    assert keys("booking", when="nonsense", club="nonsense") == []


def test_a_list_says_what_it_comes_to_in_each_currency(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = CustomerProfileFactory()
    for key, cents, currency in (("a", 7100, "GBP"), ("b", 2900, "GBP"), ("c", 39000, "ZAR")):
        Order.objects.create(
            tenant=tenant, key=key, customer=person, status="PAID", total_cents=cents, currency=currency
        )
    assert "Together £100.00 R 390.00" in staff_of().text(f"{FACTS}order/")
    monkeypatch.setattr(base, "COUNT_UP_TO", 2)
    assert "Together" not in staff_of().text(f"{FACTS}order/")


def test_clubs_and_competitions_are_called_by_their_names(tenant: Tenant) -> None:
    ClubFactory(name="Fynbos", refs=["club-fynbos"])
    person = CustomerProfileFactory()
    Membership.objects.create(
        tenant=tenant,
        key="m",
        customer=person,
        club_ref="club-fynbos",
        tier="Gold",
        type="ANNUAL",
        status="ACTIVE",
    )
    ClubEvent.objects.create(
        tenant=tenant, key="COMPETITION:cup-1", name="Spring Cup", club_ref="club-fynbos"
    )
    CompetitionEntry.objects.create(
        tenant=tenant,
        key="e",
        customer=person,
        competition_key="cup-1",
        club_ref="club-fynbos",
        status="ENTERED",
    )
    assert "Fynbos Gold Annual" in staff_of().text(f"{FACTS}membership/")
    assert "Spring Cup Fynbos" in staff_of().text(f"{FACTS}competitionentry/")
    assert "Spring Cup Fynbos" in staff_of().text(f"{FACTS}customerprofile/{person.pk}/", tab="golf")


@pytest.mark.parametrize("page", ["booking", "order", "membership", "competitionentry", "clubevent"])
def test_a_list_costs_the_same_however_many_rows_it_shows(tenant: Tenant, page: str) -> None:
    ClubFactory(refs=["club-fynbos"])
    model: Any = {
        "booking": Booking, "order": Order, "membership": Membership, "competitionentry": CompetitionEntry,
        "clubevent": ClubEvent,
    }[page]  # fmt: skip
    for number in range(20):
        about = {} if page == "clubevent" else {"customer": CustomerProfileFactory()}
        place = {"club_ref": "club-fynbos"} if hasattr(model, "club_ref") else {}
        model.objects.create(tenant=tenant, key=f"k{number}", **about, **place)
    browser = staff_of()
    with at_most(16):
        browser.get(f"{FACTS}{page}/")
