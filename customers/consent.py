"""What somebody agreed to: statements, and what stands when all of them are heard. Pure.

A statement is made about a channel for a purpose, at one club or at all of them. Of the statements about the same
thing the one with the greatest stamp stands, whatever order they come in: an opt-out counts at once, and a grant
from before it that arrives later changes nothing. The flags of a profile mirror what stands for marketing at large.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from customers.matching import by_strength
from customers.stamps import Stamp, fold

CHANNELS = ("EMAIL", "SMS", "PUSH", "WHATSAPP")
REACHED_BY = {"EMAIL": "email", "SMS": "phoneNumber", "WHATSAPP": "phoneNumber"}
MARKETING = "MARKETING"
PURPOSES = (MARKETING, "NEWSLETTER", "OFFERS", "COMPETITIONS", "MEMBERSHIP_SERVICE", "PARTNER")


class State(StrEnum):
    GRANTED = "GRANTED"
    WITHDRAWN = "WITHDRAWN"
    PENDING = "PENDING"  # asked for, not confirmed yet
    UNKNOWN = "UNKNOWN"  # its source no longer knows


@dataclass(frozen=True, slots=True)
class Consent:
    """One statement, with what proves it.

    given_at: when the person said so, which may be before the moment of the stamp that decides who wins.
    reason:   how they said it: CONTACT, PREFERENCE, UNSUBSCRIBE, STOP_REPLY, COMPLAINT, HARD_BOUNCE, OBJECTION …
    """

    channel: str
    state: State
    given_at: datetime
    reason: str
    purpose: str = MARKETING
    club_ref: str = ""
    lawful_basis: str = "CONSENT"
    wording: str = ""
    locale: str = ""
    ip: str = ""
    user_agent: str = ""
    expires_at: datetime | None = None

    @property
    def is_mirrored(self) -> bool:
        """Whether the flags of the profile tell it."""
        return self.purpose == MARKETING and not self.club_ref and self.state is not State.PENDING


def flags(consents: Iterable[Consent]) -> dict[str, Any]:
    """The profile attributes that statements of one event write."""
    written: dict[str, Any] = {}
    for one in consents:
        if one.is_mirrored:
            written |= flag(one)
    return written


def flag_names(channel: str) -> tuple[str, str]:
    """The flag of a channel, and since when it says yes."""
    return f"{channel.lower()}_opt_in", f"{channel.lower()}_opt_in_at"


def flag(consent: Consent) -> dict[str, Any]:
    name, since = flag_names(consent.channel)
    if consent.state is State.GRANTED:
        return {name: True, since: consent.given_at}
    return {name: False if consent.state is State.WITHDRAWN else None}


def mirrored(said: Iterable[tuple[Stamp, Consent]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The flags that follow from all statements about one person, and their stamps."""
    row: dict[str, Any] = {name: None for channel in CHANNELS for name in flag_names(channel)}
    stamps: dict[str, Any] = {}
    for stamp, consent in said:
        fold(row, stamps, flags([consent]), stamp)
    return row, stamps


def standing(
    said: Iterable[tuple[Stamp, Consent]], *, channel: str, purpose: str, at: datetime, club_ref: str = ""
) -> State:
    """What stands at `at` for one channel, purpose and club ("" = at large); a grant that has expired is UNKNOWN.

    A purpose of its own is asked for first. Where it was granted, a later withdrawal of something wider (the purpose at
    every club, all marketing) takes it back; where nothing was said of it, the wider answer holds. A wider grant never
    brings back what was withdrawn for itself.
    """
    latest: dict[tuple[str, str], tuple[Stamp, Consent]] = {}
    for stamp, consent in said:
        key = (consent.purpose, consent.club_ref)
        if consent.channel == channel and (key not in latest or latest[key][0] < stamp):
            latest[key] = stamp, consent
    covering = [(purpose, club_ref), (purpose, ""), (MARKETING, club_ref), (MARKETING, "")]
    heard = [latest[key] for key in dict.fromkeys(covering) if key in latest]
    if not heard:
        return State.UNKNOWN
    (stamp, own), *wider = heard
    if own.state is not State.GRANTED:
        return own.state
    if any(one.state is State.WITHDRAWN and told > stamp for told, one in wider):
        return State.WITHDRAWN
    return State.UNKNOWN if own.expires_at is not None and own.expires_at <= at else State.GRANTED


def identifier_of(channel: str, hints: Mapping[str, str]) -> tuple[str, str]:
    """What a statement was made of, as its event names the person: the address of the channel, else the strongest."""
    kind = REACHED_BY.get(channel)
    if kind is not None and kind in hints:
        return kind, hints[kind]
    return min(hints.items(), key=lambda hint: by_strength(hint[0])) if hints else ("", "")
