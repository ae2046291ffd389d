"""What customers did a day over the last 30 days, beside all entries of the timelines."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone

from crm.bars import Bar, bars, scale
from crm.staff.home.remember import remembered
from customers.visibility import of_visible_people
from timeline.models import Activity

DAYS = 30
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the chart: what customers did themselves, and all entries."""

    day: date
    own: Bar
    all: Bar


def chart(request: HttpRequest) -> dict[str, Any]:
    today = timezone.localdate()
    first = today - timedelta(days=DAYS - 1)
    counts = remembered(request, f"chart:{today}", SECONDS, lambda: _count(request, first))
    days = [first + timedelta(days=n) for n in range(DAYS)]
    own, total = ([counts.get(day, (0, 0))[part] for day in days] for part in (0, 1))
    most = scale(total)
    drawn = zip(days, bars(own, most=most), bars(total, most=most), strict=True)
    return {
        "days": [Day(*day) for day in drawn],
        "most": most,
        "half": most // 2 if most > 1 else "",
        "count": sum(own),
        "total": sum(total),
    }


def _count(request: HttpRequest, first: date) -> dict[date, tuple[int, int]]:
    since = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    rows = (
        of_visible_people(request, Activity.objects.all())
        .filter(occurred_at__gte=since, occurred_at__lte=timezone.now())
        .annotate(day=TruncDate("occurred_at"))
        .values("day")
        .annotate(own=Count("pk", filter=Q(counts=True)), total=Count("pk"))
        .order_by()
    )
    return {row["day"]: (row["own"], row["total"]) for row in rows}
