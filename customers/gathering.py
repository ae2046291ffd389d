"""Households as they come about: those who share an e-mail or phone are one, as far as staff did not say otherwise."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows, run, select, tuples
from crm.tenancy.scope import current_tenant
from customers.households import COLUMNS, LOCK, add_members, new_household
from customers.matching import Key
from customers.models import Household, HouseholdMember
from customers.normalise import WEAK_KINDS

MOST_AT_A_CONTACT = 12  # beyond that an address is an office's or a front desk's
AT_ONCE = 500
PATIENCE = "SET LOCAL statement_timeout = '30min'"
SHARING = """
    SELECT a.id AS alias, h.customer_id, h.recorded_for
    FROM unnest(%s::text[], %s::text[]) AS k (kind, value)
    JOIN customers_identityalias a ON a.tenant_id = %s AND a.kind = k.kind AND a.value = k.value
    JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id
    ORDER BY h.id
"""
MEMBERSHIPS = """
    SELECT m.household_id, m.customer_id, m.recorded_for, m.until IS NOT NULL AS has_left
    FROM customers_householdmember m WHERE m.tenant_id = %s AND m.{column} = ANY(%s)
"""
UNITE = """
    UPDATE customers_householdmember m SET household_id = %s
    WHERE m.tenant_id = %s AND m.household_id = ANY(%s) AND m.until IS NULL AND NOT EXISTS (
        SELECT FROM customers_householdmember o
        WHERE o.tenant_id = m.tenant_id AND o.household_id = %s AND o.recorded_for = m.recorded_for)
"""
# Contacts of several people who are not all in one household yet.
APART = """
    SELECT a.id, a.kind, a.value FROM customers_identityalias a
    JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id
    LEFT JOIN customers_householdmember m
        ON m.tenant_id = h.tenant_id AND m.recorded_for = h.recorded_for AND m.until IS NULL
    WHERE a.tenant_id = %s AND a.kind = ANY(%s)
    GROUP BY a.id, a.kind, a.value
    HAVING count(DISTINCT h.customer_id) BETWEEN 2 AND %s
        AND (count(DISTINCT m.household_id) <> 1 OR bool_or(m.household_id IS NULL))
    ORDER BY a.kind, a.value
"""
HOLD = """
    SELECT a.id FROM customers_identityalias a WHERE a.tenant_id = %s AND a.id = ANY(%s)
    ORDER BY a.kind, a.value FOR UPDATE
"""
ROLE = HouseholdMember.role.field.default


def gather(keys: Collection[Key], *, now: datetime) -> None:
    """Put those who share one of these e-mails or phones into one household, in the caller's transaction.

    Who was taken out of a household is not put back by this. No statement without keys; nobody else is to add holders
    of them meanwhile (the caller holds the identifiers or their holders).
    """
    groups = _groups(_sharing(keys)) if keys else []
    for group in groups:
        _house(group, now)


def _sharing(keys: Collection[Key]) -> list[dict[UUID, UUID]]:
    """Of each contact that several people have: part -> person."""
    found: dict[int, dict[UUID, UUID]] = defaultdict(dict)
    kinds, values = [kind for kind, _ in keys], [value for _, value in keys]
    for row in select(SHARING, [kinds, values, current_tenant().pk]):
        found[row["alias"]][row["recorded_for"]] = row["customer_id"]
    return [one for one in found.values() if 1 < len(set(one.values())) <= MOST_AT_A_CONTACT]


def _groups(sharing: Iterable[dict[UUID, UUID]]) -> list[dict[UUID, UUID]]:
    """Those who hang together by a chain of contacts, as part -> person."""
    groups: list[dict[UUID, UUID]] = []
    for one in sharing:
        apart = [group for group in groups if not group.keys() & one.keys()]
        together = dict(one)
        for group in groups:
            if group.keys() & one.keys():
                together |= group
        groups = [*apart, together]
    return groups


def _house(group: Mapping[UUID, UUID], now: datetime) -> None:
    """Bring one group under one roof: the oldest household that any of them is in."""
    tenant = current_tenant().pk
    known = {row["household_id"] for row in _memberships("recorded_for", group)}
    select(LOCK, [tenant, sorted(known)])
    rows = _memberships("household_id", known)
    gone = {(row["household_id"], row["recorded_for"]) for row in rows if row["has_left"]}
    homes = {row["recorded_for"]: row["household_id"] for row in rows if not row["has_left"]}
    chosen = sorted({homes[part] for part in group if part in homes})
    target = chosen[0] if chosen else new_household(by="events", now=now)
    others = [home for home in chosen[1:] if not _are_split(home, target, gone, homes)]
    if others:
        run(UNITE, [target, tenant, others, target])
    missing = [part for part in sorted(group) if part not in homes and (target, part) not in gone]
    add_members(target, {part: group[part] for part in missing}, ROLE, now)


def _are_split(
    one: UUID, other: UUID, gone: Collection[tuple[UUID, UUID]], homes: Mapping[UUID, UUID]
) -> bool:
    """Did staff take somebody of the one out of the other?"""
    return any(
        (other, part) in gone if home == one else (one, part) in gone
        for part, home in homes.items()
        if home in (one, other)
    )


def _memberships(column: str, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    wanted = list(ids)
    statement = MEMBERSHIPS.format(column=column)
    return select(statement, [current_tenant().pk, wanted]) if wanted else []


# --- of everybody
def gather_everybody(report: Callable[[int, int], None] = lambda done, of: None) -> int:
    """Put into households whoever shares a contact since before there were any; how many contacts were looked at.

    Repeating it is harmless. A handful of statements for 500 contacts of people who are in no household yet, five more
    for each group of which somebody is in one. Not in a transaction: each 500 commit by themselves.
    """
    with transaction.atomic():
        run(PATIENCE, [])
        apart = tuples(APART, [current_tenant().pk, list(WEAK_KINDS), MOST_AT_A_CONTACT])
    for start in range(0, len(apart), AT_ONCE):
        some = apart[start : start + AT_ONCE]
        _gather_some([pk for pk, _kind, _value in some], [(kind, value) for _pk, kind, value in some])
        report(start + len(some), len(apart))
    return len(apart)


@transaction.atomic
def _gather_some(aliases: Sequence[int], keys: Sequence[Key]) -> None:
    now = timezone.now()
    select(HOLD, [current_tenant().pk, list(aliases)])
    groups = _groups(_sharing(keys))
    known = {
        row["recorded_for"]
        for row in _memberships("recorded_for", {part for group in groups for part in group})
    }
    _house_anew([group for group in groups if known.isdisjoint(group)], now)
    for group in groups:
        if not known.isdisjoint(group):
            _house(group, now)


def _house_anew(groups: Sequence[Mapping[UUID, UUID]], now: datetime) -> None:
    """A household for each group of which nobody was ever in one. Two statements."""
    homes = [uuid7() for _ in groups]
    insert_rows(
        Household,
        [{"id": home, "name": "", "created_at": now, "created_by": "events"} for home in homes],
        ["id", "name", "created_at", "created_by"],
    )
    members = [
        {
            "household_id": home,
            "customer_id": person,
            "recorded_for": part,
            "role": ROLE,
            "since": now,
            "until": None,
        }
        for home, group in zip(homes, groups, strict=True)
        for part, person in sorted(group.items())
    ]
    insert_rows(HouseholdMember, members, COLUMNS, conflict="DO NOTHING")
