"""What can be measured of a running platform. Each function asks one thing, of all tenants, and is cheap.

Ages are seconds by the database's clock: those of the machines may differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from crm.outbox.nudge import QUEUES
from crm.outbox.streams import INBOUND, OUTBOUND, REJECTED, redis_client
from timeline.catalogue import Priority

PATIENCE = 2  # seconds that PostgreSQL has to accept a connection
REDIS_PATIENCE = 0.5
PRIORITIES = {Priority.HIGH: "high", Priority.NORMAL: "normal", Priority.LOW: "low"}

BACKLOG = """
    SELECT count(*), extract(epoch FROM clock_timestamp() - min(created_at))::float8
    FROM outbox_outboxmessage WHERE relayed_at IS NULL
"""
WAITING = "SELECT priority, count(*) FROM timeline_inboundevent WHERE is_waiting GROUP BY priority"
# One index probe for each tenant and priority: ids are in the order of arrival. A tenant's events stand still since
# its oldest one became due, or since one that arrived shortly before was settled, as happens all along a backlog.
OLDEST = """
    SELECT due.priority,
        extract(epoch FROM clock_timestamp() - min(due.at))::float8,
        extract(epoch FROM clock_timestamp() - min(greatest(due.at, moved.at)))::float8
    FROM (
        SELECT t.id AS tenant_id, p.priority, e.id, greatest(e.received_at, e.next_attempt_at) AS at
        FROM tenancy_tenant t
        CROSS JOIN unnest(%s) AS p (priority)
        CROSS JOIN LATERAL (
            SELECT id, received_at, next_attempt_at FROM timeline_inboundevent
            WHERE tenant_id = t.id AND priority = p.priority AND is_waiting
              AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
            ORDER BY id LIMIT 1
        ) e
    ) due
    CROSS JOIN LATERAL (
        SELECT max(processed_at) AS at FROM (
            SELECT tenant_id, processed_at FROM timeline_inboundevent
            WHERE id < due.id ORDER BY id DESC LIMIT 200
        ) before
        WHERE before.tenant_id = due.tenant_id
    ) moved
    GROUP BY due.priority
"""
DEAD = "SELECT count(*) FROM timeline_inboundevent WHERE dead_at IS NOT NULL"
STUCK = """
    SELECT count(*) FROM timeline_inboundevent
    WHERE is_waiting AND claimed_at < clock_timestamp() - interval '5 minutes'
"""
MAY_WRITE = """
    SELECT current_setting('transaction_read_only') = 'off'
       AND has_table_privilege('outbox_outboxmessage', 'INSERT')
       AND has_table_privilege('timeline_inboundevent', 'INSERT')
"""


class Backlog(NamedTuple):
    """How much waits, and for how many seconds the oldest of it has (None: nothing waits).

    still: seconds in which none of it was worked off.
    """

    size: int
    oldest: float | None
    still: float | None = None


@contextmanager
def own_connection() -> Iterator[BaseDatabaseWrapper]:
    """A connection of our own, outside of the pool: a probe neither waits for busy threads nor for a dead server."""
    own = connections["default"].copy()
    own.settings_dict["OPTIONS"] = {
        name: value for name, value in own.settings_dict["OPTIONS"].items() if name != "pool"
    } | {"connect_timeout": PATIENCE}
    try:
        yield own
    finally:
        own.close()


def rows(sql: str, params: Any = None, *, using: BaseDatabaseWrapper | None = None) -> list[tuple[Any, ...]]:
    with (using or connection).cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


class Known:
    """Whether this process has seen all its migrations applied: the schema only ever moves forward."""

    migrated = False


def pending_migrations() -> list[str]:
    """Migrations of this release that the database does not have yet. No query once there were none."""
    if Known.migrated:
        return []
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    Known.migrated = not plan
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def may_write(using: BaseDatabaseWrapper | None = None) -> bool:
    """Whether this role can write news and events: not on a standby, and not without its rights."""
    return bool(rows(MAY_WRITE, using=using)[0][0])


def outbox() -> Backlog:
    return Backlog(*rows(BACKLOG)[0])


def events() -> dict[str, Backlog]:
    """Events that wait for a worker, by priority; the age is that of the oldest one that is due."""
    counts = dict(rows(WAITING))
    due = {number: ages for number, *ages in rows(OLDEST, [list(map(int, PRIORITIES))])}
    return {
        name: Backlog(counts.get(number, 0), *due.get(number, (None, None)))
        for number, name in PRIORITIES.items()
    }


def dead_letters() -> int:
    return int(rows(DEAD)[0][0])


def stuck_events() -> int:
    """Events that a worker took over five minutes ago and neither settled nor gave back."""
    return int(rows(STUCK)[0][0])


def redis_answers() -> bool:
    try:
        return bool(redis_client(timeout=REDIS_PATIENCE).ping())
    except RedisError:
        return False


class Streams(NamedTuple):
    """Entries of the streams. unread, unacknowledged: of those coming in."""

    unread: int
    unacknowledged: int
    rejected: int
    outbound: int


def streams() -> Streams:
    """Raises RedisError."""
    client: Any = redis_client(timeout=REDIS_PATIENCE)
    groups = client.xinfo_groups(INBOUND) if client.exists(INBOUND) else []
    ours = next((group for group in groups if group["name"] == b"fairway"), None)
    length = client.xlen(INBOUND)
    unread, pending = (length, 0) if ours is None else (ours.get("lag"), ours["pending"])
    return Streams(
        length if unread is None else unread, pending, client.xlen(REJECTED), client.xlen(OUTBOUND)
    )


def queues() -> dict[str, int]:
    """Messages in the broker by queue, where Redis is the broker. Raises RedisError."""
    if settings.CELERY_BROKER_URL != settings.REDIS_URL:
        return {}
    client: Any = redis_client(timeout=REDIS_PATIENCE)
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    return {name: client.llen(f"{prefix}{name}") for name in QUEUES}
