"""The history of a profile's fields: who writes it, what triggers can't see, and forgetting it.

The triggers on the profile (customers.tracking) write down every change of the row, by the stamps in it. A batch
folds many writes into one change of the row, and a late write changes nothing: those are noted here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet

from crm.rest.paging import Column, Ordering
from crm.tenancy.actors import actor_names
from crm.tenancy.rows import insert_rows, run, select
from crm.tenancy.scope import current_tenant
from customers.models import FieldChange, FieldWrite
from customers.models.history import LINKS, TRACKED, TRACKED_MAPS
from customers.stamps import EPOCH, Stamp, Told

HISTORY = Ordering("field history", {"at": Column("at")}, default="-at")
MAPS = {*TRACKED_MAPS, "external_ids"}
COLUMNS = (
    "customer_id", "changes", "tier", "version", "at", "rank", "event", "source", "by", "request_id", "recorded_at",
    "is_erased",
)  # fmt: skip
BLANK = """
    UPDATE customers_fieldwrite w
    SET is_erased = true,
        changes = (SELECT jsonb_object_agg(name, '[null, null]'::jsonb) FROM jsonb_object_keys(changes) AS name)
    WHERE tenant_id = %s
"""
ERASE, ERASE_ROWS = f"{BLANK} AND customer_id = ANY(%s)", f"{BLANK} AND id = ANY(%s) RETURNING id"


def say_who(by: str, stamp: Stamp | None = None) -> None:
    """Tell the database who writes in this transaction; the triggers note it. One statement.

    stamp: of an act that brings older words back, which then counts as what says them.
    """
    context = {"by": by, "request": _request()} | ({"stamp": stamp} if stamp else {})
    run("SELECT set_config('fairway.context', %s, true)", [json.dumps(context)])


def note(told: Mapping[UUID, Sequence[Told]], *, now: datetime, by: str) -> None:
    """Write down what the row alone can't tell of these customers. One statement, where there is anything.

    That is where an attribute was told more than once, and the links, which have no stamps of their own.
    """
    rows = [row for customer, said in told.items() for row in _rows(customer, said, now, by)]
    insert_rows(FieldWrite, rows, COLUMNS)


def changes_of(customer_id: UUID, fields: Collection[str] = ()) -> "QuerySet[FieldChange]":
    """The changes of a customer's fields; of some columns only, if named. A map stands for all of its keys."""
    changes: QuerySet[FieldChange] = FieldChange.objects.filter(customer_id=customer_id)
    of_maps = Q(*(Q(field__startswith=f"{name}.") for name in {*fields} & MAPS), _connector=Q.OR)
    return changes.filter(Q(field__in=fields) | of_maps) if fields else changes


def with_names(changes: Sequence[FieldChange]) -> None:
    """Set `by_name` of changes. Two statements at most."""
    names = actor_names(change.by for change in changes)
    for change in changes:
        change.by_name = names.get(change.by, "")


def erase_values(customers: Iterable[UUID]) -> None:
    """Blank what the history of these customers says, and keep who changed which field and when. Three statements."""
    with erasing():
        run(ERASE, [current_tenant().pk, list(customers)])


def erase_rows(ids: Sequence[int]) -> int:
    """Blank what these writes say; how many they were. Three statements."""
    with erasing():
        return len(select(ERASE_ROWS, [current_tenant().pk, list(ids)]))


@contextmanager
def erasing() -> Iterator[None]:
    """Let append-only logs be changed inside, in the caller's transaction. Two statements."""
    run("SELECT set_config('fairway.erasing', 'on', true)", [])
    yield
    run("SELECT set_config('fairway.erasing', 'off', true)", [])


def _rows(customer: UUID, said: Sequence[Told], now: datetime, by: str) -> Iterator[dict[str, Any]]:
    """One row for each stamp."""
    times = Counter(one.attribute for one in said)
    by_stamp: defaultdict[Stamp, dict[str, Any]] = defaultdict(dict)
    for one in said:
        name = one.attribute.partition(".")[0]
        if name in LINKS or (name in TRACKED and times[one.attribute] > 1):
            by_stamp[one.stamp] |= _pairs(one)
    for stamp, changes in by_stamp.items():
        if changes:
            at = EPOCH + timedelta(microseconds=stamp.at)
            yield {
                "customer_id": customer, "changes": changes, "tier": stamp.tier, "version": stamp.version, "at": at,
                "rank": stamp.rank, "event": stamp.event, "source": stamp.source, "by": by, "request_id": _request(),
                "recorded_at": now, "is_erased": False,
            }  # fmt: skip


def _pairs(one: Told) -> dict[str, list[Any]]:
    """Column, or map.key -> [before, after]."""
    if one.attribute not in TRACKED_MAPS:
        return {one.attribute: [_plain(one.before), _plain(one.value)]}
    before, after = one.before or {}, one.value or {}
    return {
        f"{one.attribute}.{key}": [before.get(key), after.get(key)]
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }


def _plain(value: Any) -> Any:
    """As the triggers write it: nothing for blank, a number for a decimal."""
    return None if value == "" else float(value) if isinstance(value, Decimal) else value


def _request() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
