"""Whom the clock alone moves in or out: those with a value between where a line was and where it is. In SQL.

A condition on time is a span; between two moments its ends move, and only who has a value that an end moved over can
have changed. For each such condition this selects them: a narrow band of a column, at midnight for conditions by day.
What is selected may still be on the same side as before, for other conditions decide too; nobody else is not.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from crm.tenancy.scope import current_tenant
from segments.columns import column_of, in_span, in_time
from segments.compiler import PEOPLE, is_in
from segments.conditions import Days, Spans, since, times_of
from segments.operators import Operator, positive
from segments.periods import INSTANT, Clock, Span
from segments.statements import Sql, joined, sql
from segments.trees import FieldRule, Group, RowsRule, SequenceRule, Step, field_rules, leaves
from segments.vocabulary import Field, Kind, Relation


def crossed(tree: Group, t0: datetime, t1: datetime, *, zone: ZoneInfo | None = None) -> Q | None:
    """Who may match at t1 and did not at t0, or the reverse, though nothing of them was written: nobody else does.

    None where nothing that the tree asks for has moved.
    """
    statement = crossed_ids(tree, t0, t1, zone=zone)
    return None if statement is None else is_in(statement)


def crossed_ids(tree: Group, t0: datetime, t1: datetime, *, zone: ZoneInfo | None = None) -> Sql | None:
    """`crossed` as a SELECT of ids."""
    zone = zone or current_tenant().zone
    crossing = _Crossing(Clock(t0, zone), Clock(t1, zone), current_tenant().pk)
    selects = list(crossing.selects(tree))
    return joined(" UNION ALL ", selects) if selects else None


class _Crossing:
    def __init__(self, before: Clock, now: Clock, tenant: UUID) -> None:
        self.before, self.now, self.tenant = before, now, tenant

    def selects(self, tree: Group) -> Iterator[Sql]:
        of_people: list[Sql] = []
        for _path, leaf in leaves(tree):
            match leaf:
                case FieldRule():
                    of_people += self.bands(leaf.field, leaf.operator, leaf.value, "")
                    if leaf.held:
                        yield from self._writes(leaf)
                case RowsRule():
                    yield from self._rows(leaf.relation, self._of_rule(leaf))
                case SequenceRule():
                    yield from self._steps(leaf)
        if of_people:
            yield sql(
                "SELECT p.id FROM {people} WHERE p.tenant_id = {tenant} AND ({any})",
                people=PEOPLE, tenant=self.tenant, any=joined(" OR ", of_people),
            )  # fmt: skip

    def bands(self, field: Field, operator: Operator, value: object, row: str) -> Iterator[Sql]:
        """Where a value must lie for what is asked of it to have changed."""
        name = positive(operator).name
        was, is_now = (times_of(field, name, value, clock) for clock in (self.before, self.now))
        column = column_of(field, self.now, row)
        if isinstance(was, Days) and isinstance(is_now, Days):
            if moved := was.days ^ is_now.days:
                yield in_time(column, field.kind, Days(moved), self.now)
        elif isinstance(was, Spans) and isinstance(is_now, Spans):
            kind = Kind.DATE if field.kind is Kind.AGE else field.kind
            for span in chain.from_iterable(map(_moved, was.spans, is_now.spans)):
                yield sql("({band})", band=in_span(column, span, kind))

    # rows
    def _of_rule(self, rule: RowsRule) -> list[Sql]:
        measured = self.bands(rule.of, rule.operator, rule.value, "r")
        return [*self._of_filters(*field_rules(rule)), *measured]

    def _of_filters(self, *rules: FieldRule) -> Iterator[Sql]:
        for rule in rules:
            yield from self.bands(rule.field, rule.operator, rule.value, "r")

    def _rows(self, relation: Relation, bands: list[Sql]) -> Iterator[Sql]:
        if bands:
            yield sql(
                "SELECT r.customer_id FROM {source} WHERE r.tenant_id = {tenant} AND r.customer_id IS NOT NULL"
                " AND {when} AND ({any})",
                source=Sql(relation.source.replace("{row}", "r")), tenant=self.tenant,
                when=Sql(relation.when.replace("{row}", "r")), any=joined(" OR ", bands),
            )  # fmt: skip

    def _steps(self, rule: SequenceRule) -> Iterator[Sql]:
        last: Step | None = None
        for step in rule.steps:
            filters = [*field_rules(step.where), *field_rules(step.within)]
            yield from self._rows(step.relation, list(self._of_filters(*filters)))
            if last and step.negated and step.after:  # known not to come any more
                passed = Span(
                    *(clock.moment - step.after.delta + INSTANT for clock in (self.before, self.now))
                )
                time = last.relation.time_field
                yield from self._rows(
                    last.relation, [in_span(column_of(time, self.now, "r"), passed, time.kind)]
                )
            last = step

    def _writes(self, rule: FieldRule) -> Iterator[Sql]:
        """Who had a change so long ago."""
        assert rule.held  # noqa: S101
        start, end = since(rule.held, self.before), since(rule.held, self.now)
        if start != end:
            yield sql(
                "SELECT w.customer_id FROM customers_fieldwrite w WHERE w.tenant_id = {tenant} AND w.at >= {start}"
                " AND w.at < {end} AND jsonb_exists(w.changes, {name})",
                tenant=self.tenant, start=min(start, end), end=max(start, end), name=rule.field.history,
            )  # fmt: skip


def _moved(was: Span, is_now: Span) -> Iterator[Span]:
    """What the ends of a span moved over."""
    for before, now in zip(was, is_now, strict=True):
        if before and now and before != now:
            yield Span(min(before, now), max(before, now))
