"""Trees in SQL: who matches one.

A tree becomes one condition on the profile `p` and its metrics `m`. Rows that are counted or measured are joined as one
derived table each, so that the whole is one pass over each table however the rules are put together; whether there are
any at all is an EXISTS, and the first or last one is looked up for each person. "Not" is pushed down to the leaves,
where `IS NOT TRUE` makes an unknown a plain no: nowhere above a leaf is there a third value. What somebody wrote is a
parameter, always.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.expressions import RawSQL

from crm.tenancy.masks import Personal
from crm.tenancy.scope import current_tenant
from customers import custom_fields
from customers.models import CustomerProfile, CustomField, Status
from customers.models.profile import CustomerQuerySet
from segments import fields
from segments.columns import column_of, compared, was
from segments.conditions import since
from segments.evaluator import answers
from segments.operators import positive
from segments.periods import Clock
from segments.relations import choices_of
from segments.statements import Sql, joined, sql
from segments.trees import (
    AND,
    COUNTED,
    EMPTY,
    FieldRule,
    Function,
    Group,
    Leaf,
    Node,
    RowsRule,
    SequenceRule,
    Step,
)
from segments.vocabulary import Field, Kind, Relation, Vocabulary

POPULATION = Sql(
    "p.status IN ('ACTIVE', 'INACTIVE') AND NOT p.is_light AND p.erased_at IS NULL"
    " AND p.processing_restricted_at IS NULL"
)
PEOPLE = Sql(
    "customers_customerprofile p"
    " LEFT JOIN customers_customermetrics m ON m.tenant_id = p.tenant_id AND m.customer_id = p.id"
)
NEWEST, OLDEST = Sql("DESC"), Sql("ASC")


def population() -> CustomerQuerySet:
    """Who can be in any segment: neither merged, deleted, erased, restricted in processing nor a guest by name only."""
    people: CustomerQuerySet = CustomerProfile.objects.filter(
        status__in=[Status.ACTIVE, Status.INACTIVE],
        is_light=False,
        erased_at=None,
        processing_restricted_at=None,
    )
    return people


def matching(
    tree: Group, *, moment: datetime, zone: ZoneInfo | None = None, only: Collection[UUID] | None = None
) -> CustomerQuerySet:
    """The people of the population whom a tree is about, at a moment, by the calendar of a zone (the tenant's).

    only: of these people alone; then the tables are read by their indexes.
    """
    statement = matching_ids(tree, moment=moment, zone=zone, only=only)
    people: CustomerQuerySet = CustomerProfile.objects.filter(is_in(statement))
    return people


def matching_ids(
    tree: Group, *, moment: datetime, zone: ZoneInfo | None = None, only: Collection[UUID] | None = None
) -> Sql:
    """`matching` as a SELECT of ids, to be put into another statement."""
    clock = Clock(moment, zone or current_tenant().zone)
    return Compiler(clock, current_tenant().pk, None if only is None else sorted(only)).select(tree)


def is_in(statement: Sql) -> Q:
    return Q(pk__in=RawSQL(statement.text, statement.params))  # noqa: S611 - segments.statements binds all values


# --- the words of the tenant
_CUSTOM = {
    "INT": (Kind.NUMBER, "(p.custom_fields ->> {key})::numeric"),
    "DECIMAL": (Kind.NUMBER, "(p.custom_fields ->> {key})::numeric"),
    "BOOL": (Kind.BOOL, "(p.custom_fields ->> {key})::boolean"),
    "DATE": (Kind.DATE, "(p.custom_fields ->> {key})::date"),
    "DATETIME": (Kind.MOMENT, "(p.custom_fields ->> {key})::timestamptz"),
    "ENUM": (Kind.CODE, "(p.custom_fields ->> {key})"),
    "MULTI_ENUM": (Kind.LIST, "ARRAY(SELECT jsonb_array_elements_text(p.custom_fields -> {key})::varchar)"),
}
_CUSTOM_TEXT = (Kind.TEXT, "(p.custom_fields ->> {key})")


def current_vocabulary() -> Vocabulary:
    """What the rules of the open tenant can be about. One statement."""
    return fields.vocabulary(map(custom_field, custom_fields.definitions().values()))


def custom_field(definition: CustomField) -> Field:
    """A custom field as rules know it."""
    kind, template = _CUSTOM.get(definition.type, _CUSTOM_TEXT)
    return Field(
        f"{custom_fields.WIRE}.{definition.key}", kind, definition.label, sql(template, key=definition.key),
        "Custom fields", choices_of((choice, choice) for choice in definition.choices),
        history=f"custom_fields.{definition.key}", tells=Personal.CUSTOM_FIELDS, key=definition.key,
        help_text=definition.help_text,
    )  # fmt: skip


# --- the compiler
Asked = Callable[[Leaf, bool], Sql]


def combined(node: Node, asked: Asked, *, negated: bool = False) -> Sql:
    """A tree as one condition; `asked` gives that of a leaf, or its opposite."""
    if not isinstance(node, Group):
        return asked(node, negated)
    negated ^= node.negated
    parts = [combined(rule, asked, negated=negated) for rule in node.rules]
    is_and = (node.combinator == AND) != negated
    return sql("({parts})", parts=joined(" AND " if is_and else " OR ", parts))


def opposite(condition: Sql) -> Sql:
    return sql("({condition}) IS NOT TRUE", condition=condition)


def absent(exists: Sql) -> Sql:
    """The opposite of an EXISTS, which is never unknown; in this form it is an anti-join."""
    return sql("NOT {exists}", exists=exists)


@dataclass
class Compiler:
    """Compiles one tree for one clock. `joins` are the derived tables that its leaves need."""

    clock: Clock
    tenant: UUID
    only: list[UUID] | None = None
    joins: list[Sql] = field(default_factory=list)
    numbers: Any = field(default_factory=count)

    def select(self, tree: Group) -> Sql:
        condition = combined(tree, self.person)
        return sql(
            "SELECT p.id FROM {people} {joins}"
            " WHERE p.tenant_id = {tenant} AND {population} AND {whose} AND {condition}",
            people=PEOPLE, joins=joined(" ", self.joins), tenant=self.tenant, population=POPULATION,
            whose=self._whose("p.id"), condition=condition,
        )  # fmt: skip

    def _whose(self, column: str) -> Sql:
        if self.only is None:
            return Sql(f"{column} IS NOT NULL")
        return sql("{column} = ANY({only}::uuid[])", column=Sql(column), only=self.only)

    # one person
    def person(self, leaf: Leaf, negated: bool) -> Sql:
        match leaf:
            case FieldRule():
                return self._field(leaf, negated)
            case RowsRule():
                return self._rows(leaf, negated)
            case SequenceRule():
                return absent(self._sequence(leaf)) if negated else self._sequence(leaf)

    def _field(self, rule: FieldRule, negated: bool) -> Sql:
        if rule.held:
            held = self._held(rule)
            return opposite(held) if negated else held
        if rule.field.kind is Kind.SEGMENTS:
            exists = self._in_segments(rule.value)
            return absent(exists) if negated != rule.operator.unset else exists
        if rule.field.kind is Kind.SAMPLE:
            is_drawn = _drawn(rule.value.percent, rule.value.seed)
            return opposite(is_drawn) if negated else is_drawn
        return self.compare(column_of(rule.field, self.clock), rule, negated)

    def compare(self, column: Sql, rule: FieldRule | RowsRule, negated: bool) -> Sql:
        """What the operator of a rule says of a column, or its opposite."""
        of = rule.field if isinstance(rule, FieldRule) else rule.of
        condition = compared(column, of, positive(rule.operator).name, rule.value, self.clock)
        return opposite(condition) if negated != rule.operator.unset else condition

    def _in_segments(self, ids: tuple[UUID, ...]) -> Sql:
        return sql(
            "EXISTS (SELECT FROM segments_segmentmember s WHERE s.tenant_id = {tenant}"
            " AND s.segment_id = ANY({ids}::uuid[]) AND s.customer_id = p.id)",
            tenant=self.tenant, ids=list(ids),
        )  # fmt: skip

    def _held(self, rule: FieldRule) -> Sql:
        """It is so, and nothing that it was before, back to then, was not. OFFSET 0: as in `_then`, by person."""
        assert rule.held  # noqa: S101
        now = FieldRule(rule.field, rule.operator, rule.value)
        before = FieldRule(was(rule.field, Sql("c.before")), rule.operator, rule.value)
        return sql(
            "({now} AND NOT EXISTS (SELECT FROM customers_fieldchange c WHERE c.tenant_id = {tenant}"
            " AND c.customer_id = p.id AND c.field = {name} AND c.at >= {since} AND {otherwise} OFFSET 0))",
            now=self._field(now, False), tenant=self.tenant, name=rule.field.history,
            since=since(rule.held, self.clock), otherwise=self.compare(before.field.column, before, True),
        )  # fmt: skip

    # rows
    def _rows(self, rule: RowsRule, negated: bool) -> Sql:
        some = self._asks_for_some(rule)
        if some is not None:
            row = self._alias()
            exists = sql(
                "EXISTS (SELECT FROM {source} WHERE {rows} AND {row}.customer_id = p.id)",
                source=_source(rule.relation, row), row=Sql(row),
                rows=self._filtered(rule.relation, rule.where, rule.within, row),
            )  # fmt: skip
            return exists if some != negated else absent(exists)
        value = self._measured(rule)
        if rule.function in EMPTY and answers(positive(rule.operator), rule.of, rule.value, 0, self.clock):
            value = sql("coalesce({value}, 0)", value=value)
        return self.compare(value, rule, negated)

    def _asks_for_some(self, rule: RowsRule) -> bool | None:
        """Whether a number asks for any rows at all (true), for none (false), or for so many of them."""
        if rule.function is not Function.COUNT or rule.operator.name not in (
            "eq",
            "neq",
            "gt",
            "gte",
            "lt",
            "lte",
        ):
            return None
        of = [answers(rule.operator, COUNTED, rule.value, number, self.clock) for number in (0, 1, 2)]
        return {(False, True, True): True, (True, False, False): False}.get((of[0], of[1], of[2]))

    def _measured(self, rule: RowsRule) -> Sql:
        """What is measured, as a column of a derived table; null where somebody has no such rows."""
        row, table = self._alias(), self._alias()
        of = column_of(rule.of, self.clock, row)
        template = _LAST if rule.function in (Function.FIRST, Function.LAST) else _GROUPED
        measured = sql(
            template,
            row=Sql(row), table=Sql(table), source=_source(rule.relation, row),
            value=sql(_AGGREGATES.get(rule.function, "{of}"), of=of), whose=self._whose(f"{row}.customer_id"),
            rows=self._filtered(rule.relation, rule.where, rule.within, row),
            time=column_of(rule.relation.time_field, self.clock, row),
            order=NEWEST if rule.function is Function.LAST else OLDEST,
        )  # fmt: skip
        self.joins.append(measured)
        return Sql(f"{table}.value")

    def _filtered(self, relation: Relation, where: Group | None, within: FieldRule | None, row: str) -> Sql:
        """The rows of the tenant for which all of it holds."""
        parts = [
            sql("{row}.tenant_id = {tenant}", row=Sql(row), tenant=self.tenant),
            Sql(relation.when.replace("{row}", row)),
            *(combined(node, self._of_row(row)) for node in (where, within) if node),
        ]
        return joined(" AND ", parts)

    def _of_row(self, row: str) -> Asked:
        def asked(leaf: Leaf, negated: bool) -> Sql:
            assert isinstance(leaf, FieldRule)  # noqa: S101 - the parser takes nothing else here
            return self.compare(column_of(leaf.field, self.clock, row), leaf, negated)

        return asked

    def _alias(self) -> str:
        return f"r{next(self.numbers)}"

    # sequences
    def _sequence(self, rule: SequenceRule) -> Sql:
        first, *rest = rule.steps
        row = self._alias()
        return sql(
            "EXISTS (SELECT FROM {source} WHERE {rows} AND {row}.customer_id = p.id AND {time} IS NOT NULL"
            " AND {then})",
            source=_source(first.relation, row), row=Sql(row),
            rows=self._filtered(first.relation, first.where, first.within, row),
            time=self._time(first, row), then=self._then(rule, rest, first, row, row),
        )  # fmt: skip

    def _then(self, rule: SequenceRule, steps: Sequence[Step], last: Step, row: str, first: str) -> Sql:
        """What comes after a row. OFFSET 0: it is looked up row by row, by the index of their person."""
        if not steps:
            return Sql("true")
        step, *rest = steps
        then, before = self._alias(), self._time(last, row)
        time = self._time(step, then)
        limit = (
            sql(" AND {time} <= {before} + {after}", time=time, before=before, after=step.after.delta)
            if step.after
            else Sql("")
        )
        comes = sql(
            "EXISTS (SELECT FROM {source} WHERE {rows} AND {then}.customer_id = {row}.customer_id"
            " AND {time} > {before}{limit}{same} AND {rest} OFFSET 0)",
            source=_source(step.relation, then), rows=self._filtered(step.relation, step.where, None, then),
            then=Sql(then), row=Sql(row), time=time, before=before, limit=limit,
            same=self._same(rule, step, first, then), rest=self._then(rule, rest, step, then, first),
        )  # fmt: skip
        if not step.negated:
            return comes
        passed = (
            sql("{before} + {after} <= {now}", before=before, after=step.after.delta, now=self.clock.moment)
            if step.after
            else Sql("true")
        )
        return sql("(NOT {comes} AND {passed})", comes=comes, passed=passed)

    def _time(self, step: Step, row: str) -> Sql:
        return column_of(step.relation.time_field, self.clock, row)

    def _same(self, rule: SequenceRule, step: Step, first: str, then: str) -> Sql:
        """The fields that have to be equal, and known."""
        parts = [Sql("")]
        for name in rule.same:
            ours, theirs = rule.steps[0].relation.words.find(name), step.relation.words.find(name)
            assert ours and theirs  # noqa: S101
            template = (
                " AND {a} = {b} AND {a} <> ''" if ours.kind in (Kind.TEXT, Kind.CODE) else " AND {a} = {b}"
            )
            parts.append(
                sql(template, a=column_of(ours, self.clock, first), b=column_of(theirs, self.clock, then))
            )
        return joined("", parts)


def _drawn(percent: Decimal, seed: str) -> Sql:
    """By eight hexadecimal digits of a hash, in hundredths of a percent; as evaluator.drawn."""
    return sql(
        "(('x' || left(md5({seed} || ':' || p.id::text), 8))::bit(32)::bigint %% 10000) < {bound}",
        seed=seed, bound=int(percent * 100),
    )  # fmt: skip


_GROUPED = (
    "LEFT JOIN (SELECT {row}.customer_id, {value} AS value FROM {source} WHERE {rows} AND {whose}"
    " GROUP BY {row}.customer_id) {table} ON {table}.customer_id = p.id"
)
# Looked up by the index of each person: their rows lie in its order, and one is enough.
_LAST = (
    "LEFT JOIN LATERAL (SELECT {value} AS value FROM {source} WHERE {rows} AND {row}.customer_id = p.id"
    " AND {time} IS NOT NULL ORDER BY {time} {order}, {row}.id {order} LIMIT 1) {table} ON true"
)
_AGGREGATES = {
    Function.COUNT: "count(*)",
    Function.SUM: "coalesce(sum({of}), 0)",
    Function.AVG: "avg({of})",
    Function.MIN: "min({of})",
    Function.MAX: "max({of})",
}


def _source(relation: Relation, row: str) -> Sql:
    return Sql(relation.source.replace("{row}", row))
