"""Sources that have gone quiet: silent for longer than their own rhythm explains."""

from typing import NamedTuple

import structlog
from django.core.cache import cache
from django.db import connection

from timeline.sources import TYPES

log = structlog.get_logger(__name__)

PATIENCE = 3600.0  # seconds of silence that never alarm
STRETCH = 1.5
RHYTHM = 20  # arrivals (in different five minutes) within the week before a source has a rhythm
KEPT = 900  # seconds for which a look serves Prometheus: three rounds of the schedule
REMEMBERED = "health:sources"

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
    SELECT t.slug, p.source,
        extract(epoch FROM now() - max(p.last))::float8, extract(epoch FROM max(p.pause))::float8
    FROM pauses p JOIN tenancy_tenant t ON t.id = p.tenant_id
    GROUP BY t.slug, p.source
    HAVING count(*) >= %(rhythm)s
    ORDER BY 1, 2
"""


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


def sources() -> list[Source]:
    """The sources of all active tenants that have a rhythm. One statement, over a week of arrivals."""
    names = sorted({kind.source for kind in TYPES.values()})
    with connection.cursor() as cursor:
        cursor.execute(RHYTHMS, {"rhythm": RHYTHM, "sources": names, "types": list(TYPES)})
        return [Source(*row) for row in cursor.fetchall()]


def watch() -> int:
    """Look at the sources, say which are silent, and remember all of them for Prometheus; how many are silent."""
    found = sources()
    cache.set(REMEMBERED, found, KEPT)
    silent = [source for source in found if source.is_silent]
    for one in silent:
        log.warning(
            "source.silent",
            tenant=one.tenant,
            source=one.source,
            seconds=round(one.silent),
            alarm=round(one.alarm),
        )
    return len(silent)


def remembered() -> list[Source]:
    """What the last watch saw; nothing when that is too long ago."""
    return cache.get(REMEMBERED) or []
