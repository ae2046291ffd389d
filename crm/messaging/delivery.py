"""What a message is when it leaves, what a way out of here promises, and what may become of a message there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

BUDGET = 30.0  # seconds after which a gateway begins no message of a batch any more: the rest is for LATER


class Channel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"
    WHATSAPP = "WHATSAPP"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a message is from.

    phone:   the sender of an SMS; of WhatsApp, the id of the number.
    account: what the provider calls this tenant or club, such as {"tenantId": …} at the Messaging service.
    """

    name: str
    email: str
    reply_to: str = ""
    phone: str = ""
    account: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address, ready to go.

    key:     names it to the provider, the same at every attempt. Letters, digits, “-”, “_”, “.” and “:”, 100 at most.
    text:    of an e-mail, the part for those who read no HTML; else the message. A push has `subject` for its title.
    headers: of an e-mail, in ASCII. Message-ID, Date and what names the people are made by the gateway.
    link:    where a tap on a push leads; image: what it shows.
    data:    free values of a push; of WhatsApp {"template", "language", "parameters": a JSON list of texts}.
    """

    key: str
    channel: Channel
    to: str = field(repr=False)
    sender: Sender = field(repr=False)
    subject: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    link: str = field(default="", repr=False)
    image: str = field(default="", repr=False)
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_marketing: bool = True


class Result(StrEnum):
    """What became of a message at the provider.

    ACCEPTED:     it is theirs now.
    REFUSED:      not to this recipient, or not this message, however often it is tried.
    UNREGISTERED: the address is dead: no such mailbox or number, the app is gone from the device.
    OPTED_OUT:    the carrier or provider says that they said STOP.
    LATER:        nothing was done: try again, in whatever words are right then.
    UNKNOWN:      it may have gone. Look it up, or send the same again while its key is known; else it is for people.
    """

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    UNREGISTERED = "UNREGISTERED"
    OPTED_OUT = "OPTED_OUT"
    LATER = "LATER"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message.

    code: the provider's, such as 5.1.1 or 21610; why: in words for staff. Both come from outside: escape them.
    wait: seconds that the provider asks to wait, however long.
    """

    key: str
    result: Result
    provider_id: str = ""
    code: str = ""
    why: str = ""
    wait: float | None = None


class Gateway(Protocol):
    """A way out. Called outside of any transaction; it may take seconds.

    most_at_once: messages in a batch.
    repeats_for:  for how long a repeated key is known there, so that it is safe to repeat; None: never.
    can_look_up:  whether it can be asked what became of a key.
    """

    name: str
    most_at_once: int
    repeats_for: timedelta | None
    can_look_up: bool

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """One outcome a message, in their order. Raises nothing for what the provider does or says."""

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        """What the provider knows of keys, at most `most_at_once`; where it never saw one, LATER.

        A key that is missing from the answer is still unknown. Raises nothing for what the provider does or says.
        """


def all_of(batch: Sequence[Outgoing], outcome: Outcome) -> list[Outcome]:
    """The same outcome for every message of a batch."""
    return [replace(outcome, key=message.key) for message in batch]
