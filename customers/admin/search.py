"""Finding people for staff: by any identifier or id in full, else by how a name starts, as the API does."""

from typing import Any
from uuid import UUID

from crm.errors import CustomerNotFound
from crm.tenancy.rows import select
from crm.tenancy.scope import current_eyes, current_tenant
from customers import normalise
from customers.listing import matching
from customers.masking import may_find_by
from customers.models import CustomerProfile
from customers.resolution import read_holders
from customers.services import get_customer

# The distinct kinds by hopping from one to the next in the unique index, instead of reading every identifier.
KINDS = """
    WITH RECURSIVE hop (kind) AS (
        (SELECT kind FROM customers_identityalias WHERE tenant_id = %(tenant)s ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT (SELECT a.kind FROM customers_identityalias a
                WHERE a.tenant_id = %(tenant)s AND a.kind > hop.kind ORDER BY a.kind LIMIT 1)
        FROM hop WHERE hop.kind IS NOT NULL
    )
    SELECT kind FROM hop WHERE kind IS NOT NULL
"""


def narrow(people: Any, term: str) -> Any:
    """Those of `people` whom a member of staff means by `term`. At most four statements besides the list's own."""
    text = normalise.name(term)
    exact = exactly(text)
    return people.filter(pk__in=exact) if exact else people.filter(matching(text))


def exactly(term: str) -> list[UUID]:
    """The people who have this id or identifier, of whatever kind; several where a household shares it."""
    text = normalise.name(term)
    return _by_id(text) or _by_identifier(text)


def _by_id(text: str) -> list[UUID]:
    """The customer of an id as it stands in links and other systems, merged ones included."""
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    try:
        return [get_customer(wanted)[0].pk]
    except CustomerNotFound:
        return list(CustomerProfile.objects.filter(external_id=wanted).values_list("pk", flat=True))


def _by_identifier(text: str) -> list[UUID]:
    tenant, masks = current_tenant(), current_eyes().masks
    kinds = [row["kind"] for row in select(KINDS, {"tenant": tenant.pk}) if may_find_by(row["kind"], masks)]
    keys = ((kind, normalise.identifier(kind, text, tenant.region)) for kind in kinds)
    holders = read_holders({(kind, value) for kind, value in keys if value is not None})
    return list(dict.fromkeys(holder.customer for held_by in holders.values() for holder in held_by))
