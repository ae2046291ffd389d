"""How long what is kept: one registry of kinds, each tenant's days for them, and one job that applies them.

Apps register a kind of rows with its usual days; a tenant's RetentionRule answers otherwise. Kinds that the platform
needs are fixed: every tenant has them, and nobody changes them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import models, transaction

from crm.errors import Detail, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.models import AuditEntry, IdempotentCall, RetentionRule, Tenant
from crm.tenancy.rows import run
from crm.tenancy.scope import current_tenant, tenant_scope

log = structlog.get_logger(__name__)

BATCH = 5000
IDEMPOTENT_CALLS_KEPT = timedelta(days=1)
BY = "job:retention"
LONGEST = 36_500  # days
LOOKS = (
    "customer.viewed",
    "customer.listed",
    "customer.searched",
    "note.listed",
    "event.viewed",
    "staffmail.viewed",
)
COUNT_UP_TO = 100_000

Due = Callable[[datetime], Any]
Purge = Callable[[Any], int]


def delete_in_batches(rows: models.QuerySet[Any]) -> int:
    """Delete the rows in short statements, so that no lock is held for long; one statement for 5,000 rows."""
    deleted = 0
    while count := rows.filter(pk__in=rows.values("pk")[:BATCH]).delete()[0]:
        deleted += count
    return deleted


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that are kept for so long.

    usual: days unless a tenant says otherwise; None = for ever. least: fewer than these a tenant can't say.
    due:   the open tenant's rows that are older than a moment; what is under a legal hold is none of them.
    purge: takes due rows away, in bounded pieces; gives how many.
    """

    key: str
    title: Any
    words: Any
    usual: int | None
    due: Due
    purge: Purge = delete_in_batches
    least: int = 1
    is_fixed: bool = False


_kinds: dict[str, Kind] = {}


def keeps(kind: Kind) -> None:
    """Register a kind of rows."""
    _kinds[kind.key] = kind


def kinds() -> list[Kind]:
    """Those that tenants decide on first."""
    return sorted(_kinds.values(), key=lambda kind: kind.is_fixed)


def days_of_kinds() -> dict[str, int | None]:
    """The open tenant's days of each kind. One statement."""
    own = dict(RetentionRule.objects.values_list("kind", "days"))
    return {kind.key: kind.usual if kind.is_fixed else own.get(kind.key, kind.usual) for kind in kinds()}


def preview(days: dict[str, int | None], *, now: datetime) -> dict[str, int]:
    """How many rows of each kind would go now by these days, counted to 100,000. A statement a kind."""
    return {
        kind.key: kind.due(now - timedelta(days=kept)).order_by().values("pk")[:COUNT_UP_TO].count()
        for kind in kinds()
        if (kept := days.get(kind.key)) is not None
    }


def decide(days: dict[str, int | None], *, by: str) -> None:
    """Write the open tenant's days, and what changed to the audit log. Raises ValidationFailed naming each kind."""
    known = {kind.key: kind for kind in kinds() if not kind.is_fixed}
    bad = [
        Detail(key, "INVALID_FIELD", f"must be {known[key].least} to {LONGEST} days, or nothing")
        for key, kept in days.items()
        if key in known and kept is not None and not known[key].least <= kept <= LONGEST
    ]
    if bad or days.keys() - known.keys():
        raise ValidationFailed(details=bad)
    before = days_of_kinds()
    changed = {key: kept for key, kept in days.items() if before[key] != kept}
    for key, kept in changed.items():
        RetentionRule.objects.update_or_create(tenant=current_tenant(), kind=key, defaults={"days": kept})
    if changed:
        was = {key: before[key] for key in changed}
        audit.record("retention.changed", by=by, object_type="tenant", before=was, after=changed)


def apply_rules(now: datetime, *, budget_seconds: float = 300) -> int:
    """Take away what is over its time, of all tenants, until the time is up; how many rows went.

    What went of a tenant, by kind, is in its audit log.
    """
    deadline, total = time.monotonic() + budget_seconds, 0
    for tenant in Tenant.objects.all():
        with tenant_scope(tenant):
            days, gone = days_of_kinds(), {}
            for kind in kinds():
                kept = days[kind.key]
                if kept is not None and time.monotonic() < deadline:
                    gone[kind.key] = kind.purge(kind.due(now - timedelta(days=kept)))
            if told := {key: count for key, count in gone.items() if count and not _kinds[key].is_fixed}:
                audit.record("retention.applied", by=BY, object_type="tenant", after=told)
                log.info("retention.applied", **told)
            total += sum(gone.values())
    return total


# --- what this app keeps
def _purge_looks(rows: Any) -> int:
    """The log is append-only, but for this and erasure."""
    deleted: int = 0
    while True:
        with transaction.atomic():
            run("SELECT set_config('fairway.erasing', 'on', true)", [])
            count: int = rows.filter(pk__in=rows.values("pk")[:BATCH]).delete()[0]
        deleted += count
        if not count:
            return deleted


keeps(
    Kind(
        "AUDIT_LOOKS",
        "Who looked",
        "Entries of the audit log about looks and searches. What was changed stays in it.",
        None,
        lambda moment: AuditEntry.objects.filter(at__lt=moment, action__in=LOOKS),
        _purge_looks,
        least=180,
    )
)
keeps(
    Kind(
        "API_ANSWERS",
        "Answers to repeatable calls",
        "What the API answered to a call with an Idempotency-Key, to answer it again.",
        IDEMPOTENT_CALLS_KEPT.days,
        lambda moment: IdempotentCall.objects.filter(created_at__lt=moment),
        is_fixed=True,
    )
)
