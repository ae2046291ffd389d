"""What members pay and owe, as SCL tells of it. Pure."""

from typing import Any

from timeline.catalogue import Priority, event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import cents, currency, integer, key, moment, obj, read_moment, text
from timeline.sources.common import (
    Home,
    Payload,
    effect,
    entry,
    hints,
    ident,
    moment_of,
    money,
    upper,
    words,
    written,
)

AMOUNT = {"amount": Home("amount_cents", int), "currency": Home("currency", upper)}
PAYMENT = AMOUNT | {"invoiceId": Home("invoice_key", ident)}
PAYMENT_HOMES = frozenset({"id", "memberId", "paidAt", *PAYMENT})
INVOICE = AMOUNT | {"dueAt": Home("due_at", read_moment)}
OVERDUE = INVOICE | {"daysOverdue": Home("days_overdue", int)}
INVOICE_HOMES = frozenset({"id", "memberId", *OVERDUE})


def payer(event: Event, stage: str | None = None) -> Person:
    return Person(hints(event.identity, sclMemberId=event.payload.get("memberId")), stage=stage)


def amount(payload: Payload) -> str:
    return money(payload["amount"], payload.get("currency"))


@event_type(
    "scl.payment.received",
    source="scl",
    aliases=("payment.received",),
    schema=obj(
        required=["id", "amount"],
        id=key(),
        memberId=key(),
        amount=cents(),
        currency=currency(),
        invoiceId=key(),
        paidAt=moment(),
    ),
)
def payment_received(event: Event) -> Effect:
    """A member paid; the amount adds to the lifetime value."""
    payload = event.payload
    values = written(payload, PAYMENT) | {"status": "RECEIVED", "paid_at": moment_of(event, "paidAt")}
    return effect(
        event,
        payer(event, stage="CUSTOMER"),
        entry=entry(
            event,
            "PAYMENT_RECEIVED",
            "MEMBERSHIP",
            f"Paid {amount(payload)}",
            source_id=payload["id"],
            homes=PAYMENT_HOMES,
            counts=True,
        ),
        facts=[Fact("payment", ident(payload["id"]), values)],
    )


@event_type(
    "scl.payment.failed",
    source="scl",
    priority=Priority.HIGH,
    aliases=("payment.failed",),
    schema=obj(
        required=["id", "amount"],
        id=key(),
        memberId=key(),
        amount=cents(),
        currency=currency(),
        invoiceId=key(),
        reason=text(),
        attempt=integer(),
    ),
)
def payment_failed(event: Event) -> Effect:
    """A payment did not go through."""
    payload = event.payload
    values: dict[str, Any] = written(payload, PAYMENT | {"reason": Home("failure_reason", words)})
    return effect(
        event,
        payer(event),
        entry=entry(
            event,
            "PAYMENT_FAILED",
            "MEMBERSHIP",
            f"Payment of {amount(payload)} failed",
            source_id=payload["id"],
            homes=PAYMENT_HOMES,
        ),
        facts=[Fact("payment", ident(payload["id"]), values | {"status": "FAILED"})],
    )


@event_type(
    "scl.invoice.sent",
    source="scl",
    priority=Priority.LOW,
    aliases=("invoice.sent",),
    schema=obj(
        required=["id", "amount"],
        id=key(),
        memberId=key(),
        amount=cents(),
        currency=currency(),
        dueAt=moment(),
    ),
)
def invoice_sent(event: Event) -> Effect:
    """An invoice went out to a member."""
    payload = event.payload
    return effect(
        event,
        payer(event),
        entry=entry(
            event,
            "INVOICE_SENT",
            "MEMBERSHIP",
            f"Invoice for {amount(payload)} sent",
            source_id=payload["id"],
            homes=INVOICE_HOMES,
        ),
        facts=[Fact("invoice", ident(payload["id"]), written(payload, INVOICE), opening={"status": "SENT"})],
    )


@event_type(
    "scl.invoice.overdue",
    source="scl",
    aliases=("invoice.overdue",),
    schema=obj(
        required=["id", "amount"],
        id=key(),
        memberId=key(),
        amount=cents(),
        currency=currency(),
        dueAt=moment(),
        daysOverdue=integer(),
    ),
)
def invoice_overdue(event: Event) -> Effect:
    """An invoice was not paid in time."""
    payload = event.payload
    return effect(
        event,
        payer(event),
        entry=entry(
            event,
            "INVOICE_OVERDUE",
            "MEMBERSHIP",
            f"Invoice for {amount(payload)} is overdue",
            source_id=payload["id"],
            homes=INVOICE_HOMES,
        ),
        facts=[Fact("invoice", ident(payload["id"]), written(payload, OVERDUE) | {"status": "OVERDUE"})],
    )
