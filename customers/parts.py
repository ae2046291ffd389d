"""The parts of merged people in and out of their table; see customers.models.ProfilePart."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from crm.tenancy.rows import dump, run, select
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile

FIELDS = [f for f in CustomerProfile._meta.concrete_fields if f.attname != "tenant_id"]
COLUMNS = [f.attname for f in FIELDS]
MAPS = [f.attname for f in FIELDS if f.get_internal_type() == "JSONField"]
# PostgreSQL reads a part's row by the types of the profile's own columns.
READ = sql.SQL("""
    SELECT p.customer_id AS part, p.root_id AS root, p.seen, {columns}
    FROM customers_profilepart p
    CROSS JOIN LATERAL jsonb_populate_record(NULL::customers_customerprofile, p.row) AS r
    WHERE p.tenant_id = %s AND {which} = ANY(%s) ORDER BY p.customer_id
""")
FAMILY = """
    SELECT o.customer_id FROM customers_profilepart p
    JOIN customers_profilepart o ON o.tenant_id = p.tenant_id AND o.root_id = p.root_id
    WHERE p.tenant_id = %s AND p.customer_id = %s
"""
WRITE = """
    INSERT INTO customers_profilepart (tenant_id, customer_id, root_id, row, seen)
    SELECT %s, n.part, n.root, n.row, n.seen
    FROM json_to_recordset(%s) AS n (part uuid, root uuid, row jsonb, seen jsonb)
    ORDER BY n.part
    ON CONFLICT (customer_id) DO UPDATE SET root_id = EXCLUDED.root_id, row = EXCLUDED.row, seen = EXCLUDED.seen
"""


class Part(NamedTuple):
    """row: its own columns, typed. seen: its own “last …” times."""

    pk: UUID
    root: UUID
    row: dict[str, Any]
    seen: dict[str, datetime]


def read_parts(parts: Collection[UUID]) -> list[Part]:
    """Those of the ids that are parts of somebody. One statement."""
    return _read("customer_id", parts)


def parts_of(roots: Collection[UUID]) -> list[Part]:
    """All parts of these people, the earliest made first. One statement."""
    return _read("root_id", roots)


def family_ids(pk: UUID) -> list[UUID]:
    """The ids of all the parts of a person, by any of them; the id alone where nobody was merged. One statement."""
    rows = select(FAMILY, [current_tenant().pk, pk])
    return [row["customer_id"] for row in rows] or [pk]


def write_parts(parts: Iterable[Part]) -> None:
    """Write these parts, whether they are there or not. One statement."""
    rows = [{"part": part.pk, "root": part.root, "row": part.row, "seen": dict(part.seen)} for part in parts]
    if rows:
        run(WRITE, [current_tenant().pk, dump(rows)])


def _read(which: str, ids: Collection[UUID]) -> list[Part]:
    if not ids:
        return []
    columns = sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(name)) for name in COLUMNS)
    statement = READ.format(columns=columns, which=sql.Identifier("p", which))
    return [_part(row) for row in select(statement, [current_tenant().pk, list(ids)])]


def _part(row: Mapping[str, Any]) -> Part:
    seen = {name: datetime.fromisoformat(at) for name, at in json.loads(row["seen"]).items()}
    values = {name: row[name] for name in COLUMNS}
    return Part(row["part"], row["root"], values | {name: json.loads(row[name]) for name in MAPS}, seen)
