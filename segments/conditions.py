"""Conditions on days and moments, as the spans of time that they come down to. Pure."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from segments.operators import Operator, Shape
from segments.periods import (
    DAY,
    INSTANT,
    Between,
    Clock,
    Length,
    Span,
    Unit,
    days_of,
    shifted,
    yearly,
)
from segments.trees import Node, RowsRule, SequenceRule, field_rules, leaves
from segments.vocabulary import Field, Kind

ABSOLUTE = ("eq", "neq", "gt", "gte", "lt", "lte", "between", "isNull", "isNotNull")


class Spans(NamedTuple):
    """The value is in one of these; of a field of days they are days, of one of moments moments."""

    spans: tuple[Span, ...]


class Days(NamedTuple):
    """The value's anniversary is on one of these days, as month * 100 + day."""

    days: frozenset[int]


def times_of(field: Field, operator: str, value: Any, clock: Clock) -> Spans | Days | None:
    """What a positive operator asks of a time; None where it asks something else, or of something else."""
    if operator == "isNotNull":
        return None
    if field.kind is Kind.AGE:
        return Spans(_AGES[operator](value, clock.today))
    if field.kind not in (Kind.DATE, Kind.MOMENT):
        return None
    if operator == "anniversaryWithin":
        return Days(yearly(Span(clock.today + value.first * DAY, clock.today + (value.last + 1) * DAY)))
    if operator == "anniversaryDuring":
        return Days(yearly(days_of(value, clock.today)))
    return Spans((_span(field, operator, value, clock),))


def _span(field: Field, operator: str, value: Any, clock: Clock) -> Span:
    is_moment = field.kind is Kind.MOMENT
    if operator in _ABSOLUTE:
        return _ABSOLUTE[operator](_Ends(clock, is_moment), value)
    if isinstance(value, Length | Between) and value.unit.slides:
        return _SLIDING[operator](value, clock.moment, field.is_past)
    days = days_of(value, clock.today) if operator == "during" else _CALENDAR[operator](value, clock.today)
    if not is_moment:
        return days
    span = clock.moments(days)
    if operator == "inLast":  # not what is still to come today
        return span._replace(end=None if field.is_past else clock.moment + INSTANT)
    return span._replace(start=clock.moment) if operator == "inNext" else span


def since(held: Length, clock: Clock) -> datetime:
    """From when on something must have been so, for it to have been so for that long."""
    if held.unit.slides:
        return clock.moment - held.delta
    return clock.midnight(shifted(clock.today, -held.amount, held.unit))


class _Ends(NamedTuple):
    """Where a value begins and ends: a day has a length, a moment none that counts."""

    clock: Clock
    is_moment: bool

    def start(self, value: date) -> date:
        if isinstance(value, datetime) or not self.is_moment:
            return value
        return self.clock.midnight(value)

    def end(self, value: date) -> date:
        if isinstance(value, datetime):
            return value + INSTANT
        return self.start(value + DAY)


_ABSOLUTE: dict[str, Callable[[_Ends, Any], Span]] = {
    "eq": lambda ends, value: Span(ends.start(value), ends.end(value)),
    "gt": lambda ends, value: Span(ends.end(value), None),
    "gte": lambda ends, value: Span(ends.start(value), None),
    "lt": lambda ends, value: Span(None, ends.start(value)),
    "lte": lambda ends, value: Span(None, ends.end(value)),
    "between": lambda ends, value: Span(ends.start(value[0]), ends.end(value[1])),
}
_CALENDAR: dict[str, Callable[[Any, date], Span]] = {
    "inLast": lambda value, today: Span(_ago(value.amount, value, today), today + DAY),
    "inNext": lambda value, today: Span(today, _ahead(value.amount, value, today) + DAY),
    "moreThanAgo": lambda value, today: Span(None, _ago(value.amount, value, today)),
    "moreThanAhead": lambda value, today: Span(_ahead(value.amount, value, today) + DAY, None),
    "betweenAgo": lambda value, today: Span(
        _ago(value.most, value, today), _ago(value.least, value, today) + DAY
    ),
    "betweenAhead": lambda value, today: Span(
        _ahead(value.least, value, today), _ahead(value.most, value, today) + DAY
    ),
}


def _ago(amount: int, value: Length | Between, today: date) -> date:
    return shifted(today, -amount, value.unit)


def _ahead(amount: int, value: Length | Between, today: date) -> date:
    return shifted(today, amount, value.unit)


def _delta(amount: int, unit: Unit) -> timedelta:
    return Length(amount, unit).delta


# The last argument: whether the value is never ahead of us, so that the moment itself is no end.
_SLIDING: dict[str, Callable[[Any, datetime, bool], Span]] = {
    "inLast": lambda value, now, is_past: Span(now - value.delta, None if is_past else now + INSTANT),
    "inNext": lambda value, now, _: Span(now, now + value.delta + INSTANT),
    "moreThanAgo": lambda value, now, _: Span(None, now - value.delta),
    "moreThanAhead": lambda value, now, _: Span(now + value.delta + INSTANT, None),
    "betweenAgo": lambda value, now, _: Span(
        now - _delta(value.most, value.unit), now - _delta(value.least, value.unit) + INSTANT
    ),
    "betweenAhead": lambda value, now, _: Span(
        now + _delta(value.least, value.unit), now + _delta(value.most, value.unit) + INSTANT
    ),
}


# --- ages, by the day of birth
def _born_by(age: int, today: date) -> date:
    """The day after the last one on which somebody was born who is that old by now."""
    return shifted(today, -age, Unit.YEARS) + DAY


_AGES: dict[str, Callable[[Any, date], tuple[Span, ...]]] = {
    "eq": lambda age, today: (Span(_born_by(age + 1, today), _born_by(age, today)),),
    "in": lambda ages, today: tuple(Span(_born_by(age + 1, today), _born_by(age, today)) for age in ages),
    "gt": lambda age, today: (Span(None, _born_by(age + 1, today)),),
    "gte": lambda age, today: (Span(None, _born_by(age, today)),),
    "lt": lambda age, today: (Span(_born_by(age, today), None),),
    "lte": lambda age, today: (Span(_born_by(age + 1, today), None),),
    "between": lambda ages, today: (Span(_born_by(ages[1] + 1, today), _born_by(ages[0], today)),),
}


# --- what the clock changes
def moves_with_clock(tree: Node) -> bool:
    """Whether somebody may come to match a tree, or cease to, though nothing of them was written."""
    sequences = (leaf for _path, leaf in leaves(tree) if isinstance(leaf, SequenceRule))
    measured = ((leaf.of, leaf.operator) for _path, leaf in leaves(tree) if isinstance(leaf, RowsRule))
    asked = ((rule.field, rule.operator) for rule in field_rules(tree))
    return (
        any(is_relative(field, operator) for field, operator in (*asked, *measured))
        or any(rule.held for rule in field_rules(tree))
        or any(step.negated and step.after for rule in sequences for step in rule.steps)
    )


def is_relative(field: Field, operator: Operator) -> bool:
    """Whether what is asked of a field depends on the moment."""
    is_time = field.kind in (Kind.DATE, Kind.MOMENT)
    is_known = operator.shape is Shape.NONE
    return (is_time and operator.name not in ABSOLUTE) or (field.kind is Kind.AGE and not is_known)
