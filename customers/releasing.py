"""Taking identifiers from somebody who gives them up (docs/decisions/0016-given-up.md)."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from crm.errors import ScopeRequired
from crm.tenancy.permissions import Scope
from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant
from customers.matching import Key, is_strong
from customers.models import CustomerProfile
from customers.normalise import CONTACTS, EXTERNAL_PREFIX

ALL_EXTERNAL = "externalIds"

HELD = """
    SELECT a.kind, a.value
    FROM customers_aliasholder h
    JOIN customers_identityalias a ON a.tenant_id = h.tenant_id AND a.id = h.alias_id
    WHERE h.tenant_id = %s AND h.customer_id = %s AND a.kind = ANY(%s)
"""
RELEASE = """
    DELETE FROM customers_aliasholder h USING customers_identityalias a, unnest(%s::text[], %s::text[]) k (kind, value)
    WHERE a.tenant_id = %s AND a.kind = k.kind AND a.value = k.value
        AND h.tenant_id = a.tenant_id AND h.alias_id = a.id AND h.customer_id = %s
"""
# Whoever has held it longest owns it then; what nobody holds is no identifier.
NEXT_OWNERS = """
    UPDATE customers_aliasholder SET is_owner = true WHERE tenant_id = %(tenant)s AND id IN (
        SELECT min(h.id) FROM customers_aliasholder h
        JOIN customers_identityalias a ON a.tenant_id = h.tenant_id AND a.id = h.alias_id
        JOIN unnest(%(kinds)s::text[], %(values)s::text[]) k (kind, value) ON a.kind = k.kind AND a.value = k.value
        WHERE a.tenant_id = %(tenant)s GROUP BY a.id HAVING NOT bool_or(h.is_owner)
    )
"""
FORGET = """
    DELETE FROM customers_identityalias a USING unnest(%(kinds)s::text[], %(values)s::text[]) k (kind, value)
    WHERE a.tenant_id = %(tenant)s AND a.kind = k.kind AND a.value = k.value AND NOT EXISTS (
        SELECT FROM customers_aliasholder h WHERE h.tenant_id = a.tenant_id AND h.alias_id = a.id
    )
"""


def given_up(pk: UUID, fields: Mapping[str, Any], kinds: Collection[str], *, unlinks: bool) -> set[Key]:
    """The identifiers that a change of attributes takes: the cleared e-mail or phone, and those of strong `kinds`.

    unlinks: whether the caller may take strong ones.

    Two statements where there may be any. Raises ScopeRequired.
    """
    cleared = {kind: column for kind, column in CONTACTS.items() if column in fields and not fields[column]}
    if not cleared and not kinds:
        return set()
    row = CustomerProfile.objects.filter(pk=pk).values(*CONTACTS.values(), "external_ids").first() or {}
    if ALL_EXTERNAL in kinds:
        kinds = {*kinds, *(f"{EXTERNAL_PREFIX}{name}" for name in row.get("external_ids", ()))}
    points = {(kind, row.get(column)) for kind, column in cleared.items()}
    held = held_of(pk, {*cleared, *kinds})
    strong = {key for key in held if is_strong(key[0])}
    if strong and not unlinks:
        named = ", ".join(sorted(kind for kind, _ in strong))
        raise ScopeRequired(f"Taking a customer's {named} away needs the scope {Scope.ADMIN}.")
    return strong | (held & points)


def held_of(customer: UUID, kinds: Collection[str]) -> set[Key]:
    """The identifiers of these kinds that somebody holds."""
    rows = select(HELD, [current_tenant().pk, customer, list(kinds)])
    return {(row["kind"], row["value"]) for row in rows}


def release(customer: UUID, keys: Collection[Key]) -> None:
    """Take identifiers, which are locked, from somebody who is locked too. Three statements."""
    kinds, values = [kind for kind, _ in keys], [value for _, value in keys]
    tenant = current_tenant().pk
    run(RELEASE, [kinds, values, tenant, customer])
    run(NEXT_OWNERS, {"tenant": tenant, "kinds": kinds, "values": values})
    run(FORGET, {"tenant": tenant, "kinds": kinds, "values": values})
