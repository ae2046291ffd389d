"""What waits for a worker, of all tenants: for whoever lines them up, and for whoever watches."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from crm.tenancy.rows import select
from crm.tenancy.scope import scopes_disabled
from segments.models import Frequency, Segment, State

# From one tenant to the next in the index, whatever lies of each.
TOUCHED = """
    WITH RECURSIVE hop (tenant) AS (
        (SELECT tenant_id FROM segments_segmenttouch ORDER BY tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT t.tenant_id FROM segments_segmenttouch t WHERE t.tenant_id > hop.tenant
                ORDER BY t.tenant_id LIMIT 1)
        FROM hop WHERE hop.tenant IS NOT NULL
    )
    SELECT tenant FROM hop JOIN tenancy_tenant t ON t.id = hop.tenant WHERE t.is_active
"""
DUE = """
    SELECT DISTINCT s.tenant_id AS tenant FROM segments_segment s JOIN tenancy_tenant t ON t.id = s.tenant_id
    WHERE t.is_active AND s.due_at <= %s AND s.deleted_at IS NULL AND s.is_active
"""
WAITING = """
    SELECT count(*)::int AS size, extract(epoch FROM clock_timestamp() - min(at))::float8 AS oldest
    FROM (SELECT at FROM segments_segmenttouch ORDER BY id LIMIT 100000) t
"""


class Waiting(NamedTuple):
    """Touches that nobody has looked at: how many (to 100,000), and for how many seconds the first of them."""

    size: int
    oldest: float | None


def tenants_touched() -> list[UUID]:
    """One statement."""
    return [row["tenant"] for row in select(TOUCHED, [])]


def tenants_with_due(now: datetime) -> list[UUID]:
    """One statement."""
    return [row["tenant"] for row in select(DUE, [now])]


def waiting() -> Waiting:
    (row,) = select(WAITING, [])
    return Waiting(row["size"], row["oldest"])


def troubled(now: datetime) -> list[Segment]:
    """The segments of all tenants that are broken, then those that are out of date though a worker keeps them up."""
    with scopes_disabled():  # for whoever watches the platform
        rows = (
            Segment.objects.in_use().filter(tenant__is_active=True).select_related("tenant").order_by("name")
        )
        broken = rows.in_state(State.BROKEN, now)
        late = rows.in_state(State.STALE, now).exclude(refresh_frequency=Frequency.MANUAL)
        return [*broken, *late]


def by_state(now: datetime) -> dict[str, int]:
    """How many segments of all tenants are in each state. One statement."""
    with scopes_disabled():  # for whoever watches the platform
        told = Segment.objects.in_use().with_state(now).values_list("told")
        return dict.fromkeys(State.values, 0) | dict(told.annotate(count=Count("pk")).order_by())
