"""The outbox when it is full of what is done."""

import time

import psycopg

from tests.rig.frame import scenario
from tests.rig.platform import Failure, Rig

DONE, DUE = 1_000_000, 100
QUICK = 0.020  # seconds
INSERT = """
    INSERT INTO outbox_outboxmessage (
        message_id, tenant_id, topic, key, payload, correlation_id, historical, created_at, relayed_at)
    SELECT gen_random_uuid(), (SELECT min(id::text)::uuid FROM tenancy_tenant), 'rig.done', 'k', '{}', '', false,
        now() - %s::interval, CASE WHEN %s THEN now() - %s::interval END
    FROM generate_series(1, %s)
"""
POLL = (
    "SELECT * FROM outbox_outboxmessage WHERE relayed_at IS NULL ORDER BY id LIMIT 500"  # as the relay asks
)


@scenario("OB4", times=10)
def a_million_messages_are_done(rig: Rig, times: int) -> None:
    """The poll finds the few that are due at once; what was sent a week ago is purged, the rest stays."""
    took = []
    with rig.database() as database, database.transaction() as undone:
        database.execute(INSERT, ["1 hour", True, "1 hour", DONE])
        database.execute(INSERT, ["1 second", False, "1 second", DUE])
        database.execute("ANALYZE outbox_outboxmessage")  # as autovacuum does by itself
        for _ in range(times):
            began = time.monotonic()
            found = len(database.execute(POLL).fetchall())
            took.append(time.monotonic() - began)
        raise psycopg.Rollback(undone)
    median = sorted(took)[len(took) // 2]
    rig.note(f"{found} of {DONE:,} found within {median * 1000:.1f} ms")
    if found < DUE or median > QUICK:
        raise Failure(f"the poll found {found} messages in {median * 1000:.1f} ms")
    is_purged(rig)


def is_purged(rig: Rig) -> None:
    old = "SELECT count(*) FROM outbox_outboxmessage WHERE topic = 'rig.done'"
    others = "SELECT count(*) FROM outbox_outboxmessage WHERE topic <> 'rig.done'"
    with rig.database() as database:
        database.execute(INSERT, ["8 days", True, "8 days", 1000])
    before = rig.rows(others)
    rig.run_task("outbox.purge")
    rig.until(lambda: rig.rows(old) == [(0,)], within=60, what="old messages are purged")
    if rig.rows(others) < before:
        raise Failure("young messages were purged")
