"""B6: who is in a segment of a sixth of all people: the first filling, and a refresh where one in a hundred changed."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import psycopg

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
TABLE = """
    CREATE TABLE IF NOT EXISTS bench_member (
        tenant_id uuid, segment int, customer_id uuid, joined_at timestamptz,
        PRIMARY KEY (tenant_id, segment, customer_id))
"""
WANTED = """
    SELECT p.id FROM customers_customerprofile p
    JOIN customers_customermetrics m ON m.tenant_id = p.tenant_id AND m.customer_id = p.id
    WHERE p.tenant_id = %(tenant)s AND p.status IN ('ACTIVE', 'INACTIVE') AND NOT p.is_light AND p.erased_at IS NULL
        AND p.processing_restricted_at IS NULL AND p.membership_tier IN ('Gold', 'Silver')
        AND m.lifetime_value_cents >= 100000 AND p.email_opt_in AND p.lifecycle_stage = 'MEMBER'
        AND (m.last_activity_at >= now() - interval '2 years' OR p.is_vip)
"""
BY_HAND = f"""
    WITH wanted AS MATERIALIZED ({WANTED}), gone AS (
        DELETE FROM bench_member b WHERE b.tenant_id = %(tenant)s AND b.segment = 1
            AND NOT EXISTS (SELECT FROM wanted w WHERE w.id = b.customer_id)
    )
    INSERT INTO bench_member SELECT %(tenant)s, 1, w.id, now() FROM wanted w
    WHERE NOT EXISTS (SELECT FROM bench_member b
        WHERE b.tenant_id = %(tenant)s AND b.segment = 1 AND b.customer_id = w.id)
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
    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(TABLE)
    goals = [Goal(LIMIT, at_most=1.3)]
    fill = _race(bench, segment, lambda: None)
    yield Measure(
        "B6", f"first filling of a segment of {bench.people:,}", "s", _seconds(fill), goals, _memory(fill)
    )
    numbers = count(1)
    again = _race(bench, segment, lambda: _change(bench, next(numbers)), refresh=True)
    yield Measure("B6", f"refresh, one in {SHARE} changed", "s", _seconds(again), goals, _memory(again))


def _race(
    bench: Bench, segment: Segment, change: Callable[[], None], *, refresh: bool = False
) -> dict[str, Laps]:
    empty, empty_by_hand = partial(_empty, bench), partial(run, "DELETE FROM bench_member", [])
    contestants = [
        Contestant(OURS, partial(_refresh, bench, segment), prepare=change if refresh else empty),
        Contestant(LIMIT, partial(_by_hand, bench), prepare=change if refresh else empty_by_hand),
    ]
    return race(contestants, rounds=bench.rounds)


def _refresh(bench: Bench, segment: Segment, _: Any) -> None:
    with tenant_scope(bench.tenant):
        membership.refresh(segment.pk)


def _by_hand(bench: Bench, _: Any) -> None:
    run(BY_HAND, {"tenant": bench.tenant.pk})


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
