"""What people do with our messages, on their timelines and in their counters, as Messaging would tell it of its own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from campaigns.models import Interaction, InteractionKind, Message, Origin
from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows
from timeline.application import ENTRY_COLUMNS
from timeline.counters import raise_seen, recount
from timeline.models import Activity

SOURCE = "crm"
TITLES = {
    ("EMAIL", "OPENED"): "Opened an email",
    ("EMAIL", "CLICKED"): "Clicked a link in an email",
    ("SMS", "CLICKED"): "Clicked a link in an SMS",
    ("PUSH", "OPENED"): "Opened a push message",
    ("PUSH", "CLICKED"): "Clicked a link in a push message",
    ("WHATSAPP", "CLICKED"): "Clicked a link in a WhatsApp message",
}
SEEN = {"OPENED": "last_email_open_at", "CLICKED": "last_email_click_at"}


def tell_timeline(done: Sequence[tuple[Message, Interaction]]) -> None:
    """Write the entries of what people did, in the caller's transaction. Three statements, where there are any."""
    now = timezone.now()
    told = [(message, one) for message, one in done if message.origin != Origin.TEST]
    rows = [
        entry(message, f"{message.channel}_{one.kind}", title, at=one.at, now=now, key=one.pk)
        for message, one in told
        if (title := TITLES.get((message.channel, one.kind)))
    ]
    if not rows:
        return
    insert_rows(Activity, rows, ENTRY_COLUMNS)
    seen: dict[UUID, dict[str, datetime]] = {}
    for message, one in told:
        if message.channel == "EMAIL" and (name := SEEN.get(InteractionKind(one.kind).value)):
            times = seen.setdefault(message.customer_id, {})
            times[name] = max(one.at, times.get(name, one.at))
    raise_seen(seen)
    recount({message.customer_id for message, _ in told}, now=now)


def entry(
    message: Message, type: str, title: str, *, at: datetime, now: datetime, key: Any, counts: bool = True
) -> dict[str, Any]:
    """The row of a timeline entry about a message."""
    return {
        "id": uuid7(), "customer_id": message.customer_id, "recorded_for": message.recorded_for, "type": type,
        "category": "COMMUNICATION", "channel": message.channel, "title": title, "description": "",
        "metadata": {"messageId": str(message.pk), "subject": message.subject}, "context": {}, "source": SOURCE,
        "source_id": str(message.pk), "source_event_id": f"{type}:{key}", "subject_name": "", "actor": "",
        "counts": counts, "occurred_at": at, "created_at": now,
    }  # fmt: skip
