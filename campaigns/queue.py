"""What waits to be sent: by tenant for whoever lines them up, by run for whoever sends, and for whoever watches."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from campaigns.models import CampaignRun, MessageClass
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant

# Rows of a run wait only while its campaign goes on; what is paused is nobody's work.
TENANTS_WITH_DUE = """
    SELECT t.id FROM tenancy_tenant t WHERE t.is_active AND (
        EXISTS (SELECT FROM campaigns_message m
            WHERE m.tenant_id = t.id AND m.run_id IS NULL AND m.state = 'QUEUED' AND m.due_at <= %(now)s)
        OR EXISTS (SELECT FROM campaigns_campaignrun r
            JOIN campaigns_campaign c ON c.tenant_id = r.tenant_id AND c.id = r.campaign_id
            WHERE r.tenant_id = t.id AND r.state = 'SENDING' AND c.status = 'ACTIVE'
                AND EXISTS (SELECT FROM campaigns_message m WHERE m.tenant_id = r.tenant_id AND m.run_id = r.id
                    AND m.state = 'QUEUED' AND m.due_at <= %(now)s))
        OR EXISTS (SELECT FROM campaigns_message m
            WHERE m.tenant_id = t.id AND m.state = 'SENDING' AND m.claimed_at < %(lost)s))
"""
TENANTS_WITH_WORK = """
    SELECT t.id FROM tenancy_tenant t WHERE t.is_active AND (
        EXISTS (SELECT FROM campaigns_campaign c WHERE c.tenant_id = t.id AND c.due_at <= %(now)s
            AND c.status IN ('SCHEDULED', 'ACTIVE') AND c.deleted_at IS NULL)
        OR EXISTS (SELECT FROM campaigns_campaignrun r WHERE r.tenant_id = t.id AND (
            r.state IN ('BUILDING', 'SENDING') OR r.changed_at > coalesce(r.counted_at, '-infinity') - %(slack)s)))
"""
SOURCES = """
    SELECT r.id AS run, c.message_class FROM campaigns_campaignrun r
    JOIN campaigns_campaign c ON c.tenant_id = r.tenant_id AND c.id = r.campaign_id
    WHERE r.tenant_id = %(tenant)s AND r.state = 'SENDING' AND c.status = 'ACTIVE'
        AND EXISTS (SELECT FROM campaigns_message m WHERE m.tenant_id = r.tenant_id AND m.run_id = r.id
            AND m.state = 'QUEUED' AND m.due_at <= %(now)s)
    UNION ALL
    SELECT NULL, k.name FROM unnest(%(classes)s::text[]) AS k (name)
    WHERE EXISTS (SELECT FROM campaigns_message m WHERE m.tenant_id = %(tenant)s AND m.run_id IS NULL
        AND m.state = 'QUEUED' AND m.due_at <= %(now)s AND m.message_class = k.name)
"""
WAITING = """
    SELECT (SELECT count(*) FROM campaigns_message m WHERE m.state = 'UNKNOWN')::int AS unknown,
        extract(epoch FROM clock_timestamp() - min(first.due))::float8 AS oldest
    FROM (
        SELECT (SELECT min(m.due_at) FROM campaigns_message m
            WHERE m.tenant_id = r.tenant_id AND m.run_id = r.id AND m.state = 'QUEUED') AS due
        FROM campaigns_campaignrun r
        JOIN campaigns_campaign c ON c.tenant_id = r.tenant_id AND c.id = r.campaign_id
        WHERE r.state = 'SENDING' AND c.status = 'ACTIVE'
        UNION ALL
        SELECT (SELECT min(m.due_at) FROM campaigns_message m
            WHERE m.tenant_id = t.id AND m.run_id IS NULL AND m.state = 'QUEUED')
        FROM tenancy_tenant t WHERE t.is_active
    ) AS first
"""
SLACK = timedelta(seconds=10)  # as long after a change a run is counted once more
CLASSES = [MessageClass.TRANSACTIONAL.value, MessageClass.MARKETING.value]


class Source(NamedTuple):
    """Messages that are due and are sent by the same rules: of a run, or those of no run of a class."""

    run: UUID | None
    message_class: str

    @property
    def is_urgent(self) -> bool:
        return self.message_class == MessageClass.TRANSACTIONAL


class Waiting(NamedTuple):
    """Messages that nobody knows the fate of, and for how many seconds the first that is due has waited."""

    unknown: int
    oldest: float


def database_now() -> datetime:
    """The database's clock, which all workers share."""
    (row,) = select("SELECT clock_timestamp() AS now", [])
    now: datetime = row["now"]
    return now


def tenants_with_due(now: datetime, lost: datetime) -> list[UUID]:
    """Tenants with messages to send, or to find out about. One statement."""
    return [row["id"] for row in select(TENANTS_WITH_DUE, {"now": now, "lost": lost})]


def sources(now: datetime) -> list[Source]:
    """Where messages of the open tenant are due, service messages first. One statement."""
    rows = select(SOURCES, {"tenant": current_tenant().pk, "now": now, "classes": CLASSES})
    return sorted(
        (Source(row["run"], row["message_class"]) for row in rows), key=lambda one: not one.is_urgent
    )


def tenants_with_work(now: datetime) -> list[UUID]:
    """Tenants whose campaigns or runs are due for something, or to be counted. One statement."""
    return [row["id"] for row in select(TENANTS_WITH_WORK, {"now": now, "slack": SLACK})]


def waiting() -> Waiting:
    """Of all tenants. One statement."""
    (row,) = select(WAITING, [])
    return Waiting(row["unknown"], max(row["oldest"] or 0.0, 0.0))


def touch_runs(runs: Collection[Any]) -> None:
    """Let what became of these runs be counted again. One statement, often none: once in a few seconds is enough."""
    now = database_now()
    if runs:
        CampaignRun.objects.filter(pk__in=set(runs)).exclude(
            changed_at__gt=now - timedelta(seconds=5)
        ).update(changed_at=now)
