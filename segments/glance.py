"""Whom a change may have moved in or out: many segments asked about a few people with one statement."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from segments.compiler import matching_ids
from segments.models import Segment
from segments.statements import Sql, joined, sql
from segments.trees import Group

AT_ONCE = 50  # segments of one statement: its plan stays small
MATCHING = "SELECT {segment}::uuid AS segment, id FROM ({matching}) p (id)"
THERE = """
    SELECT segment_id AS segment, customer_id AS id FROM segments_segmentmember
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s) AND segment_id = ANY(%(segments)s)
"""
ENTERED = """
    SELECT DISTINCT ON (segment_id, customer_id) segment_id AS segment, customer_id AS id, is_excluded
    FROM segments_segmententry
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s) AND segment_id = ANY(%(segments)s)
        AND (expires_at IS NULL OR expires_at > %(moment)s)
    ORDER BY segment_id, customer_id, since DESC, id DESC
"""
Pairs = set[tuple[UUID, UUID]]


class Question(NamedTuple):
    """A segment, its rules (None of a list), and the people to ask about, each with a cause."""

    segment: Segment
    tree: Group | None
    people: Mapping[UUID, str]


def moved(
    questions: Sequence[Question], outside: Collection[UUID], *, moment: datetime
) -> dict[UUID, dict[UUID, str]]:
    """Segment -> whoever is in it and should not be, or the reverse, with the cause.

    outside: those of the people who can be in no segment. Three statements for fifty segments, one for fifty more.
    """
    everybody = {pk for one in questions for pk in one.people}
    params = {
        "tenant": current_tenant().pk, "people": list(everybody), "moment": moment,
        "segments": [one.segment.pk for one in questions],
    }  # fmt: skip
    there = {(row["segment"], row["id"]) for row in select(THERE, params)}
    entered = {(row["segment"], row["id"]): not row["is_excluded"] for row in select(ENTERED, params)}
    matching = _matching([sql(MATCHING, segment=pk, matching=ids) for pk, ids in _asked(questions, moment)])
    found: defaultdict[UUID, dict[UUID, str]] = defaultdict(dict)
    for segment, _tree, people in questions:
        for pk, cause in people.items():
            pair = (segment.pk, pk)
            belongs = pk not in outside and entered.get(pair, pair in matching)
            if belongs != (pair in there):
                found[segment.pk][pk] = cause
    return found


def _asked(questions: Iterable[Question], moment: datetime) -> Iterator[tuple[UUID, Sql]]:
    for segment, tree, people in questions:
        if tree is not None:
            yield segment.pk, matching_ids(tree, moment=moment, zone=segment.zone, only=list(people))


def _matching(asked: Sequence[Sql]) -> Pairs:
    found: Pairs = set()
    for start in range(0, len(asked), AT_ONCE):
        statement = joined(" UNION ALL ", asked[start : start + AT_ONCE])
        found |= {(row["segment"], row["id"]) for row in select(statement.text, statement.params)}
    return found
