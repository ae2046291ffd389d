"""Which customers a list shows, and in which order."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crm.errors import Detail, Forbidden
from crm.rest.paging import Column, Ordering
from crm.tenancy.masks import Personal
from crm.tenancy.scope import current_eyes
from customers import custom_fields
from customers.search import matching
from customers.tags import looked_up

ORDERING = Ordering(
    "customers",
    {
        "lastActivityAt": Column("metrics__last_activity_at", nullable=True),
        "engagementScore": Column("metrics__engagement_score"),
        "churnRiskScore": Column("metrics__churn_risk_score"),
        "lifetimeValue": Column("metrics__lifetime_value_cents"),
        "lastName": Column("last_name"),
        "firstName": Column("first_name"),
        "createdAt": Column("created_at"),
        "updatedAt": Column("updated_at"),
    },
    default="-lastActivityAt",
)
LOOKUPS = {
    "status": "status__in",
    "lifecycleStage": "lifecycle_stage__in",
    "type": "customer_type__in",
    "emailOptIn": "email_opt_in",
    "tags": "tags__contains",
    "source": "source",
    "engagementMin": "metrics__engagement_score__gte",
    "churnRiskMin": "metrics__churn_risk_score__gte",
    "createdAfter": "created_at__gte",
    "createdBefore": "created_at__lt",
    "updatedSince": "updated_at__gte",
}

# What filters and orders tell about the people they leave: every name that a list offers is in one of the two.
TELLS: dict[str, Personal] = {
    "engagementMin": Personal.SCORES,
    "churnRiskMin": Personal.SCORES,
    "engagementScore": Personal.SCORES,
    "churnRiskScore": Personal.SCORES,
    "lifetimeValue": Personal.SCORES,
    "customFields": Personal.CUSTOM_FIELDS,
}
TELLS_NOTHING_KEPT_BACK = {
    "skip", "take", "cursor", "fields", "sort", "tenantId", "search", "status", "lifecycleStage", "type", "emailOptIn",
    "tags", "source", "createdAfter", "createdBefore", "updatedSince", "lastActivityAt", "lastName", "firstName",
    "createdAt", "updatedAt",
}  # fmt: skip


class FieldMasked(Forbidden):
    """Your role does not see this field, so it can't filter, sort or look people up by it."""

    code = "FIELD_MASKED"


def refuse_masked(names: Iterable[str], tells: Callable[[str], Personal | None] = TELLS.get) -> None:
    """Raise FieldMasked for names of which one tells (as `tells` knows) what is kept from who asks."""
    masks = current_eyes().masks
    bad = [name for name in names if tells(name) in masks]
    if bad:
        words = FieldMasked.__doc__ or ""
        raise FieldMasked(details=[Detail(name, "FIELD_MASKED", words) for name in bad])


def listed(people: Any, query: Mapping[str, Any]) -> Any:
    """Those of `people` whom a validated CustomerListQuery means; merged and deleted ones only when `status` asks.

    Raises FieldMasked.
    """
    refuse_masked([*query, *(name.removeprefix("-") for name in query.get("sort", ()))])
    people = people if query.get("status") else people.listed()
    if "tags" in query:
        query = {**query, "tags": looked_up(query["tags"])}
    people = people.filter(**{lookup: query[name] for name, lookup in LOOKUPS.items() if name in query})
    if query.get("customFields"):
        people = people.filter(custom_fields.condition(query["customFields"]))
    return people.filter(matching(query["search"])) if query.get("search") else people
