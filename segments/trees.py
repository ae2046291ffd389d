"""Rules as a tree of what somebody is asked: what they are, what belongs to them, what came after what. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from segments.operators import Operator
from segments.periods import Length
from segments.statements import Sql
from segments.vocabulary import Field, Kind, Relation

AND, OR = "AND", "OR"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field is: of a person, or inside a relation, of a row.

    held: for how long it has been so without a break, if that is asked.
    """

    field: Field
    operator: Operator
    value: Any = None
    held: Length | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """All of some rules (AND), or any of them (OR); negated, the opposite of that."""

    combinator: str
    rules: "tuple[Node, ...]"
    negated: bool = False


class Function(StrEnum):
    """What is measured of the rows that a rule is about."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"


COUNTED = Field("count", Kind.NUMBER, "Number", Sql(""))
SUMMED = (Function.SUM, Function.AVG)
EMPTY = (Function.COUNT, Function.SUM)  # which are 0 of no rows; the others are not known then


@dataclass(frozen=True, slots=True)
class RowsRule:
    """What is measured of the rows for which `where` and `within` hold, all of it of one and the same row.

    of: the field of the row that is measured; COUNTED for their number.
    """

    relation: Relation
    where: Group | None
    within: FieldRule | None
    function: Function
    of: Field
    operator: Operator
    value: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    """A row that comes after the row of the step before, within so much time; negated, that does not come."""

    relation: Relation
    where: Group | None
    within: FieldRule | None = None
    after: Length | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SequenceRule:
    """One thing after the other. `same`: fields that are equal in all of the rows, by their names.

    What does not come is known once its time has passed.
    """

    steps: tuple[Step, ...]
    same: tuple[str, ...] = ()


Leaf = FieldRule | RowsRule | SequenceRule
Node = Group | Leaf


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """The leaves of a tree with their paths: rules[2].rules[0]."""
    if isinstance(node, Group):
        for number, rule in enumerate(node.rules):
            yield from leaves(rule, f"{path}{'.' if path else ''}rules[{number}]")
    else:
        yield path, node


def field_rules(node: Node | None) -> Iterator[FieldRule]:
    """Every condition on a field in a tree, those of rows too."""
    match node:
        case Group(_, rules):
            for rule in rules:
                yield from field_rules(rule)
        case FieldRule():
            yield node
        case RowsRule():
            yield from field_rules(node.where)
            yield from field_rules(node.within)
        case SequenceRule(steps):
            for step in steps:
                yield from field_rules(step.where)
                yield from field_rules(step.within)


def segments_in(tree: Group) -> Iterator[tuple[str, tuple[UUID, ...]]]:
    """The segments that a tree asks about, by the paths of the leaves that do."""
    for path, leaf in leaves(tree):
        if isinstance(leaf, FieldRule) and leaf.field.kind is Kind.SEGMENTS:
            yield path, leaf.value
