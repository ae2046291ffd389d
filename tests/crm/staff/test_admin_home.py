"""The home page: alive, in numbers and in words."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from crm.bars import scale
from crm.staff.home import arrivals
from crm.tenancy.models import Tenant
from customers.models import Booking, CustomerProfile
from tests.factories import ActivityFactory, ClubFactory, CustomerProfileFactory, InboundEventFactory
from tests.pages import at_most, staff_of


def test_an_empty_tenant_is_shown_the_first_step(tenant: Tenant) -> None:
    page = staff_of().text("/admin/")
    assert "Post your first event" in page
    assert "curl -X POST http://testserver/api/v1/events" in page
    assert "Nothing has happened yet" in page


def test_the_first_event_ends_the_introduction(tenant: Tenant) -> None:
    ActivityFactory(title="Booked a tee time at Fynbos")
    InboundEventFactory()
    page = staff_of().text("/admin/")
    assert "Post your first event" not in page
    assert "Booked a tee time at Fynbos" in page


def test_it_counts_what_arrived_waits_and_failed_for_good(tenant: Tenant) -> None:
    now = timezone.now()
    InboundEventFactory.create_batch(2, status="SUCCESS", is_waiting=False)
    InboundEventFactory(is_waiting=True)
    InboundEventFactory(status="FAILED", is_waiting=False, dead_at=now)
    InboundEventFactory(status="SUCCESS", is_waiting=False, received_at=now - timedelta(days=2))
    page = staff_of().text("/admin/live/")
    assert "Events, 24 h 4" in page
    assert "Waiting 1" in page
    assert "Dead letters 1" in page


@pytest.mark.parametrize("role", ["MARKETING", "STAFF", "VIEWER"])
def test_dead_letters_alarm_only_those_who_can_see_to_them(tenant: Tenant, role: str) -> None:
    InboundEventFactory(status="FAILED", is_waiting=False, dead_at=timezone.now())
    assert "Dead letters 1 waiting for a decision" in staff_of().text("/admin/")
    page = staff_of(role).text("/admin/")
    assert "Dead letters 1" not in page
    assert "a decision" not in page


def test_a_source_that_fell_silent_is_named(tenant: Tenant) -> None:
    InboundEventFactory(source="scl", received_at=timezone.now() - timedelta(hours=5))
    page = staff_of().text("/admin/live/")
    assert "SCL 1 0 0 0 – 5 h ago" in page
    assert "TeeTime 0 0 0 0 – never" in page


def test_the_chart_counts_what_customers_did_by_the_clubs_day(tenant: Tenant) -> None:
    """In Johannesburg the day is two hours ahead of UTC's."""
    person = CustomerProfileFactory()
    midnight = timezone.now().astimezone(tenant.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for at in (midnight - timedelta(minutes=1), midnight, midnight + timedelta(minutes=1)):
        ActivityFactory(customer=person, counts=True, occurred_at=at)
    ActivityFactory(customer=person, counts=False, occurred_at=midnight)
    ActivityFactory(customer=person, counts=True, occurred_at=midnight - timedelta(days=40))
    chart = staff_of().get("/admin/").context["chart"]
    yesterday, today = chart["days"][-2:]
    assert (yesterday.own.value, today.own.value, today.all.value) == (1, 2, 3)
    assert (chart["count"], chart["total"]) == (3, 4)


def test_staff_of_one_club_are_not_shown_the_groups_events(tenant: Tenant) -> None:
    InboundEventFactory()
    page = staff_of("STAFF", clubs=(ClubFactory(),)).text("/admin/")
    assert "Events, 24 h" not in page
    assert "Systems, last 24 hours" not in page


def test_the_page_and_its_live_part_ask_little_of_the_database(tenant: Tenant) -> None:
    for _ in range(12):
        ActivityFactory(customer=CustomerProfileFactory())
        InboundEventFactory()
    browser = staff_of()
    with at_most(17):
        browser.get("/admin/")
    with at_most(15):
        browser.get("/admin/live/")
    with at_most(6):
        browser.get("/admin/people/")


def test_a_system_tells_what_became_of_its_events(tenant: Tenant) -> None:
    now = timezone.now()
    for status in ("SUCCESS", "SUCCESS", "SKIPPED"):
        InboundEventFactory(status=status, is_waiting=False, processed_at=now + timedelta(seconds=3))
    InboundEventFactory(status="FAILED", is_waiting=False, dead_at=now)
    (scl,) = [row for row in staff_of().get("/admin/live/").context["arrived"].sources if row.name == "scl"]
    assert (scl.received, scl.applied, scl.skipped, scl.failed, scl.state) == (4, 2, 1, 1, "bad")
    assert 2.9 < scl.lag < 3.5
    assert [bar.value for bar in scl.hours] == [0] * 23 + [4]


def test_when_there_are_too_many_to_count_the_words_say_since_when(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "MOST_READ", 2)
    now = timezone.now()
    for minutes in (1, 2, 3):
        InboundEventFactory(received_at=now - timedelta(minutes=minutes))
    arrived = staff_of().get("/admin/live/").context["arrived"]
    assert (arrived.received, arrived.is_cut) == (2, True)
    assert abs(arrived.since - (now - timedelta(minutes=2))) < timedelta(seconds=1)


# --- today at the clubs (UX-3, as far as its subjects exist)
def tee_off(person: CustomerProfile, key: str, at: datetime, **fields: object) -> None:
    values = {"status": "BOOKED", "club_name": "Fynbos", "club_ref": "club-fynbos", **fields}
    Booking.objects.create(tenant=person.tenant, key=key, customer=person, tee_time=at, **values)


@time_machine.travel(datetime(2026, 3, 4, 8, 0, tzinfo=UTC), tick=False)
def test_today_names_those_to_greet_at_the_clubs_own_clock(tenant: Tenant) -> None:
    ClubFactory(name="Heathland", refs=["club-heathland"], timezone="Europe/London")
    now = timezone.now()
    regular = CustomerProfileFactory(first_name="Reg", last_name="Ular")
    tee_off(regular, "last-week", now - timedelta(days=7), status="COMPLETED")
    tee_off(regular, "now", now + timedelta(hours=1))
    guest = CustomerProfileFactory(
        first_name="Gus", last_name="Guest", is_vip=True, date_of_birth=date(1980, 3, 4)
    )
    tee_off(guest, "guest", now + timedelta(hours=2), club_name="", club_ref="club-heathland", party=[{}, {}])
    gone = CustomerProfileFactory()
    tee_off(gone, "gone", now + timedelta(hours=2), status="CANCELLED")
    tee_off(gone, "tomorrow", now + timedelta(days=1))
    browser = staff_of()
    day = browser.get("/admin/live/").context["today"]
    assert (day["count"], day["coming"], day["special"]) == (2, 2, 1)
    page = browser.text("/admin/live/")
    assert "11:00 RU Reg Ular Fynbos" in page
    assert "10:00 GG Gus Guest Heathland · party of 2 VIP Birthday First visit" in page


def test_a_club_sees_its_own_tee_times(tenant: Tenant) -> None:
    club = ClubFactory(refs=["club-fynbos"])
    at = timezone.localtime(timezone=tenant.zone).replace(hour=23, minute=59)
    for ref in ("club-fynbos", "club-heathland"):
        tee_off(CustomerProfileFactory(home_club_ref=ref), ref, at, club_ref=ref)
    assert staff_of("STAFF", clubs=(club,)).get("/admin/live/").context["today"]["count"] == 1


# --- who they are
def test_people_are_counted_by_stage_and_consent(tenant: Tenant) -> None:
    now = timezone.now()
    CustomerProfileFactory(lifecycle_stage="MEMBER", email_opt_in=True, email_opt_in_at=now)
    CustomerProfileFactory(
        lifecycle_stage="MEMBER", email_opt_in=True, email_opt_in_at=now - timedelta(days=99)
    )
    CustomerProfileFactory(email_opt_in=False, email_opt_in_at=now)
    CustomerProfileFactory(status="DELETED")
    page = staff_of().text("/admin/people/")
    assert "3 people, 3 new in 30 days" in page
    assert "Member 2 67 %" in page
    assert "E-mail 67 % +1 −1" in page


@pytest.mark.parametrize(
    ("values", "top"),
    [([], 2), ([0], 2), ([3], 4), ([378], 400), ([9, 9, 9], 10), ([30, 40, 900], 40), ([1200], 2000)],
)
def test_a_scale_is_round_and_two_odd_days_do_not_flatten_it(values: list[int], top: int) -> None:
    assert scale(values) == top
