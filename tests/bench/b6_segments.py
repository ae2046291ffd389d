"""B6: who is in a segment of a sixth of all people: the first filling, and a refresh where one in a hundred changed."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

from crm.tenancy.rows import run
from crm.tenancy.scope import tenant_scope
from segments import membership
from segments.models import Segment, SegmentTouch
from segments.services import create_segment
from tests.bench.context import Bench
from tests.bench.harness import Contestant, Laps, race
from tests.bench.measure import LIMIT, OURS, Goal, Measure

CRITERIA = {
    "combinator": "AND",
    "rules": [
        {"field": "membershipTier", "operator": "in", "value": ["Gold", "Silver"]},
        {"field": "lifetimeValue", "operator": "gte", "value": 100_000},
        {"field": "emailOptIn", "operator": "eq", "value": True},
        {
            "combinator": "OR",
            "rules": [
                {"field": "lastActivityAt", "operator": "inLast", "value": {"amount": 2, "unit": "years"}},
                {"field": "isVip", "operator": "eq", "value": True},
            ],
        },
        {"field": "lifecycleStage", "operator": "eq", "value": "MEMBER"},
    ],
}
WANTED = """
    SELECT p.id FROM customers_customerprofile p
    JOIN customers_customermetrics m ON m.tenant_id = p.tenant_id AND m.customer_id = p.id
    WHERE p.tenant_id = %(tenant)s AND p.status IN ('ACTIVE', 'INACTIVE') AND NOT p.is_light AND p.erased_at IS NULL
        AND p.processing_restricted_at IS NULL AND p.membership_tier IN ('Gold', 'Silver')
        AND m.lifetime_value_cents >= 100000 AND p.email_opt_in AND p.lifecycle_stage = 'MEMBER'
        AND (m.last_activity_at >= now() - interval '2 years' OR p.is_vip)
"""
# The same durable work by hand: members, the log of who came and went, and the news in messages of a thousand.
BY_HAND = f"""
    WITH wanted AS MATERIALIZED ({WANTED}), gone AS (
        DELETE FROM segments_segmentmember m WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s
            AND NOT EXISTS (SELECT FROM wanted w WHERE w.id = m.customer_id)
        RETURNING customer_id
    ), came AS (
        INSERT INTO segments_segmentmember (tenant_id, segment_id, customer_id, joined_at)
        SELECT %(tenant)s, %(segment)s, w.id, now() FROM wanted w
        WHERE NOT EXISTS (SELECT FROM segments_segmentmember m
            WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s AND m.customer_id = w.id)
        ORDER BY w.id RETURNING customer_id
    ), changed AS MATERIALIZED (
        SELECT customer_id, true AS joined FROM came UNION ALL SELECT customer_id, false FROM gone
    ), logged AS (
        INSERT INTO segments_membershipchange (tenant_id, segment_id, customer_id, at, joined, cause)
        SELECT %(tenant)s, %(segment)s, customer_id, now(), joined, 'RULES' FROM changed
    )
    INSERT INTO outbox_outboxmessage
        (tenant_id, message_id, topic, key, payload, correlation_id, historical, created_at)
    SELECT %(tenant)s, gen_random_uuid(), 'crm.segment.membership.changed', %(segment)s::text,
        json_build_object('segmentId', %(segment)s::text,
            'joined', json_agg(customer_id) FILTER (WHERE joined),
            'left', json_agg(customer_id) FILTER (WHERE NOT joined)), '', false, now()
    FROM (SELECT *, (row_number() OVER () - 1) / 1000 AS part FROM changed) parts GROUP BY part
"""  # noqa: S608
EMPTY = (
    "SELECT set_config('fairway.erasing', 'on', false)",
    "DELETE FROM segments_segmentmember",
    "DELETE FROM segments_membershipchange",
    "DELETE FROM outbox_outboxmessage WHERE topic = 'crm.segment.membership.changed'",
    "UPDATE segments_segment SET refreshed_at = NULL, refreshed_version = 0, member_count = 0",
    "SELECT set_config('fairway.erasing', 'off', false)",
)
SHARE = 100  # one in so many changes


def measure(bench: Bench) -> Iterator[Measure]:
    with tenant_scope(bench.tenant):
        segment = create_segment("Bench", by="key:bench", criteria=CRITERIA)
        limit = create_segment("Limit", by="key:bench", type="STATIC")
    goals = [Goal(LIMIT, at_most=1.3)]
    fill = _race(bench, segment, limit, lambda: None)
    yield Measure(
        "B6", f"first filling of a segment of {bench.people:,}", "s", _seconds(fill), goals, _memory(fill)
    )
    _refresh(bench, segment, None)
    _by_hand(bench, limit, None)
    numbers = count(1)
    again = _race(bench, segment, limit, lambda: _change(bench, next(numbers)), refresh=True)
    yield Measure("B6", f"refresh, one in {SHARE} changed", "s", _seconds(again), goals, _memory(again))


def _race(
    bench: Bench, segment: Segment, limit: Segment, change: Callable[[], None], *, refresh: bool = False
) -> dict[str, Laps]:
    empty = partial(_empty, bench)
    contestants = [
        Contestant(OURS, partial(_refresh, bench, segment), prepare=change if refresh else empty),
        Contestant(LIMIT, partial(_by_hand, bench, limit), prepare=change if refresh else empty),
    ]
    return race(contestants, rounds=bench.rounds)


def _refresh(bench: Bench, segment: Segment, _: Any) -> None:
    with tenant_scope(bench.tenant):
        membership.refresh(segment.pk)


def _by_hand(bench: Bench, limit: Segment, _: Any) -> None:
    run(BY_HAND, {"tenant": bench.tenant.pk, "segment": limit.pk})


def _empty(bench: Bench) -> None:
    for statement in EMPTY:
        run(statement, [])


def _change(bench: Bench, number: int) -> None:
    """Turn one in a hundred of those who may be in it round."""
    with tenant_scope(bench.tenant):
        run(
            "UPDATE customers_customerprofile SET email_opt_in = NOT email_opt_in"
            " WHERE tenant_id = %s AND scl_member_id %% %s = %s",
            [bench.tenant.pk, SHARE, number % SHARE],
        )
        SegmentTouch.objects.all().delete()


def _seconds(laps: dict[str, Laps]) -> dict[str, list[float]]:
    return {name: lap.seconds for name, lap in laps.items()}


def _memory(laps: dict[str, Laps]) -> dict[str, int | None]:
    return {name: lap.peak for name, lap in laps.items()}
