"""Tasks of campaigns: each finds its work in rows, so one more or less does no harm."""

from django.utils import timezone

from campaigns import attribution, queue, reconciling, sending, ticking, tracking
from campaigns.sending import LEASE
from crm.outbox.nudge import Policy, background_task, nudge
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope

QUEUE = "sends"
SEND, WORK = "campaigns.send", "campaigns.work"
AT_ONCE = 4  # workers at one tenant's messages


@background_task("campaigns.sweep", Policy.HARMLESS_TO_LOSE)
def sweep() -> int:
    """Line up the tenants with messages that are due, each with as many turns as workers may share."""
    now = queue.database_now()
    due = queue.tenants_with_due(now, now - LEASE)
    for turn in range(AT_ONCE):
        for tenant in due:
            nudge(SEND, str(tenant), str(turn), queue=QUEUE)
    return len(due)


@background_task("campaigns.tick", Policy.HARMLESS_TO_LOSE)
def tick() -> int:
    """Line up the tenants whose campaigns are due for something."""
    due = queue.tenants_with_work(queue.database_now())
    for tenant in due:
        nudge(WORK, str(tenant), queue=QUEUE)
    return len(due)


@background_task(SEND, Policy.HARMLESS_TO_LOSE)
def send(tenant_id: str, turn: str) -> int:
    """Send what is due for a few seconds; where that was not enough, line up again behind the others."""
    with tenant_scope(Tenant.objects.get(pk=tenant_id)):
        sent, is_more = sending.send_due()
        if turn == "0":
            reconciling.reconcile()
    if is_more:
        nudge(SEND, tenant_id, turn, queue=QUEUE)
    return sent


@background_task("campaigns.attribute", Policy.HARMLESS_TO_LOSE)
def attribute() -> int:
    """Put down to messages what people did since, of all tenants."""
    changed = 0
    for tenant in Tenant.objects.filter(is_active=True):
        with tenant_scope(tenant):
            changed += attribution.attribute()
    return changed


@background_task(WORK, Policy.HARMLESS_TO_LOSE)
def work(tenant_id: str) -> int:
    """Begin what is due, make audiences, count what became of messages."""
    with tenant_scope(Tenant.objects.get(pk=tenant_id)):
        return ticking.tick(queue.database_now())


@background_task("campaigns.judge_interactions", Policy.HARMLESS_TO_LOSE)
def judge_interactions() -> int:
    """Decide which openings and clicks were people's."""
    return tracking.judge_due(timezone.now())
