"""Who holds which identifiers, and what tells the holders apart: read for decisions."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.faces import Face
from customers.identity_rules import Rules
from customers.matching import Holder, Key

HOLDERS = """
    SELECT a.kind, a.value, h.customer_id, h.recorded_for, h.is_owner
    FROM unnest(%s::text[], %s::text[]) AS k (kind, value)
    JOIN customers_identityalias a ON a.tenant_id = %s AND a.kind = k.kind AND a.value = k.value
    JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id
    ORDER BY h.is_owner DESC, h.id
"""
HELD = """
    SELECT h.customer_id, a.kind, a.value, h.since
    FROM customers_aliasholder h
    JOIN customers_identityalias a ON a.tenant_id = h.tenant_id AND a.id = h.alias_id
    WHERE h.tenant_id = %s AND h.customer_id = ANY(%s)
"""
FACES = """
    SELECT id, first_name, last_name, date_of_birth FROM customers_customerprofile
    WHERE tenant_id = %s AND id = ANY(%s)
"""
Held = dict[UUID, dict[str, set[str]]]


def read_holders(keys: Collection[Key]) -> dict[Key, list[Holder]]:
    """Identifier -> who holds it, the owner first. One statement."""
    found: dict[Key, list[Holder]] = {}
    kinds, values = [kind for kind, _ in keys], [value for _, value in keys]
    for row in select(HOLDERS, [kinds, values, current_tenant().pk]):
        holder = Holder(row["customer_id"], row["recorded_for"], row["is_owner"])
        found.setdefault((row["kind"], row["value"]), []).append(holder)
    return found


def read_held(people: Collection[UUID], rules: Rules, *, now: datetime) -> Held:
    """Person -> kind -> the values of it that count towards its limit. One statement."""
    found: Held = {}
    for row in select(HELD, [current_tenant().pk, list(people)]) if people else ():
        days = rules.of(row["kind"]).window_days
        if days is None or row["since"] > now - timedelta(days=days):
            found.setdefault(row["customer_id"], {}).setdefault(row["kind"], set()).add(row["value"])
    return found


def read_faces(people: Collection[UUID]) -> dict[UUID, Face]:
    """Person -> name and birth date. One statement."""
    rows = select(FACES, [current_tenant().pk, list(people)]) if people else ()
    return {row["id"]: Face.of(row) for row in rows}
