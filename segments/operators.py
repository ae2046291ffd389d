"""What can be asked about a value: the table of operators by which parser, executors, schema and docs go. Pure.

Rules know two answers, yes and no. An operator that asks whether something is so says no of somebody who has no value;
one that asks whether it is not so is the opposite of another (`negates`), so of them it says yes. That is all there is
to the logic of missing values: nothing is neither.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from segments.vocabulary import Kind

TEXTS = frozenset({Kind.TEXT, Kind.CODE})
TIMES = frozenset({Kind.DATE, Kind.MOMENT})
ORDERED = frozenset({Kind.NUMBER, Kind.AGE}) | TIMES


class Shape(StrEnum):
    """What stands in `value`."""

    NONE = "nothing"
    ONE = "one value"
    MANY = "a list of values"
    PAIR = "two values, the lower one first"
    COUNT = "a whole number from 1"
    PATTERN = "a pattern"
    LENGTH = "a length of time"
    BETWEEN = "two numbers and a unit of time"
    PERIOD = "a period of the calendar"
    AROUND = "days around today"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator. `negates` is the operator whose opposite it is."""

    name: str
    label: str
    shape: Shape
    kinds: frozenset[Kind]
    aliases: tuple[str, ...] = ()
    negates: str = ""

    @property
    def unset(self) -> bool:
        """What it says of somebody who has no value."""
        return bool(self.negates)


_ANYTHING = TEXTS | ORDERED | {Kind.BOOL, Kind.LIST, Kind.ANY}
_TABLE = (
    Operator("eq", "is", Shape.ONE, TEXTS | ORDERED | {Kind.BOOL}, ("=", "==", "equals", "is", "on")),
    Operator("neq", "is not", Shape.ONE, TEXTS | ORDERED | {Kind.BOOL}, ("!=", "<>", "ne", "notEquals", "isNot"), "eq"),
    Operator("gt", "is more than", Shape.ONE, ORDERED, (">", "greaterThan", "moreThan", "after")),
    Operator("gte", "is at least", Shape.ONE, ORDERED, (">=", "atLeast", "onOrAfter")),
    Operator("lt", "is less than", Shape.ONE, ORDERED | {Kind.SAMPLE}, ("<", "lessThan", "before")),
    Operator("lte", "is at most", Shape.ONE, ORDERED, ("<=", "atMost", "onOrBefore")),
    Operator("between", "is between", Shape.PAIR, ORDERED),
    Operator("in", "is any of", Shape.MANY, TEXTS | {Kind.NUMBER, Kind.AGE, Kind.SEGMENTS}, ("anyOf", "isAnyOf")),
    Operator("notIn", "is none of", Shape.MANY, TEXTS | {Kind.NUMBER, Kind.AGE, Kind.SEGMENTS}, ("noneOf",), "in"),
    Operator("contains", "contains", Shape.ONE, TEXTS | {Kind.LIST}, ("includes", "has")),
    Operator("notContains", "does not contain", Shape.ONE, TEXTS | {Kind.LIST}, ("doesNotContain",), "contains"),
    Operator("startsWith", "starts with", Shape.ONE, TEXTS, ("beginsWith",)),
    Operator("notStartsWith", "does not start with", Shape.ONE, TEXTS, (), "startsWith"),
    Operator("endsWith", "ends with", Shape.ONE, TEXTS),
    Operator("notEndsWith", "does not end with", Shape.ONE, TEXTS, (), "endsWith"),
    Operator("matches", "matches", Shape.PATTERN, TEXTS, ("regex",)),
    Operator("notMatches", "does not match", Shape.PATTERN, TEXTS, (), "matches"),
    Operator("isNotNull", "is known", Shape.NONE, _ANYTHING, ("isSet", "exists", "isNotEmpty", "isKnown")),
    Operator("isNull", "is not known", Shape.NONE, _ANYTHING, ("notSet", "isEmpty", "isUnknown"), "isNotNull"),
    Operator("containsAny", "contains any of", Shape.MANY, frozenset({Kind.LIST}), ("overlaps",)),
    Operator("containsAll", "contains all of", Shape.MANY, frozenset({Kind.LIST})),
    Operator("containsNone", "contains none of", Shape.MANY, frozenset({Kind.LIST}), (), "containsAny"),
    Operator("lengthEq", "has exactly this many", Shape.COUNT, frozenset({Kind.LIST})),
    Operator("lengthGte", "has at least this many", Shape.COUNT, frozenset({Kind.LIST})),
    Operator("lengthLte", "has at most this many", Shape.COUNT, frozenset({Kind.LIST})),
    Operator("inLast", "is in the last", Shape.LENGTH, TIMES, ("withinLast", "within")),
    Operator("inNext", "is in the next", Shape.LENGTH, TIMES, ("withinNext",)),
    Operator("moreThanAgo", "is longer ago than", Shape.LENGTH, TIMES, ("olderThan",)),
    Operator("moreThanAhead", "is further ahead than", Shape.LENGTH, TIMES),
    Operator("betweenAgo", "was between … ago", Shape.BETWEEN, TIMES),
    Operator("betweenAhead", "is between … ahead", Shape.BETWEEN, TIMES),
    Operator("during", "is", Shape.PERIOD, TIMES),
    Operator("anniversaryWithin", "has its anniversary around today", Shape.AROUND, TIMES),
    Operator("anniversaryDuring", "has its anniversary", Shape.PERIOD, TIMES),
)  # fmt: skip
OPERATORS = {operator.name: operator for operator in _TABLE}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


_SPELLINGS = {
    _plain(spelling): operator for operator in _TABLE for spelling in (operator.name, *operator.aliases)
}


def find(name: str) -> Operator | None:
    """An operator by its name or an alias of it, however its words are put together."""
    return _SPELLINGS.get(_plain(name))


def spellings() -> list[str]:
    return [spelling for operator in _TABLE for spelling in (operator.name, *operator.aliases)]


def of_kind(kind: Kind) -> Iterator[Operator]:
    return (operator for operator in _TABLE if kind in operator.kinds)


def positive(operator: Operator) -> Operator:
    """The operator, or the one that it is the opposite of."""
    return OPERATORS[operator.negates] if operator.negates else operator
