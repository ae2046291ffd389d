"""Whose events are not applied: people who were erased, as far as it is about before, and whose data is only kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers import suppression
from customers.matching import Key
from customers.models import CustomerProfile, Suppression

ERASED, RESTRICTED = "ERASED", "PROCESSING_RESTRICTED"
WORDS = {
    ERASED: "It tells of somebody who was erased after it happened.",
    RESTRICTED: "The processing of this customer's data is restricted: it is applied when that is lifted.",
}
HELD = """
    SELECT a.kind, a.value, p.id
    FROM unnest(%s::text[], %s::text[]) AS k (kind, value)
    JOIN customers_identityalias a ON a.tenant_id = %s AND a.kind = k.kind AND a.value = k.value
    JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id
    JOIN customers_customerprofile p ON p.tenant_id = h.tenant_id AND p.id = h.customer_id
    WHERE p.processing_restricted_at IS NOT NULL
"""


class Bar(NamedTuple):
    """Why what is told of somebody is not applied, and who that is where they are still here."""

    code: str
    customer: UUID | None = None


class Gate:
    """What stands in the way of a batch. Two statements, and one more for each of both that there is any of."""

    def __init__(self, hints: Sequence[Mapping[str, str]]) -> None:
        keys = {key for one in hints for key in one.items()}
        self.erased: dict[Key, Suppression] = suppression.suppressed(keys)
        self.restricted = _restricted(keys) if keys else {}

    def bar(self, hints: Mapping[str, str], at: datetime) -> Bar | None:
        """What stands in the way of one person of an event that happened at `at`."""
        for key in hints.items():
            if key in self.restricted:
                return Bar(RESTRICTED, self.restricted[key])
            found = self.erased.get(key)
            if found is not None and found.reason == Suppression.Reason.ERASED and at <= found.at:
                return Bar(ERASED)
        return None


def _restricted(keys: set[Key]) -> dict[Key, UUID]:
    people: Any = CustomerProfile.objects
    if not people.filter(processing_restricted_at__isnull=False).exists():
        return {}
    kinds, values = [kind for kind, _ in keys], [value for _, value in keys]
    rows = select(HELD, [kinds, values, current_tenant().pk])
    return {(row["kind"], row["value"]): row["id"] for row in rows}
