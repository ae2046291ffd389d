"""Looking before anything is saved: whom rules would mean, and how two segments overlap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from django.db import OperationalError
from django.utils import timezone

from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile
from segments.compiler import matching, population
from segments.limits import limited
from segments.models import Segment, SegmentMember
from segments.trees import Group

Found = TypeVar("Found")
PATIENCE = 2  # seconds
SAMPLE = 10
OVERLAP = """
    SELECT count(*) FILTER (WHERE in_one AND in_other)::int AS both, count(*) FILTER (WHERE in_one)::int AS one,
        count(*) FILTER (WHERE in_other)::int AS other
    FROM (
        SELECT bool_or(segment_id = %(one)s) AS in_one, bool_or(segment_id = %(other)s) AS in_other
        FROM segments_segmentmember WHERE tenant_id = %(tenant)s AND segment_id = ANY(%(both)s)
        GROUP BY customer_id
    ) people
"""


class Warn(NamedTuple):
    """Something that whoever writes the rules may not have meant."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom rules mean: how many (None where that took too long), some of them, and what looks odd."""

    count: int | None
    sample: list[CustomerProfile]
    warnings: list[Warn]


class Overlap(NamedTuple):
    both: int
    one: int
    other: int

    @property
    def share(self) -> float:
        """Of those who are in either, in both: 0 to 1."""
        either = self.one + self.other - self.both
        return round(self.both / either, 4) if either else 0.0


def preview(tree: Group, *, zone: ZoneInfo | None = None, within: Any = None) -> Preview:
    """Whom a tree means now. Three statements, each with two seconds.

    within: the people that whoever asks is limited to: of the sample; the count is of all.
    """
    moment = timezone.now()
    people = matching(tree, moment=moment, zone=zone)
    count = _soon(people.order_by().count)
    shown = people if within is None else people.filter(pk__in=within.values("pk"))
    rows = shown.select_related("metrics").order_by("-pk")[:SAMPLE]
    sample = _soon(lambda: list(rows)) or []
    return Preview(count, sample, _warnings(count))


def overlap(one: Segment, other: Segment) -> Overlap:
    """How many are in both, in the one, in the other. One statement."""
    (row,) = select(
        OVERLAP,
        {"tenant": current_tenant().pk, "one": one.pk, "other": other.pk, "both": [one.pk, other.pk]},
    )
    return Overlap(**row)


def members_sample(segment: Segment, within: Any = None) -> list[CustomerProfile]:
    """Some who are in it, the latest first. One statement."""
    rows = SegmentMember.objects.filter(segment=segment)
    rows = rows if within is None else rows.filter(customer__in=within.values("pk"))
    rows = rows.select_related("customer__metrics").order_by("-joined_at", "-pk")[:SAMPLE]
    return [row.customer for row in rows]


def _warnings(count: int | None) -> list[Warn]:
    if count is None:
        words = (
            f"Counting took longer than {PATIENCE} seconds: with these rules the segment is slow to work out."
        )
        return [Warn("SLOW", words)]
    if count == 0:
        return [Warn("NOBODY", "These rules mean nobody.")]
    everybody = _soon(population().order_by().count)
    if count == everybody:
        return [Warn("EVERYBODY", "These rules mean everybody.")]
    return []


def _soon(ask: Callable[[], Found]) -> Found | None:
    """What a statement gives within the time it may take, else None."""
    try:
        with limited(PATIENCE):
            return ask()
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            return None
        raise
