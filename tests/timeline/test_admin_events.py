"""The sync log: what arrived, what became of it, and trying again."""

import json

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from tests.factories import CustomerProfileFactory, InboundEventFactory
from tests.pages import EVENTS, Browser, at_most, staff_of
from timeline.ingestion import process_due, receive
from timeline.models import EventBody, InboundEvent

PLAYER = {
    "id": "event-1", "type": "teetime.player.created", "source": "teetime", "timestamp": "2026-01-02T10:00:00Z",
    "identity": {"email": "ann@example.com"},
    "payload": {"id": "p-1", "name": "Ann", "surname": "Botha", "email": "ann@example.com"},
}  # fmt: skip


def dead(**fields: object) -> InboundEvent:
    shown = {
        "status": "FAILED",
        "is_waiting": False,
        "dead_at": timezone.now(),
        "error_code": "INVALID_PAYLOAD",
    }
    return InboundEventFactory(**(shown | fields))


def ids(browser: Browser, **query: str) -> list[str]:
    reply = browser.get(EVENTS, query)
    assert reply.status_code == 200
    return sorted(event.event_id for event in reply.context["cl"].result_list)


def test_an_event_is_followed_from_arrival_to_person(tenant: Tenant) -> None:
    receive([PLAYER])
    browser = staff_of()
    assert "Pending teetime.player.created TeeTime –" in browser.text(EVENTS)
    process_due(tenant)
    assert "Success teetime.player.created TeeTime Ann Botha" in browser.text(EVENTS).replace("AB ", "")


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("waiting", ["pending", "processing", "retry"]),
        ("pending", ["pending"]),
        ("processing", ["processing"]),
        ("retry", ["retry"]),
        ("dead", ["dead"]),
        ("success", ["success"]),
        ("skipped", ["skipped"]),
    ],
)
def test_states_are_the_ones_people_know(tenant: Tenant, state: str, found: list[str]) -> None:
    now = timezone.now()
    InboundEventFactory(event_id="pending")
    InboundEventFactory(event_id="processing", claimed_at=now)
    InboundEventFactory(event_id="retry", status="FAILED", next_attempt_at=now, attempts=1)
    dead(event_id="dead")
    InboundEventFactory(event_id="success", status="SUCCESS", is_waiting=False)
    InboundEventFactory(event_id="skipped", status="SKIPPED", is_waiting=False)
    assert ids(staff_of(), state=state) == found


def test_filters_by_source_type_and_history(tenant: Tenant) -> None:
    InboundEventFactory(event_id="scl", source="scl", type="scl.member.created")
    InboundEventFactory(event_id="alias", source="scl", type="member.created")
    InboundEventFactory(event_id="old", source="teetime", type="teetime.booking.created", historical=True)
    browser = staff_of()
    assert ids(browser, source="teetime") == ["old"]
    assert ids(browser, type="scl.member.created") == ["alias", "scl"]
    assert ids(browser, historical="1") == ["old"]
    assert ids(browser, q="scl") == ["scl"]
    assert ids(browser, q="sc") == []


def test_the_page_of_an_event_shows_it_as_it_was_sent(tenant: Tenant) -> None:
    raw = json.dumps(PLAYER)
    event = dead(raw=raw, customer=CustomerProfileFactory(), error="payload.id is missing", attempts=1)
    page = staff_of().text(f"{EVENTS}{event.pk}/")
    assert (
        "The content is not what this type of event must have. payload.id is missing INVALID_PAYLOAD" in page
    )
    assert '"surname": "Botha"' in page
    assert "Failed tries 1" in page
    assert AuditEntry.objects.filter(action="event.viewed", object_id=str(event.pk)).count() == 1


def test_a_body_with_half_a_surrogate_pair_is_shown_all_the_same(tenant: Tenant) -> None:
    event = dead(raw=json.dumps(PLAYER | {"payload": {"id": "p-1", "name": "\ud800nn"}}))
    assert '"name": "?nn"' in staff_of().text(f"{EVENTS}{event.pk}/")


def test_a_purged_body_is_said_to_be_gone(tenant: Tenant) -> None:
    event = InboundEventFactory(status="SUCCESS", is_waiting=False)
    EventBody.objects.all().delete()
    assert "was purged" in staff_of().text(f"{EVENTS}{event.pk}/")


def test_a_body_that_is_no_json_is_shown_as_it_is_or_not_at_all(tenant: Tenant) -> None:
    event = dead(raw="not json: ann@example.com")
    assert "not json: ann@example.com" in staff_of().text(f"{EVENTS}{event.pk}/")
    assert "ann@example.com" not in staff_of("STAFF").text(f"{EVENTS}{event.pk}/")


def test_a_failed_event_is_tried_again_from_its_page(tenant: Tenant) -> None:
    event = dead(raw=json.dumps(PLAYER), source="teetime", type="teetime.player.created")
    browser = staff_of()
    page = f"{EVENTS}{event.pk}/"
    reply = browser.post(f"{page}replay/", follow=True)
    assert "1 event is queued again." in reply.content.decode()
    process_due(tenant)
    assert "Success" in browser.text(page)
    assert AuditEntry.objects.filter(action="events.replayed").count() == 1


def test_an_applied_event_is_not_tried_again(tenant: Tenant) -> None:
    event = InboundEventFactory(status="SUCCESS", is_waiting=False)
    browser = staff_of()
    assert "Try again" not in browser.text(f"{EVENTS}{event.pk}/")
    browser.post(f"{EVENTS}{event.pk}/replay/")
    event.refresh_from_db()
    assert (event.status, event.is_waiting) == ("SUCCESS", False)


def test_chosen_events_are_tried_again_together(tenant: Tenant) -> None:
    events = [dead(), dead(), InboundEventFactory(status="SUCCESS", is_waiting=False)]
    chosen = {"action": "replay_chosen", "_selected_action": [event.pk for event in events]}
    staff_of().post(EVENTS, chosen)
    assert InboundEvent.objects.filter(is_waiting=True).count() == 2


def test_looking_at_the_replay_address_replays_nothing(tenant: Tenant) -> None:
    event = dead()
    assert staff_of().get(f"{EVENTS}{event.pk}/replay/").status_code == 405
    event.refresh_from_db()
    assert not event.is_waiting


def test_the_list_costs_the_same_however_many_events(tenant: Tenant) -> None:
    for _ in range(20):
        InboundEventFactory(customer=CustomerProfileFactory())
    browser = staff_of()
    with at_most(8):
        browser.text(EVENTS)
    event = dead()
    with at_most(10):
        browser.text(f"{EVENTS}{event.pk}/")
