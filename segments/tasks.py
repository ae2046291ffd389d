"""Tasks of segments: each finds its work in rows, so one more or less does no harm."""

from django.utils import timezone

from crm.outbox.nudge import Policy, background_task, nudge
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from segments import live, membership, sync
from segments.queue import tenants_touched, tenants_with_due

FOLLOW, REFRESH = "segments.follow", "segments.refresh_due"
QUEUE = "scoring"  # what may take a while


@background_task("segments.sweep", Policy.HARMLESS_TO_LOSE)
def sweep() -> int:
    """Line up the tenants whose people were touched, and those with segments that are due."""
    touched, due = tenants_touched(), tenants_with_due(timezone.now())
    for tenant in touched:
        nudge(FOLLOW, str(tenant))
    for tenant in due:
        nudge(REFRESH, str(tenant), queue=QUEUE)
    return len(touched) + len(due)


@background_task(FOLLOW, Policy.HARMLESS_TO_LOSE)
def follow(tenant_id: str) -> int:
    """Look at whom something happened to, for two seconds; where that was not enough, line up again."""
    with tenant_scope(Tenant.objects.get(pk=tenant_id)):
        people, is_more = live.follow()
    if is_more and people:
        nudge(FOLLOW, tenant_id)
    return people


@background_task(REFRESH, Policy.HARMLESS_TO_LOSE)
def refresh_due(tenant_id: str) -> int:
    with tenant_scope(Tenant.objects.get(pk=tenant_id)):
        return membership.refresh_due()


@background_task("segments.apply_clock", Policy.HARMLESS_TO_LOSE)
def apply_clock() -> int:
    """Touch whom time alone moves, of all tenants."""
    touched = 0
    for tenant in Tenant.objects.filter(is_active=True):
        with tenant_scope(tenant):
            touched += live.apply_clock(timezone.now())
    return touched


@background_task(sync.TELL, Policy.HARMLESS_TO_LOSE)
def tell_messaging() -> int:
    """Tell Messaging who joined and left, and send whole what was asked for."""
    return sync.sync_due()
