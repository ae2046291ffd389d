"""How many people were in a segment day by day, and who came and went: from the log of its changes, back from today."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from crm.bars import Bar, bars, nice
from segments.models import MembershipChange, Segment

DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the chart: how many there were at its end, and who came and went; `up` and `down` meet in the middle."""

    day: date
    count: Bar
    joined: Bar
    left: Bar


@dataclass(frozen=True, slots=True)
class Trend:
    days: list[Day]
    joined: int
    left: int
    most: int
    most_moves: int

    @property
    def is_quiet(self) -> bool:
        return not self.joined and not self.left


def trend(segment: Segment) -> Trend:
    """The last 30 days by the clock of the page. One statement.

    Before the segment was first worked out nobody was in it; the log is kept for longer than a chart shows.
    """
    today = timezone.localdate()
    first = today - timedelta(days=DAYS - 1)
    moves = _moves(segment, first)
    days = [first + timedelta(days=n) for n in range(DAYS)]
    joined, left = ([moves.get(day, (0, 0))[part] for day in days] for part in (0, 1))
    counts = counts_back(segment.member_count, joined, left)
    most, most_moves = nice(max([*counts, 1])), nice(max([*joined, *left, 1]))
    drawn = zip(
        days, bars(counts, most=most), bars(joined, most=most_moves), bars(left, most=most_moves), strict=True
    )
    return Trend([Day(*day) for day in drawn], sum(joined), sum(left), most, most_moves)


def counts_back(now: int, joined: list[int], left: list[int]) -> list[int]:
    """How many there were at the end of each day, from how many there are now."""
    counts = []
    for came, went in zip(reversed(joined), reversed(left), strict=True):
        counts.append(max(now, 0))
        now += went - came
    return counts[::-1]


def _moves(segment: Segment, first: date) -> dict[date, tuple[int, int]]:
    since = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    rows: Any = (
        MembershipChange.objects.filter(segment=segment, at__gte=since)
        .annotate(day=TruncDate("at"))
        .values("day")
        .annotate(came=Count("pk", filter=Q(joined=True)), went=Count("pk", filter=Q(joined=False)))
        .order_by()
    )
    return {row["day"]: (row["came"], row["went"]) for row in rows}
