"""Trees in memory: whether one holds of somebody whose facts are given, and why. Pure.

The same answers as the SQL of segments.compiler gives; tests/segments/test_differential.py compares the two.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import md5
from typing import Any, NamedTuple
from uuid import UUID

from customers.terms import fold
from segments import patterns
from segments.conditions import Days, Spans, since, times_of
from segments.operators import Operator, positive
from segments.periods import Clock, month_and_day
from segments.trees import (
    AND,
    EMPTY,
    FieldRule,
    Function,
    Group,
    Leaf,
    Node,
    RowsRule,
    SequenceRule,
    Step,
    leaves,
)
from segments.values import Share
from segments.vocabulary import Field, Kind, Relation


class Row(NamedTuple):
    """One row of a relation: the values of its fields."""

    id: Any
    values: Mapping[Field, Any]


class Change(NamedTuple):
    """What a field was until then."""

    at: datetime
    before: Any


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one person, as far as a tree asks for it.

    values:  field -> value; text "" and an empty list are no value, as None is.
    rows:    name of a relation -> its rows.
    changes: field with a history -> its changes.
    """

    id: UUID
    values: Mapping[Field, Any] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    changes: Mapping[Field, Sequence[Change]] = field(default_factory=dict)


def evaluate(tree: Node, facts: Facts, clock: Clock) -> bool:
    """Whether a tree holds of somebody."""
    return _combined(tree, lambda leaf: leaf_holds(leaf, facts, clock))


def _combined(node: Node, asked: Callable[[Leaf], bool]) -> bool:
    if not isinstance(node, Group):
        return asked(node)
    parts = (_combined(rule, asked) for rule in node.rules)
    return (all(parts) if node.combinator == AND else any(parts)) != node.negated


def leaf_holds(leaf: Leaf, facts: Facts, clock: Clock) -> bool:
    match leaf:
        case FieldRule():
            return _field_holds(leaf, facts, clock)
        case RowsRule():
            return answers(leaf.operator, leaf.of, leaf.value, measured(leaf, facts, clock), clock)
        case SequenceRule():
            return _sequence_holds(leaf, facts, clock)


# --- one value
def answers(operator: Operator, field: Field, value: Any, actual: Any, clock: Clock) -> bool:
    """What an operator says of a value that somebody has, or of none."""
    is_set = actual is not None and actual != "" and actual != []
    says = is_set and _holds(positive(operator).name, field, value, actual, clock)
    return says != operator.unset


def _holds(operator: str, field: Field, value: Any, actual: Any, clock: Clock) -> bool:
    if operator == "isNotNull":
        return bool(actual != {})
    times = times_of(field, operator, value, clock)
    if times is not None:
        return _in_time(times, actual, clock)
    if field.kind is Kind.LIST:
        return _LISTS[operator](actual, value)
    if field.kind in (Kind.TEXT, Kind.CODE):
        return _text_holds(operator, field, value, actual)
    return _PLAIN[operator](actual, value)


def _in_time(times: Spans | Days, actual: date, clock: Clock) -> bool:
    if isinstance(times, Days):
        day = clock.local_day(actual) if isinstance(actual, datetime) else actual
        return month_and_day(day) in times.days
    return any(actual in span for span in times.spans)


def _text_holds(operator: str, field: Field, value: Any, actual: str) -> bool:
    is_folded = field.kind is Kind.TEXT
    text = fold(actual) if is_folded else actual
    if operator == "matches":
        return patterns.found_in(value, text, is_folded=is_folded)
    if operator == "in":
        return text in {fold(one) if is_folded else one for one in value}
    return _TEXTS[operator](text, fold(value) if is_folded else value)


_PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda actual, value: actual == value,
    "gt": lambda actual, value: actual > value,
    "gte": lambda actual, value: actual >= value,
    "lt": lambda actual, value: actual < value,
    "lte": lambda actual, value: actual <= value,
    "between": lambda actual, value: value[0] <= actual <= value[1],
    "in": lambda actual, value: actual in value,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda text, value: text == value,
    "contains": lambda text, value: value in text,
    "startsWith": lambda text, value: text.startswith(value),
    "endsWith": lambda text, value: text.endswith(value),
}
_LISTS: dict[str, Callable[[Sequence[str], Any], bool]] = {
    "contains": lambda actual, value: value in actual,
    "containsAny": lambda actual, value: not set(value).isdisjoint(actual),
    "containsAll": lambda actual, value: set(value) <= set(actual),
    "lengthEq": lambda actual, value: len(actual) == value,
    "lengthGte": lambda actual, value: len(actual) >= value,
    "lengthLte": lambda actual, value: len(actual) <= value,
}


# --- a field of the person
def _field_holds(rule: FieldRule, facts: Facts, clock: Clock) -> bool:
    if rule.field.kind is Kind.SAMPLE:
        return drawn(rule.value, facts.id)
    actual = facts.values.get(rule.field)
    if rule.field.kind is Kind.SEGMENTS:
        return (not set(rule.value).isdisjoint(actual or ())) != rule.operator.unset
    if not answers(rule.operator, rule.field, rule.value, actual, clock):
        return False
    return rule.held is None or all(
        answers(rule.operator, rule.field, rule.value, change.before, clock)
        for change in facts.changes.get(rule.field, ())
        if change.at >= since(rule.held, clock)
    )


def drawn(share: Share, pk: UUID) -> bool:
    """Whether somebody is in a sample: the same people every time, for the same seed."""
    digest = md5(f"{share.seed}:{pk}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % 10_000 < int(share.percent * 100)


# --- rows
def rows_of(
    relation: Relation, where: Group | None, within: FieldRule | None, facts: Facts, clock: Clock
) -> Iterator[Row]:
    """The rows for which all of it holds."""
    for row in facts.rows.get(relation.name, ()):
        of_row = Facts(facts.id, row.values)
        if all(evaluate(node, of_row, clock) for node in (where, within) if node):
            yield row


def measured(rule: RowsRule, facts: Facts, clock: Clock) -> Any:
    """What a rule measures of somebody's rows."""
    rows = list(rows_of(rule.relation, rule.where, rule.within, facts, clock))
    if rule.function is Function.COUNT:
        return len(rows)
    if rule.function in (Function.FIRST, Function.LAST):
        return _of_the_ends(rule, rows)
    values = [value for row in rows if (value := row.values.get(rule.of)) is not None]
    if not values:
        return 0 if rule.function in EMPTY else None
    return _MEASURES[rule.function](values)


_MEASURES: dict[Function, Callable[[list[Any]], Any]] = {
    Function.SUM: sum,
    Function.AVG: lambda values: Decimal(sum(values)) / len(values),
    Function.MIN: min,
    Function.MAX: max,
}


def _of_the_ends(rule: RowsRule, rows: Iterable[Row]) -> Any:
    time = rule.relation.time_field
    dated = [row for row in rows if row.values.get(time) is not None]
    if not dated:
        return None
    end = max if rule.function is Function.LAST else min
    return end(dated, key=lambda row: (row.values[time], row.id)).values.get(rule.of)


# --- sequences
def _sequence_holds(rule: SequenceRule, facts: Facts, clock: Clock) -> bool:
    first, *rest = rule.steps
    starts = rows_of(first.relation, first.where, first.within, facts, clock)
    return any(
        row.values.get(first.relation.time_field) is not None
        and _goes_on(rule, rest, row, row.values[first.relation.time_field], facts, clock)
        for row in starts
    )


def _goes_on(
    rule: SequenceRule, steps: Sequence[Step], first: Row, before: datetime, facts: Facts, clock: Clock
) -> bool:
    if not steps:
        return True
    step, *rest = steps
    time = step.relation.time_field
    comes = any(
        (at := row.values.get(time)) is not None
        and at > before
        and (step.after is None or at <= before + step.after.delta)
        and all(_is_same(name, rule.steps[0], step, first, row) for name in rule.same)
        and _goes_on(rule, rest, first, at, facts, clock)
        for row in rows_of(step.relation, step.where, None, facts, clock)
    )
    if not step.negated:
        return comes
    has_passed = step.after is None or before + step.after.delta <= clock.moment
    return not comes and has_passed


def _is_same(name: str, first: Step, step: Step, one: Row, other: Row) -> bool:
    ours, theirs = first.relation.words.find(name), step.relation.words.find(name)
    assert ours and theirs  # noqa: S101 - the parser found them
    a, b = one.values.get(ours), other.values.get(theirs)
    return a not in (None, "") and b not in (None, "") and _alike(a) == _alike(b)


def _alike(value: Any) -> Any:
    """JSON compares true with 1 as two things, Python as one."""
    return json.dumps(value, sort_keys=True, default=str) if isinstance(value, bool | dict | list) else value


# --- why
class Verdict(NamedTuple):
    """What became of one leaf, and the value that it was asked of: of rows, what was measured."""

    path: str
    leaf: Leaf
    holds: bool
    actual: Any


def explain(tree: Group, facts: Facts, clock: Clock) -> list[Verdict]:
    """The verdict on every leaf of a tree, in order."""
    return [
        Verdict(path, leaf, leaf_holds(leaf, facts, clock), _actual(leaf, facts, clock))
        for path, leaf in leaves(tree)
    ]


def _actual(leaf: Leaf, facts: Facts, clock: Clock) -> Any:
    match leaf:
        case FieldRule(field):
            return facts.values.get(field)
        case RowsRule():
            return measured(leaf, facts, clock)
        case SequenceRule(steps):
            first = steps[0]
            return len(list(rows_of(first.relation, first.where, first.within, facts, clock)))


def decisive(tree: Group, holds: Mapping[str, bool]) -> list[str]:
    """The paths of the leaves that decide: had one of them alone been the other way, so would the whole.

    holds: path -> whether that leaf holds.
    """
    return [path for path in holds if _with(tree, {**holds, path: not holds[path]}) != _with(tree, holds)]


def _with(node: Node, holds: Mapping[str, bool], path: str = "") -> bool:
    if not isinstance(node, Group):
        return holds[path]
    parts = (
        _with(rule, holds, f"{path}{'.' if path else ''}rules[{number}]")
        for number, rule in enumerate(node.rules)
    )
    return (all(parts) if node.combinator == AND else any(parts)) != node.negated
