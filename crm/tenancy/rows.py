"""Sets of rows in and out of a tenant table with one statement each.

The rows travel as one JSON parameter and PostgreSQL casts them by the table's own column types, so neither a
statement's length nor the number of round trips grows with the number of rows.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql

from crm.tenancy.scope import current_tenant

Row = Mapping[str, Any]


def dump(rows: Iterable[Row]) -> str:
    """JSON text of rows; dates, decimals and ids as PostgreSQL reads them."""
    return json.dumps(list(rows), default=str, separators=(",", ":"))


def insert_rows(
    model: type[models.Model], rows: Sequence[Row], columns: Sequence[str], *, conflict: str = ""
) -> None:
    """Insert `rows` (column -> value) for the open tenant. One statement.

    conflict: what to do with rows that are there already, such as "DO NOTHING"; the rows are inserted in the
    order given, so a caller that sorts them can't deadlock with another that does.
    """
    if not rows:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL(
        "INSERT INTO {table} (tenant_id, {names}) "
        "SELECT %s, {names} FROM json_populate_recordset(NULL::{table}, %s) {conflict}"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        names=names,
        conflict=sql.SQL(f"ON CONFLICT {conflict}" if conflict else ""),
    )
    run(statement, [current_tenant().pk, dump(rows)])


def update_rows(
    model: type[models.Model], rows: Sequence[Row], columns: Sequence[str], *, key: str = "id"
) -> None:
    """Write `columns` of the open tenant's rows that `key` names. One statement."""
    if not rows:
        return
    table = sql.Identifier(model._meta.db_table)
    assignments = sql.SQL(", ").join(
        sql.SQL("{column} = new.{column}").format(column=sql.Identifier(column)) for column in columns
    )
    statement = sql.SQL(
        "UPDATE {table} SET {assignments} FROM json_populate_recordset(NULL::{table}, %s) new "
        "WHERE {table}.tenant_id = %s AND {table}.{key} = new.{key}"
    ).format(table=table, assignments=assignments, key=sql.Identifier(key))
    run(statement, [dump(rows), current_tenant().pk])


def run(statement: Any, params: Sequence[Any] | Row) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def select(statement: Any, params: Sequence[Any] | Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a statement as dicts by column name."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
