"""Tasks about people: each finds its work in rows, so one more or less does no harm."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from crm.outbox.models import OutboxMessage
from crm.outbox.nudge import Policy, background_task
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import certain, deduplication, expiry, lapses, majority, search_upkeep, tags
from customers.deduplication import COMPARED

LOOK_FOR_DUPLICATES = "customers.look_for_duplicates"


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


@background_task("customers.end_consents", Policy.HARMLESS_TO_LOSE)
def end_consents() -> int:
    return expiry.end_due(timezone.now())


@background_task(tags.MOVE, Policy.HARMLESS_TO_LOSE)
def move_tags() -> None:
    tags.move_due(budget_seconds=20)


@background_task("customers.review_majority", Policy.HARMLESS_TO_LOSE)
def review_majority() -> int:
    return majority.ask_all(timezone.now())


@background_task(LOOK_FOR_DUPLICATES, Policy.HARMLESS_TO_LOSE)
def look_for_duplicates(tenant_id: str, message_ids: Sequence[int]) -> int:
    """Compare whoever the news say is new, or has other names, contact points or ids than before."""
    with tenant_scope(Tenant.objects.get(pk=tenant_id)):
        news = OutboxMessage.objects.filter(pk__in=message_ids).values_list("topic", "payload")
        found = deduplication.find_for({pk for topic, payload in news for pk in _to_compare(topic, payload)})
        certain.merge_certain()
        return found


def _to_compare(topic: str, payload: Mapping[str, Any]) -> set[UUID]:
    """The ids in a piece of news after which somebody is to be compared; what is erased by now names nobody."""
    if topic == "crm.profile.updated" and COMPARED.isdisjoint(payload.get("changes", ())):
        return set()
    return {UUID(payload[name]) for name in ("id", "winnerId", "loserId") if payload.get(name)}


@background_task("customers.catch_up_on_duplicates", Policy.HARMLESS_TO_LOSE)
def catch_up_on_duplicates() -> int:
    """Compare whoever was missed, of all tenants: news may be lost, rows are not."""
    done = 0
    for tenant in Tenant.objects.filter(is_active=True):
        with tenant_scope(tenant):
            done += deduplication.catch_up()
            certain.merge_certain()
    return done
