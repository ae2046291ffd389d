"""Which customers a list shows, and in which order."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crm.errors import Detail, Forbidden
from crm.rest.paging import Column, Ordering
from crm.tenancy.masks import Personal
from crm.tenancy.scope import current_eyes
from customers import custom_fields, upward
from customers.models.profile import alphabetical
from customers.search import matching
from customers.tags import looked_up

ORDERING = Ordering(
    "customers",
    {
        "lastActivityAt": Column("metrics__last_activity_at", nullable=True),
        "lastBookingAt": Column("metrics__last_booking_at", nullable=True),
        "activityCount30d": Column("metrics__activity_count_30d"),
        "bookingCount30d": Column("metrics__booking_count_30d"),
        "engagementScore": Column("metrics__engagement_score"),
        "churnRiskScore": Column("metrics__churn_risk_score"),
        "lifetimeValue": Column("metrics__lifetime_value_cents"),
        "lastName": Column("by_last_name", nullable=True, value=alphabetical("last_name")),
        "firstName": Column("by_first_name", nullable=True, value=alphabetical("first_name")),
        "handicap": Column("handicap", nullable=True),
        "memberSince": Column("member_since", nullable=True),
        "membershipExpiry": Column("membership_expiry", nullable=True),
        "createdAt": Column("created_at"),
        "updatedAt": Column("updated_at"),
    },
    default="-lastActivityAt",
)
LOOKUPS = {
    "status": "status__in",
    "lifecycleStage": "lifecycle_stage__in",
    "customerType": "customer_type__in",
    "type": "customer_type__in",
    "source": "source__in",
    "tags": "tags__contains",
    "tagsAny": "tags__overlap",
    "isVip": "is_vip",
    "isBlocked": "is_blocked",
    "isPending": "is_pending",
    "isLight": "is_light",
    "emailVerified": "email_verified",
    "phoneVerified": "phone_verified",
    "emailOptIn": "email_opt_in",
    "smsOptIn": "sms_opt_in",
    "pushOptIn": "push_opt_in",
    "whatsappOptIn": "whatsapp_opt_in",
    "gdprConsent": "gdpr_consent",
    "country": "country__in",
    "language": "language__upper__in",
    "homeClubId": "home_club_ref__in",
    "membershipTier": "membership_tier__in",
    "membershipStatus": "membership_status__in",
    "membershipExpiryAfter": "membership_expiry__gte",
    "membershipExpiryBefore": "membership_expiry__lt",
    "engagementMin": "metrics__engagement_score__gte",
    "engagementMax": "metrics__engagement_score__lte",
    "churnRiskMin": "metrics__churn_risk_score__gte",
    "churnRiskMax": "metrics__churn_risk_score__lte",
    "lifetimeValueMin": "metrics__lifetime_value_cents__gte",
    "lifetimeValueMax": "metrics__lifetime_value_cents__lte",
    "createdAfter": "created_at__gte",
    "createdBefore": "created_at__lt",
    "updatedSince": "updated_at__gte",
    "updatedBefore": "updated_at__lt",
    "lastActivityAfter": "metrics__last_activity_at__gte",
    "lastActivityBefore": "metrics__last_activity_at__lt",
}
IN_CAPITALS = ("country", "language")  # whose case says nothing

# What filters and orders tell about the people they leave: every name that a list offers is in one of the two.
TELLS: dict[str, Personal] = {
    **dict.fromkeys(
        ("engagementMin", "engagementMax", "churnRiskMin", "churnRiskMax", "lifetimeValueMin", "lifetimeValueMax",
         "engagementScore", "churnRiskScore", "lifetimeValue"),
        Personal.SCORES,
    ),
    "customFields": Personal.CUSTOM_FIELDS,
}  # fmt: skip
TELLS_NOTHING_KEPT_BACK = {
    "skip", "take", "cursor", "fields", "sort", "tenantId", "search", "status", "lifecycleStage", "customerType",
    "type", "source", "tags", "tagsAny", "isVip", "isBlocked", "isPending", "isLight", "emailVerified", "phoneVerified",
    "emailOptIn", "smsOptIn", "pushOptIn", "whatsappOptIn", "gdprConsent", "country", "language", "homeClubId",
    "membershipTier", "membershipStatus", "membershipExpiryAfter", "membershipExpiryBefore", "createdAfter",
    "createdBefore", "updatedSince", "updatedBefore", "lastActivityAfter", "lastActivityBefore", "lastActivityAt",
    "lastBookingAt", "activityCount30d", "bookingCount30d", "lastName", "firstName", "handicap", "memberSince",
    "membershipExpiry", "createdAt", "updatedAt",
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
    """Those of `people` whom a validated CustomerListQuery means.

    Merged and deleted ones only when `status` asks, guests known by name only when `isLight` does.
    Raises FieldMasked.
    """
    refuse_masked([*query, *(name.removeprefix("-") for name in query.get("sort", ()))])
    people = people if query.get("status") else people.current()
    people = people if "isLight" in query else people.filter(is_light=False)
    query = {**query, **{name: looked_up(query[name]) for name in ("tags", "tagsAny") if name in query}}
    query |= {name: [word.upper() for word in query[name]] for name in IN_CAPITALS if name in query}
    people = people.filter(**{lookup: query[name] for name, lookup in LOOKUPS.items() if name in query})
    if query.get("customFields"):
        people = people.filter(custom_fields.condition(query["customFields"]))
    for name, one in upward.filters().items():
        people = one.narrow(people, query[name]) if name in query else people
    return people.filter(matching(query["search"])) if query.get("search") else people
