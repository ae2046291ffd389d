"""Sources that have gone quiet: silent for longer than their own rhythm explains."""

import time
from typing import Any, NamedTuple

import structlog
from django.core.cache import cache
from django.db import connection

from timeline.sources import TYPES

log = structlog.get_logger(__name__)

PATIENCE = 3600.0  # seconds of silence that never alarm
STRETCH = 1.5
RHYTHM = 20  # arrivals (in different five minutes) within the week before a source has a rhythm
LEARNT = (
    900.0  # seconds for which a rhythm is good; until then only the arrivals since the last look are read
)
KEPT = 300  # seconds for which a look serves those who ask: five rounds of the schedule
SETTLING = 60.0  # seconds that an arrival may take to be committed
SAID = 900  # seconds between two words of the same silence in the log
REMEMBERED = "health:rhythms"

# Arrivals of the last seven days (of what can be understood) in bins of five minutes, and the longest pause between
# two of them.
RHYTHMS = """
    WITH bins AS (
        SELECT tenant_id, source, date_bin('5 minutes', received_at, 'epoch') AS bin, max(received_at) AS last
        FROM timeline_inboundevent
        WHERE tenant_id IN (SELECT id FROM tenancy_tenant WHERE is_active)
          AND received_at > now() - interval '7 days' AND NOT historical
          AND (source = ANY(%(sources)s) OR type = ANY(%(types)s))
        GROUP BY 1, 2, 3
    ), pauses AS (
        SELECT *, bin - lag(bin) OVER (PARTITION BY tenant_id, source ORDER BY bin) AS pause FROM bins
    )
    SELECT t.slug, p.source, extract(epoch FROM max(p.last))::float8, extract(epoch FROM max(p.pause))::float8
    FROM pauses p JOIN tenancy_tenant t ON t.id = p.tenant_id
    GROUP BY t.slug, p.source
    HAVING count(*) >= %(rhythm)s
    ORDER BY 1, 2
"""
ARRIVALS = """
    SELECT t.slug, e.source, extract(epoch FROM max(e.received_at))::float8
    FROM tenancy_tenant t JOIN timeline_inboundevent e ON e.tenant_id = t.id
    WHERE t.is_active AND e.received_at > to_timestamp(%(since)s) AND NOT e.historical
      AND (e.source = ANY(%(sources)s) OR e.type = ANY(%(types)s))
    GROUP BY 1, 2
"""
KNOWN: dict[str, Any] = {"sources": sorted({kind.source for kind in TYPES.values()}), "types": list(TYPES)}


class Source(NamedTuple):
    """A source with a rhythm. silent: seconds since its last event; longest: its longest pause in seven days."""

    tenant: str
    source: str
    silent: float
    longest: float

    @property
    def alarm(self) -> float:
        """Seconds of silence at which something must be wrong: half as long again as any before, and over an hour."""
        return max(PATIENCE, self.longest * STRETCH)

    @property
    def ratio(self) -> float:
        return round(max(self.silent, 0.0) / self.alarm, 3)

    @property
    def is_silent(self) -> bool:
        return self.ratio >= 1


class Rhythm(NamedTuple):
    """When a source was last heard of, in seconds since 1970, and its longest pause in seven days."""

    tenant: str
    source: str
    last: float
    longest: float

    def at(self, now: float) -> Source:
        return Source(self.tenant, self.source, now - self.last, self.longest)


class Look(NamedTuple):
    """What a watch saw at a moment by the database's clock, and when it last learnt the rhythms."""

    at: float
    learnt: float
    rhythms: list[Rhythm]


def sources() -> list[Source]:
    """The sources of all active tenants that have a rhythm. Two statements, one over a week of arrivals."""
    look = _learn(_now())
    return [rhythm.at(look.at) for rhythm in look.rhythms]


def watch() -> int:
    """Look at the sources, say which are silent, and remember all for those who ask; how many are silent.

    Two statements, over the arrivals since the last watch, and every quarter of an hour over a week of them.
    """
    now, last = _now(), cache.get(REMEMBERED)
    look = _learn(now) if last is None or now - last.learnt > LEARNT else _since(last, now)
    cache.set(REMEMBERED, look, KEPT)
    silent = [source for rhythm in look.rhythms if (source := rhythm.at(now)).is_silent]
    for one in silent:
        if cache.add(f"health:said:{one.tenant}:{one.source}", True, SAID):
            log.warning(
                "source.silent",
                tenant=one.tenant,
                source=one.source,
                seconds=round(one.silent),
                alarm=round(one.alarm),
            )
    return len(silent)


def remembered() -> list[Source]:
    """What the last watch knows, by now; nothing when that is too long ago. No statement. Raises RedisError."""
    look = cache.get(REMEMBERED)
    return [] if look is None else [rhythm.at(time.time()) for rhythm in look.rhythms]


def _now() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(cursor.fetchone()[0])


def _learn(now: float) -> Look:
    with connection.cursor() as cursor:
        cursor.execute(RHYTHMS, KNOWN | {"rhythm": RHYTHM})
        return Look(now, now, [Rhythm(*row) for row in cursor.fetchall()])


def _since(look: Look, now: float) -> Look:
    """The same rhythms with what has arrived since."""
    with connection.cursor() as cursor:
        cursor.execute(ARRIVALS, KNOWN | {"since": look.at - SETTLING})
        heard = {(tenant, source): last for tenant, source, last in cursor.fetchall()}
    rhythms = [one._replace(last=max(one.last, heard.get(one[:2], one.last))) for one in look.rhythms]
    return Look(now, look.learnt, rhythms)
