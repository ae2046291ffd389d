"""The home page: what is alive now, who is new, what happened lately."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import redis
from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone

from crm.tenancy.access import club_refs
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.visibility import of_visible_people, visible_people
from timeline.models import Activity, InboundEvent
from timeline.sources import TYPES

MOST_COUNTED = 10_000
ARRIVALS_READ = 20_000
CHART_DAYS = 30
CHART_SECONDS = 60
SHOWN = 8

# The first word of a type that nobody knows is no source: somebody must have sent what can be understood.
HEARD = """
    SELECT source, max(received_at) AS last, count(*) AS read,
           count(*) FILTER (WHERE received_at >= %(day_ago)s) AS today,
           source = ANY(%(sources)s) OR bool_or(type = ANY(%(types)s)) AS is_source
    FROM (SELECT source, type, received_at FROM timeline_inboundevent WHERE tenant_id = %(tenant)s
          ORDER BY received_at DESC, id DESC LIMIT %(most)s) newest
    GROUP BY source ORDER BY last DESC
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart: what customers did, and all entries. Sizes in percent of the picture."""

    day: date
    count: int
    total: int
    x: float
    width: float
    height: float


def page(request: HttpRequest) -> dict[str, Any]:
    """What the home page shows besides its live part."""
    return {**live(request), "chart": chart(request)}


def live(request: HttpRequest) -> dict[str, Any]:
    """The part that is asked for every few seconds: at most seven statements, each over a bounded range.

    Staff limited to clubs see their people; the events of the whole group are not theirs to watch.
    """
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    people = visible_people(request).listed()
    past = Activity.objects.filter(occurred_at__lte=timezone.now())
    latest = of_visible_people(request, past.select_related("customer"))
    shown = {
        "is_limited": club_refs(request) is not None,
        "new_today": capped(people.filter(created_at__gte=midnight)),
        "newest": list(people.order_by("-created_at", "-pk")[:SHOWN]),
        "latest": list(latest.order_by("-occurred_at", "-pk")[:SHOWN]),
    }
    if shown["is_limited"]:
        return {**shown, "is_empty": False}
    events = InboundEvent.objects.all()
    sources = last_by_source()
    return {
        **shown,
        "arrived": capped(events.filter(received_at__gte=midnight)),
        "waiting": capped(events.filter(is_waiting=True)),
        "dead": capped(events.dead()),
        "sources": sources,
        "is_empty": not sources and not shown["newest"],
    }


def capped(rows: Any) -> str:
    """A count for people, which stops where nobody reads on."""
    count = rows.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def last_by_source() -> list[dict[str, Any]]:
    """When each source was last heard among the newest arrivals; known sources that were not come last, silent.

    Empty when nothing ever arrived. One statement over a bounded piece of the arrival index.
    """
    day_ago = timezone.now() - timedelta(days=1)
    sources = sorted({kind.source for kind in TYPES.values()})
    known = {"sources": sources, "types": list(TYPES)}
    heard = select(HEARD, {"tenant": current_tenant().pk, "most": ARRIVALS_READ, "day_ago": day_ago, **known})
    is_cut = sum(row["read"] for row in heard) == ARRIVALS_READ
    found = [
        {**row, "today": f"{row['today']:,}{'+' if is_cut else ''}"} for row in heard if row["is_source"]
    ]
    silent = [name for name in sources if name not in {row["source"] for row in found}]
    return [*found, *({"source": name, "last": None, "today": "0"} for name in silent)] if found else []


def chart(request: HttpRequest) -> dict[str, Any]:
    """What customers did a day over the last 30 days, beside all entries of the timelines."""
    today = timezone.localdate()
    first = today - timedelta(days=CHART_DAYS - 1)
    refs = club_refs(request)
    key = f"home-chart:{current_tenant().pk}:{today}:{'all' if refs is None else ','.join(sorted(refs))}"
    counts = remembered(key, lambda: _count_days(request, first))
    most = max((count for count, _total in counts.values()), default=0)
    bars = [_bar(first + timedelta(days=n), counts, n, most) for n in range(CHART_DAYS)]
    return {
        "bars": bars,
        "most": most,
        "count": sum(bar.count for bar in bars),
        "total": sum(bar.total for bar in bars),
    }


def _count_days(request: HttpRequest, first: date) -> dict[date, tuple[int, int]]:
    since = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    rows = (
        of_visible_people(request, Activity.objects.all())
        .filter(occurred_at__gte=since, occurred_at__lte=timezone.now())
        .annotate(day=TruncDate("occurred_at"))
        .values("day")
        .annotate(count=Count("pk", filter=Q(counts=True)), total=Count("pk"))
        .order_by()
    )
    return {row["day"]: (row["count"], row["total"]) for row in rows}


def _bar(day: date, counts: dict[date, tuple[int, int]], position: int, most: int) -> Bar:
    count, total = counts.get(day, (0, 0))
    step = 100 / CHART_DAYS
    height = round(count / most * 100, 2) if most else 0
    return Bar(day, count, total, round((position + 0.14) * step, 3), round(step * 0.72, 3), height)


def remembered(key: str, make: Callable[[], Any]) -> Any:
    """`make()`, or what it gave less than a minute ago; the cache being away only costs time."""
    try:
        if (known := cache.get(key)) is not None:
            return known
        made = make()
        cache.set(key, made, CHART_SECONDS)
    except (redis.RedisError, OSError):
        return make()
    return made
