"""What campaigns hold of people: how it is told to them, and how it is erased."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from campaigns.models import Conversion, Interaction, Message
from customers.payloads import wire_value
from customers.personal_data import of_people
from customers.privacy import Case, Holding, holds

STAMPS = {
    "sentAt": "sent_at", "deliveredAt": "delivered_at", "openedAt": "first_open_at", "clickedAt": "first_click_at",
    "bouncedAt": "bounced_at", "complainedAt": "complained_at", "unsubscribedAt": "unsubscribed_at",
}  # fmt: skip


def told_messages(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(Message, people).order_by("pk"):
        told = {"channel": row.channel, "to": row.address or None, "subject": row.subject or None}
        state = {"state": row.state, "reason": row.reason or None, "plannedAt": wire_value(row.created_at)}
        stamps = {name: wire_value(getattr(row, column)) for name, column in STAMPS.items()}
        yield {**told, **state, **stamps}


def told_interactions(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    rows = Interaction.objects.filter(message__customer__in=people).select_related("link").order_by("pk")
    for row in rows:
        yield {
            "what": row.kind, "at": wire_value(row.at), "address": row.link.url if row.link else None,
            "network": row.network or None, "userAgent": row.user_agent or None,
        }  # fmt: skip


def told_conversions(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in Conversion.objects.filter(message__customer__in=people).order_by("pk"):
        yield {"what": row.kind, "at": wire_value(row.at), "amountCents": row.amount_cents}


def erase_messages(case: Case) -> int:
    """What was said to whom at which address; that something was sent, and what became of it, is counted on."""
    rows: Any = of_people(Message, case.people)
    count: int = rows.update(address="", subject="", variables=None, error="")
    return count


def erase_interactions(case: Case) -> int:
    rows = Interaction.objects.filter(message__in=of_people(Message, case.people).values("pk"))
    count: int = rows.update(network="", user_agent="", detail="")
    return count


KEPT = "That there was one, what became of it and when, for the numbers of campaigns."
for _holding in (
    Holding(Message, KEPT, "messages", told_messages, erase_messages, 31),
    Holding(Interaction, KEPT, "messageHistory", told_interactions, erase_interactions, 30),
    Holding(Conversion, "What it brought, for the numbers of campaigns.", "conversions", told_conversions),
):
    holds(_holding)
