"""Who is in a segment, worked out by one statement: who comes, who goes, the log of both, and the news of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from crm.outbox.services import EMIT_ROWS, nudge_relay
from crm.tenancy.rows import insert_rows, select
from crm.tenancy.scope import current_tenant
from segments.compiler import matching_ids, population
from segments.models import Cause, MembershipChange, Segment, SegmentEntry
from segments.models.membership import OF_THE_PAST
from segments.reasons import deciding_leaves
from segments.statements import Sql, sql
from segments.trees import Group

TOPIC = "crm.segment.membership.changed"
IN_A_MESSAGE = 1000
EXPLAINED = 100  # changes at once whose leaves are looked for
COLUMNS = ("segment_id", "customer_id", "at", "joined", "cause", "leaves")

REWORK = """
    WITH asked (id, cause) AS (SELECT * FROM unnest({people}::uuid[], {causes}::text[])),
    entry AS MATERIALIZED (
        SELECT DISTINCT ON (customer_id) customer_id, is_excluded FROM segments_segmententry
        WHERE tenant_id = {tenant} AND segment_id = {segment} AND (expires_at IS NULL OR expires_at > {moment})
            {of_entries}
        ORDER BY customer_id, since DESC, id DESC
    ), wanted AS MATERIALIZED (
        SELECT p.id FROM ({matching}) p (id)
        WHERE NOT EXISTS (SELECT FROM entry e WHERE e.customer_id = p.id AND e.is_excluded)
        UNION
        SELECT p.id FROM ({population}) p (id) JOIN entry e ON e.customer_id = p.id AND NOT e.is_excluded
    ), gone AS (
        DELETE FROM segments_segmentmember m
        WHERE m.tenant_id = {tenant} AND m.segment_id = {segment} {of_members}
            AND NOT EXISTS (SELECT FROM wanted w WHERE w.id = m.customer_id)
        RETURNING m.customer_id
    ), came AS (
        INSERT INTO segments_segmentmember (tenant_id, segment_id, customer_id, joined_at)
        SELECT {tenant}, {segment}, w.id, {since} FROM wanted w
        WHERE NOT EXISTS (SELECT FROM segments_segmentmember m WHERE m.tenant_id = {tenant}
            AND m.segment_id = {segment} AND m.customer_id = w.id)
        ORDER BY w.id
        ON CONFLICT DO NOTHING
        RETURNING customer_id
    ), changed AS MATERIALIZED (
        SELECT customer_id, true AS joined, coalesce(a.cause, {cause}) AS cause
        FROM came LEFT JOIN asked a ON a.id = came.customer_id
        UNION ALL
        SELECT g.customer_id, false,
            CASE WHEN EXISTS (SELECT FROM ({everybody}) p (id) WHERE p.id = g.customer_id)
                THEN coalesce(a.cause, {cause}) ELSE {left} END
        FROM gone g LEFT JOIN asked a ON a.id = g.customer_id
    ), size AS (SELECT count(*) AS all_changes FROM changed),
    logged AS (
        INSERT INTO segments_membershipchange (tenant_id, segment_id, customer_id, at, joined, cause)
        SELECT {tenant}, {segment}, customer_id, {moment}, joined, cause FROM changed, size
        WHERE all_changes > {explained} ORDER BY customer_id
    ), passed_on AS (
        INSERT INTO segments_segmenttouch (tenant_id, customer_id, segment_id, cause)
        SELECT {tenant}, c.customer_id, d.id, CASE WHEN c.cause = ANY({past}) THEN {historical} ELSE '' END
        FROM changed c CROSS JOIN unnest({dependents}::uuid[]) AS d (id)
    ), told AS ({news})
    SELECT (SELECT count(*) FROM came) AS joined, (SELECT count(*) FROM gone) AS gone,
        (SELECT json_agg(row_to_json(changed)) FROM changed WHERE all_changes <= {explained}) AS few
    FROM size
"""
# Where two became one, who is left has been in it since either was.
SINCE = """
    coalesce((
        SELECT min(o.joined_at) FROM asked a
        JOIN customers_profilepart part ON part.tenant_id = {tenant} AND part.root_id = a.id
        JOIN segments_segmentmember o ON o.tenant_id = {tenant} AND o.segment_id = {segment}
            AND o.customer_id = part.customer_id
        WHERE a.id = w.id AND a.cause = {merged}), {moment}::timestamptz)
"""
NEWS = """
    SELECT {topic}, {segment}::text, json_build_object(
            'segmentId', {segment}::text, 'segmentName', {name}::text, 'at', {at}::text,
            'joined', coalesce(json_agg(customer_id ORDER BY customer_id) FILTER (WHERE joined), '[]'),
            'left', coalesce(json_agg(customer_id ORDER BY customer_id) FILTER (WHERE NOT joined), '[]')),
        of_the_past
    FROM (
        SELECT customer_id, joined, of_the_past,
            (row_number() OVER (PARTITION BY of_the_past ORDER BY joined, customer_id) - 1) / {in_a_message} AS part
        FROM (SELECT customer_id, joined, cause = ANY({past}) AS of_the_past FROM changed) told
    ) parts
    GROUP BY of_the_past, part ORDER BY of_the_past, part
"""
LEAVE = """
    WITH gone AS (
        DELETE FROM segments_segmentmember m
        WHERE m.tenant_id = {tenant} AND m.customer_id = ANY({people}) AND m.segment_id = ANY({segments})
        RETURNING m.segment_id, m.customer_id
    ), counted AS (
        UPDATE segments_segment s SET member_count = greatest(s.member_count - n.gone, 0)
        FROM (SELECT segment_id, count(*) AS gone FROM gone GROUP BY segment_id) n
        WHERE s.tenant_id = {tenant} AND s.id = n.segment_id
    ), logged AS (
        INSERT INTO segments_membershipchange (tenant_id, segment_id, customer_id, at, joined, cause)
        SELECT {tenant}, segment_id, customer_id, {moment}, false, {cause} FROM gone
    ), told AS ({news})
    SELECT count(*) AS gone FROM gone
"""
LEAVERS_NEWS = """
    SELECT {topic}, g.segment_id::text, json_build_object(
            'segmentId', g.segment_id, 'segmentName', s.name, 'at', {at}::text,
            'joined', '[]'::json, 'left', json_agg(g.customer_id ORDER BY g.customer_id)), false
    FROM gone g JOIN segments_segment s ON s.tenant_id = {tenant} AND s.id = g.segment_id
    GROUP BY g.segment_id, s.name
"""


class Deltas(NamedTuple):
    """How many came and went."""

    joined: int = 0
    left: int = 0

    @property
    def total(self) -> int:
        return self.joined + self.left


def rework(
    segment: Segment,
    tree: Group | None,
    *,
    moment: datetime,
    cause: str,
    people: Mapping[UUID, str] | None = None,
) -> Deltas:
    """Bring who is in a segment in step with its rules and entries, in the caller's transaction, which has its lock.

    tree: the rules, None of a list. people: the only ones to look at, each with the cause of what changes, or "" for
    `cause`; all of the tenant's unless given.
    One statement, and where little changed those that find out by which rule.
    """
    (found,) = select(*_rework(segment, tree, moment, cause, people))
    deltas = Deltas(found["joined"], found["gone"])
    if deltas.total:
        few = found["few"]
        _log_few(segment, tree, json.loads(few) if isinstance(few, str) else few or [], moment)
        nudge_relay()
    return deltas


def leave(people: Sequence[UUID], segments: Sequence[UUID], *, moment: datetime) -> int:
    """Take people who belong in no segment out of these, whose locks the caller has. One statement."""
    if not people or not segments:
        return 0
    news = sql(LEAVERS_NEWS, topic=TOPIC, at=moment.isoformat(), tenant=current_tenant().pk)
    statement = sql(
        LEAVE, tenant=current_tenant().pk, people=list(people), segments=list(segments), moment=moment,
        cause=Cause.LEFT_POPULATION, news=_told(news),
    )  # fmt: skip
    (found,) = select(*statement)
    if found["gone"]:
        nudge_relay()
    gone: int = found["gone"]
    return gone


def _rework(
    segment: Segment, tree: Group | None, moment: datetime, cause: str, people: Mapping[UUID, str] | None
) -> Sql:
    asked = {} if people is None else people
    only = sql("AND customer_id = ANY({people})", people=list(asked)) if people is not None else Sql("")
    same = {"tenant": current_tenant().pk, "segment": segment.pk, "moment": moment}
    past = [one.value for one in OF_THE_PAST]
    news = sql(
        NEWS,
        **same,
        topic=TOPIC,
        name=segment.name,
        at=moment.isoformat(),
        past=past,
        in_a_message=IN_A_MESSAGE,
    )
    return sql(
        REWORK, **same, cause=cause, past=past, explained=EXPLAINED, left=Cause.LEFT_POPULATION.value,
        historical=Cause.HISTORICAL.value, people=list(asked), causes=[one or cause for one in asked.values()],
        of_entries=only, of_members=only, matching=_wanted(segment, tree, moment, people),
        population=_of(population().filter(pk__in=_entered(segment)), people), everybody=_of(population(), None),
        since=sql(SINCE, **same, merged=Cause.MERGED.value) if people else sql("{moment}::timestamptz", **same),
        dependents=list(dependents(segment).values_list("pk", flat=True)), news=_told(news),
    )  # fmt: skip


def _told(news: Sql) -> Sql:
    return sql(EMIT_ROWS, tenant=current_tenant().pk, rows=news)


def dependents(segment: Segment) -> QuerySet[Segment]:
    """The live segments whose rules speak of this one."""
    found: QuerySet[Segment] = Segment.objects.live().filter(references__contains=[segment.pk])
    return found


def _wanted(segment: Segment, tree: Group | None, moment: datetime, people: Mapping[UUID, str] | None) -> Sql:
    if tree is None:
        return Sql("SELECT NULL::uuid WHERE false")
    only = None if people is None else list(people)
    return matching_ids(tree, moment=moment, zone=segment.zone, only=only)


def _entered(segment: Segment) -> Any:
    return SegmentEntry.objects.filter(segment=segment, is_excluded=False).values("customer")


def _of(rows: Any, people: Mapping[UUID, str] | None) -> Sql:
    rows = rows if people is None else rows.filter(pk__in=list(people))
    return Sql(*rows.order_by().values("pk").query.sql_with_params())


def _log_few(
    segment: Segment, tree: Group | None, few: Sequence[Mapping[str, Any]], moment: datetime
) -> None:
    """Write the log of a few changes, each with the leaves that made the difference."""
    people = [UUID(one["customer_id"]) for one in few]
    leaves = {} if tree is None else deciding_leaves(tree, people, moment=moment, zone=segment.zone)
    rows = [
        {
            "segment_id": segment.pk, "customer_id": pk, "at": moment, "joined": one["joined"], "cause": one["cause"],
            "leaves": leaves.get(pk),
        }
        for pk, one in zip(people, few, strict=True)
    ]  # fmt: skip
    insert_rows(MembershipChange, rows, COLUMNS)
