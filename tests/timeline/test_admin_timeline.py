"""Timelines on staff pages: a person's, page after page, and everybody's newest."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile
from tests.factories import ActivityFactory, CustomerProfileFactory
from tests.pages import LIST, Browser, at_most, staff_of

TIMELINE = "/admin/timeline/activity/"


@pytest.fixture
def ann(tenant: Tenant) -> CustomerProfile:
    return CustomerProfileFactory(first_name="Ann", last_name="Botha")


def titles(browser: Browser, profile: CustomerProfile, **query: str) -> list[str]:
    reply = browser.get(f"{LIST}{profile.pk}/", query)
    return [entry.activity.title for entry in reply.context["panel"].context["entries"]]


def test_the_newest_comes_first_by_the_clubs_days(ann: CustomerProfile) -> None:
    """22:30 in UTC is half past midnight in Johannesburg: the next day."""
    ActivityFactory(customer=ann, title="Late", occurred_at=datetime(2026, 1, 2, 22, 30, tzinfo=UTC))
    ActivityFactory(customer=ann, title="Early", occurred_at=datetime(2026, 1, 2, 9, 0, tzinfo=UTC))
    reply = staff_of().get(f"{LIST}{ann.pk}/")
    drawn = reply.context["panel"].context["entries"]
    assert [(entry.activity.title, str(entry.day)) for entry in drawn] == [
        ("Late", "2026-01-03"),
        ("Early", "2026-01-02"),
    ]
    assert "00:30" in reply.content.decode()


def test_today_and_yesterday_are_said_in_words(ann: CustomerProfile) -> None:
    now = timezone.now()
    ActivityFactory(customer=ann, occurred_at=now)
    ActivityFactory(customer=ann, occurred_at=now - timedelta(days=1))
    page = staff_of().text(f"{LIST}{ann.pk}/")
    assert "Today" in page
    assert "Yesterday" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"category": "GOLF"}, ["Handicap"]),
        ({"type": "ROUND"}, ["Round"]),
        ({"source": "scl"}, ["Paid"]),
        ({"since": "2026-01-02"}, ["Round", "Handicap"]),
        ({"until": "2026-01-02"}, ["Handicap", "Paid"]),
        ({"since": "2026-01-02", "until": "2026-01-02"}, ["Handicap"]),
        ({"source": "scl", "category": "GOLF"}, []),
        ({"since": "nonsense"}, ["Round", "Handicap", "Paid"]),
        ({"since": "0001-01-01", "until": "9999-12-31"}, ["Round", "Handicap", "Paid"]),
    ],
)
def test_filters_by_category_type_source_and_days(
    ann: CustomerProfile, query: dict[str, str], found: list[str]
) -> None:
    for day, title, fields in (
        (1, "Paid", {"source": "scl", "category": "COMMERCE"}),
        (2, "Handicap", {"category": "GOLF"}),
        (3, "Round", {"type": "ROUND"}),
    ):
        ActivityFactory(
            customer=ann, title=title, occurred_at=datetime(2026, 1, day, 12, tzinfo=UTC), **fields
        )
    assert titles(staff_of(), ann, **query) == found


def test_older_entries_come_page_after_page_and_each_once(ann: CustomerProfile) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(60):
        ActivityFactory(customer=ann, title=str(n), occurred_at=at + timedelta(minutes=n // 2))
    browser, seen, query = staff_of(), [], ""
    for _ in range(3):
        panel = browser.get(f"{LIST}{ann.pk}/?{query}").context["panel"].context
        seen += [entry.activity.title for entry in panel["entries"]]
        query = panel["next"]
    assert len(seen) == len(set(seen)) == 60
    assert query == ""


def test_the_cost_of_a_page_does_not_grow_with_the_past(ann: CustomerProfile) -> None:
    for n in range(80):
        ActivityFactory(customer=ann, occurred_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n))
    browser = staff_of()
    nxt = browser.get(f"{LIST}{ann.pk}/").context["panel"].context["next"]
    with at_most(8):  # who asks, whom about, the look in the audit log, and the entries: no card of the page
        browser.get(f"{LIST}{ann.pk}/?{nxt}", headers={"X-Requested-With": "fetch"})


@pytest.mark.parametrize("cursor", ["nonsense", "W10=", "é"])
def test_a_cursor_that_somebody_typed_shows_nothing(ann: CustomerProfile, cursor: str) -> None:
    ActivityFactory(customer=ann)
    assert titles(staff_of(), ann, cursor=cursor) == []


def test_details_unfold_what_the_source_said(ann: CustomerProfile) -> None:
    ActivityFactory(
        customer=ann, metadata={"holes": 18, "players": ["A", "B"], "empty": None}, context={"utm": "spring"},
        source_event_id="event-9",
    )  # fmt: skip
    page = staff_of().text(f"{LIST}{ann.pk}/")
    assert 'Details holes 18 players ["A", "B"] utm spring event event-9' in page


def test_everybodys_newest_lead_to_their_person(ann: CustomerProfile) -> None:
    entry = ActivityFactory(customer=ann, title="Booked a tee time")
    ActivityFactory(title="Long ago", occurred_at=datetime(2020, 1, 1, tzinfo=UTC))
    browser = staff_of()
    page = browser.text(TIMELINE)
    assert page.index("Booked a tee time") < page.index("Long ago")
    assert browser.get(f"{TIMELINE}{entry.pk}/change/")["Location"] == f"{LIST}{ann.pk}/"


def test_everybodys_newest_are_filtered(ann: CustomerProfile) -> None:
    ActivityFactory(customer=ann, title="Round", category="GOLF", counts=True)
    ActivityFactory(customer=ann, title="Newsletter", category="COMMUNICATION", source="messaging")
    browser = staff_of()
    for query in ({"category": "GOLF"}, {"own": "1"}, {"source": "teetime"}):
        page = browser.text(TIMELINE, **query)
        assert "Round" in page
        assert "Newsletter" not in page


def test_the_list_costs_the_same_however_many_entries(tenant: Tenant) -> None:
    for _ in range(20):
        ActivityFactory()
    browser = staff_of()
    with at_most(8):
        browser.text(TIMELINE)
