"""What goes over with a person: the rows of every app that say whose they are.

Apps register here what follows a merge and its undoing, as they register acts; a test finds every column that names a
customer and fails where there is neither a mover nor a reason to stay.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Model
from psycopg import sql

from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant

# Rows are locked in one order by whoever locks many of them; then they go over.
MOVE = sql.SQL("""
    WITH gone AS (SELECT * FROM unnest(%(losers)s::uuid[], %(winners)s::uuid[]) AS g (loser, winner)),
    held AS MATERIALIZED (
        SELECT t.id, g.loser, g.winner FROM {table} t JOIN gone g ON g.loser = t.customer_id
        WHERE t.tenant_id = %(tenant)s ORDER BY t.{order} FOR NO KEY UPDATE OF t
    ), moved AS (
        UPDATE {table} t SET customer_id = held.winner, recorded_for = coalesce(t.recorded_for, held.loser)
        FROM held WHERE t.tenant_id = %(tenant)s AND t.id = held.id RETURNING held.loser
    )
    SELECT loser, count(*) AS rows FROM moved GROUP BY loser
""")
PART = sql.SQL("""
    WITH held AS MATERIALIZED (
        SELECT t.id FROM {table} t
        WHERE t.tenant_id = %(tenant)s AND t.customer_id = %(winner)s AND t.recorded_for = ANY(%(parts)s)
        ORDER BY t.{order} FOR NO KEY UPDATE
    )
    UPDATE {table} t SET customer_id = %(loser)s FROM held WHERE t.tenant_id = %(tenant)s AND t.id = held.id
""")
COUNT_EACH = sql.SQL("""
    SELECT {label} AS label, customer_id, count(*) AS rows FROM {table}
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(customers)s) GROUP BY customer_id
""")
COUNT = sql.SQL("SELECT count(*) AS rows FROM {table} WHERE tenant_id = %s AND customer_id = %s")


class Mover(NamedTuple):
    """A table with `customer` and `recorded_for`; `order` is the column by which its rows are locked."""

    model: type[Model]
    order: str

    def sql(self, statement: sql.SQL) -> sql.Composed:
        return statement.format(
            table=sql.Identifier(self.model._meta.db_table), order=sql.Identifier(self.order)
        )


Recounter = Callable[[Collection[UUID]], None]
_movers: dict[str, Mover] = {}
_stays: dict[str, str] = {}
_recounters: list[Callable[..., None]] = []


def moves(*models: type[Model], order: str = "id") -> None:
    """Register tables whose rows go over to the survivor and, by `recorded_for`, back."""
    for model in models:
        _movers[model._meta.label] = Mover(model, order)


def stays(column: str, reason: str) -> None:
    """Say of `app.Model.column`, which names a customer, why it stays as it is in a merge."""
    _stays[column] = reason


def recounts(recount: Callable[..., None]) -> Callable[..., None]:
    """Register what counts the numbers of customers anew from their rows: recount(ids, now=…)."""
    _recounters.append(recount)
    return recount


def movers() -> Mapping[str, Mover]:
    return _movers


def reasons_to_stay() -> Mapping[str, str]:
    return _stays


def move(gone: Mapping[UUID, UUID]) -> dict[UUID, dict[str, int]]:
    """Hand all rows of losers to their winners; how many of each model, by loser. One statement a table."""
    counts: dict[UUID, dict[str, int]] = {loser: {} for loser in gone}
    params = {"losers": list(gone), "winners": list(gone.values()), "tenant": current_tenant().pk}
    for label, mover in _movers.items():
        for row in select(mover.sql(MOVE), params):
            counts[row["loser"]][label] = row["rows"]
    return counts


def part(*, winner: UUID, loser: UUID, parts: Collection[UUID]) -> None:
    """Give the rows that were recorded for these parts of the winner back to the loser. One statement a table."""
    params = {"winner": winner, "loser": loser, "parts": list(parts), "tenant": current_tenant().pk}
    for mover in _movers.values():
        run(mover.sql(PART), params)


def counted(customer: UUID) -> dict[str, int]:
    """How many rows of each model would go over, where there are any. One statement a table."""
    found = {}
    for label, mover in _movers.items():
        (row,) = select(mover.sql(COUNT), [current_tenant().pk, customer])
        if row["rows"]:
            found[label] = row["rows"]
    return found


def counted_each(customers: Collection[UUID], labels: Collection[str]) -> dict[str, dict[UUID, int]]:
    """How many rows of these models each of the customers has, by label; no entry for none. One statement."""
    each = (
        COUNT_EACH.format(label=sql.Literal(label), table=sql.Identifier(_movers[label].model._meta.db_table))
        for label in labels
    )
    found: dict[str, dict[UUID, int]] = {label: {} for label in labels}
    params = {"tenant": current_tenant().pk, "customers": list(customers)}
    for row in select(sql.SQL(" UNION ALL ").join(each), params):
        found[row["label"]][row["customer_id"]] = row["rows"]
    return found


def recount(customers: Collection[UUID], *, now: datetime) -> None:
    for one in _recounters:
        one(customers, now=now)
