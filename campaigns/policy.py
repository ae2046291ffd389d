"""May this message leave now, later or never, and why: one decision for every path. Pure.

The reasons are those of campaigns.models.Reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import md5
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.quiet_hours import Hours, next_open

LOOK_AGAIN = timedelta(minutes=10)  # a sender may be let go on at any moment
ROUNDS = 50


class Kind(Enum):
    SEND = "SEND"
    LATER = "LATER"
    NEVER = "NEVER"


class Verdict(NamedTuple):
    """until: when to ask again, of LATER."""

    kind: Kind
    reason: str = ""
    until: datetime | None = None


SEND = Verdict(Kind.SEND)


class Cap(NamedTuple):
    """At most so many messages in rolling days; on one channel, or on all together where it is None.

    beyond: purposes that are sent all the same. They count like others.
    """

    channel: str | None
    most: int
    days: float
    beyond: tuple[str, ...] = ()


class Counted(NamedTuple):
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a message, and of whom it is for.

    deadline:     after it, what is still held back is given up.
    refusal:      why this person gets nothing of the kind, or "": see customers.marketing.
    is_test:      it goes to a member of staff.
    counted:      the marketing that they were sent lately.
    on_course_until: when the round that they are on is over.
    """

    channel: str
    purpose: str
    address: str
    deadline: datetime
    zone: ZoneInfo
    is_marketing: bool = True
    is_test: bool = False
    refusal: str = ""
    is_duplicate: bool = False
    is_suppressed: bool = False
    is_control: bool = False
    is_sender_paused: bool = False
    hours: Hours | None = None
    caps: Sequence[Cap] = ()
    counted: Sequence[Counted] = ()
    is_booked: bool = False
    has_complaint: bool = False
    is_in_arrears: bool = False
    on_course_until: datetime | None = None


def decide(facts: Facts, now: datetime) -> Verdict:
    """Whether a message may be handed over at `now`."""
    for reason in _refusals(facts):
        return Verdict(Kind.NEVER, reason)
    if facts.is_test or not facts.is_marketing:
        return SEND
    until, reason = _free(facts, now)
    if not reason:
        return SEND
    if until is None or until > facts.deadline:
        return Verdict(Kind.NEVER, reason)
    return Verdict(Kind.LATER, reason, until)


def _refusals(facts: Facts) -> Iterable[str]:
    """What speaks against it whenever it is, the weightiest first."""
    if facts.is_suppressed and facts.is_test:
        yield "SUPPRESSED"
    if facts.is_test:
        return
    if facts.refusal:
        yield facts.refusal
    if not facts.address:
        yield "NO_ADDRESS"
    if facts.is_suppressed:
        yield "SUPPRESSED"
    if facts.is_duplicate:
        yield "DUPLICATE_PERSON"
    if facts.is_marketing:
        guards = (
            ("CONTROL_GROUP", facts.is_control),
            ("ALREADY_BOOKED", facts.is_booked),
            ("COMPLAINT_OPEN", facts.has_complaint),
            ("IN_ARREARS", facts.is_in_arrears),
        )
        yield from (reason for reason, holds in guards if holds)


def _free(facts: Facts, now: datetime) -> tuple[datetime | None, str]:
    """The first moment that nothing holds it back, and what held it last; "" where that is now."""
    at, reason = now, ""
    for _ in range(ROUNDS):
        held = _held(facts, at, now)
        if held is None:
            return at, reason
        until, reason = held
        if until is None:
            return None, reason
        at = until
    return None, reason


def _held(facts: Facts, at: datetime, now: datetime) -> tuple[datetime | None, str] | None:
    """Until when something holds it back at a moment, and what; None where nothing does."""
    if facts.is_sender_paused and at < now + LOOK_AGAIN:
        return now + LOOK_AGAIN, "SENDER_PAUSED"
    if facts.on_course_until is not None and at < facts.on_course_until:
        return facts.on_course_until, "ON_COURSE"
    for cap in facts.caps:
        if (free := _cap_free(cap, facts, at)) is None or free > at:
            return free, "CAPPED"
    if (opens := next_open(facts.hours, at, facts.zone)) is None or opens > at:
        return opens, "QUIET_HOURS"
    return None


def _cap_free(cap: Cap, facts: Facts, at: datetime) -> datetime | None:
    """From when a cap lets one more through; None = never."""
    if cap.channel not in (None, facts.channel) or facts.purpose in cap.beyond:
        return at
    if cap.most <= 0:
        return None
    window = timedelta(days=cap.days)
    times = [one.at for one in facts.counted if cap.channel in (None, one.channel) and one.at > at - window]
    if len(times) < cap.most:
        return at
    return sorted(times)[-cap.most] + window


def caps_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Cap, ...]:
    """The caps of a sender as they are stored."""
    return tuple(
        Cap(row.get("channel"), int(row["most"]), float(row["days"]), tuple(row.get("beyond") or ()))
        for row in rows
    )


def is_control(customer: UUID, club_ref: str, percent: int) -> bool:
    """Whether somebody is in the control group of their home club: the same people for as long as the percentage is."""
    dice = md5(f"control:{club_ref}:{customer}".encode(), usedforsecurity=False).hexdigest()
    return int(dice[:8], 16) % 10_000 < percent * 100
