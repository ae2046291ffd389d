import pytest

from tests.timeline.sources.reading import NOW, SAMPLES, wrong
from timeline.catalogue import ALIASES, TYPES, Priority, canonical
from timeline.docs import examples
from timeline.envelope import read_envelope
from timeline.schema import problems

CANONICAL = [
    "scl.member.created",
    "scl.member.updated",
    "scl.member.deleted",
    "scl.member.tier.changed",
    "scl.member.status.changed",
    "scl.payment.received",
    "scl.payment.failed",
    "scl.invoice.sent",
    "scl.invoice.overdue",
    "teetime.player.created",
    "teetime.player.updated",
    "teetime.handicap.updated",
    "teetime.booking.created",
    "teetime.booking.updated",
    "teetime.booking.completed",
    "teetime.booking.cancelled",
    "teetime.booking.noshow",
    "teetime.round.completed",
    "teetime.score.posted",
    "teetime.competition.published",
    "teetime.competition.updated",
    "teetime.competition.cancelled",
    "teetime.competition.full",
    "teetime.competition.entered",
    "teetime.competition.withdrawn",
    "teetime.competition.results.published",
    "teetime.course.closed",
    "teetime.course.reopened",
    "club.event.published",
    "club.event.updated",
    "club.event.cancelled",
    "contact.created",
    "contact.updated",
    "contact.deleted",
    "contactPreference.updated",
    "message.sent",
    "message.delivered",
    "message.bounced",
    "message.complained",
    "message.failed",
    "message.unsubscribed",
    "email.opened",
    "email.clicked",
    "sms.replied",
    "feedback.voted",
    "feedback.unvoted",
    "feedback.shipped",
    "order.created",
    "order.paid",
    "order.completed",
    "order.refunded",
    "order.cancelled",
    "cart.abandoned",
    "web.page_view",
    "web.product_view",
    "web.add_to_cart",
    "web.purchase",
    "deal.won",
    "deal.lost",
    "support.ticket.opened",
    "support.ticket.resolved",
]
HIGH = {"contactPreference.updated", "scl.payment.failed", "message.bounced", "scl.member.status.changed"}
LOW = {"email.opened", "email.clicked", "teetime.score.posted", "scl.invoice.sent"}


def test_every_promised_type_is_there_and_no_other():
    assert sorted(TYPES) == sorted(CANONICAL)


def test_priorities_are_those_of_the_sources():
    assert {name for name, known in TYPES.items() if known.priority == Priority.HIGH} == HIGH
    assert {name for name, known in TYPES.items() if known.priority == Priority.LOW} == LOW


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("member.created", "scl.member.created"),
        ("member.updated", "scl.member.updated"),
        ("member.deleted", "scl.member.deleted"),
        ("scl.tier.changed", "scl.member.tier.changed"),
        ("tier.changed", "scl.member.tier.changed"),
        ("member.status.changed", "scl.member.status.changed"),
        ("payment.received", "scl.payment.received"),
        ("payment.failed", "scl.payment.failed"),
        ("player.created", "teetime.player.created"),
        ("player.updated", "teetime.player.updated"),
        ("handicap.updated", "teetime.handicap.updated"),
        ("booking.created", "teetime.booking.created"),
        ("teetime.booked", "teetime.booking.created"),
        ("teetime.completed", "teetime.booking.completed"),
        ("competition.published", "teetime.competition.published"),
        ("score.posted", "teetime.score.posted"),
        ("messaging.contact.created", "contact.created"),
        ("messaging.contact.updated", "contact.updated"),
        ("messaging.contact.deleted", "contact.deleted"),
        ("messaging.consent.changed", "contactPreference.updated"),
        ("consent.changed", "contactPreference.updated"),
        ("messaging.message.sent", "message.sent"),
        ("messaging.message.delivered", "message.delivered"),
        ("messaging.message.bounced", "message.bounced"),
        ("messaging.email.opened", "email.opened"),
        ("messaging.email.clicked", "email.clicked"),
        ("messaging.link.clicked", "email.clicked"),
        ("messaging.sms.replied", "sms.replied"),
        ("pos.till.opened", "pos.till.opened"),
    ],
)
def test_every_spelling_has_its_type(spelling: str, name: str):
    assert canonical(spelling) == name


def test_aliases_lead_to_types():
    assert set(ALIASES.values()) <= set(TYPES)


@pytest.mark.parametrize("item", SAMPLES, ids=lambda item: item.get("type") or item["name"])
def test_every_sample_is_understood(item: dict):
    envelope = read_envelope(item, now=NOW)
    event_type = TYPES[envelope.type]
    assert envelope.tenant == "demo"
    assert problems(event_type, envelope.payload) == []
    effect = event_type.interpret(envelope.event())
    assert effect.people or effect.facts


def test_the_samples_show_nearly_every_type():
    shown = {read_envelope(item, now=NOW).type for item in SAMPLES}
    assert set(TYPES) - shown == {"club.event.updated", "club.event.cancelled"}


def test_every_type_has_an_example_that_is_right():
    assert set(examples()) == set(TYPES)
    for name, item in examples().items():
        assert problems(TYPES[name], read_envelope(item, now=NOW).payload) == []


@pytest.mark.parametrize(
    "ends", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1899-12-31T00:00:00Z", "3000-01-01"]
)
def test_a_moment_that_nobody_can_mean_is_refused_by_name(ends: str):
    """The ends of the calendar break when they are told by another clock."""
    payload = {"id": "b-1", "teeTime": ends, "bookedAt": "2999-12-31T23:59:59Z"}
    assert wrong("teetime.booking.created", payload) == {
        "teeTime": "must be a moment in ISO 8601, from 1900 to 2999"
    }
