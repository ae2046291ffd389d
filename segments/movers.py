"""What of this app goes over with a person who is merged."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from crm.tenancy.rows import insert_rows
from customers.moving import moves, recounts, stays
from segments.models import Cause, SegmentEntry, SegmentTouch

moves(SegmentEntry)
stays("segments.SegmentMember.customer", "derived: the loser leaves, the winner is looked at again")
stays("segments.SegmentTouch.customer", "whoever is looked at is looked at as they are then")
stays("segments.MembershipChange.customer", "the log is of who it was then")
stays("segments.SegmentSync.whole_to", "a place in the order of ids, whoever has the id")
stays("segments.SegmentSync.run", "the id of a run")


@recounts
def touch_merged(customers: Collection[UUID], *, now: datetime) -> None:
    """Let those of a merge, or of its undoing, be looked at as such: nothing that comes with it is news of them."""
    rows = [{"customer_id": pk, "cause": Cause.MERGED.value, "at": now} for pk in customers]
    insert_rows(SegmentTouch, rows, ["customer_id", "cause", "at"])
