"""What staff and keys decide about pairs that may be one person: two people after all, or to be asked again.

That they are one is decided by merging them, here or anywhere else.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from crm.errors import Conflict
from crm.tenancy import audit
from customers.merging import merge_customers
from customers.models import DuplicateCandidate, MergeRecord
from customers.unmerging import unmerge

LATELY = timedelta(hours=12)
THING = "duplicatecandidate"


class AlreadyDecided(Conflict):
    """Somebody has decided about this pair meanwhile."""


@transaction.atomic
def dismiss(pairs: Any, *, by: str, remark: str = "", ip: str | None = None) -> int:
    """Remember of the open ones among `pairs` that each is two people; how many. They are never put forward again.

    Two statements, and one a pair for the audit log.
    """
    now = timezone.now()
    open_ones = pairs.filter(status="OPEN").order_by("pk").select_for_update(of=["self"])
    chosen = list(open_ones.values("pk", "first_id", "second_id"))
    decided = {"status": "DISMISSED", "decided_by": by, "decided_at": now, "remark": remark[:300]}
    DuplicateCandidate.objects.filter(pk__in=[one["pk"] for one in chosen]).update(**decided)
    for one in chosen:
        about = {"first": str(one["first_id"]), "second": str(one["second_id"])}
        _record("dismissed", one["pk"], by, about | ({"remark": remark} if remark else {}), ip)
    return len(chosen)


@transaction.atomic
def reopen(pair: DuplicateCandidate, *, by: str, ip: str | None = None) -> None:
    """Ask again about a pair that was put aside. Raises AlreadyDecided for one that was not."""
    put_aside = DuplicateCandidate.objects.filter(pk=pair.pk, status="DISMISSED")
    if not put_aside.update(status="OPEN", decided_by="", decided_at=None, remark=""):
        raise AlreadyDecided
    _record("reopened", pair.pk, by, {"first": str(pair.first_id), "second": str(pair.second_id)}, ip)


def merge(pair: DuplicateCandidate, *, winner: UUID, by: str) -> None:
    """Make one person of the two, `winner` staying; merging remembers of the pair who decided.

    Raises AlreadyDecided for a pair that does not wait, and what merge_customers() does.
    """
    if pair.status != "OPEN":
        raise AlreadyDecided
    loser = pair.second_id if winner == pair.first_id else pair.first_id
    score = None if pair.score is None else round(pair.score)
    merge_customers(winner, loser, by=by, reason="review of duplicates", score=score)


def undo(pair: DuplicateCandidate, *, by: str, ip: str | None = None) -> None:
    """Take back a decision: the pair is a question again, whoever was merged two people again.

    Raises AlreadyDecided where there is nothing to take back, and what unmerge() does.
    """
    if pair.status == "MERGED":
        sides = Q(winner=pair.first_id, loser=pair.second_id) | Q(winner=pair.second_id, loser=pair.first_id)
        record = MergeRecord.objects.filter(sides, undone_at=None).order_by("-at").first()
        if record is None:
            raise AlreadyDecided
        unmerge(record.pk, by=by, reason="undone in the review of duplicates")
    reopen(pair, by=by, ip=ip)


def _record(act: str, pk: Any, by: str, after: Mapping[str, str], ip: str | None) -> None:
    audit.record(f"{THING}.{act}", by=by, object_type=THING, object_id=pk, after=after, ip=ip)


def last_decision(pairs: Any, by: str) -> DuplicateCandidate | None:
    """What they decided last, in the last hours: the one that can be undone. One statement."""
    since: datetime = timezone.now() - LATELY
    return pairs.filter(decided_by=by, decided_at__gte=since).order_by("-decided_at").first()  # type: ignore[no-any-return]


def after(pair: DuplicateCandidate) -> Q:
    """Pairs that stand behind this one in the queue, whatever became of it."""
    younger = Q(created_at__lt=pair.created_at) | Q(created_at=pair.created_at, pk__lt=pair.pk)
    if pair.score is None:
        return Q(score=None) & younger
    return Q(score__lt=pair.score) | Q(score=None) | (Q(score=pair.score) & younger)


def before(pair: DuplicateCandidate) -> Q:
    older = Q(created_at__gt=pair.created_at) | Q(created_at=pair.created_at, pk__gt=pair.pk)
    if pair.score is None:
        return Q(score__isnull=False) | (Q(score=None) & older)
    return Q(score__gt=pair.score) | (Q(score=pair.score) & older)


def neighbours(queue: Any, pair: DuplicateCandidate) -> tuple[Any, Any]:
    """The ids of the waiting pairs before and after this one in the queue. Two statements."""
    ids = queue.values_list("pk", flat=True)
    nearest_before = ids.filter(before(pair)).order_by(F("score").asc(nulls_first=True), "created_at", "pk")
    return nearest_before.first(), ids.filter(after(pair)).in_queue_order().first()
