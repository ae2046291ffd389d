import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns import gate
from campaigns.models import (
    Campaign,
    CampaignRun,
    Message,
    MessageClass,
    MessageState,
    Origin,
    Reason,
    Sender,
)
from campaigns.policy import Kind, Verdict
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.consent import Consent, State
from customers.consents import record_consents
from customers.models import (
    Booking,
    BookingPlayer,
    CompetitionEntry,
    CustomerProfile,
    Invoice,
    Suppression,
    Ticket,
)
from customers.suppression import suppress
from tests.factories import ClubFactory, CustomerProfileFactory, TenantFactory

NOON = datetime(2026, 6, 3, 10, tzinfo=UTC)  # a Wednesday, in Johannesburg


def person(**fields: Any) -> CustomerProfile:
    return CustomerProfileFactory(**{"email_opt_in": True, "sms_opt_in": True, **fields})


def message(customer: CustomerProfile, **fields: Any) -> Message:
    usual = {
        "channel": "EMAIL", "message_class": MessageClass.MARKETING, "state": MessageState.SENDING,
        "due_at": NOON, "deadline_at": NOON + timedelta(hours=48), "created_at": NOON,
    }  # fmt: skip
    address = customer.phone_number if fields.get("channel") in ("SMS", "WHATSAPP") else customer.email
    named = {"customer": customer, "recorded_for": customer.pk, "address": address}
    row: Message = Message.objects.create(tenant=customer.tenant, **{**usual, **named, **fields})
    return row


def asked(*messages: Message, now: datetime = NOON) -> list[Verdict]:
    with transaction.atomic():
        found = gate.decide(messages, now)
    return [found[one.pk] for one in messages]


def reason(customer: CustomerProfile, *, now: datetime = NOON, **fields: Any) -> str:
    (verdict,) = asked(message(customer, **fields), now=now)
    return verdict.reason


@pytest.fixture
def local(tenant: Tenant) -> Tenant:
    """The tenant, with consent of its own."""
    tenant.consent_owner = Tenant.ConsentOwner.LOCAL
    tenant.save()
    return tenant


def run_of(goal: dict[str, Any] | None = None) -> CampaignRun:
    tenant = Tenant.objects.get(slug="fynbos-group")
    campaign = Campaign.objects.create(tenant=tenant, name="June", goal=goal or {})
    run: CampaignRun = CampaignRun.objects.create(tenant=tenant, campaign=campaign, scheduled_for=NOON)
    return run


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"email_opt_in": False}, Reason.REFUSED),
        ({"email_opt_in": None}, Reason.NEVER_ASKED),
        ({"status": "INACTIVE"}, Reason.NOT_ACTIVE),
        ({"processing_restricted_at": NOON}, Reason.RESTRICTED),
        ({"erased_at": NOON, "status": "DELETED"}, Reason.ERASED),
        ({"is_blocked": True}, Reason.BLOCKED),
        ({"date_of_birth": date(2010, 1, 1)}, Reason.MINOR),
    ],
)
def test_what_is_known_of_the_person_decides(tenant: Tenant, fields: dict[str, Any], expected: str) -> None:
    assert reason(person(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"email_opt_in": False}, ""),
        ({"is_blocked": True, "date_of_birth": date(2010, 1, 1), "status": "INACTIVE"}, ""),
        ({"processing_restricted_at": NOON}, Reason.RESTRICTED),
        ({"status": "DELETED", "erased_at": NOON}, Reason.ERASED),
    ],
)
def test_a_service_message_asks_for_no_consent(tenant: Tenant, fields: dict[str, Any], expected: str) -> None:
    assert reason(person(**fields), message_class=MessageClass.TRANSACTIONAL) == expected


def says(customer: CustomerProfile, state: State, **what: Any) -> None:
    record_consents(customer.pk, [Consent("EMAIL", state, NOON, "TEST", **what)], by="staff:1")


def test_a_purpose_that_was_refused_is_refused_whatever_was_granted_at_large(local: Tenant) -> None:
    thandi = person()
    says(thandi, State.GRANTED)
    says(thandi, State.WITHDRAWN, purpose="OFFERS")
    says(thandi, State.GRANTED)
    assert reason(thandi, purpose="OFFERS") == Reason.REFUSED
    assert reason(thandi, purpose="NEWSLETTER") == reason(thandi) == ""


def test_a_grant_of_a_purpose_is_a_grant_of_that_purpose_alone(local: Tenant) -> None:
    thandi = person(email_opt_in=None)
    says(thandi, State.GRANTED, purpose="COMPETITIONS")
    assert reason(thandi, purpose="COMPETITIONS") == ""
    assert reason(thandi, purpose="OFFERS") == Reason.NEVER_ASKED


def test_a_club_that_was_refused_writes_no_more_and_the_others_do(local: Tenant) -> None:
    thandi = person()
    says(thandi, State.GRANTED)
    says(thandi, State.WITHDRAWN, club_ref="club-fynbos")
    assert reason(thandi, club_ref="club-fynbos") == Reason.REFUSED
    assert reason(thandi, club_ref="club-heath") == ""


def test_a_grant_that_ended_and_one_of_another_address_are_none(local: Tenant) -> None:
    thandi, sipho = person(), person()
    says(thandi, State.GRANTED, expires_at=NOON - timedelta(days=1))
    assert reason(thandi) == Reason.NEVER_ASKED
    says(sipho, State.GRANTED)
    assert reason(sipho) == ""
    assert reason(sipho, address="other@example.com") == Reason.NEVER_ASKED


def test_a_no_between_planning_and_sending_is_heard(local: Tenant) -> None:
    thandi = person()
    says(thandi, State.GRANTED)
    planned = message(thandi)
    says(thandi, State.WITHDRAWN)
    (verdict,) = asked(planned)
    assert verdict == Verdict(Kind.NEVER, Reason.REFUSED)


def test_a_suppressed_address_gets_no_marketing(tenant: Tenant) -> None:
    thandi = person()
    suppress([("email", thandi.email)], reason=Suppression.Reason.MANUAL, by="staff:1", now=NOON)
    assert reason(thandi) == Reason.SUPPRESSED
    assert reason(thandi, message_class=MessageClass.TRANSACTIONAL) == ""


def test_two_profiles_that_became_one_get_it_once(tenant: Tenant) -> None:
    thandi, run = person(), run_of()
    other = person()
    first = message(thandi, run=run)
    second = message(thandi, run=run, recorded_for=other.pk, address=other.email)
    assert [one.reason for one in asked(first, second)] == ["", Reason.DUPLICATE_PERSON]
    Message.objects.filter(pk=first.pk).update(state=MessageState.SENT)
    (verdict,) = asked(second)
    assert verdict.reason == Reason.DUPLICATE_PERSON
    Message.objects.filter(pk=first.pk).update(state=MessageState.SKIPPED)
    (verdict,) = asked(second)
    assert verdict.kind is Kind.SEND


def test_who_has_what_the_campaign_is_for_hears_no_more_of_it(tenant: Tenant) -> None:
    entered, left, booked, neither = person(), person(), person(), person()
    common = {"tenant": tenant, "competition_key": "spring"}
    CompetitionEntry.objects.create(key="spring:1", customer=entered, **common)
    CompetitionEntry.objects.create(key="spring:2", customer=left, withdrawn_at=NOON, **common)
    Booking.objects.create(tenant=tenant, key="b1", customer=booked, tee_time=NOON + timedelta(days=2))
    spring = run_of({"competitionId": "spring"})
    week = run_of({"teeTimesFrom": "2026-06-04", "teeTimesUntil": "2026-06-08"})
    assert [reason(one, run=spring) for one in (entered, left, neither)] == [Reason.ALREADY_BOOKED, "", ""]
    assert [reason(one, run=week) for one in (booked, neither)] == [Reason.ALREADY_BOOKED, ""]
    assert reason(booked, run=run_of({"teeTimesFrom": "soon", "teeTimesUntil": 7})) == ""


def test_nobody_is_bothered_in_trouble_or_on_the_course(tenant: Tenant) -> None:
    cross, owing, fine = person(), person(), person()
    Ticket.objects.create(tenant=tenant, key="t1", customer=cross, status="OPEN")
    Invoice.objects.create(tenant=tenant, key="i1", customer=owing, status="OVERDUE")
    Ticket.objects.create(tenant=tenant, key="t2", customer=fine, status="RESOLVED")
    assert [reason(one) for one in (cross, owing, fine)] == [Reason.COMPLAINT_OPEN, Reason.IN_ARREARS, ""]
    assert reason(cross, message_class=MessageClass.TRANSACTIONAL) == ""

    playing, guest = person(), person()
    teed_off = NOON - timedelta(hours=1)
    Booking.objects.create(
        tenant=tenant, key="b1", customer=playing, tee_time=teed_off, holes=18, status="BOOKED"
    )
    BookingPlayer.objects.create(tenant=tenant, key="b1:2", customer=guest, booking_key="b1")
    for one in (playing, guest):
        (verdict,) = asked(message(one))
        assert verdict == Verdict(Kind.LATER, Reason.ON_COURSE, teed_off + timedelta(minutes=18 * 15))


def test_each_is_asked_by_the_clock_and_the_rule_of_where_they_are(tenant: Tenant) -> None:
    ClubFactory(name="Heath", refs=["heath"], timezone="Europe/London", region="GB")
    sunday = NOON + timedelta(days=4)
    here = person(phone_number="+27821234567", phone_is_valid=True)
    there = person(phone_number="+447700900001", phone_is_valid=True, home_club_ref="heath")
    texts = [
        message(one, channel="SMS", deadline_at=sunday + timedelta(days=2), due_at=sunday)
        for one in (here, there)
    ]
    first, second = asked(*texts, now=sunday)
    assert (first.reason, first.until) == (Reason.QUIET_HOURS, datetime(2026, 6, 8, 6, tzinfo=UTC))
    assert second.kind is Kind.SEND
    Sender.objects.create(tenant=tenant, quiet_hours={"SMS": {"from": "22:00", "to": "06:00"}})
    assert asked(texts[0], now=sunday)[0].kind is Kind.SEND  # the club's own rule


def test_a_paused_sender_holds_back_its_own_marketing(tenant: Tenant) -> None:
    club = ClubFactory(name="Heath", refs=["heath"])
    Sender.objects.create(tenant=tenant, club=club, paused_at=NOON)
    thandi = person()
    assert reason(thandi, club_ref="heath") == Reason.SENDER_PAUSED
    assert reason(thandi) == reason(thandi, club_ref="heath", message_class=MessageClass.TRANSACTIONAL) == ""


def test_the_control_group_of_a_club_gets_no_marketing(tenant: Tenant) -> None:
    Sender.objects.create(tenant=tenant, control_percent=20)
    people = [person() for _ in range(40)]
    verdicts = asked(*[message(one) for one in people])
    left_out = [one for one in verdicts if one.reason == Reason.CONTROL_GROUP]
    assert 1 <= len(left_out) <= 20
    assert all(one.kind is Kind.SEND for one in verdicts if one not in left_out)


def test_a_test_message_heeds_only_suppression(tenant: Tenant) -> None:
    thandi = person(email_opt_in=False, is_blocked=True)
    assert reason(thandi, origin=Origin.TEST, address="staff@club.example") == ""


def test_a_batch_is_capped_as_a_whole_and_messages_of_before_count(tenant: Tenant) -> None:
    Sender.objects.create(tenant=tenant, caps=[{"channel": "EMAIL", "most": 2, "days": 1}])
    thandi = person()
    message(thandi, state=MessageState.SENT, counted_at=NOON - timedelta(hours=20))
    verdicts = asked(message(thandi), message(thandi))
    assert verdicts == [
        Verdict(Kind.SEND),
        Verdict(Kind.LATER, Reason.CAPPED, NOON + timedelta(hours=4)),
    ]


def test_the_number_of_statements_does_not_grow(tenant: Tenant) -> None:
    def statements(people: int) -> int:
        run = run_of()
        rows = [message(person(), run=run) for _ in range(people)]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            asked(*rows)
        return len(seen)

    assert statements(2) == statements(30) <= 20


def test_nobody_of_another_tenant_is_known(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        stranger = person()
    assert reason(person(), recorded_for=stranger.pk) == ""
    lost = message(person())
    lost.customer_id = stranger.pk
    assert asked(lost)[0].reason == Reason.ERASED


@pytest.fixture
def committed(transactional_db: None) -> Iterator[Tenant]:
    tenant = TenantFactory(slug="fynbos-group")
    with tenant_scope(tenant):
        yield tenant


def test_workers_side_by_side_exceed_no_cap(committed: Tenant) -> None:
    Sender.objects.create(tenant=committed, caps=[{"channel": "EMAIL", "most": 3, "days": 7}])
    people = [person() for _ in range(5)]
    batches = [[message(one) for one in people] for _ in range(8)]
    ready = threading.Barrier(len(batches))

    def work(batch: list[Message]) -> None:
        with tenant_scope(committed):
            ready.wait()
            with transaction.atomic():
                found = gate.decide(batch, NOON)
                going = [pk for pk, verdict in found.items() if verdict.kind is Kind.SEND]
                Message.objects.filter(pk__in=going).update(counted_at=NOON)
        connection.close()

    threads = [threading.Thread(target=work, args=[batch]) for batch in batches]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    counted = Message.objects.filter(counted_at__isnull=False)
    assert [counted.filter(customer=one).count() for one in people] == [3] * 5


@pytest.mark.parametrize(
    ("reason_of", "about", "marketing", "service"),
    [
        ("HARD_BOUNCE", {}, False, False),
        ("SOFT_BOUNCES", {"expires_at": NOON - timedelta(days=1)}, True, True),
        ("COMPLAINT", {}, False, False),
        ("INVALID", {"channel": "EMAIL"}, False, False),
        ("MANUAL", {}, False, True),
        ("MANUAL", {"channel": "SMS"}, True, True),
        ("MANUAL", {"purpose": "OFFERS"}, True, True),
        ("MANUAL", {"club_ref": "heath"}, True, True),
        ("UNSUBSCRIBED", {"channel": "EMAIL", "purpose": "MARKETING"}, False, True),
    ],
)
def test_a_suppression_stops_what_it_is_about(
    tenant: Tenant, reason_of: str, about: dict[str, Any], marketing: bool, service: bool
) -> None:
    thandi = person()
    suppress([("email", thandi.email)], reason=reason_of, by="staff:1", now=NOON, **about)
    assert (reason(thandi) == "") is marketing
    assert (reason(thandi, message_class=MessageClass.TRANSACTIONAL) == "") is service


def test_who_complained_to_one_tenant_gets_no_marketing_of_another(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    thandi = person()
    with tenant_scope(other_tenant):
        suppress([("email", thandi.email)], reason="COMPLAINT", by="job", now=NOON)
    assert reason(thandi) == Reason.SUPPRESSED
    assert reason(thandi, message_class=MessageClass.TRANSACTIONAL) == ""
