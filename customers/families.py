"""People as the parts that they were told of as, in and out of the database: for merging and its undoing."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql

from crm.tenancy.rows import dump, read_rows, run, select, update_rows
from crm.tenancy.scope import current_tenant
from customers import history
from customers.deriving import derived
from customers.models import CustomerMetrics, CustomerProfile, ProfilePart
from customers.parts import COLUMNS, MAPS, Part, parts_of, write_parts
from customers.person import BLANK
from customers.resolution import LOCK_PEOPLE, roots_of
from customers.stamps import Stamp
from customers.survivorship import Row, Write, folded

SEEN = ("last_email_open_at", "last_email_click_at", "last_sms_reply_at", "last_seen_at")
WRITTEN = [name for name in COLUMNS if name not in {"id", "external_id"}]
WRITES = sql.SQL("""
    SELECT m.id, m.winner_id, m.writes->'stamps' AS stamps, {columns}
    FROM customers_mergerecord m
    CROSS JOIN LATERAL jsonb_populate_record(NULL::customers_customerprofile, m.writes->'values') AS r
    WHERE m.tenant_id = %s AND m.winner_id = ANY(%s) AND m.undone_at IS NULL AND m.writes ? 'stamps'
""")
SET_SEEN = """
    UPDATE customers_customermetrics m SET
        last_email_open_at = s.last_email_open_at, last_email_click_at = s.last_email_click_at,
        last_sms_reply_at = s.last_sms_reply_at, last_seen_at = s.last_seen_at
    FROM json_populate_recordset(NULL::customers_customermetrics, %s) s
    WHERE m.tenant_id = %s AND m.customer_id = s.customer_id
"""


@dataclass(slots=True)
class Family:
    """A person. row: as everybody sees it; parts: by id, the root's own too; writes: of the merges, with the winner."""

    root: UUID
    row: Row
    parts: dict[UUID, Part]
    writes: list[tuple[UUID, Write]] = field(default_factory=list)

    def fold(self, extra: Iterable[Write] = ()) -> Row:
        """The row that the parts and the merges come to."""
        rows = {pk: part.row for pk, part in self.parts.items()}
        said = [write for _winner, write in self.writes]
        row = folded(self.root, rows, [*said, *extra], BLANK)
        if row["guardian_id"] in self.parts:  # nobody answers for themselves
            row["guardian_id"] = None
        return row

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = {"customer_id": self.root, **dict.fromkeys(SEEN)}
        for part in self.parts.values():
            for name, at in part.seen.items():
                found[name] = max(at, found[name] or at)
        return found


def lock_families(ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Lock the people that the ids stand for, in the order of their ids; id -> root. Ids of nobody are left out.

    Two statements, unless somebody was merged meanwhile.
    """
    while True:
        roots = {pk: pk for pk in ids} | roots_of(ids)
        wanted = sorted(set(roots.values()))
        locked = select(LOCK_PEOPLE, [current_tenant().pk, wanted])
        there = {row["id"] for row in locked if row["merged_into_id"] is None}
        if len(there) == len(locked) and roots == {pk: pk for pk in ids} | roots_of(ids):
            return {pk: root for pk, root in roots.items() if root in there}


def load_families(roots: Collection[UUID]) -> dict[UUID, Family]:
    """The people of these roots, who are locked. Four statements."""
    rows = read_rows(CustomerProfile, COLUMNS, "id = ANY(%s)", [list(roots)])
    families = {row["id"]: Family(row["id"], row, {}) for row in rows}
    for part in parts_of(roots):
        families[part.root].parts[part.pk] = part
    seen = _seen([root for root, family in families.items() if not family.parts])
    for root, family in families.items():
        if not family.parts:
            row = {name: _copy(value) for name, value in family.row.items()}
            family.parts[root] = Part(root, root, row, seen[root])
    of_part = {pk: family for family in families.values() for pk in family.parts}
    for winner, write in read_writes(of_part):
        of_part[winner].writes.append((winner, write))
    return families


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list) else value


def _seen(people: Collection[UUID]) -> dict[UUID, dict[str, datetime]]:
    rows = CustomerMetrics.objects.filter(pk__in=people).values("pk", *SEEN)
    found = {row.pop("pk"): {name: at for name, at in row.items() if at} for row in rows}
    return {pk: found.get(pk, {}) for pk in people}


def read_writes(winners: Collection[UUID]) -> list[tuple[UUID, Write]]:
    """What the merges that stand into these profiles say, each with its winner. One statement."""
    columns = sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(name)) for name in WRITTEN)
    found = []
    statement = WRITES.format(columns=columns)
    for row in select(statement, [current_tenant().pk, list(winners)]):
        for attribute, stamp in json.loads(row["stamps"]).items():
            name, dot, key = attribute.partition(".")
            value = json.loads(row[name]) if name in MAPS and row[name] is not None else row[name]
            found.append(
                (row["winner_id"], Write(attribute, value.get(key) if dot else value, Stamp(*stamp)))
            )
    return found


def written(writes: Iterable[Write]) -> dict[str, Any]:
    """Writes as a record keeps them: {"values": …, "stamps": …}; read_writes() reads them."""
    values: dict[str, Any] = {}
    stamps: dict[str, Any] = {}
    for attribute, value, stamp in writes:
        name, dot, key = attribute.partition(".")
        if dot:
            values.setdefault(name, {})[key] = value
        else:
            values[name] = value
        stamps[attribute] = list(stamp)
    return {"values": values, "stamps": stamps} if stamps else {}


def store_families(families: Iterable[Family], *, now: datetime, by: str, stamp: Stamp | None = None) -> None:
    """Write the rows of people whose parts changed; one who has but one part left is no merged person any more.

    stamp: of what brings older words back, for the history.
    """
    families = list(families)
    for family in families:
        family.row |= {"updated_at": now, "updated_by": by, "version": family.row["version"] + 1}
        family.row |= derived(family.row, now)
    single = [family.root for family in families if len(family.parts) == 1]
    ProfilePart.objects.filter(pk__in=single).delete()
    write_parts(
        part._replace(root=family.root)
        for family in families
        if len(family.parts) > 1
        for part in family.parts.values()
    )
    history.say_who(by, stamp)
    update_rows(CustomerProfile, [family.row for family in families], WRITTEN)
    run(SET_SEEN, [dump(family.seen() for family in families), current_tenant().pk])


def children(parts: Collection[UUID]) -> Mapping[UUID, UUID | None]:
    """Part -> the profile it was merged into, as it happened. One statement."""
    rows = CustomerProfile.objects.filter(pk__in=parts).values_list("pk", "merged_into_id")
    return dict(rows)
