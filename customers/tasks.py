"""Tasks about people: each finds its work in rows, so one more or less does no harm."""

from django.utils import timezone

from crm.outbox.nudge import Policy, background_task
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import lapses, majority, search_upkeep, tags


@background_task("customers.tidy_search", Policy.HARMLESS_TO_LOSE)
def tidy_search() -> int:
    """Fill gaps in what people are found by, and forget words that nobody has any more, of all tenants."""
    done = 0
    for tenant in Tenant.objects.filter(is_active=True):
        with tenant_scope(tenant):
            done += search_upkeep.fill_gaps() + search_upkeep.tidy_words()
    return done


@background_task("customers.turn_stages", Policy.HARMLESS_TO_LOSE)
def turn_stages() -> int:
    return lapses.turn_due(timezone.now())


@background_task(tags.MOVE, Policy.HARMLESS_TO_LOSE)
def move_tags() -> None:
    tags.move_due(budget_seconds=20)


@background_task("customers.review_majority", Policy.HARMLESS_TO_LOSE)
def review_majority() -> int:
    return majority.ask_all(timezone.now())
