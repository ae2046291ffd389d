"""What segments hold of people: how it is told to them, and how it is erased."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.history import erasing
from customers.payloads import wire_value
from customers.personal_data import of_people
from customers.privacy import Case, Holding, holds
from segments.models import MembershipChange, SegmentEntry, SegmentMember, SegmentTouch

LEAVE = """
    WITH gone AS (
        DELETE FROM segments_segmentmember WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s)
        RETURNING segment_id
    ), counted AS (
        UPDATE segments_segment s SET member_count = greatest(s.member_count - n.gone, 0)
        FROM (SELECT segment_id, count(*) AS gone FROM gone GROUP BY segment_id) n
        WHERE s.tenant_id = %(tenant)s AND s.id = n.segment_id
    )
    SELECT segment_id FROM gone
"""


def told_members(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(SegmentMember, people).select_related("segment").order_by("joined_at", "pk"):
        yield {"segment": row.segment.name, "joinedAt": wire_value(row.joined_at)}


def told_entries(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(SegmentEntry, people).select_related("segment").order_by("since", "pk"):
        yield {
            "segment": row.segment.name, "keptOut": row.is_excluded, "reason": row.reason or None,
            "confidence": row.confidence, "since": wire_value(row.since), "expiresAt": wire_value(row.expires_at),
        }  # fmt: skip


def told_changes(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(MembershipChange, people).select_related("segment").order_by("at", "pk"):
        yield {
            "segment": row.segment.name,
            "at": wire_value(row.at),
            "joined": row.joined,
            "cause": row.cause,
        }


def erase_members(case: Case) -> int:
    return len(select(LEAVE, {"tenant": current_tenant().pk, "people": case.people}))


def erase_entries(case: Case) -> int:
    count: int = of_people(SegmentEntry, case.people).delete()[0]
    return count


def erase_changes(case: Case) -> int:
    with erasing():
        count: int = of_people(MembershipChange, case.people).delete()[0]
    return count


for _holding in (
    Holding(SegmentMember, "Nothing.", "segments", told_members, erase_members, 25),
    Holding(SegmentEntry, "Nothing.", "segmentEntries", told_entries, erase_entries, 26),
    Holding(MembershipChange, "Nothing.", "segmentHistory", told_changes, erase_changes, 27),
    Holding(SegmentTouch, "Nothing, once a worker has seen it."),
):
    holds(_holding)
