"""Trees in SQL: who matches one, and whom the clock alone may move in or out.

A tree becomes one condition on the profile `p` and its metrics `m`; rows that are counted are joined as one derived
table each, so that the whole is one pass over each table. "Not" is pushed down to the leaves, where `IS NOT TRUE` makes
an unknown a plain no: nowhere above a leaf is there a third value. What somebody wrote is a parameter, always.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
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
from customers.terms import fold
from segments import fields, patterns
from segments.conditions import Days, Spans, times_of
from segments.operators import positive
from segments.periods import Clock, Span
from segments.rules import AND, Group, Node, Test
from segments.statements import Sql, joined, sql
from segments.vocabulary import Field, Kind, Vocabulary

POPULATION = Sql(
    "p.status IN ('ACTIVE', 'INACTIVE') AND NOT p.is_light AND p.erased_at IS NULL"
    " AND p.processing_restricted_at IS NULL"
)


def population() -> CustomerQuerySet:
    """Who can be in any segment: neither merged, deleted, erased, restricted in processing nor a guest by name only."""
    people: CustomerQuerySet = CustomerProfile.objects.filter(
        status__in=[Status.ACTIVE, Status.INACTIVE],
        is_light=False,
        erased_at=None,
        processing_restricted_at=None,
    )
    return people


def current_vocabulary() -> Vocabulary:
    """What the rules of the open tenant can be about. One statement."""
    return fields.vocabulary(map(custom_field, custom_fields.definitions().values()))


def matching(
    tree: Group, *, moment: datetime, zone: ZoneInfo | None = None, only: Collection[UUID] | None = None
) -> CustomerQuerySet:
    """The people of the population whom a tree is about, at a moment, by the calendar of a zone (the tenant's).

    only: of these people alone; then the tables are read by their indexes.
    """
    statement = matching_ids(tree, moment=moment, zone=zone, only=only)
    people: CustomerQuerySet = CustomerProfile.objects.filter(_is_in(statement))
    return people


def matching_ids(
    tree: Group, *, moment: datetime, zone: ZoneInfo | None = None, only: Collection[UUID] | None = None
) -> Sql:
    """`matching` as a SELECT of ids, to be put into another statement."""
    clock = Clock(moment, zone or current_tenant().zone)
    return _Compiler(clock, None if only is None else sorted(only)).select(tree)


def crossed(tree: Group, t0: datetime, t1: datetime, *, zone: ZoneInfo | None = None) -> Q | None:
    """Who may match at t1 and did not at t0, or the reverse, though nothing of them was written: nobody else does.

    None where no leaf depends on the clock.
    """
    return None


def _is_in(statement: Sql) -> Q:
    return Q(pk__in=RawSQL(statement.text, statement.params))  # noqa: S611 - segments.statements binds all values


# --- the tenant's own fields
_CUSTOM_KINDS = {
    "INT": Kind.NUMBER, "DECIMAL": Kind.NUMBER, "BOOL": Kind.BOOL, "DATE": Kind.DATE, "DATETIME": Kind.MOMENT,
    "ENUM": Kind.CODE, "MULTI_ENUM": Kind.LIST,
}  # fmt: skip
_CASTS = {Kind.NUMBER: "::numeric", Kind.BOOL: "::boolean", Kind.DATE: "::date", Kind.MOMENT: "::timestamptz"}


def custom_field(definition: CustomField) -> Field:
    """A custom field as rules know it."""
    kind = _CUSTOM_KINDS.get(definition.type, Kind.TEXT)
    if kind is Kind.LIST:
        template = "ARRAY(SELECT jsonb_array_elements_text(p.custom_fields -> {key})::varchar)"
    else:
        template = f"(p.custom_fields ->> {{key}}){_CASTS.get(kind, '')}"
    return Field(
        f"{custom_fields.WIRE}.{definition.key}", kind, definition.label, sql(template, key=definition.key),
        "Custom fields", fields.choices_of((choice, choice) for choice in definition.choices),
        history=f"custom_fields.{definition.key}", tells=Personal.CUSTOM_FIELDS,
        contains=("custom_fields", definition.key), help_text=definition.help_text,
    )  # fmt: skip


# --- the compiler
@dataclass
class _Compiler:
    """Compiles one tree for one moment. `joins` are the derived tables that its leaves need."""

    clock: Clock
    only: list[UUID] | None = None
    joins: list[Sql] = field(default_factory=list)

    def select(self, tree: Group) -> Sql:
        condition = self.node(tree, negated=False)
        whose = sql("p.id = ANY({only}::uuid[])", only=self.only) if self.only is not None else Sql("true")
        return sql(
            "SELECT p.id FROM customers_customerprofile p"
            " LEFT JOIN customers_customermetrics m ON m.tenant_id = p.tenant_id AND m.customer_id = p.id {joins}"
            " WHERE p.tenant_id = {tenant} AND {population} AND {whose} AND {condition}",
            joins=joined(" ", self.joins),
            tenant=current_tenant().pk,
            population=POPULATION,
            whose=whose,
            condition=condition,
        )

    def node(self, node: Node, *, negated: bool) -> Sql:
        if isinstance(node, Group):
            negated ^= node.negated
            parts = [self.node(rule, negated=negated) for rule in node.rules]
            is_and = (node.combinator == AND) != negated
            return sql("({parts})", parts=joined(" AND " if is_and else " OR ", parts))
        return self.leaf(node, negated=negated)

    def leaf(self, test: Test, *, negated: bool) -> Sql:
        operator = positive(test.operator)
        condition = self.condition(test, operator.name)
        if negated != bool(test.operator.negates):
            return sql("({condition}) IS NOT TRUE", condition=condition)
        return condition

    def condition(self, test: Test, operator: str) -> Sql:
        """Whether the positive operator holds; unknown where there is no value, which counts as no."""
        kind = test.field.kind
        if kind is Kind.SEGMENTS:
            return self._in_segments(test.value)
        if kind is Kind.SAMPLE:
            return _drawn(test.value.percent, test.value.seed)
        return compared(test.field.column, test.field, operator, test.value, self.clock)

    def _in_segments(self, ids: tuple[UUID, ...]) -> Sql:
        return sql(
            "EXISTS (SELECT FROM segments_segmentmember s WHERE s.tenant_id = {tenant}"
            " AND s.segment_id = ANY({ids}::uuid[]) AND s.customer_id = p.id)",
            tenant=current_tenant().pk,
            ids=list(ids),
        )


def _drawn(percent: Any, seed: str) -> Sql:
    """By eight hexadecimal digits of a hash, in hundredths of a percent; as evaluator.drawn."""
    return sql(
        "(('x' || left(md5({seed} || ':' || p.id::text), 8))::bit(32)::bigint %% 10000) < {bound}",
        seed=seed,
        bound=int(percent * 100),
    )


# --- one value
def compared(column: Sql, field: Field, operator: str, value: Any, clock: Clock) -> Sql:
    """A positive operator on a column; null or false where there is no value."""
    kind = field.kind
    times = times_of(field, operator, value, clock)
    if times is not None:
        return _in_time(column, kind, times, clock)
    if operator == "isNotNull":
        return _is_known(column, kind)
    if kind is Kind.LIST:
        return _LISTS[operator](column, value)
    if kind in (Kind.TEXT, Kind.CODE):
        return _text(column, field, operator, value)
    if operator == "between":
        return sql("{c} BETWEEN {low} AND {high}", c=column, low=value[0], high=value[1])
    if operator == "in":
        return sql("{c} = ANY({values}::numeric[])", c=column, values=list(value))
    return sql(f"{{c}} {_SIGNS[operator]} {{value}}", c=column, value=value)


_SIGNS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _is_known(column: Sql, kind: Kind) -> Sql:
    if kind is Kind.LIST:
        return sql("cardinality({c}) > 0", c=column)
    if kind in (Kind.TEXT, Kind.CODE):
        return sql("{c} <> ''", c=column)
    return sql("{c} IS NOT NULL", c=column)


def _text(column: Sql, field: Field, operator: str, value: Any) -> Sql:
    is_folded = field.kind is Kind.TEXT
    compared_as = sql("customers_fold({c})", c=column) if is_folded else column
    if operator == "matches":
        pattern = patterns.in_postgres(value, is_folded=is_folded)
        return sql("({c} <> '' AND {text} ~ {pattern})", c=column, text=compared_as, pattern=pattern)
    if operator == "in":
        texts = [fold(text) if is_folded else text for text in value]
        return sql("{text} = ANY({texts}::text[])", text=compared_as, texts=texts)
    return sql(_TEXTS[operator], text=compared_as, value=fold(value) if is_folded else value)


_TEXTS = {
    "eq": "{text} = {value}",
    "contains": "strpos({text}, {value}) > 0",
    "startsWith": "starts_with({text}, {value})",
    "endsWith": "right({text}, length({value})) = {value}",
}
_LISTS: dict[str, Callable[[Sql, Any], Sql]] = {
    "contains": lambda column, value: _list("{c} @> {values}::varchar[]", column, [value]),
    "containsAny": lambda column, value: _list("{c} && {values}::varchar[]", column, list(value)),
    "containsAll": lambda column, value: _list("{c} @> {values}::varchar[]", column, list(value)),
    "lengthEq": lambda column, value: sql("cardinality({c}) = {n}", c=column, n=value),
    "lengthGte": lambda column, value: sql("cardinality({c}) >= {n}", c=column, n=value),
    "lengthLte": lambda column, value: sql("cardinality({c}) BETWEEN 1 AND {n}", c=column, n=value),
}


def _list(template: str, column: Sql, values: list[str]) -> Sql:
    return sql(template, c=column, values=values)


def _in_time(column: Sql, kind: Kind, times: Spans | Days, clock: Clock) -> Sql:
    if isinstance(times, Days):
        day = (
            sql("({c} AT TIME ZONE {zone})", c=column, zone=str(clock.zone))
            if kind is Kind.MOMENT
            else column
        )
        number = sql("(extract(month FROM {day}) * 100 + extract(day FROM {day}))::int", day=day)
        return sql("{number} = ANY({days}::int[])", number=number, days=sorted(times.days))
    return sql("({any})", any=joined(" OR ", [_in_span(column, span, kind) for span in times.spans]))


def _in_span(column: Sql, span: Span, kind: Kind) -> Sql:
    ends = [(sign, end) for sign, end in ((">=", span.start), ("<", span.end)) if end is not None]
    return joined(" AND ", [_bound(column, sign, end, kind) for sign, end in ends])


def _bound(column: Sql, sign: str, end: date, kind: Kind) -> Sql:
    cast = "timestamptz" if kind is Kind.MOMENT else "date"
    return sql(f"{{c}} {sign} {{end}}::{cast}", c=column, end=end)
