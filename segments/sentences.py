"""Rules in plain English, as staff read them. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from segments.operators import OPERATORS, Operator
from segments.periods import Around, Between, Length, Period
from segments.trees import (
    AND,
    FieldRule,
    Function,
    Group,
    Node,
    RowsRule,
    SequenceRule,
    Step,
)
from segments.vocabulary import Field, Kind, Relation

Names = Mapping[UUID, str]
_LISTED = 5  # values that are named; of more, how many there are

_PERIODS = {
    Period.TODAY: "today", Period.YESTERDAY: "yesterday", Period.TOMORROW: "tomorrow",
    Period.THIS_WEEK: "this week", Period.LAST_WEEK: "last week", Period.NEXT_WEEK: "next week",
    Period.THIS_MONTH: "this month", Period.LAST_MONTH: "last month", Period.NEXT_MONTH: "next month",
    Period.THIS_YEAR: "this year", Period.LAST_YEAR: "last year", Period.NEXT_YEAR: "next year",
}  # fmt: skip
_OF_TIMES = {
    "eq": "is on {}", "neq": "is not on {}", "gt": "is after {}", "gte": "is on or after {}", "lt": "is before {}",
    "lte": "is on or before {}", "inLast": "is in the last {}", "inNext": "is in the next {}",
    "moreThanAgo": "is more than {} ago", "moreThanAhead": "is more than {} ahead", "betweenAgo": "is {} ago",
    "betweenAhead": "is {} ahead", "during": "is {}", "anniversaryWithin": "has its anniversary {}",
    "anniversaryDuring": "has its anniversary {}",
}  # fmt: skip
_OF_LISTS = {
    "contains": "contain {}", "notContains": "do not contain {}", "containsAny": "contain any of {}",
    "containsAll": "contain all of {}", "containsNone": "contain none of {}", "lengthEq": "are exactly {}",
    "lengthGte": "are at least {}", "lengthLte": "are at most {}", "isNotNull": "are known", "isNull": "are not known",
}  # fmt: skip
_MEASURES = {
    Function.SUM: "the sum of “{}” of all", Function.AVG: "the average “{}” of all",
    Function.MIN: "the lowest “{}” of all", Function.MAX: "the highest “{}” of all",
    Function.FIRST: "“{}” of the first", Function.LAST: "“{}” of the last",
}  # fmt: skip


def sentence(tree: Node, names: Names | None = None) -> str:
    """A tree, or a leaf of it, as a sentence. `names`: of segments, by their ids."""
    words = _said(tree, names or {})
    return words[:1].upper() + words[1:]


def _said(node: Node, names: Names) -> str:
    match node:
        case Group():
            return _group(node, names)
        case FieldRule():
            return _field(node, names)
        case RowsRule():
            return _rows(node, names)
        case SequenceRule():
            return _sequence(node, names)


def _group(group: Group, names: Names) -> str:
    parts = [_inner(rule, group, names) for rule in group.rules]
    words = (" and " if group.combinator == AND else " or ").join(parts)
    return f"not ({words})" if group.negated else words


def _inner(rule: Node, group: Group, names: Names) -> str:
    words = _said(rule, names)
    is_clear = not isinstance(rule, Group) or rule.negated or len(rule.rules) == 1
    return words if is_clear or len(group.rules) == 1 else f"({words})"


def _field(rule: FieldRule, names: Names) -> str:
    if rule.field.kind is Kind.SAMPLE:
        return f"is in a random {_value(rule.field, rule.value.percent)} % of all people"
    if rule.field.kind is Kind.SEGMENTS:
        which = _listed(names.get(pk, str(pk)) for pk in rule.value)
        return f"is {'not ' if rule.operator.unset else ''}in {which}"
    words = f"{rule.field.label} {_asked(rule.field, rule.operator, rule.value)}"
    return f"{words}, for at least {_length(rule.held)} now," if rule.held else words


def _asked(field: Field, operator: Operator, value: Any) -> str:
    """What is asked of a value: "is at most 12"."""
    if field.kind in (Kind.DATE, Kind.MOMENT) and operator.name in _OF_TIMES:
        return _OF_TIMES[operator.name].format(_value(field, value))
    if field.kind is Kind.LIST:
        return _OF_LISTS[operator.name].format(_value(field, value))
    if field.kind is Kind.BOOL and operator.name in ("eq", "neq"):
        return f"{operator.label} {'yes' if value else 'no'}"
    if operator is OPERATORS["between"]:
        return f"is between {_value(field, value[0])} and {_value(field, value[1])}"
    return operator.label if value is None else f"{operator.label} {_value(field, value)}"


def _value(field: Field, value: Any) -> str:
    match value:
        case Length():
            return _length(value)
        case Between(least, most, unit):
            return f"{least} to {most} {unit.value}"
        case Around(first, last):
            return f"between {_days_away(first)} and {_days_away(last)}"
        case Period():
            return _PERIODS[value]
        case tuple():
            return _listed(_value(field, one) for one in value)
        case datetime():
            return f"{value:%d %b %Y, %H:%M} UTC"
        case date():
            return f"{value:%d %b %Y}"
        case int() | Decimal():
            return _number(field, value)
    label = next((choice.label for choice in field.choices if choice.value == value), None)
    return label or f"“{value}”"


def _number(field: Field, value: int | Decimal) -> str:
    if field.unit == "cents":
        return f"{Decimal(value) / 100:,.2f}"
    return f"{value:,f}" if isinstance(value, Decimal) else str(value)


def _length(length: Length) -> str:
    unit = length.unit.value.removesuffix("s") if length.amount == 1 else length.unit.value
    return f"{length.amount} {unit}"


def _days_away(days: int) -> str:
    if days == 0:
        return "today"
    words = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    return f"{words} ago" if days < 0 else f"{words} from now"


def _listed(words: Iterable[str]) -> str:
    found = list(words)
    if len(found) > _LISTED:
        return f"{', '.join(found[:_LISTED])} and {len(found) - _LISTED} more"
    return " or ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else found[0]


# --- rows
def _rows(rule: RowsRule, names: Names) -> str:
    where = _filters(rule.where, rule.within, names)
    if rule.function is Function.COUNT:
        return f"has {_how_many(rule.relation, rule.operator.name, rule.value)}{where}"
    is_one = rule.function in (Function.FIRST, Function.LAST)
    of = _MEASURES[rule.function].format(rule.of.label)
    rows = rule.relation.one if is_one else rule.relation.label
    return f"{of} {rows}{where} {_asked(rule.of, rule.operator, rule.value)}"


def _how_many(relation: Relation, operator: str, value: Any) -> str:
    if (operator, value) in (("gte", 1), ("gt", 0), ("neq", 0)):
        return f"{_a(relation.one)}"
    if (operator, value) in (("eq", 0), ("lt", 1), ("lte", 0)):
        return f"no {relation.label}"
    words = OPERATORS[operator].label.removeprefix("is ")
    number = _listed(map(str, value)) if isinstance(value, tuple) else f"{value}"
    return f"{words} {number} {relation.label}" if operator != "eq" else f"exactly {number} {relation.label}"


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _filters(where: Group | None, within: FieldRule | None, names: Names) -> str:
    words = f" whose {_said(where, names)}" if where else ""
    if within is None:
        return words
    if isinstance(within.value, Length):
        return f" in the last {_length(within.value)}{words}"
    return f" {_PERIODS[within.value]}{words}"


def _sequence(rule: SequenceRule, names: Names) -> str:
    first, *rest = rule.steps
    parts = [f"has {_a(first.relation.one)}{_filters(first.where, first.within, names)}"]
    parts += [_then(step, names) for step in rest]
    same = f", with the same {' and '.join(rule.same)}" if rule.same else ""
    return ", ".join(parts) + same


def _then(step: Step, names: Names) -> str:
    within = f" within {_length(step.after)}" if step.after else ""
    one = f"no {step.relation.one}" if step.negated else _a(step.relation.one)
    return f"and{within} after that {one}{_filters(step.where, None, names)}"
