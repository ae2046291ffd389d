"""Messages of no campaign: of a journey's step, of the API, or a test that staff send themselves."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from campaigns.models import Message, MessageClass, MessageTemplate, Origin, TemplateContent
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy.rows import insert_rows
from customers.models import CustomerProfile
from customers.models.consent import Purpose

PLANNED = (
    "customer_id", "recorded_for", "origin", "origin_key", "channel", "message_class", "purpose", "club_ref", "address",
    "state", "due_at", "deadline_at", "content_id", "variables",
)  # fmt: skip
ADDRESSES = {"EMAIL": "email", "SMS": "dialled", "WHATSAPP": "dialled"}


def plan_message(
    person: CustomerProfile,
    template: MessageTemplate,
    *,
    origin: str,
    origin_key: str,
    message_class: str = MessageClass.MARKETING,
    purpose: str = Purpose.MARKETING,
    club_ref: str = "",
    due_at: datetime | None = None,
    lasts: timedelta | None = None,
    event: Mapping[str, Any] | None = None,
    address: str | None = None,
    content: TemplateContent | None = None,
) -> bool:
    """Let a message wait to be sent, in the caller's transaction; False where it was planned already.

    origin_key: names what it is of, such as a step of somebody's journey: the same is not said twice.
    event:      what its words may speak of as `event`.
    address, content: of a test, who gets it and the very wording; else the person's own, in their language.
    What keeps it from being sent is found out at the moment of sending.
    """
    due, wording = due_at or timezone.now(), content
    wording = wording or TemplateContent.objects.filter(template=template).order_by("-pk").first()
    to = address if address is not None else getattr(person, ADDRESSES.get(template.channel, "pk"), "")
    row = {
        "customer_id": person.pk, "recorded_for": person.pk, "origin": origin, "origin_key": origin_key,
        "channel": template.channel, "message_class": message_class, "purpose": purpose, "club_ref": club_ref,
        "address": to, "state": "QUEUED", "due_at": due, "deadline_at": due + lasts if lasts else None,
        "content_id": wording.pk if wording else None, "variables": {"event": dict(event)} if event else None,
    }  # fmt: skip
    known = Message.objects.filter(origin_key=origin_key).exists()
    insert_rows(Message, [row], PLANNED, conflict="DO NOTHING")
    nudge_on_commit("campaigns.sweep", queue="sends")
    return not known


def plan_test(person: CustomerProfile, content: TemplateContent, *, to: str, key: str) -> None:
    """Send a wording to staff as this customer would get it. It counts for nothing."""
    plan_message(
        person, content.template, origin=Origin.TEST, origin_key=f"test:{key}", address=to, content=content,
        message_class=MessageClass.MARKETING,
    )  # fmt: skip
