"""Who is compared with whom: the keys of people, kept in step with them, and the pairs that share one.

A key that very many share says nothing and costs their square, so the small blocks are taken first, until there are
as many pairs as the budget allows: the time of a run grows with the number of people, not with its square.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from crm.tenancy.rows import insert_rows, run, select
from crm.tenancy.scope import current_tenant
from customers.identity_rules import Rules
from customers.identity_settings import current_rules
from customers.likeness import Record, keys, record
from customers.models import LikenessKeys

Pair = tuple[UUID, UUID]
BATCH = 5_000
LARGEST_BLOCK = 100
PAIRS_PER_PERSON = 8  # at most, on the average
FEWEST_PAIRS = 200_000  # below which nobody need hurry
REMEMBERED = 100_000  # people whose records stay in memory
PATIENCE = "SET LOCAL statement_timeout = '30min'"
READ = """
    SELECT id, first_name, last_name, display_name, date_of_birth, email, phone_is_valid, phone_number, gender,
        auth_user_id, scl_member_id, teetime_player_id, messaging_contact_id, external_ids::text, updated_at
    FROM customers_customerprofile
    WHERE tenant_id = %s AND id = ANY(%s) AND status NOT IN ('MERGED', 'DELETED')
"""
STALE = """
    SELECT p.id FROM customers_customerprofile p
    LEFT JOIN customers_likenesskeys k ON k.tenant_id = p.tenant_id AND k.customer_id = p.id
    WHERE p.tenant_id = %s AND p.id > %s AND p.status NOT IN ('MERGED', 'DELETED')
        AND (k.as_of IS NULL OR k.as_of < p.updated_at)
    ORDER BY p.id LIMIT %s
"""
FORGET = """
    DELETE FROM customers_likenesskeys k USING customers_customerprofile p
    WHERE k.tenant_id = %s AND p.tenant_id = k.tenant_id AND p.id = k.customer_id
        AND p.status IN ('MERGED', 'DELETED')
"""
NEWER = "(customer_id) DO UPDATE SET keys = EXCLUDED.keys, as_of = EXCLUDED.as_of"
BLOCKS = """
    CREATE TEMPORARY TABLE likeness_blocks AS
    SELECT key, count(*)::int AS size, array_agg(customer_id) AS people
    FROM customers_likenesskeys, unnest(keys) AS key WHERE tenant_id = %s
    GROUP BY key HAVING count(*) > 1
"""
PAIRS = """
    CREATE TEMPORARY TABLE likeness_pairs AS
    SELECT row_number() OVER (ORDER BY first, second)::int AS number, first, second FROM (
        SELECT DISTINCT least(a.id, b.id) AS first, greatest(a.id, b.id) AS second
        FROM likeness_blocks, unnest(people) WITH ORDINALITY AS a (id, at), unnest(people) WITH ORDINALITY AS b (id, at)
        WHERE size <= %s AND a.at < b.at
    ) AS found
"""
NEIGHBOURS = """
    SELECT c.id, c.key, k.customer_id AS other
    FROM (SELECT customer_id AS id, unnest(keys) AS key FROM customers_likenesskeys
        WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)) AS c
    CROSS JOIN LATERAL (
        SELECT customer_id FROM customers_likenesskeys
        WHERE tenant_id = %(tenant)s AND keys @> ARRAY[c.key] LIMIT %(most)s) AS k
"""
WALK = """
    SELECT number, first, second FROM likeness_pairs WHERE number > %s AND number %% %s = 0 ORDER BY number LIMIT %s
"""
DROP = "DROP TABLE IF EXISTS likeness_blocks, likeness_pairs"
FIRST = UUID(int=0)


class Blocks(NamedTuple):
    """How a full run blocked: so many pairs, of blocks of at most `largest` people; the others were passed over."""

    pairs: int
    largest: int
    passed_over: int


class Records:
    """Folded people by id, the ones that were asked for last kept in memory."""

    def __init__(self) -> None:
        self._known: dict[UUID, Record] = {}

    def of(self, ids: Collection[UUID]) -> dict[UUID, Record]:
        """Those of the ids who are still there. One statement where some are not known yet."""
        missing = [pk for pk in ids if pk not in self._known]
        if len(self._known) + len(missing) > REMEMBERED:
            self._known, missing = {}, list(ids)
        rules = current_rules()
        for row in select(READ, [current_tenant().pk, missing]) if missing else ():
            self._known[row["id"]] = record_of(row, rules)
        return {pk: self._known[pk] for pk in ids if pk in self._known}


LINKS = {
    "auth_user_id": "authUserId",
    "scl_member_id": "sclMemberId",
    "teetime_player_id": "teetimePlayerId",
    "messaging_contact_id": "messagingContactId",
}


def record_of(row: dict[str, Any], rules: Rules) -> Record:
    """A row of READ, folded; what the tenant's rules say identifies nobody is left out."""
    ids = {kind: str(row[name]) for name, kind in LINKS.items() if row[name] not in ("", None)}
    external = json.loads(row["external_ids"])
    ids |= {f"externalIds.{kind}": str(value) for kind, value in external.items()}
    email, phone = row["email"], row["phone_number"] if row["phone_is_valid"] else ""
    return record(
        row["id"], first_name=row["first_name"], last_name=row["last_name"], display_name=row["display_name"],
        born=row["date_of_birth"], gender=row["gender"],
        email=email if rules.counts("email", email) else "",
        phone=phone if rules.counts("phoneNumber", phone) else "",
        ids={kind: value for kind, value in ids.items() if rules.of(kind).is_ever_one},
    )  # fmt: skip


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
    """Make the keys of these people anew; who is merged or deleted loses theirs. Three statements."""
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


def block_everybody(people: int) -> Blocks:
    """Put all pairs that share a key into a temporary table of this connection, for `all_pairs`. Five statements."""
    drop_blocks()
    with transaction.atomic():
        run(PATIENCE, [])
        run(BLOCKS, [current_tenant().pk])
        largest, passed_over = _largest_block(max(PAIRS_PER_PERSON * people, FEWEST_PAIRS))
        run(PAIRS, [largest])
        run("CREATE INDEX ON likeness_pairs (number)", [])
        run("ANALYZE likeness_pairs", [])
    (count,) = select("SELECT count(*) AS pairs FROM likeness_pairs", [])
    return Blocks(count["pairs"], largest, passed_over)


def _largest_block(budget: int) -> tuple[int, int]:
    """How many people a block may have so that the pairs stay within the budget, and how many blocks have more."""
    sizes = select("SELECT size, count(*) AS blocks FROM likeness_blocks GROUP BY size ORDER BY size", [])
    largest, pairs, passed_over = 2, 0, 0
    for row in sizes:
        pairs += row["blocks"] * row["size"] * (row["size"] - 1) // 2
        if row["size"] <= LARGEST_BLOCK and (pairs <= budget or row["size"] == 2):
            largest = row["size"]
        else:
            passed_over += row["blocks"]
    return largest, passed_over


def all_pairs(*, every: int = 1) -> Iterator[list[Pair]]:
    """The pairs of the last `block_everybody`, those of one person together; or every so-manieth of them."""
    last = 0
    while rows := select(WALK, [last, every, BATCH]):
        yield [(row["first"], row["second"]) for row in rows]
        last = rows[-1]["number"]


def drop_blocks() -> None:
    run(DROP, [])


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
