"""The home page: alive, in numbers and in words."""

from datetime import timedelta

from django.utils import timezone

from crm.tenancy.models import Tenant
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
    assert "Events today 4" in page
    assert "Waiting 1" in page
    assert "Dead letters 1" in page


def test_a_source_that_fell_silent_is_named(tenant: Tenant) -> None:
    InboundEventFactory(source="scl", received_at=timezone.now() - timedelta(hours=5))
    page = staff_of().text("/admin/live/")
    assert "SCL 5 h ago 1" in page
    assert "TeeTime silent 0" in page


def test_the_chart_counts_what_customers_did_by_the_clubs_day(tenant: Tenant) -> None:
    """In Johannesburg the day is two hours ahead of UTC's."""
    person = CustomerProfileFactory()
    midnight = timezone.now().astimezone(tenant.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for at in (midnight - timedelta(minutes=1), midnight, midnight + timedelta(minutes=1)):
        ActivityFactory(customer=person, counts=True, occurred_at=at)
    ActivityFactory(customer=person, counts=False, occurred_at=midnight)
    ActivityFactory(customer=person, counts=True, occurred_at=midnight - timedelta(days=40))
    chart = staff_of().get("/admin/").context["chart"]
    yesterday, today = chart["bars"][-2:]
    assert (yesterday.count, today.count, chart["count"], chart["total"]) == (1, 2, 3, 4)


def test_staff_of_one_club_are_not_shown_the_groups_events(tenant: Tenant) -> None:
    InboundEventFactory()
    page = staff_of("STAFF", clubs=(ClubFactory(),)).text("/admin/")
    assert "Events today" not in page
    assert "Sources" not in page


def test_the_page_and_its_live_part_ask_little_of_the_database(tenant: Tenant) -> None:
    for _ in range(12):
        ActivityFactory(customer=CustomerProfileFactory())
        InboundEventFactory()
    browser = staff_of()
    with at_most(14):
        browser.get("/admin/")
    with at_most(13):
        browser.get("/admin/live/")
