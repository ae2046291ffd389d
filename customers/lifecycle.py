"""Which of the seven stages a person is in, from what ever spoke for each. Pure.

A stage is a function of evidence, the tenant's rule and the time, never of the order in which things were heard: only
a lapse moves a person down. Times are microseconds of UTC, as in stamps.
"""

from collections.abc import Mapping
from typing import NamedTuple

LADDER = ("SUBSCRIBER", "LEAD", "PROSPECT", "CUSTOMER", "MEMBER", "ADVOCATE")
# What other systems and the staff guides call some of the stages.
ALIASES = {"VISITOR": "SUBSCRIBER", "CONTACT": "LEAD", "EVANGELIST": "ADVOCATE", "CHAMPION": "ADVOCATE"}
# What sources call a membership that is over, and one that has not begun.
ENDED = frozenset(
    {"INACTIVE", "RESIGNED", "LAPSED", "EXPIRED", "CANCELLED", "TERMINATED", "DECEASED", "DELETED"}
)
NOT_YET = frozenset({"PENDING", "APPLIED", "WAITLISTED"})
NEVER = -1
DAY = 86_400_000_000


class Lapse(NamedTuple):
    """A tenant's rule: a membership counts for `grace` after its end; a customer for `quiet` after they last paid
    or played.
    """

    grace: int
    quiet: int

    @classmethod
    def of_days(cls, grace: int, quiet: int) -> "Lapse":
        return cls(grace * DAY, quiet * DAY)


def stage_named(word: str) -> str:
    """The stage that a word means, in any case; a word that means none as it is."""
    name = word.upper()
    return ALIASES.get(name, name)


def is_over(status: str | None) -> bool:
    """Whether a status, in any case, says that the membership has ended."""
    return (status or "").upper() in ENDED


def membership_stage(status: str | None) -> str | None:
    """MEMBER, unless the status says that the membership is over or has not begun."""
    return None if is_over(status) or (status or "").upper() in NOT_YET else "MEMBER"


def reach(reached: dict[str, int], stage: str, at: int) -> bool:
    """Note that something at `at` spoke for `stage`; True if that is news."""
    if reached.get(stage, NEVER) >= at:
        return False
    reached[stage] = at
    return True


def current_stage(
    reached: Mapping[str, int], *, over_at: int | None, now: int, lapse: Lapse, pin: str = ""
) -> str:
    """The stage now.

    reached: stage -> latest evidence.
    over_at: when the membership ended or ends, None if that is open or there never was one.
    pin:     what staff fixed by hand; it stands until they lift it.
    """
    if pin:
        return pin
    turns = _turns(reached, over_at, lapse)
    if turns and now >= max(turns):
        return "CHURNED"
    lost = {"MEMBER"} if turns and now >= turns[0] else set()
    return max(
        (stage for stage in LADDER if stage in reached.keys() - lost), key=LADDER.index, default=LADDER[0]
    )


def turns_at(
    reached: Mapping[str, int], *, over_at: int | None, now: int, lapse: Lapse, pin: str = ""
) -> int | None:
    """When time alone moves the stage next, if nothing else happens; None if never."""
    coming = [] if pin else [at for at in _turns(reached, over_at, lapse) if at > now]
    return min(coming, default=None)


def _turns(reached: Mapping[str, int], over_at: int | None, lapse: Lapse) -> tuple[int, ...]:
    """When the membership stops to count, and when what they last paid or played does.

    Nothing for who never was a member, or was one again after that end.
    """
    if over_at is None or "MEMBER" not in reached or reached["MEMBER"] > over_at:
        return ()
    if "CUSTOMER" not in reached:
        return (over_at + lapse.grace,)
    return (over_at + lapse.grace, reached["CUSTOMER"] + lapse.quiet)
