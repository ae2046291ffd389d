"""Dead letters: what they would do, trying them again, and letting them go with a reason."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet
from django.utils import timezone

from crm.errors import Conflict
from crm.tenancy import audit
from crm.tenancy.models import Tenant
from crm.tenancy.scope import scopes_disabled, tenant_scope
from timeline.application import Outcome, apply_events
from timeline.gate import RESTRICTED
from timeline.ingestion import inbox_rows, wake
from timeline.models import InboundEvent, SyncStatus

SAMPLE = 100
HELD = {"error_code": RESTRICTED, "customer__processing_restricted_at": None}


class _Undo(Exception):  # noqa: N818 - not an error: it takes a trial back
    pass


def replay(events: "QuerySet[InboundEvent]", *, by: str) -> int:
    """Put failed or skipped events back to the start of the queue, with fresh attempts; how many that were.

    Harmless for events that were applied: they are left out, so an effect never happens twice.
    """
    again = events.filter(status__in=[SyncStatus.FAILED, SyncStatus.SKIPPED])
    with transaction.atomic():
        count: int = again.update(
            status=SyncStatus.PENDING, is_waiting=True, attempts=0, claims=0, claimed_at=None,
            next_attempt_at=timezone.now(), dead_at=None, error_code="", error="", processed_at=None,
        )  # fmt: skip
        if count:
            audit.record("events.replayed", by=by, object_type="event", after={"count": count})
            wake()
    return count


def discard(events: "QuerySet[InboundEvent]", *, reason: str, by: str) -> int:
    """Close dead letters for good, with the reason; they stay in the log. Raises Conflict without a reason."""
    if not reason.strip():
        raise Conflict("Say why these events are discarded.")
    with transaction.atomic():
        count: int = events.dead().update(  # type: ignore[attr-defined]
            status=SyncStatus.SKIPPED, is_waiting=False, dead_at=None, processed_at=timezone.now(),
            error_code="DISCARDED", error=reason.strip()[:500],
        )  # fmt: skip
        audit.record(
            "events.discarded",
            by=by,
            object_type="event",
            after={"count": count, "reason": reason.strip()[:500]},
        )
    return count


def preview(events: "QuerySet[InboundEvent]") -> dict[str, Any]:
    """What a replay would do, without doing it: counts by kind, and the outcome of a sample tried and undone.

    Returns {"count", "groups": [{source, type, error_code, count, first_seen, last_seen}], "sample":
    {"tried", "applied", "skipped", "failed", "errors": {code: count}}}.
    """
    again = events.filter(status__in=[SyncStatus.FAILED, SyncStatus.SKIPPED])
    groups = (
        again.order_by()
        .values("source", "type", "error_code")
        .annotate(count=Count("pk"), first_seen=Min("received_at"), last_seen=Max("received_at"))
        .order_by("-count")
    )
    ids = list(again.order_by("received_at").values_list("pk", flat=True)[:SAMPLE])
    return {"count": again.count(), "groups": list(groups), "sample": _summary(_try(ids))}


def _try(ids: Sequence[Any]) -> list[Outcome]:
    """Apply each event alone and take it back."""
    found: list[Outcome] = []
    for pk in ids:
        try:
            with transaction.atomic():
                found += apply_events(inbox_rows([pk]), now=timezone.now())
                raise _Undo
        except _Undo:
            continue
        except Exception as error:  # noqa: BLE001 - a trial reports whatever would go wrong
            found.append(Outcome.failed("PROCESSING_FAILED", type(error).__name__, permanent=False))
    return found


def _summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    errors: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.status == SyncStatus.FAILED:
            errors[outcome.code] = errors.get(outcome.code, 0) + 1
    return {
        "tried": len(outcomes),
        "applied": sum(outcome.status == SyncStatus.SUCCESS for outcome in outcomes),
        "skipped": sum(outcome.status == SyncStatus.SKIPPED for outcome in outcomes),
        "failed": sum(errors.values()),
        "errors": errors,
    }


def release_held() -> int:
    """Queue the events that waited for a restriction which is lifted by now, of all tenants; how many those were."""
    with scopes_disabled():  # asked across tenants: who has any
        held = InboundEvent.objects.filter(tenant=OuterRef("pk"), **HELD)
        tenants = list(Tenant.objects.filter(Exists(held)))
    count = 0
    for tenant in tenants:
        with tenant_scope(tenant):
            count += replay(InboundEvent.objects.filter(**HELD), by="job:apply_held")
    return count
