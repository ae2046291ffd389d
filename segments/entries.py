"""Putting people into a segment and keeping them out of it by hand, by a file, or by a model. The last word counts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import Conflict
from crm.tenancy import audit
from crm.tenancy.rows import insert_rows
from segments.live import look_now
from segments.models import Cause, Segment, SegmentEntry, SegmentMember
from segments.models.membership import AssignedBy

COLUMNS = (
    "segment_id", "customer_id", "recorded_for", "is_excluded", "assigned_by", "actor", "reason", "confidence", "since",
    "expires_at",
)  # fmt: skip
TOLD = 100  # ids of people that an audit entry names


@dataclass(frozen=True, slots=True)
class Assignment:
    """Somebody to be put in, and what is said of it."""

    customer: UUID
    reason: str = ""
    confidence: int | None = None
    expires_at: datetime | None = None
    assigned_by: str = AssignedBy.MANUAL


class NotMembers(Conflict):
    """Nobody can be put into this segment."""

    code = "SEGMENT_INACTIVE"


@transaction.atomic
def put_in(segment: Segment, assignments: Sequence[Assignment], *, by: str) -> set[UUID]:
    """Put people into a segment; those of them who are in it now. Whoever can be in none gets an entry that waits.

    They come in at once, unless the segment is being worked out: then as soon as that is done. About ten statements.
    """
    if not segment.is_active:
        raise NotMembers
    rows = [
        {
            "segment_id": segment.pk, "customer_id": one.customer, "recorded_for": one.customer, "is_excluded": False,
            "assigned_by": one.assigned_by, "actor": by, "reason": one.reason, "confidence": one.confidence,
            "since": timezone.now(), "expires_at": one.expires_at,
        }
        for one in assignments
    ]  # fmt: skip
    people = [one.customer for one in assignments]
    _say(segment, people, rows)
    _audit(
        "segment.members_added", segment, people, by, {"reasons": sorted({one.reason for one in assignments})}
    )
    return members_among(segment, people)


@transaction.atomic
def take_out(segment: Segment, people: Sequence[UUID], *, by: str, reason: str = "") -> set[UUID]:
    """Take people out of a segment: of a list they are gone, elsewhere kept out, whatever the rules say of them.

    Gives those who were in it.
    """
    were = members_among(segment, people)
    rows = [] if segment.is_list else [
        {
            "segment_id": segment.pk, "customer_id": pk, "recorded_for": pk, "is_excluded": True,
            "assigned_by": AssignedBy.MANUAL.value, "actor": by, "reason": reason, "confidence": None,
            "since": timezone.now(), "expires_at": None,
        }
        for pk in people
    ]  # fmt: skip
    _say(segment, people, rows)
    _audit("segment.members_removed", segment, people, by, {"reason": reason})
    return were


@transaction.atomic
def let_rules_decide(segment: Segment, people: Sequence[UUID], *, by: str) -> None:
    """Take back whatever was said of people by hand."""
    _say(segment, people, [])
    _audit("segment.members_released", segment, people, by, {})


def members_among(segment: Segment, people: Iterable[UUID]) -> set[UUID]:
    """Those of the people who are in it. One statement."""
    rows = SegmentMember.objects.filter(segment=segment, customer__in=list(people))
    return set(rows.values_list("customer_id", flat=True))


def entries_of(segment: Segment, people: Collection[UUID]) -> dict[UUID, SegmentEntry]:
    """What was last said of each of the people by hand and still holds. One statement."""
    rows = SegmentEntry.objects.filter(segment=segment, customer__in=list(people)).order_by("since", "pk")
    now = timezone.now()
    return {row.customer_id: row for row in rows if row.expires_at is None or row.expires_at > now}


def _say(segment: Segment, people: Sequence[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    SegmentEntry.objects.filter(segment=segment, customer__in=list(people)).delete()
    conflict = "(tenant_id, segment_id, recorded_for) DO NOTHING"  # a part of somebody who was merged since
    insert_rows(SegmentEntry, rows, COLUMNS, conflict=conflict)
    look_now(segment, dict.fromkeys(people, Cause.BY_HAND.value))


def _audit(action: str, segment: Segment, people: Sequence[UUID], by: str, more: Mapping[str, Any]) -> None:
    told = {"count": len(people), "customers": [str(pk) for pk in people[:TOLD]], **more}
    audit.record(action, by=by, object_type="segment", object_id=segment.pk, after=told)
