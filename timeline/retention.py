"""What is deleted of received events when its time is over. The inbox key stays: it makes an event count once."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef

from crm.tenancy.models import Tenant
from crm.tenancy.retention import delete_in_batches
from crm.tenancy.scope import scopes_disabled, tenant_scope
from timeline.models import EventBody, InboundEvent
from timeline.replay import discard

log = structlog.get_logger(__name__)


def purge_bodies(now: datetime, *, days: int) -> int:
    """Delete the bodies of settled events received more than `days` ago, of all tenants. Dead letters keep theirs."""
    with scopes_disabled():  # age alone decides
        settled = InboundEvent.objects.filter(pk=OuterRef("pk"), is_waiting=False, dead_at=None)
        oldest_kept = first_id(now - timedelta(days=days))
        return delete_in_batches(EventBody.objects.filter(Exists(settled), pk__lt=oldest_kept))


def first_id(moment: datetime) -> UUID:
    """The smallest id (UUIDv7) that a row made at `moment` can have: age by the primary key, no index needed."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def purge_dead_letters(now: datetime, *, days: int) -> int:
    """Close dead letters that nobody has resolved in `days` days, tenant by tenant, with a notice in the audit log.

    They stay in the log as discarded; their bodies go with the next purge of bodies.
    """
    since, purged = now - timedelta(days=days), 0
    with scopes_disabled():  # asked across tenants: who has any
        old = InboundEvent.objects.dead().filter(tenant=OuterRef("pk"), dead_at__lt=since)
        tenants = list(Tenant.objects.filter(Exists(old)))
    for tenant in tenants:
        with tenant_scope(tenant):
            unresolved = InboundEvent.objects.filter(dead_at__lt=since)
            count = discard(unresolved, reason=f"unresolved for {days} days", by="job:retention")
            log.warning("dead_letters.purged", count=count, days=days)
        purged += count
    return purged
