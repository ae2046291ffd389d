"""Whoever changes who is in a segment holds its lock: a transaction's advisory lock, so that it dies with its holder.

Its row stays free meanwhile, to be read and changed.
"""

from collections.abc import Collection
from uuid import UUID

from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant

TRY = """
    SELECT id FROM unnest(%s::uuid[]) AS id
    WHERE pg_try_advisory_xact_lock(hashtextextended('segment:' || id, 0))
"""
WAIT = "SELECT pg_advisory_xact_lock(hashtextextended('segment:' || %s::uuid, 0))"
ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('segments of:' || %s::uuid, 0)) AS is_mine"


def try_lock(segments: Collection[UUID]) -> set[UUID]:
    """Take the locks of those of the segments that nobody has, until the transaction ends. One statement."""
    return {row["id"] for row in select(TRY, [list(segments)])}


def lock(segment: UUID) -> None:
    """Wait for a segment's lock, as long as for any lock."""
    run(WAIT, [segment])


def is_alone() -> bool:
    """Whether this transaction is the only one that follows what happens to the open tenant's people."""
    (row,) = select(ALONE, [current_tenant().pk])
    return bool(row["is_mine"])
