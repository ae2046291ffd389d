"""Tasks of the timeline: each finds its work in rows, so one more or less does no harm."""

from django.utils import timezone

from crm.outbox.nudge import Policy, background_task, nudge
from crm.tenancy.models import Tenant
from timeline import counters, ingestion, replay

BUDGET = 1.0  # seconds for one tenant before the next one's turn


@background_task("timeline.process_events", Policy.HARMLESS_TO_LOSE)
def process_events(tenant_id: str) -> int:
    """Work off a tenant's due events for a second; where that was not enough, line up again behind the others."""
    tally = ingestion.process_due(Tenant.objects.get(pk=tenant_id), budget_seconds=BUDGET)
    if tally.more:
        nudge("timeline.process_events", tenant_id, queue="events")
    return tally.total


@background_task("timeline.sweep_events", Policy.HARMLESS_TO_LOSE)
def sweep_events() -> int:
    """Find what a lost nudge or a dead worker left lying."""
    tenants = ingestion.tenants_with_due_events(timezone.now())
    for tenant in tenants:
        nudge("timeline.process_events", str(tenant.pk), queue="events")
    return len(tenants)


@background_task("timeline.decay_counters", Policy.HARMLESS_TO_LOSE)
def decay_counters() -> int:
    return counters.decay_due(timezone.now())


@background_task("timeline.apply_held", Policy.HARMLESS_TO_LOSE)
def apply_held() -> int:
    """Apply what came while somebody's processing was restricted, once that is lifted."""
    return replay.release_held()
