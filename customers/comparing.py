"""Who is compared with whom: the keys of people, kept in step with them, and the pairs of somebody who share one."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID

import orjson

from crm.tenancy.rows import insert_rows, run, select
from crm.tenancy.scope import current_tenant
from customers.identity_rules import Rules
from customers.identity_settings import current_rules
from customers.likeness import Record, keys, record
from customers.models import LikenessKeys

Pair = tuple[UUID, UUID]
BATCH = 5_000
LARGEST_BLOCK = 100
TOLD = """
    p.id, p.first_name, p.last_name, p.display_name, p.date_of_birth, p.email, p.phone_is_valid, p.phone_number,
    p.gender, p.auth_user_id, p.scl_member_id, p.teetime_player_id, p.messaging_contact_id, p.external_ids::text
"""
READ = f"""
    SELECT {TOLD}, p.updated_at FROM customers_customerprofile p
    WHERE p.tenant_id = %s AND p.id = ANY(%s) AND p.status NOT IN ('MERGED', 'DELETED') AND NOT p.is_light
"""  # noqa: S608 - names of columns
STALE = """
    SELECT p.id FROM customers_customerprofile p
    LEFT JOIN customers_likenesskeys k ON k.tenant_id = p.tenant_id AND k.customer_id = p.id
    WHERE p.tenant_id = %s AND p.id > %s AND p.status NOT IN ('MERGED', 'DELETED') AND NOT p.is_light
        AND (k.as_of IS NULL OR k.as_of < p.updated_at)
    ORDER BY p.id LIMIT %s
"""
FORGET = """
    DELETE FROM customers_likenesskeys k USING customers_customerprofile p
    WHERE k.tenant_id = %s AND p.tenant_id = k.tenant_id AND p.id = k.customer_id
        AND (p.status IN ('MERGED', 'DELETED') OR p.is_light)
"""
NEWER = "(customer_id) DO UPDATE SET keys = EXCLUDED.keys, as_of = EXCLUDED.as_of"
NEIGHBOURS = """
    SELECT c.id, c.key, k.customer_id AS other
    FROM (SELECT customer_id AS id, unnest(keys) AS key FROM customers_likenesskeys
        WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)) AS c
    CROSS JOIN LATERAL (
        SELECT customer_id FROM customers_likenesskeys
        WHERE tenant_id = %(tenant)s AND keys @> ARRAY[c.key] LIMIT %(most)s) AS k
"""
FIRST = UUID(int=0)


LINKS = {
    "auth_user_id": "authUserId",
    "scl_member_id": "sclMemberId",
    "teetime_player_id": "teetimePlayerId",
    "messaging_contact_id": "messagingContactId",
}


def record_of(row: dict[str, Any], rules: Rules) -> Record:
    """A row with the columns TOLD, folded; what the tenant's rules say identifies nobody is left out."""
    ids = {kind: str(row[name]) for name, kind in LINKS.items() if row[name] not in ("", None)}
    external = orjson.loads(row["external_ids"])
    ids |= {f"externalIds.{kind}": str(value) for kind, value in external.items()}
    email, phone = row["email"], row["phone_number"] if row["phone_is_valid"] else ""
    return record(
        row["id"], first_name=row["first_name"], last_name=row["last_name"], display_name=row["display_name"],
        born=row["date_of_birth"], gender=row["gender"],
        email=email if rules.counts("email", email) else "",
        phone=phone if rules.counts("phoneNumber", phone) else "",
        ids={kind: value for kind, value in ids.items() if rules.of(kind).is_ever_one},
    )  # fmt: skip


def records_of(ids: Collection[UUID]) -> dict[UUID, Record]:
    """Those of the ids who are still there, folded. One statement."""
    rules, rows = current_rules(), select(READ, [current_tenant().pk, sorted(ids)])
    return {row["id"]: record_of(row, rules) for row in rows}


def refresh_keys(report: Callable[[int], None] = lambda done: None) -> int:
    """Make the keys of everybody who changed since theirs were made; how many. Three statements for 5,000 people."""
    done, last = 0, FIRST
    while stale := [row["id"] for row in select(STALE, [current_tenant().pk, last, BATCH])]:
        _write_keys(select(READ, [current_tenant().pk, stale]))
        done, last = done + len(stale), stale[-1]
        report(done)
    run(FORGET, [current_tenant().pk])
    return done


def stale(most: int) -> list[UUID]:
    """Whose keys are not of the profile as it is now. One statement."""
    return [row["id"] for row in select(STALE, [current_tenant().pk, FIRST, most])]


def refresh_keys_of(ids: Collection[UUID]) -> None:
    """Make the keys of these people anew; who is merged, deleted or a name only loses theirs. Three statements."""
    rows = select(READ, [current_tenant().pk, sorted(ids)])
    _write_keys(rows)
    LikenessKeys.objects.filter(pk__in=set(ids) - {row["id"] for row in rows}).delete()


def _write_keys(rows: Sequence[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: row["id"])  # whoever else does the same waits instead of locking up
    rules = current_rules()
    made = [
        {"customer_id": row["id"], "keys": keys(record_of(row, rules)), "as_of": row["updated_at"]}
        for row in rows
    ]
    insert_rows(LikenessKeys, made, ["customer_id", "keys", "as_of"], conflict=NEWER)


def pairs_of(ids: Collection[UUID]) -> list[Pair]:
    """The pairs of these people with anybody who shares a key with them that few have. One statement."""
    found: dict[tuple[UUID, int], list[UUID]] = defaultdict(list)
    params = {"tenant": current_tenant().pk, "ids": sorted(ids), "most": LARGEST_BLOCK + 1}
    for row in select(NEIGHBOURS, params):
        found[row["id"], row["key"]].append(row["other"])
    pairs = {
        (min(one, other), max(one, other))
        for (one, _key), others in found.items()
        if len(others) <= LARGEST_BLOCK
        for other in others
        if other != one
    }
    return sorted(pairs)
