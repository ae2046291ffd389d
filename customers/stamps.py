"""Who wins when several sources write the same attribute. Pure.

Each attribute of a profile or fact is a register: of all writes the greatest stamp wins, whatever order they
come in and however often. That makes the outcome independent of delivery, and the stored stamp says where a
value came from.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

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


def microseconds(at: datetime) -> int:
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def fold(row: dict[str, Any], stamps: dict[str, Any], writes: Mapping[str, Any], stamp: Stamp) -> set[str]:
    """Apply `writes` to `row` and `stamps` where `stamp` is the greatest so far.

    Returns the attributes whose value changed; a win with an equal value still moves the stamp.
    """
    changed = set()
    for attribute, value in writes.items():
        current = stamps.get(attribute)
        if current is not None and tuple(current) >= stamp:
            continue
        stamps[attribute] = list(stamp)
        if row.get(attribute) != value:
            row[attribute] = value
            changed.add(attribute)
    return changed
