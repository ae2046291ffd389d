"""Who wins when several sources write the same attribute. Pure.

Each attribute of a profile or fact is a register: of all writes the greatest stamp wins, whatever order they
come in and however often. That makes the outcome independent of delivery, and the stored stamp says where a
value came from.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Only for ties of the same microsecond: people before systems, systems of record before the rest.
RANKS = {
    "staff": 90,
    "api": 80,
    "scl": 70,
    "teetime": 60,
    "messaging": 50,
    "ecommerce": 40,
    "club": 35,
    "sales": 30,
    "support": 30,
    "web": 20,
    "feedback": 10,
}


class Stamp(NamedTuple):
    """Ordered as it compares: tier, the source's entity version, time (microseconds of UTC), rank, event id.

    tier 0 only fills what nobody of tier 1 ever wrote; a null is a write like any other.
    """

    tier: int
    version: int
    at: int
    rank: int
    event: str
    source: str

    @classmethod
    def of(cls, source: str, event: str, at: datetime, *, tier: int = 1, version: int = 0) -> "Stamp":
        return cls(tier, version, microseconds(at), RANKS.get(source, 0), event, source)

    @classmethod
    def of_act(cls, by: str, at: datetime) -> "Stamp":
        """Of what somebody does here: staff (user:…) or an API key."""
        return cls.of("staff" if by.startswith("user:") else "api", str(uuid4()), at)

    def after(self, other: Sequence[Any] | None) -> "Stamp":
        """This stamp, moved beyond another where it is not: for a write that was made from what it replaces."""
        if other is None or self > tuple(other):
            return self
        return self._replace(version=other[1], at=other[2] + 1)


def microseconds(at: datetime) -> int:
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


class Folded(NamedTuple):
    """won: the attributes whose stamp moved; changed: those of them that have another value now."""

    won: set[str]
    changed: set[str]


def fold(row: dict[str, Any], stamps: dict[str, Any], writes: Mapping[str, Any], stamp: Stamp) -> Folded:
    """Apply `writes` to `row` and `stamps` where `stamp` is the greatest so far, if with an equal value too.

    Of one event that says two things of an attribute (of two people who are one) the greater value stands.
    """
    folded = Folded(set(), set())
    for attribute, value in writes.items():
        current = stamps.get(attribute)
        if current is not None and not _wins(stamp, value, tuple(current), row.get(attribute)):
            continue
        stamps[attribute] = list(stamp)
        folded.won.add(attribute)
        if row.get(attribute) != value:
            row[attribute] = value
            folded.changed.add(attribute)
    return folded


def _wins(stamp: Stamp, value: Any, current: tuple[Any, ...], standing: Any) -> bool:
    if stamp != current:
        return stamp > current
    return bool(value != standing) and _text(value) > _text(standing)


def _text(value: Any) -> str:
    """What orders values of any kind, the same everywhere."""
    return json.dumps(value, sort_keys=True, default=str)


class Told(NamedTuple):
    """That a write says `value` of an attribute where `before` stood."""

    attribute: str
    before: Any
    value: Any
    stamp: Stamp


def told(
    row: Mapping[str, Any], stamps: Mapping[str, Any], writes: Mapping[str, Any], stamp: Stamp
) -> Iterator[Told]:
    """What `writes` say otherwise than what stands, before fold() applies them: for the history.

    One that comes too late to win is followed by what stands, so that a chain by stamps ends there. What only fills
    and finds the place taken says nothing.
    """
    for attribute, value in writes.items():
        standing, current = row.get(attribute), stamps.get(attribute)
        if value == standing:
            continue
        if current is None or tuple(current) < stamp:
            yield Told(attribute, standing, value, stamp)
        elif stamp.tier:
            yield Told(attribute, None, value, stamp)
            yield Told(attribute, value, standing, Stamp(*current))
