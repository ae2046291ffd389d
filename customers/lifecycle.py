"""Which of the seven stages a person is in, from what ever spoke for each. Pure.

A stage is a function of evidence, never of the order in which it came: only the end of a membership moves
a person down.
"""

from collections.abc import Mapping

LADDER = ("SUBSCRIBER", "LEAD", "PROSPECT", "CUSTOMER", "MEMBER", "ADVOCATE")


def reach(reached: dict[str, int], stage: str, at: int) -> bool:
    """Note that something at `at` (microseconds) spoke for `stage`; True if that is news."""
    if reached.get(stage, -1) >= at:
        return False
    reached[stage] = at
    return True


def current_stage(reached: Mapping[str, int], *, ended_at: int | None, pin: str = "") -> str:
    """The stage now.

    reached:  stage -> latest evidence, microseconds of UTC.
    ended_at: when the membership ended, None while it runs or if there never was one.
    pin:      what staff fixed by hand; it stands until they lift it.
    """
    if pin:
        return pin
    if ended_at is not None and "MEMBER" in reached:
        came_back = reached.get("CUSTOMER", -1) > ended_at
        return "CUSTOMER" if came_back else "CHURNED"
    return max((stage for stage in reached if stage in LADDER), key=LADDER.index, default="SUBSCRIBER")
