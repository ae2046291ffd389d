"""Lists: a page by skip and take, or a walk by cursor whose cost does not grow on the way."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core import signing
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import F, Q, QuerySet
from rest_framework import serializers
from rest_framework.response import Response

from crm.errors import Detail, ValidationFailed
from crm.rest.serializers import Names, Query, Whole
from crm.tenancy.scope import current_tenant

MOST = 100
FARTHEST = 10_000
Rows = QuerySet[Any]


class PageQuery(Query):
    """What every list takes; each adds `sort` and `fields` with what it offers."""

    skip = Whole(required=False, min_value=0, max_value=FARTHEST, help_text="Rows to pass over (0).")
    take = Whole(default=25, min_value=1, max_value=MOST, help_text=f"Rows of a page, at most {MOST}.")
    cursor = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="meta.nextCursor of the page before; empty to start a walk.",
    )


@dataclass(frozen=True, slots=True)
class Column:
    """What a list can be sorted by.

    path:  the model's, with __ through a relation; or a name of its own for `value`.
    value: an expression to sort by, where it is no column; blank of it as null. A pair of indexes may serve it, for
           each direction with nulls last.
    """

    path: str
    nullable: bool = False
    value: Any = None


class Sort(NamedTuple):
    column: Column
    descending: bool


class Ordering:
    """How one list may be sorted; ids break every tie, nulls stand last either way.

    name: the list's. default: as a client would write `sort`.
    """

    def __init__(self, name: str, columns: Mapping[str, Column], *, default: str) -> None:
        self.name, self.columns, self.default = name, columns, default

    def parameter(self) -> Names:
        """The query parameter `sort`."""
        choices = [sign + name for name in self.columns for sign in ("", "-")]
        return Names(choices, help_text="Separated by commas; - before a field turns it round.")

    def read(self, words: Sequence[str] | None) -> list[Sort]:
        """What a validated `sort` says; a field named again changes nothing."""
        sorts: dict[str, Sort] = {}
        for word in words or self.default.split(","):
            name = word.removeprefix("-")
            sorts.setdefault(name, Sort(self.columns[name], word.startswith("-")))
        first, *_, last = [*sorts.values()] * 2
        relation = first.column.path.rpartition("__")[0]  # the tie lies where the index does
        tie = Column(f"{relation}__pk" if relation else "pk")
        return [*sorts.values(), Sort(tie, last.descending)]

    def apply(self, rows: Rows, sorts: Sequence[Sort]) -> Rows:
        """Sorted rows. What is sorted by through a relation names the tenant there too, for the index's sake."""
        rows = rows.annotate(**{s.column.path: s.column.value for s in sorts if s.column.value is not None})
        for relation in {s.column.path.rpartition("__")[0] for s in sorts} - {""}:
            rows = rows.filter(**{f"{relation}__tenant": current_tenant()})
        return rows.order_by(*map(_expression, sorts))

    def cursor(self, row: Any, sorts: Sequence[Sort]) -> str:
        """Where a walk goes on after `row`; signed, and good for this tenant, list and order only."""
        values = [_plain(_value(row, sort.column.path)) for sort in sorts]
        return signing.dumps([_signature(sorts), values], salt=self._salt)

    def after(self, rows: Rows, sorts: Sequence[Sort], cursor: str) -> list[Rows]:
        """The rows beyond a cursor, in stretches to be read one after the other. Raises ValidationFailed."""
        try:
            order, texts = signing.loads(cursor, salt=self._salt)
            if order != _signature(sorts):
                raise ValueError
            values = [
                None if text is None else _field(rows, sort.column.path).to_python(text)
                for sort, text in zip(sorts, texts, strict=True)
            ]
        except (signing.BadSignature, DjangoValidationError, ValueError, TypeError):
            raise ValidationFailed(
                details=[Detail("cursor", "INVALID_FORMAT", "is not a cursor of this list in this order")]
            ) from None
        return _stretches(rows.filter(_beyond_all(sorts, values)), sorts[0], values[0], rows)

    @property
    def _salt(self) -> str:
        return f"cursor:{current_tenant().pk}:{self.name}"


class Walk(NamedTuple):
    """A page of a walk. `next_cursor` is None at the end."""

    rows: list[Any]
    next_cursor: str | None


def walk(
    rows: Rows, ordering: Ordering, *, cursor: str = "", take: int, sort: Sequence[str] | None = None
) -> Walk:
    """The page after a cursor (the first one after ""), the same cost however far. One statement, or two.

    Raises ValidationFailed for a cursor that is none of this list in this order.
    """
    sorts = ordering.read(sort)
    found: list[Any] = []
    ordered = ordering.apply(rows, sorts)
    for stretch in ordering.after(ordered, sorts, cursor) if cursor else [ordered]:
        found += stretch[: take + 1 - len(found)]
        if len(found) > take:
            return Walk(found[:take], ordering.cursor(found[take - 1], sorts))
    return Walk(found, None)


def paginate(
    rows: Rows,
    query: Mapping[str, Any],
    ordering: Ordering,
    shape: Callable[[Any], dict[str, Any]],
    *,
    prepare: Callable[[Sequence[Any]], object] = tuple,
) -> Response:
    """One page of a list.

    prepare: is shown the rows of the page before `shape` is, to load for all of them what each needs.
    Two statements by skip (one when the page shows that it is the last), one or two by cursor.
    """
    take, chosen = query["take"], query.get("fields")
    if "cursor" in query:
        if "skip" in query:
            raise ValidationFailed(details=[Detail("skip", "INVALID_FIELD", "can't be combined with cursor")])
        page = walk(rows, ordering, cursor=query["cursor"], take=take, sort=query.get("sort"))
        meta: dict[str, Any] = {"take": take, "hasMore": page.next_cursor is not None}
        prepare(page.rows)
        return _answer(page.rows, meta | {"nextCursor": page.next_cursor}, chosen, shape)
    sorts, skip = ordering.read(query.get("sort")), query.get("skip", 0)
    found = list(ordering.apply(rows, sorts)[skip : skip + take + 1])
    meta = {**_total(rows, skip, found, take), "skip": skip, "take": take, "hasMore": len(found) > take}
    if len(found) > take:
        meta["nextCursor"] = ordering.cursor(found[take - 1], sorts)
    prepare(found[:take])
    return _answer(found[:take], meta, chosen, shape)


def _answer(
    rows: Iterable[Any],
    meta: dict[str, Any],
    chosen: Collection[str] | None,
    shape: Callable[[Any], dict[str, Any]],
) -> Response:
    return Response({"data": [sparse(shape(row), chosen) for row in rows], "meta": meta})


def fields_parameter(names: Iterable[str], *, maps: Sequence[str] = ()) -> Names:
    """The query parameter `fields`. maps: those of the names of which single keys can be chosen, as map.key."""
    keys = f" Of {', '.join(maps)} also single keys: {maps[0]}.<key>." if maps else ""
    return Names(
        list(names), maps=maps, help_text=f"The only fields to answer with, separated by commas.{keys}"
    )


def sparse(shape: dict[str, Any], chosen: Collection[str] | None) -> dict[str, Any]:
    """A reply with the chosen fields only, if any were chosen; keys of a map (map.key) in the map."""
    if chosen is None:
        return shape
    found: dict[str, Any] = {}
    for path in chosen:
        name, dot, key = path.partition(".")
        if dot and name not in chosen and name in shape:
            found.setdefault(name, {})[key] = shape[name].get(key)
        elif path in shape:
            found[path] = shape[path]
    return found


def _total(rows: Rows, skip: int, found: Sequence[Any], take: int) -> dict[str, Any]:
    """How many there are: exact to 10,000, beyond that what the planner thinks."""
    if len(found) <= take and (found or skip == 0):
        return {"total": skip + len(found)}
    ids = rows.order_by().values("pk")
    total = ids[: FARTHEST + 1].count()
    if total <= FARTHEST:
        return {"total": total}
    (plan,) = json.loads(ids.explain(format="json"))
    return {"total": max(total, plan["Plan"]["Plan Rows"]), "totalIsExact": False}


def _expression(sort: Sort) -> Any:
    column = F(sort.column.path)
    nulls = {"nulls_last": True} if sort.column.nullable else {}
    return column.desc(**nulls) if sort.descending else column.asc(**nulls)


def _beyond_all(sorts: Sequence[Sort], values: Sequence[Any]) -> Q:
    """Rows after the one with `values`: equal in the first columns, beyond it in the next."""
    found, equal = Q(pk__in=[]), Q()
    for sort, value in zip(sorts, values, strict=True):
        path = sort.column.path
        if value is None:
            equal &= Q(**{f"{path}__isnull": True})
            continue
        beyond = Q(**{f"{path}__{'lt' if sort.descending else 'gt'}": value})
        if sort.column.nullable:
            beyond |= Q(**{f"{path}__isnull": True})
        found |= equal & beyond
        equal &= Q(**{path: value})
    return found


def _stretches(beyond: Rows, first: Sort, value: Any, rows: Rows) -> list[Rows]:
    """The same rows with a bound on the first column that an index can start from; its nulls come apart."""
    path = first.column.path
    nulls = Q(**{f"{path}__isnull": True})
    if value is None:
        return [beyond.filter(nulls)]
    near = beyond.filter(**{f"{path}__{'lte' if first.descending else 'gte'}": value})
    return [near, rows.filter(nulls)] if first.column.nullable else [near]


def _signature(sorts: Sequence[Sort]) -> str:
    return ",".join(f"{'-' if sort.descending else ''}{sort.column.path}" for sort in sorts)


def _field(rows: Rows, path: str) -> Any:
    if path in rows.query.annotations:
        return rows.query.annotations[path].output_field
    model: Any = rows.model
    *relations, name = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _value(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
    return row


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)
