"""Reads what the evaluator needs to know of some people: one statement for them, one for each relation and history."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from segments.columns import column_of, in_span, was
from segments.compiler import PEOPLE
from segments.conditions import Spans, times_of
from segments.evaluator import Change, Facts, Row
from segments.periods import Clock, Span
from segments.statements import Sql, joined, sql
from segments.trees import (
    COUNTED,
    FieldRule,
    Group,
    Leaf,
    RowsRule,
    SequenceRule,
    Step,
    field_rules,
    leaves,
)
from segments.vocabulary import Field, Kind, Relation


def load(tree: Group, people: Collection[UUID], clock: Clock) -> dict[UUID, Facts]:
    """The facts about these people that a tree asks for, by their ids."""
    ids = sorted(people)
    asked = [leaf.field for _path, leaf in leaves(tree) if isinstance(leaf, FieldRule)]
    values = _values([field for field in asked if field.kind is not Kind.SAMPLE], ids, clock)
    rows = {
        relation.name: _rows(relation, wanted, _since(tree, relation, clock), ids, clock)
        for relation, wanted in _asked_of_rows(tree).items()
    }
    held = {leaf.field for _path, leaf in leaves(tree) if isinstance(leaf, FieldRule) and leaf.held}
    changes = {field: _changes(field, ids) for field in held}
    return {
        pk: Facts(
            pk,
            values[pk],
            {name: of.get(pk, []) for name, of in rows.items()},
            {field: of.get(pk, []) for field, of in changes.items()},
        )
        for pk in values
    }


def _asked_of_rows(tree: Group) -> dict[Relation, dict[Field, None]]:
    """The fields of each relation's rows that a tree asks about."""
    found: defaultdict[Relation, dict[Field, None]] = defaultdict(dict)
    for _path, leaf in leaves(tree):
        for relation, fields in _asked_of(leaf):
            found[relation] |= dict.fromkeys([relation.time_field, *fields])
    return found


def _asked_of(leaf: Leaf) -> Iterator[tuple[Relation, list[Field]]]:
    if isinstance(leaf, RowsRule):
        measured = [leaf.of] if leaf.of is not COUNTED else []
        yield leaf.relation, [rule.field for rule in field_rules(leaf)] + measured
    if isinstance(leaf, SequenceRule):
        for step in leaf.steps:
            same = [field for name in leaf.same if (field := step.relation.words.find(name))]
            yield step.relation, [rule.field for rule in field_rules(step.where)] + same


def _since(tree: Group, relation: Relation, clock: Clock) -> Sql:
    """Only the rows from when on a tree asks for any, where it does not ask for all of them."""
    starts = [
        _start(leaf, clock)
        for _path, leaf in leaves(tree)
        if any(asked is relation for asked, _fields in _asked_of(leaf))
    ]
    if None in starts:
        return Sql("true")
    time = relation.time_field
    return in_span(column_of(time, clock, "r"), Span(min(starts), None), time.kind)


def _start(leaf: Leaf, clock: Clock) -> Any:
    """From when on a leaf asks for rows; what comes in a sequence comes after its first row."""
    match leaf:
        case (
            RowsRule(within=FieldRule() as within)
            | SequenceRule(steps=(Step(within=FieldRule() as within), *_))
        ):
            times = times_of(within.field, within.operator.name, within.value, clock)
            return times.spans[0].start if isinstance(times, Spans) else None
    return None


def _values(fields: Iterable[Field], ids: Sequence[UUID], clock: Clock) -> dict[UUID, dict[Field, Any]]:
    wanted = list(dict.fromkeys(fields))
    statement = sql(
        "SELECT p.id{columns} FROM {people} WHERE p.tenant_id = {tenant} AND p.id = ANY({ids}::uuid[])",
        columns=_named(wanted, clock, ""), people=PEOPLE, tenant=current_tenant().pk, ids=list(ids),
    )  # fmt: skip
    return {row["id"]: _read(wanted, row) for row in _select(statement)}


def _rows(
    relation: Relation, fields: Mapping[Field, None], since: Sql, ids: Sequence[UUID], clock: Clock
) -> dict[UUID, list[Row]]:
    statement = sql(
        "SELECT r.customer_id, r.id{columns} FROM {source}"
        " WHERE r.tenant_id = {tenant} AND r.customer_id = ANY({ids}::uuid[]) AND {when} AND {since}",
        columns=_named(fields, clock, "r"), source=Sql(relation.source.replace("{row}", "r")),
        tenant=current_tenant().pk, ids=list(ids), when=Sql(relation.when.replace("{row}", "r")), since=since,
    )  # fmt: skip
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in _select(statement):
        found[row["customer_id"]].append(Row(row["id"], _read(fields, row)))
    return found


def _changes(field: Field, ids: Sequence[UUID]) -> dict[UUID, list[Change]]:
    statement = sql(
        "SELECT c.customer_id, c.at, {before} AS before FROM customers_fieldchange c"
        " WHERE c.tenant_id = {tenant} AND c.customer_id = ANY({ids}::uuid[]) AND c.field = {name}",
        before=was(field, Sql("c.before")).column, tenant=current_tenant().pk, ids=list(ids), name=field.history,
    )  # fmt: skip
    found: defaultdict[UUID, list[Change]] = defaultdict(list)
    for row in _select(statement):
        found[row["customer_id"]].append(Change(row["at"], row["before"]))
    return found


def _named(fields: Iterable[Field], clock: Clock, row: str) -> Sql:
    columns = (column_of(field, clock, row) for field in fields)
    return joined(
        "", [sql(f", {{column}} AS v{number}", column=column) for number, column in enumerate(columns)]
    )


def _read(fields: Iterable[Field], row: Mapping[str, Any]) -> dict[Field, Any]:
    return {field: _plain(field, row[f"v{number}"]) for number, field in enumerate(fields)}


def _plain(field: Field, value: Any) -> Any:
    return json.loads(value, parse_float=Decimal) if field.kind is Kind.ANY and value is not None else value


def _select(statement: Sql) -> list[dict[str, Any]]:
    return select(statement.text, statement.params)
