"""The profile as the outside sees it: one shape for the API, events out and mirrors."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from customers.models import CustomerMetrics, CustomerProfile

# Attribute -> wire name, where it is not simply the camelCase of the attribute.
IRREGULAR = {
    "home_club_ref": "homeClubId",
    "lifetime_value_cents": "lifetimeValue",
    "email_display": "emailDisplay",
    "is_light": "isLight",
    "merged_into_id": "mergedInto",
    "guardian_id": "guardianId",
    "activity_count_30d": "activityCount30d",
    "booking_count_30d": "bookingCount30d",
    "type": "type",
    "customer_type": "customerType",
}
HIDDEN = {"tenant_id", "provenance", "version", "stages_reached", "stage_due_at"}
METRICS = [
    f.attname
    for f in CustomerMetrics._meta.concrete_fields
    if f.attname not in {"tenant_id", "customer_id", "decays_at"}
]


def wire_name(attribute: str) -> str:
    """The API's name of a model attribute."""
    if attribute in IRREGULAR:
        return IRREGULAR[attribute]
    head, *rest = attribute.split("_")
    return head + "".join(word.capitalize() for word in rest)


WIRE = {
    f.attname: wire_name(f.attname) for f in CustomerProfile._meta.concrete_fields if f.attname not in HIDDEN
}


def wire_value(value: Any) -> Any:
    """A value as JSON carries it: times ISO 8601 in UTC, decimals as numbers, ids as text."""
    if isinstance(value, datetime | date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    return str(value)


def blank_as_null(value: Any) -> Any:
    return None if value == "" else value


def profile_payload(profile: CustomerProfile) -> dict[str, Any]:
    """The whole profile. `profile.metrics` must be selected with it, or costs a query."""
    shape = row_payload({name: getattr(profile, name) for name in WIRE}, WIRE)
    shape["fullName"] = blank_as_null(profile.full_name)
    shape["tenantId"] = str(profile.tenant_id)
    metrics = profile.metrics
    for name in METRICS:
        shape[wire_name(name)] = blank_as_null(wire_value(getattr(metrics, name)))
    shape["lastActiveAt"] = shape["lastActivityAt"]
    if kept_back := profile.masked | metrics.masked:
        shape["masked"] = sorted(wire_name(name) for name in kept_back)
    return shape


def row_payload(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Chosen columns of a profile row under their wire names; blanks are null."""
    return {wire_name(name): blank_as_null(wire_value(row[name])) for name in names}


def created_payload(row: Mapping[str, Any], *, cause: str) -> dict[str, Any]:
    """crm.profile.created; `source` is the type of the causing event (fact sheet, section 6)."""
    shape = row_payload(row, ["id", "email", "phone_number", "first_name", "last_name", "created_at"])
    links = row_payload(
        row, ["auth_user_id", "scl_member_id", "teetime_player_id", "messaging_contact_id", "external_ids"]
    )
    return shape | {"source": cause, "linkedIds": {k: v for k, v in links.items() if v}}


def updated_payload(row: Mapping[str, Any], changed: Iterable[str]) -> dict[str, Any]:
    """crm.profile.updated: the names of what changed, and the new values."""
    names = sorted(set(changed) & WIRE.keys())
    values = row_payload(row, names)
    return {
        "id": str(row["id"]),
        "changes": list(values),
        **values,
        "updatedAt": wire_value(row["updated_at"]),
    }
