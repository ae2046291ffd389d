"""What the group's systems sent in the last 24 hours, what became of it, and which of them have gone quiet."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crm.bars import Bar, bars
from crm.health import silence
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from timeline.sources import TYPES

HOURS = 24
MOST_READ = 100_000  # arrivals: a tenth of a second; beyond, the words say since when
OLDER_READ = 20_000

# The first word of a type that nobody knows is no source: somebody must have sent what can be understood.
TALLY = """
    WITH newest AS (
        SELECT source, type, status, dead_at, historical, received_at, processed_at - received_at AS took,
            least(floor(extract(epoch FROM %(now)s - received_at) / 3600), 23)::int AS ago
        FROM timeline_inboundevent
        WHERE tenant_id = %(tenant)s AND received_at > %(since)s
        ORDER BY received_at DESC, id DESC LIMIT %(most)s)
    SELECT source, ago, count(*) AS received,
        count(*) FILTER (WHERE status = 'SUCCESS') AS applied,
        count(*) FILTER (WHERE status = 'SKIPPED') AS skipped,
        count(*) FILTER (WHERE dead_at IS NOT NULL) AS failed,
        count(*) FILTER (WHERE historical) AS historical,
        bool_or(type = ANY(%(types)s)) AS is_source,
        min(received_at) AS first, max(received_at) AS last,
        extract(epoch FROM percentile_disc(0.95) WITHIN GROUP (ORDER BY took)
            FILTER (WHERE took IS NOT NULL))::float8 AS lag
    FROM newest GROUP BY source, ago
"""
OLDER = """
    SELECT source, max(received_at) AS last, bool_or(type = ANY(%(types)s)) AS is_source FROM (
        SELECT source, type, received_at FROM timeline_inboundevent
        WHERE tenant_id = %(tenant)s AND received_at <= %(since)s
        ORDER BY received_at DESC, id DESC LIMIT %(most)s) older
    GROUP BY source
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A system's last 24 hours. lag: seconds that 95 of 100 of its newest hour's events took at most."""

    name: str
    last: datetime | None
    received: int
    applied: int
    skipped: int
    failed: int
    lag: float | None
    hours: list[Bar]
    is_quiet: bool

    @property
    def state(self) -> str:
        return "bad" if self.failed else "warn" if self.is_quiet else "good" if self.received else "unknown"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """since: how far back the counts reach; received, historical: events in that time; hours: oldest first."""

    sources: list[Source]
    received: int
    historical: int
    since: datetime
    is_cut: bool
    hours: list[Bar]


def arrivals() -> Arrivals:
    """Two statements over bounded pieces of the arrival index. No sources when nothing ever arrived."""
    now = timezone.now()
    since = now - timedelta(hours=HOURS)
    asked = {"tenant": current_tenant().pk, "now": now, "since": since, "types": list(TYPES)}
    tally = select(TALLY, {**asked, "most": MOST_READ})
    older = select(OLDER, {**asked, "most": OLDER_READ})
    received = sum(row["received"] for row in tally)
    is_cut = received >= MOST_READ
    return Arrivals(
        _sources(tally, older),
        received,
        sum(row["historical"] for row in tally),
        min((row["first"] for row in tally), default=since) if is_cut else since,
        is_cut,
        bars(_by_hour(tally)),
    )


def _sources(tally: list[dict[str, Any]], older: list[dict[str, Any]]) -> list[Source]:
    """Every system that was ever heard, the busiest first, then those known to Fairway that never were."""
    known = {kind.source for kind in TYPES.values()}
    heard = {row["source"] for row in (*tally, *older) if row["is_source"] or row["source"] in known}
    if not heard:
        return []
    before = {row["source"]: row["last"] for row in older}
    quiet = {
        one.source for one in silence.remembered() if one.tenant == current_tenant().slug and one.is_silent
    }
    found = [_source(name, [row for row in tally if row["source"] == name], before, quiet) for name in heard]
    found.sort(key=lambda source: (-source.received, source.name))
    return [*found, *(_source(name, [], {}, set()) for name in sorted(known - heard))]


def _source(name: str, rows: list[dict[str, Any]], before: dict[str, datetime], quiet: set[str]) -> Source:
    counts = {key: sum(row[key] for row in rows) for key in ("received", "applied", "skipped", "failed")}
    last = max((row["last"] for row in rows), default=before.get(name))
    newest = min(rows, key=lambda row: int(row["ago"]), default=None)
    lag = newest["lag"] if newest else None
    return Source(name, last, **counts, lag=lag, hours=bars(_by_hour(rows)), is_quiet=name in quiet)


def _by_hour(rows: list[dict[str, Any]]) -> list[int]:
    hours = [0] * HOURS
    for row in rows:
        hours[HOURS - 1 - row["ago"]] += row["received"]
    return hours
