"""Events in: received into the inbox, claimed in batches, applied once, retried, buried when hopeless.

Accepted is durable: receive() commits before it answers. What a worker then does with an event, it does in one
transaction with the event's own settling, so an event counts once whatever dies in between.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from crm.cycles import no_search_for_cycles
from crm.database import is_away, retrying
from crm.errors import CRMError
from crm.outbox.nudge import nudge
from crm.tenancy.models import Tenant, uuid7
from crm.tenancy.rows import dump, run, select, update_rows
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope
from timeline.application import Outcome, apply_events
from timeline.catalogue import Priority
from timeline.envelope import LONGEST, Envelope, EnvelopeInvalid, read_envelope, scrub
from timeline.models import InboundEvent, SyncStatus

log = structlog.get_logger(__name__)

BATCH = 1000
LEASE = timedelta(seconds=30)  # a claim older than this, on a row that nobody has locked, is a dead worker's
RETRIES = (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4))
MOST_CLAIMS = 3  # workers that may die over one event; then it is parked

INSERT = """
    WITH sent AS (
        SELECT * FROM json_to_recordset(%(rows)s) AS r (
            id uuid, source text, event_id text, type text, priority int, historical boolean,
            occurred_at timestamptz, raw text)
        ORDER BY source, event_id
    ), fresh AS (
        INSERT INTO timeline_inboundevent (
            id, tenant_id, source, event_id, type, priority, status, is_waiting, historical, occurred_at,
            received_at, claims, attempts, duplicates, error_code, error)
        SELECT id, %(tenant)s, source, event_id, type, priority, 'PENDING', true, historical, occurred_at,
            %(now)s, 0, 0, 0, '', ''
        FROM sent
        ON CONFLICT (tenant_id, source, event_id) DO NOTHING
        RETURNING id
    ), bodies AS (
        INSERT INTO timeline_eventbody (event_id, tenant_id, raw)
        SELECT sent.id, %(tenant)s, sent.raw FROM sent JOIN fresh USING (id)
    )
    SELECT id FROM fresh
"""
COUNT_DUPLICATES = """
    WITH again AS (
        SELECT e.id, r.times
        FROM json_to_recordset(%s) AS r (source text, event_id text, times int)
        JOIN timeline_inboundevent e
            ON e.tenant_id = %s AND e.source = r.source AND e.event_id = r.event_id
        ORDER BY e.id FOR NO KEY UPDATE OF e
    )
    UPDATE timeline_inboundevent e SET duplicates = e.duplicates + again.times FROM again WHERE e.id = again.id
"""
# A WITH is evaluated once; a subquery could be for each row that it is joined to, and would claim more each time.
# Its ids go on as an array: joined, the planner would rather read the whole inbox than look a thousand of them up.
CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT id FROM timeline_inboundevent
        WHERE tenant_id = %(tenant)s AND is_waiting
          AND (next_attempt_at IS NULL OR next_attempt_at <= %(now)s)
          AND {which}
        ORDER BY {order} LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE timeline_inboundevent e
    SET claimed_at = %(now)s, claims = e.claims + coalesce(e.claimed_at > pg_postmaster_start_time(), false)::int
    WHERE e.tenant_id = %(tenant)s AND e.id = ANY (ARRAY(SELECT id FROM due)) RETURNING e.id, e.claims
"""
FRESH = {"which": "claimed_at IS NULL AND claims = 0 AND attempts = 0", "order": "priority, id"}
# Those whose worker never came back are tried in small groups: nearly all only stood beside what killed it, and one by
# one would wait for minutes. A claim from before the server's own crash was lost by the server: it is free at once, and
# no worker died of the event.
LEFT = {
    "which": """
        claimed_at < greatest(%(lost)s, pg_postmaster_start_time()) AND claims = 0 AND attempts = 0
    """,
    "order": "priority, id",
}
GROUP = 32
# What failed before, or whose group's worker died as well, runs alone: it must not take others with it again. Over whom
# more workers died goes later: else the lethal one kills each new worker before its neighbours had their turn.
ALONE = {
    "which": """
        (claims > 0 OR attempts > 0)
        AND (claimed_at IS NULL OR claimed_at < greatest(%(lost)s, pg_postmaster_start_time()))
    """,
    "order": "claims, priority, id",
}
ALONE_A_TURN = 20
LOOK = """
    SELECT e.id, e.attempts, e.received_at, b.raw FROM timeline_inboundevent e
    LEFT JOIN timeline_eventbody b ON b.tenant_id = e.tenant_id AND b.event_id = e.id
    WHERE e.tenant_id = %s AND e.id = ANY(%s)
"""
# Waits for who counts a duplicate of one of them just now, and locks in the same order: passed over, an event would lie
# claimed until its lease is over. What another worker has taken over meanwhile is no longer ours.
TAKE = """
    WITH ours AS MATERIALIZED (
        SELECT id, attempts, received_at, occurred_at FROM timeline_inboundevent
        WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s) AND is_waiting AND claimed_at = %(claimed_at)s
        ORDER BY id FOR UPDATE
    )
    SELECT e.id, e.attempts, e.received_at, b.raw FROM ours e
    LEFT JOIN timeline_eventbody b ON b.tenant_id = %(tenant)s AND b.event_id = e.id
    ORDER BY e.occurred_at, e.id
"""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item of a request. `id` is the event's id as sent, where it could be read."""

    index: int
    id: str | None
    status: str
    error: dict[str, Any] | None = None


@dataclass(slots=True)
class Receipt:
    """The answer to a request, one result an item in the order sent."""

    results: list[ItemResult] = field(default_factory=list)

    def count(self, status: str) -> int:
        return sum(result.status == status for result in self.results)

    @property
    def accepted(self) -> int:
        return self.count("ACCEPTED")

    @property
    def duplicates(self) -> int:
        return self.count("DUPLICATE")

    @property
    def rejected(self) -> int:
        return self.count("REJECTED")


@dataclass(slots=True)
class Tally:
    """What a worker did in one go."""

    applied: int = 0
    skipped: int = 0
    failed: int = 0
    more: bool = False

    @property
    def total(self) -> int:
        return self.applied + self.skipped + self.failed


# --- receive
def receive(items: Sequence[Any], *, sources: Collection[str] = (), now: datetime | None = None) -> Receipt:
    """Store what is readable of `items` for the open tenant, durably, and wake a worker.

    items:   common envelopes or Messaging jobs, as parsed from JSON.
    sources: the only sources the sender may speak for; empty = any.
    At most three statements, whatever the number of items.
    """
    now = now or timezone.now()
    receipt = Receipt()
    rows: dict[tuple[str, str], tuple[int, Envelope, Any]] = {}
    again: dict[tuple[str, str], int] = {}
    for index, item in enumerate(items):
        try:
            envelope = _checked(item, sources, now)
        except CRMError as error:
            sent_id = item.get("id") if isinstance(item, dict) else None
            receipt.results.append(
                ItemResult(
                    index,
                    scrub(sent_id)[:LONGEST] if isinstance(sent_id, str) else None,
                    "REJECTED",
                    _as_dict(error),
                )
            )
            continue
        key = (envelope.source, envelope.id)
        if key in rows:
            again[key] = again.get(key, 0) + 1
            receipt.results.append(ItemResult(index, envelope.id, "DUPLICATE"))
        else:
            rows[key] = (index, envelope, item)
    with transaction.atomic():
        fresh = _insert(rows.values(), now)
        for key, (index, envelope, _item) in rows.items():
            is_new = index in fresh
            if not is_new:
                again[key] = again.get(key, 0) + 1
            receipt.results.append(ItemResult(index, envelope.id, "ACCEPTED" if is_new else "DUPLICATE"))
        if again:
            counts = [{"source": s, "event_id": e, "times": n} for (s, e), n in again.items()]
            run(COUNT_DUPLICATES, [dump(counts), current_tenant().pk])
    receipt.results.sort(key=lambda result: result.index)
    if fresh:
        wake(min(envelope.priority for index, envelope, _ in rows.values() if index in fresh))
    return receipt


def wake(priority: int = Priority.NORMAL) -> None:
    """Tell a worker, after the commit, that the open tenant has events. A lost nudge costs seconds, no event."""
    queue = "events-high" if priority == Priority.HIGH else "events"
    tenant = str(current_tenant().pk)
    transaction.on_commit(lambda: nudge("timeline.process_events", tenant, queue=queue))


def _checked(item: Any, sources: Collection[str], now: datetime) -> Envelope:
    envelope = read_envelope(item, now=now)
    tenant = current_tenant()
    if envelope.tenant is not None and envelope.tenant not in (tenant.slug, str(tenant.pk)):
        raise ForeignTenant
    if sources and envelope.source not in sources:
        raise SourceNotAllowed(f"This key may not send events of the source “{envelope.source}”.")
    return envelope


class ForeignTenant(CRMError):
    """The event names another tenant than the credential's."""

    code, status = "TENANT_MISMATCH", 403


class SourceNotAllowed(CRMError):
    """This key may not send events of this source."""

    code, status = "SOURCE_NOT_ALLOWED", 403


def _as_dict(error: CRMError) -> dict[str, Any]:
    details = [detail._asdict() for detail in error.details]
    code = "VALIDATION_ERROR" if isinstance(error, EnvelopeInvalid) else error.code
    return {"code": code, "message": error.message, "details": details}


def _insert(rows: Collection[tuple[int, Envelope, Any]], now: datetime) -> set[int]:
    """Insert the events that are not there yet; the indexes of those."""
    if not rows:
        return set()
    index_of, sent = {}, []
    for index, envelope, item in rows:
        pk = uuid7()
        index_of[pk] = index
        sent.append(
            {
                "id": pk,
                "source": envelope.source,
                "event_id": envelope.id,
                "type": envelope.type[:100],
                "priority": int(envelope.priority),
                "historical": envelope.historical,
                "occurred_at": envelope.occurred_at,
                "raw": json.dumps(item, separators=(",", ":")),
            }
        )
    fresh = select(INSERT, {"rows": dump(sent), "tenant": current_tenant().pk, "now": now})
    return {index_of[row["id"]] for row in fresh}


# --- process
def tenants_with_due_events(now: datetime) -> list[Tenant]:
    """The active tenants for whom a worker would find something. One index probe a tenant."""
    with scopes_disabled():  # the one question that is asked across tenants: who has work
        due = InboundEvent.objects.due(now, lost=now - LEASE).filter(tenant=OuterRef("pk"))
        return list(Tenant.objects.filter(Exists(due), is_active=True))


def process_due(tenant: Tenant, *, budget_seconds: float = 5.0, limit: int = BATCH) -> Tally:
    """Work off the tenant's due events, the urgent first, until none is left or the time is up.

    Every turn asks anew, so an urgent event waits for one batch at most, however long the queue.
    `more` in the tally says that there was something left.
    """
    tally, deadline = Tally(), time.monotonic() + budget_seconds
    with tenant_scope(tenant):
        while _take_turn(tally, limit):
            if time.monotonic() >= deadline:
                tally.more = True
                break
    return tally


def _take_turn(tally: Tally, limit: int) -> bool:
    """A batch of fresh events, a group of those left behind, a few of those that must run alone; False without any."""
    found = False
    for which, most in ((FRESH, limit), (LEFT, GROUP)):
        claimed_at = timezone.now()
        claimed = [pk for pk, _ in _claim(which, most, claimed_at)]
        if claimed:
            found = True
            _work(claimed, claimed_at, tally)
    for _ in range(ALONE_A_TURN):
        claimed_at = timezone.now()
        alone = _claim(ALONE, 1, claimed_at)
        if not alone:
            return found
        ((pk, claims),) = alone
        if claims >= MOST_CLAIMS:
            _fail(pk, claimed_at, WorkerDied(f"{claims} workers died while they had this event."))
            tally.failed += 1
        else:
            _work([pk], claimed_at, tally)
    return True


def _claim(which: Mapping[str, str], limit: int, now: datetime) -> list[tuple[UUID, int]]:
    """Mark due events as being worked on and commit that, so that a crash shows. One statement."""
    params = {"now": now, "tenant": current_tenant().pk, "lost": now - LEASE, "limit": limit}
    return [(row["id"], row["claims"]) for row in select(CLAIM.format(**which), params)]


def _work(ids: Sequence[UUID], claimed_at: datetime, tally: Tally) -> None:
    """Apply claimed events in one transaction; when that fails, halve until the culprit stands alone."""
    try:
        retrying(lambda: _apply(ids, claimed_at, tally))
    except (
        CRMError,
        DatabaseError,
        InterfaceError,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        if is_away(error):
            _release(ids, claimed_at)
            raise
        if len(ids) > 1:
            middle = len(ids) // 2
            _work(ids[:middle], claimed_at, tally)
            _work(ids[middle:], claimed_at, tally)
        else:
            _fail(ids[0], claimed_at, error)
            tally.failed += 1


class WorkerDied(CRMError):
    """This event ends every worker that takes it."""

    code = "WORKER_DIED"


def _apply(ids: Sequence[UUID], claimed_at: datetime, tally: Tally) -> None:
    with no_search_for_cycles(), transaction.atomic():
        rows = _take(ids, claimed_at)
        outcomes = apply_events(rows, now=timezone.now()) if rows else []
        _settle(rows, outcomes)
    for outcome in outcomes:
        if outcome.status == SyncStatus.SUCCESS:
            tally.applied += 1
        elif outcome.status == SyncStatus.SKIPPED:
            tally.skipped += 1
        else:
            tally.failed += 1


def _take(ids: Sequence[UUID], claimed_at: datetime) -> list[dict[str, Any]]:
    """Lock what of a claim is still ours, and read it, in the order in which it happened. One statement."""
    return select(TAKE, {"tenant": current_tenant().pk, "ids": list(ids), "claimed_at": claimed_at})


def inbox_rows(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Inbox rows with their bodies, as apply_events() takes them; not locked."""
    return select(LOOK, [current_tenant().pk, list(ids)])


def _settle(rows: Sequence[dict[str, Any]], outcomes: Sequence[Outcome]) -> None:
    now = timezone.now()
    settled = [
        _failure(row, outcome.code, outcome.error, now, permanent=outcome.permanent)
        if outcome.status == SyncStatus.FAILED
        else {
            "status": outcome.status, "is_waiting": False, "processed_at": now, "customer_id": outcome.customer,
            "activity_id": outcome.activity, "attempts": row["attempts"], "next_attempt_at": None,
            "dead_at": None, "error_code": outcome.code, "error": outcome.error,
        }
        for row, outcome in zip(rows, outcomes, strict=True)
    ]  # fmt: skip
    update_rows(
        InboundEvent,
        [
            {"id": row["id"], "claims": 0, "claimed_at": None, **what}
            for row, what in zip(rows, settled, strict=True)
        ],
        SETTLED,
    )


SETTLED = [
    "status", "is_waiting", "processed_at", "customer_id", "activity_id", "attempts", "next_attempt_at",
    "dead_at", "error_code", "error", "claims", "claimed_at",
]  # fmt: skip


def _failure(row: dict[str, Any], code: str, error: str, now: datetime, *, permanent: bool) -> dict[str, Any]:
    """The next state of an event that failed by itself: another try after 1, 2 and 4 seconds, then a dead letter."""
    attempts = row["attempts"] + 1
    again = not permanent and attempts <= len(RETRIES)
    return {
        "status": SyncStatus.FAILED, "is_waiting": again, "processed_at": now, "customer_id": None,
        "activity_id": None, "attempts": attempts, "error_code": code, "error": error,
        "next_attempt_at": now + RETRIES[attempts - 1] if again else None, "dead_at": None if again else now,
    }  # fmt: skip


def _fail(pk: UUID, claimed_at: datetime, error: Exception) -> None:
    """Count a failure of the event itself. Nothing happens when another worker has taken it meanwhile."""
    code, text, permanent = describe(error)
    log.warning("event_failed", event_pk=str(pk), code=code, kind=type(error).__name__)
    with transaction.atomic():
        rows = _take([pk], claimed_at)
        _settle(rows, [Outcome.failed(code, text, permanent=permanent) for _ in rows])


def describe(error: Exception) -> tuple[str, str, bool]:
    """Code, words and permanence of a failure. The words never quote a value: they may be somebody's data."""
    if isinstance(error, CRMError):
        return error.code, error.message, error.permanent
    if isinstance(error.__cause__, psycopg.Error):
        return "DATABASE_REFUSED", error.__cause__.diag.message_primary or "The database refused it.", False
    return "PROCESSING_FAILED", f"{type(error).__name__} while applying the event.", False


def _release(ids: Sequence[UUID], claimed_at: datetime) -> None:
    """Give claimed events back, if the database answers: its loss is no fault of theirs."""
    connection.close_if_unusable_or_obsolete()
    try:
        InboundEvent.objects.filter(pk__in=ids, claimed_at=claimed_at).update(claimed_at=None)
    except DatabaseError:
        log.warning("claims_not_released", count=len(ids))
