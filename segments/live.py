"""Following what happens to people: whoever was touched is looked at again, in the transaction that forgets the touch.

A crash in between is a batch done again. One worker at a time follows a tenant; those who write touches never wait.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from crm.database import retrying
from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant
from segments.compiler import current_vocabulary, population
from segments.crossing import crossed
from segments.glance import Question, moved
from segments.locks import is_alone, try_lock
from segments.meaning import tree_of
from segments.membership import count_of, mark_broken, reason_of
from segments.models import Cause, Frequency, Segment, SegmentTouch
from segments.reworking import leave, rework
from segments.rules import InvalidRules
from segments.statements import Sql, sql
from segments.trees import Group
from segments.vocabulary import Vocabulary

log = structlog.get_logger(__name__)

LEAST, MOST = 500, 20_000  # touches of a batch, the more the more there are
SHARE = 4  # of what waits, for one batch
CLOCK_EVERY = timedelta(seconds=30)
FARTHEST = timedelta(days=2)  # behind the clock, beyond which everybody is looked at

TAKE = """
    WITH first AS (
        SELECT DISTINCT customer_id FROM (
            SELECT customer_id FROM segments_segmenttouch WHERE tenant_id = %(tenant)s ORDER BY id LIMIT %(batch)s) t
    )
    DELETE FROM segments_segmenttouch t USING first
    WHERE t.tenant_id = %(tenant)s AND t.customer_id = first.customer_id
    RETURNING t.customer_id, t.segment_id, t.cause
"""
PUT_BACK = """
    INSERT INTO segments_segmenttouch (tenant_id, customer_id, segment_id, cause)
    SELECT %(tenant)s, t.* FROM unnest(%(people)s::uuid[], %(segments)s::uuid[], %(causes)s::text[]) t
"""
# Whoever stands in a list; and of those who became one person, or two again, what either of them is in.
ENTERED = """
    SELECT DISTINCT segment_id, customer_id, '' AS cause FROM segments_segmententry
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s)
    UNION
    SELECT m.segment_id, one.person, 'MERGED' FROM segments_segmentmember m
    LEFT JOIN customers_profilepart part ON part.tenant_id = m.tenant_id AND part.customer_id = m.customer_id
    CROSS JOIN LATERAL (VALUES (m.customer_id), (part.root_id)) AS one (person)
    WHERE m.tenant_id = %(tenant)s AND m.customer_id = ANY(%(merged)s) AND one.person IS NOT NULL
"""
EXPIRE = """
    WITH over AS (
        DELETE FROM segments_segmententry WHERE tenant_id = %(tenant)s AND expires_at <= %(now)s
        RETURNING segment_id, customer_id
    )
    INSERT INTO segments_segmenttouch (tenant_id, customer_id, segment_id, cause)
    SELECT %(tenant)s, customer_id, segment_id, %(cause)s FROM over RETURNING id
"""
CROSS = """
    INSERT INTO segments_segmenttouch (tenant_id, customer_id, segment_id, cause)
    SELECT {tenant}, p.id, {segment}, {cause} FROM ({people}) p (id) RETURNING id
"""
Causes = dict[UUID, str]


class Batch(NamedTuple):
    """How many were looked at, and how many memberships that changed."""

    people: int
    changes: int


def follow(*, budget_seconds: float = 2.0) -> tuple[int, bool]:
    """Look at whoever was touched of the open tenant: how many people, and whether some are left."""
    deadline, done = time.monotonic() + budget_seconds, 0
    while time.monotonic() < deadline:
        batch = retrying(follow_batch)
        done += batch.people
        if not batch.people:
            return done, False
    return done, SegmentTouch.objects.exists()


@transaction.atomic
def follow_batch() -> Batch:
    """Look at the people who were touched first; nobody where another worker is at it.

    About ten statements, one more for fifty live segments, and a few for each that somebody comes into or leaves.
    """
    if not is_alone():
        return Batch(0, 0)
    touches = select(TAKE, {"tenant": current_tenant().pk, "batch": _batch_size()})
    if not touches:
        return Batch(0, 0)
    wanted = _wanted(touches)
    people = list({touch["customer_id"] for touch in touches})
    inside = set(population().filter(pk__in=people).values_list("pk", flat=True))
    return Batch(len(people), _look(wanted, [pk for pk in people if pk not in inside]))


def _batch_size() -> int:
    """Few at a time are seen to soonest; of very many, many at a time are done soonest."""
    waiting: int = SegmentTouch.objects.all()[: MOST * SHARE].count()
    return max(LEAST, waiting // SHARE)


def _wanted(touches: Collection[Mapping[str, Any]]) -> dict[UUID | None, Causes]:
    """Segment (None = every live one) -> who is to be looked at, and the cause of what then changes."""
    wanted: dict[UUID | None, Causes] = defaultdict(dict)
    for touch in touches:
        _want(wanted[touch["segment_id"]], touch["customer_id"], touch["cause"])
    everywhere = wanted[None]
    params = {
        "tenant": current_tenant().pk, "people": list(everywhere),
        "merged": [pk for pk, cause in everywhere.items() if cause == Cause.MERGED],
    }  # fmt: skip
    for row in select(ENTERED, params) if everywhere else ():
        cause = row["cause"] or everywhere.get(row["customer_id"], "")
        _want(wanted[row["segment_id"]], row["customer_id"], cause)
    return wanted


def _want(causes: Causes, person: UUID, cause: str) -> None:
    """A cause that says more than that something changed stands."""
    causes[person] = cause or causes.get(person, "")


def _look(wanted: Mapping[UUID | None, Causes], outside: list[UUID]) -> int:
    now, everywhere, changes = timezone.now(), wanted[None], 0
    segments = {one.pk: one for one in Segment.objects.kept().select_related("club")}
    free, vocabulary = try_lock(segments), current_vocabulary()
    questions = []
    for pk, segment in segments.items():
        is_live = segment.refresh_frequency == Frequency.LIVE and not segment.is_list
        people = (everywhere if is_live else {}) | wanted.get(pk, {})
        if pk not in free:
            _put_back(pk, dict.fromkeys(outside, "") | people)
        elif people and segment.is_active and segment.is_settled:  # else all of it is due
            questions += _question(segment, people, now, vocabulary)
    for one, people in _moved(questions, outside, now):
        changes += _look_in(one.segment, one.tree, people, now)
    return changes + leave(outside, list(free), moment=now)


def _question(segment: Segment, people: Causes, now: datetime, vocabulary: Vocabulary) -> list[Question]:
    try:
        return [Question(segment, tree_of(segment, vocabulary), people)]
    except InvalidRules as error:
        mark_broken(segment.pk, reason_of(error) or "", now=now)
        return []


def _moved(
    questions: Sequence[Question], outside: Collection[UUID], now: datetime
) -> list[tuple[Question, Causes]]:
    """The segments that somebody may come into or leave, with these people: one look at all of them.

    Where that fails because of one of them, all are worked out one by one, which says whose fault it was.
    """
    try:
        with transaction.atomic():
            found = moved(questions, outside, moment=now)
    except DatabaseError as error:
        if reason_of(error) is None:
            raise
        return [(one, dict(one.people)) for one in questions]
    return [(one, found[one.segment.pk]) for one in questions if one.segment.pk in found]


def _look_in(segment: Segment, tree: Group | None, people: Causes, now: datetime) -> int:
    """One segment; where that can't be worked out, it is marked, and the others go on."""
    try:
        with transaction.atomic():
            deltas = rework(segment, tree, moment=now, cause=Cause.RULES, people=people)
    except DatabaseError as error:
        words = reason_of(error)
        if words is None:
            raise
        mark_broken(segment.pk, words, now=now)
        return 0
    if deltas.total:
        Segment.objects.filter(pk=segment.pk).update(member_count=count_of(deltas))
    changes: int = deltas.total
    return changes


def look_now(segment: Segment, people: Causes) -> int:
    """Look at people in one segment now, in the caller's transaction; later where that is busy. The changes there are.

    Those of a segment that is to be worked out whole anyway come with that.
    """
    if segment.pk not in try_lock([segment.pk]):
        _put_back(segment.pk, people)
        return 0
    if not segment.is_list and not segment.is_settled:
        return 0
    try:
        tree = tree_of(segment)
    except InvalidRules as error:
        mark_broken(segment.pk, reason_of(error) or "", now=timezone.now())
        return 0
    return _look_in(segment, tree, people, timezone.now())


def _put_back(segment: UUID, people: Causes) -> None:
    """Somebody is working all of the segment out, perhaps from what was before: look again when they are done."""
    if people:
        params = {
            "tenant": current_tenant().pk, "people": list(people), "segments": [segment] * len(people),
            "causes": list(people.values()),
        }  # fmt: skip
        run(PUT_BACK, params)


# --- the clock
def apply_clock(now: datetime) -> int:
    """Touch whom time alone moves in or out of the open tenant's live segments; how many times.

    Two statements for each segment whose rules heed the clock, one for all others, one for entries that are over.
    """
    over = select(EXPIRE, {"tenant": current_tenant().pk, "now": now, "cause": Cause.EXPIRED.value})
    touched, still = len(over), []
    vocabulary = current_vocabulary()
    behind = Segment.objects.live().settled().filter(clock_at__lt=now - CLOCK_EVERY).select_related("club")
    for segment in behind:
        try:
            tree = tree_of(segment, vocabulary)
        except InvalidRules as error:
            mark_broken(segment.pk, reason_of(error) or "", now=now)
            continue
        people = None if tree is None else crossed(tree, segment.clock_at, now, zone=segment.zone)
        if people is None:
            still.append(segment.pk)
        elif segment.clock_at < now - FARTHEST:
            segment.ask_for_refresh()
        else:
            touched += _cross(segment, people, now)
    Segment.objects.filter(pk__in=still).update(clock_at=now)
    return touched


@transaction.atomic
def _cross(segment: Segment, people: Any, now: datetime) -> int:
    """Move a segment's clock on and touch whom that concerns, unless somebody else has meanwhile."""
    if not Segment.objects.filter(pk=segment.pk, clock_at=segment.clock_at).update(clock_at=now):
        return 0
    found = Sql(*population().filter(people).values("pk").query.sql_with_params())
    statement = sql(
        CROSS, tenant=current_tenant().pk, segment=segment.pk, cause=Cause.CLOCK.value, people=found
    )
    return len(select(*statement))
