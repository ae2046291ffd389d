"""What became of messages on their way, and who wants no more of them, as Messaging tells. Pure."""

from typing import Any

from customers.consent import Consent, State
from timeline.catalogue import Priority, event_type
from timeline.effects import Effect, Entry, Event, Person
from timeline.schema import Schema, key, obj, one_of, text
from timeline.sources.common import effect, entry, hints, ident
from timeline.sources.messaging.contacts import CHANNELS, JOB_HOMES

OPT_OUT = "crm.consent.optout.requested"
HARD = frozenset({"HARD", "PERMANENT"})
NOUNS = {"EMAIL": "Email", "SMS": "SMS", "PUSH": "Push message", "WHATSAPP": "WhatsApp message"}
MESSAGE_FIELDS: dict[str, Schema] = {
    "eventId": key(longest=200),
    "contactId": key(),
    "messageId": key(),
    "channel": one_of(*CHANNELS),
    "campaignId": key(),
    "templateId": key(),
}
MESSAGE_HOMES = JOB_HOMES | {"messageId", "channel"}


def channel_of(event: Event, default: str = "EMAIL") -> str:
    """The channel of a message; Messaging's older events leave it out."""
    return str(event.payload.get("channel") or default).upper()


def contact(event: Event, **found: Any) -> dict[str, Any]:
    return hints(event.identity, messagingContactId=event.payload.get("contactId"), **found)


def message_entry(
    event: Event,
    type: str,
    title: str,
    *,
    channel: str,
    counts: bool = False,
    homes: frozenset[str] = MESSAGE_HOMES,
    description: str = "",
) -> Entry:
    return entry(
        event,
        type,
        "COMMUNICATION",
        title,
        source_id=event.payload.get("messageId"),
        channel=channel,
        homes=homes,
        counts=counts,
        description=description,
    )


def no_more(event: Event, channel: str, reason: str) -> tuple[Consent, ...]:
    """What is said of someone who is opted out of a channel."""
    return (Consent(channel, State.WITHDRAWN, event.occurred_at, reason),)


def opt_out(event: Event, channel: str, reason: str) -> tuple[tuple[str, dict[str, Any]]]:
    """The request that Messaging, which owns consent, records the opt-out too."""
    asked = {
        "channel": channel,
        "reason": reason,
        "messageId": ident(event.payload.get("messageId")),
        "requestedAt": event.occurred_at.isoformat(),
    }
    return ((OPT_OUT, asked),)


@event_type(
    "message.sent",
    source="messaging",
    aliases=("messaging.message.sent",),
    schema=obj(required=["messageId"], **MESSAGE_FIELDS),
)
def message_sent(event: Event) -> Effect:
    """A message was sent."""
    channel = channel_of(event)
    title = f"{NOUNS[channel]} sent"
    return effect(
        event, Person(contact(event)), entry=message_entry(event, "MESSAGE_SENT", title, channel=channel)
    )


@event_type(
    "message.delivered",
    source="messaging",
    aliases=("messaging.message.delivered",),
    schema=obj(required=["messageId"], **MESSAGE_FIELDS),
)
def message_delivered(event: Event) -> Effect:
    """A message arrived."""
    channel = channel_of(event)
    title = f"{NOUNS[channel]} delivered"
    return effect(
        event, Person(contact(event)), entry=message_entry(event, "MESSAGE_DELIVERED", title, channel=channel)
    )


@event_type(
    "message.failed",
    source="messaging",
    aliases=("messaging.message.failed",),
    schema=obj(required=["messageId"], reason=text(), **MESSAGE_FIELDS),
)
def message_failed(event: Event) -> Effect:
    """A message could not be sent."""
    channel = channel_of(event)
    title = f"{NOUNS[channel]} could not be sent"
    return effect(
        event, Person(contact(event)), entry=message_entry(event, "MESSAGE_FAILED", title, channel=channel)
    )


@event_type(
    "message.bounced",
    source="messaging",
    priority=Priority.HIGH,
    aliases=("messaging.message.bounced",),
    schema=obj(
        required=["messageId"], bounceType=text(longest=50), code=key(), reason=text(), **MESSAGE_FIELDS
    ),
)
def message_bounced(event: Event) -> Effect:
    """A message came back; when it came back for good, the person is opted out of the channel."""
    channel = channel_of(event)
    hard = str(event.payload.get("bounceType")).strip().upper() in HARD
    return effect(
        event,
        Person(contact(event), consents=no_more(event, channel, "HARD_BOUNCE") if hard else ()),
        entry=message_entry(event, "MESSAGE_BOUNCED", f"{NOUNS[channel]} bounced", channel=channel),
        announce=opt_out(event, channel, "HARD_BOUNCE") if hard else (),
    )


@event_type(
    "message.complained",
    source="messaging",
    aliases=("messaging.message.complained",),
    schema=obj(required=["messageId"], reason=text(), **MESSAGE_FIELDS),
)
def message_complained(event: Event) -> Effect:
    """Someone reported a message as spam, and is opted out of the channel."""
    channel = channel_of(event)
    title = f"{NOUNS[channel]} reported as spam"
    return effect(
        event,
        Person(contact(event), consents=no_more(event, channel, "COMPLAINT")),
        entry=message_entry(event, "MESSAGE_COMPLAINED", title, channel=channel),
        announce=opt_out(event, channel, "COMPLAINT"),
    )


@event_type(
    "message.unsubscribed",
    source="messaging",
    aliases=("messaging.message.unsubscribed", "email.unsubscribed", "messaging.email.unsubscribed"),
    schema=obj(reason=text(), **MESSAGE_FIELDS),
)
def message_unsubscribed(event: Event) -> Effect:
    """Someone unsubscribed by a message's link, and is opted out of the channel."""
    channel = channel_of(event)
    return effect(
        event,
        Person(contact(event), consents=no_more(event, channel, "UNSUBSCRIBE")),
        entry=message_entry(
            event,
            "MESSAGE_UNSUBSCRIBED",
            f"Unsubscribed from {CHANNELS[channel]}",
            channel=channel,
            counts=True,
        ),
        announce=opt_out(event, channel, "UNSUBSCRIBE"),
    )
