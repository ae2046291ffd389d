"""What people do with messages: open, click, reply, as Messaging tells. Pure."""

from timeline.catalogue import Priority, event_type
from timeline.effects import Effect, Event, Person
from timeline.schema import flag, integer, obj, one_of, text
from timeline.sources.common import effect
from timeline.sources.messaging.contacts import CHANNELS
from timeline.sources.messaging.messages import (
    MESSAGE_FIELDS,
    MESSAGE_HOMES,
    NOUNS,
    channel_of,
    contact,
    message_entry,
    no_more,
    opt_out,
)

REPLY_HOMES = MESSAGE_HOMES | {"text", "from"}
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})


def is_stop(reply: str) -> bool:
    """Whether a reply is one of the words that end a text message subscription, and nothing else."""
    return reply.strip(" \t\r\n.,;:!?\"'").upper() in STOP_WORDS


@event_type(
    "email.opened",
    source="messaging",
    priority=Priority.LOW,
    aliases=("messaging.email.opened",),
    schema=obj(userAgent=text(longest=1000), ip=text(longest=100), isBot=flag(), **MESSAGE_FIELDS),
)
def email_opened(event: Event) -> Effect:
    """Someone opened an email; an open by a machine (`isBot`) is kept and counts for nothing."""
    human = not event.payload.get("isBot")
    return effect(
        event,
        Person(contact(event), seen=("last_email_open_at",) if human else ()),
        entry=message_entry(event, "EMAIL_OPENED", "Opened an email", channel="EMAIL", counts=human),
    )


@event_type(
    "email.clicked",
    source="messaging",
    priority=Priority.LOW,
    aliases=("messaging.email.clicked", "messaging.link.clicked", "link.clicked"),
    schema=obj(
        url=text(longest=2000),
        linkIndex=integer(),
        userAgent=text(longest=1000),
        ip=text(longest=100),
        isBot=flag(),
        **MESSAGE_FIELDS,
    ),
)
def email_clicked(event: Event) -> Effect:
    """Someone clicked a link in a message; a click by a machine (`isBot`) is kept and counts for nothing."""
    channel, human = channel_of(event), not event.payload.get("isBot")
    title = f"Clicked a link in {'an' if channel in ('EMAIL', 'SMS') else 'a'} {lowered(NOUNS[channel])}"
    return effect(
        event,
        Person(
            contact(event),
            stage="PROSPECT" if human else None,
            seen=("last_email_click_at",) if human and channel == "EMAIL" else (),
        ),
        entry=message_entry(event, f"{channel}_CLICKED", title, channel=channel, counts=human),
    )


def lowered(noun: str) -> str:
    return noun if noun.startswith(("SMS", "WhatsApp")) else noun.lower()


@event_type(
    "sms.replied",
    source="messaging",
    aliases=("messaging.sms.replied",),
    schema=obj(
        text=text(longest=5000),
        **{**MESSAGE_FIELDS, "from": text(longest=40), "channel": one_of("SMS", "WHATSAPP")},
    ),
)
def sms_replied(event: Event) -> Effect:
    """Someone answered a text message; STOP and its like opt the person out of SMS."""
    reply, channel = event.payload.get("text") or "", channel_of(event, "SMS")
    stop = is_stop(reply)
    return effect(
        event,
        Person(
            contact(event, phoneNumber=event.payload.get("from")),
            consents=no_more(event, channel, "STOP_REPLY") if stop else (),
            seen=("last_sms_reply_at",) if channel == "SMS" else (),
        ),
        entry=message_entry(
            event,
            "SMS_REPLIED",
            f"Replied {reply.strip().upper()}" if stop else f"Replied by {CHANNELS[channel]}",
            channel=channel,
            description=reply,
            homes=REPLY_HOMES,
            counts=True,
        ),
        announce=opt_out(event, channel, "STOP_REPLY") if stop else (),
    )
