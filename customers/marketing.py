"""May we market to them? The rules about the person, apart from what a campaign adds to them. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

REFUSALS = ("ERASED", "NOT_ACTIVE", "RESTRICTED", "BLOCKED", "MINOR", "REFUSED", "NEVER_ASKED")


def age_on(born: date, day: date) -> int:
    """Full years; who was born on 29 February is a year older on 1 March of other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def is_minor(born: date | None, day: date, majority: int) -> bool:
    """Nobody is a minor whose birth date is unknown."""
    return born is not None and age_on(born, day) < majority


def may_market(profile: Any, channel: str, *, day: date, majority: int) -> str:
    """Why this person gets no marketing on a channel, one of REFUSALS; "" where they may.

    profile: a CustomerProfile, or its row as a dict. Suppressions are in the flags.
    """
    row: Mapping[str, Any] = profile if isinstance(profile, Mapping) else profile.__dict__
    flag = row[f"{channel.lower()}_opt_in"]
    reasons = (
        row["erased_at"] is not None,
        row["status"] != "ACTIVE",
        row["processing_restricted_at"] is not None,
        row["is_blocked"],
        is_minor(row["date_of_birth"], day, majority),
        flag is False,
        flag is None,
    )
    return next((word for word, holds in zip(REFUSALS, reasons, strict=True) if holds), "")
