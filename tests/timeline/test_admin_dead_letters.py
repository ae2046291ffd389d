"""Dead letters: by reason, tried out, replayed, or let go with a reason."""

import json

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from tests.factories import ClubFactory, CustomerProfileFactory, InboundEventFactory
from tests.pages import DEAD, at_most, staff_of, words
from timeline.models import InboundEvent

GOOD = json.dumps(
    {"id": "good", "type": "teetime.player.created", "source": "teetime", "timestamp": "2026-01-02T10:00:00Z",
     "identity": {"email": "ann@example.com"},
     "payload": {"id": "p-1", "name": "Ann", "surname": "Botha", "email": "ann@example.com"}}
)  # fmt: skip


def dead(code: str, source: str, kind: str, **fields: object) -> InboundEvent:
    shown = {"status": "FAILED", "is_waiting": False, "dead_at": timezone.now(), "error_code": code}
    return InboundEventFactory(**(shown | {"source": source, "type": kind} | fields))


@pytest.fixture
def letters(tenant: Tenant) -> list[InboundEvent]:
    return [
        dead("INVALID_PAYLOAD", "teetime", "teetime.player.created", raw=GOOD),
        dead("INVALID_PAYLOAD", "teetime", "teetime.player.created", raw="{}"),
        dead("UNKNOWN_EVENT_TYPE", "scl", "scl.member.transferred"),
    ]


def waiting() -> set[str]:
    return set(InboundEvent.objects.filter(is_waiting=True).values_list("type", flat=True))


def test_they_are_counted_by_reason(letters: list[InboundEvent]) -> None:
    page = staff_of().text(DEAD)
    assert "The content is not what this type of event must have teetime.player.created TeeTime 2" in page
    assert "Nobody here knows this type of event scl.member.transferred SCL 1" in page
    assert "Replay 3 events" in page


def test_the_menu_says_how_many_wait_for_a_decision(letters: list[InboundEvent]) -> None:
    assert "Dead letters 3 waiting for a decision" in staff_of().text("/admin/")


def test_without_any_the_page_says_so(tenant: Tenant) -> None:
    assert "No dead letters" in staff_of().text(DEAD)


def test_a_group_shows_its_newest(letters: list[InboundEvent]) -> None:
    page = staff_of().text(DEAD, error="UNKNOWN_EVENT_TYPE")
    assert "1 dead letter" in page
    assert letters[2].event_id in page
    assert letters[0].event_id not in page


def test_a_preview_tries_and_takes_back(letters: list[InboundEvent]) -> None:
    page = staff_of().text(DEAD, **{"try": "1"})
    assert "Would be tried 3" in page
    assert "Applied 1" in page
    assert "Would fail again 2" in page
    assert waiting() == set()
    assert InboundEvent.objects.dead().count() == 3


def test_a_replay_takes_only_the_shown_ones(letters: list[InboundEvent]) -> None:
    reply = staff_of().post(f"{DEAD}replay/", {"error": "UNKNOWN_EVENT_TYPE"}, follow=True)
    assert "1 event is queued again." in words(reply)
    assert "1 event is being worked off." in words(reply)
    assert waiting() == {"scl.member.transferred"}


def test_everything_is_replayed_at_once(letters: list[InboundEvent]) -> None:
    staff_of().post(f"{DEAD}replay/")
    assert InboundEvent.objects.filter(is_waiting=True).count() == 3


def test_letting_go_needs_a_reason(letters: list[InboundEvent]) -> None:
    browser = staff_of()
    assert "Say why" in words(browser.post(f"{DEAD}discard/", {"reason": "  "}, follow=True))
    assert InboundEvent.objects.dead().count() == 3
    browser.post(f"{DEAD}discard/", {"source": "scl", "reason": "the old system is gone"})
    assert InboundEvent.objects.dead().count() == 2
    entry = AuditEntry.objects.get(action="events.discarded")
    assert entry.after == {"count": 1, "reason": "the old system is gone"}


def test_marketing_looks_but_decides_nothing(letters: list[InboundEvent]) -> None:
    page = staff_of("MARKETING").text(DEAD, **{"try": "1"})
    assert "Nobody here knows this type of event" in page
    assert "Replay 3" not in page
    assert "Would be tried" not in page


def test_staff_of_one_club_see_those_of_their_people(letters: list[InboundEvent]) -> None:
    ours = CustomerProfileFactory(home_club_ref="here")
    dead("NO_IDENTIFIER", "web", "web.page_view", customer=ours)
    page = staff_of("VIEWER", clubs=(ClubFactory(refs=["here"]),)).text(DEAD)
    assert "web.page_view" in page
    assert "scl.member.transferred" not in page


def test_the_page_costs_the_same_however_many_letters(letters: list[InboundEvent]) -> None:
    for _ in range(20):
        dead("NO_IDENTIFIER", "web", "web.page_view", customer=CustomerProfileFactory())
    browser = staff_of()
    with at_most(9):
        browser.text(DEAD, error="NO_IDENTIFIER")
