"""Keeping up who is in a segment: the whole of it when it is due, single people when something happened to them."""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Case, F, When
from django.utils import timezone

from crm.database import TRANSIENT, is_away, retrying
from segments.limits import limited
from segments.locks import lock, try_lock
from segments.meaning import tree_of
from segments.models import Cause, Segment
from segments.reworking import Deltas, rework
from segments.rules import InvalidRules

log = structlog.get_logger(__name__)

AGAIN_AFTER = timedelta(hours=1)  # a broken one is tried again, unless it is only worked out when asked


class Broken(Exception):
    """The segment can't be worked out; the words are for whoever made it."""


def refresh(pk: UUID, *, wait: bool = False) -> Deltas | None:
    """Work a segment of the open tenant out whole; None where it is gone, or somebody else is at it.

    wait: for whoever is at it, and then do it once more. Whoever was in it stays in where it breaks: it is marked then,
    with the reason. Repeating it changes nothing. Raises Broken; an error of the database that says nothing of the
    segment is raised as it is, and the segment stays due.
    """
    started, began = timezone.now(), time.monotonic()
    marked = _mark(pk, started)
    try:
        done = retrying(lambda: _refresh(pk, started, began, wait))
    except (DatabaseError, InvalidRules) as error:
        words = reason_of(error)
        if words is None:
            raise
        mark_broken(pk, words, now=started)
        raise Broken(words) from error
    if done is None and marked:
        Segment.objects.filter(pk=pk, refresh_started_at=started).update(refresh_started_at=None)
    return done


def try_out(pk: UUID) -> Deltas:
    """How many would come and go, were a segment worked out now; nothing is changed. Raises Broken."""
    try:
        with transaction.atomic():
            segment = Segment.objects.select_related("club").get(pk=pk)
            lock(pk)
            tree = tree_of(segment)
            with limited(settings.SEGMENT_REFRESH_SECONDS):
                deltas = rework(segment, tree, moment=timezone.now(), cause=Cause.RULES)
            transaction.set_rollback(True)
    except (DatabaseError, InvalidRules) as error:
        words = reason_of(error)
        if words is None:
            raise
        raise Broken(words) from error
    return deltas


def _mark(pk: UUID, now: datetime) -> bool:
    """Let everybody see that it is being worked out, and be sure that it is, should this process die over it."""
    row = Segment.objects.in_use().filter(pk=pk, refresh_started_at=None)
    return bool(row.update(refresh_started_at=now, due_at=now))


@transaction.atomic
def _refresh(pk: UUID, started: datetime, began: float, wait: bool) -> Deltas | None:
    if wait:
        lock(pk)
    elif not try_lock([pk]):
        return None
    segment = Segment.objects.in_use().select_related("club").filter(pk=pk).first()
    if segment is None:
        return None
    tree, moment = tree_of(segment), timezone.now()
    with limited(settings.SEGMENT_REFRESH_SECONDS):
        deltas = rework(segment, tree, moment=moment, cause=_cause(segment))
    next_due = segment.next_due(moment)
    Segment.objects.filter(pk=pk).update(
        member_count=count_of(deltas), refreshed_at=moment, clock_at=moment,
        refreshed_version=segment.criteria_version, refresh_started_at=None, refresh_error="",
        refresh_ms=round((time.monotonic() - began) * 1000),
        due_at=Case(When(due_at__gt=started, then=F("due_at")), default=next_due),
    )  # fmt: skip
    return deltas


def _cause(segment: Segment) -> Cause:
    if segment.refreshed_at is None:
        return Cause.FIRST_FILL
    return Cause.RULES if segment.is_settled else Cause.NEW_RULES


def count_of(deltas: Deltas) -> Any:
    return F("member_count") + deltas.joined - deltas.left


def mark_broken(pk: UUID, words: str, *, now: datetime) -> None:
    """Say why it can't be worked out; whoever is in it stays. One statement."""
    log.error("segment.broken", segment=str(pk), reason=words)
    Segment.objects.filter(pk=pk).update(
        refresh_error=words[:500], refresh_started_at=None,
        due_at=Case(When(refresh_frequency="MANUAL", then=None), default=now + AGAIN_AFTER),
    )  # fmt: skip


def reason_of(error: Exception) -> str | None:
    """What is wrong with the segment; None where the error says nothing of it."""
    if isinstance(error, InvalidRules):
        said = "; ".join(f"{one.field}: {one.message}" for one in error.details)
        return f"The rules can’t be read any more. {said}"
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return f"It took longer than the {settings.SEGMENT_REFRESH_SECONDS} seconds that it may."
    if is_away(error) or isinstance(cause, TRANSIENT):
        return None
    return f"PostgreSQL refused it: {type(cause or error).__name__}."


def refresh_due(*, budget_seconds: float = 20.0) -> int:
    """Work out those of the open tenant's segments that are due, the longest due first; how many changes that were."""
    deadline, changes, tried = time.monotonic() + budget_seconds, 0, set[UUID]()
    while time.monotonic() < deadline:
        due = Segment.objects.due(timezone.now()).exclude(pk__in=tried)
        pk = due.values_list("pk", flat=True).first()
        if pk is None:
            break
        tried.add(pk)
        try:
            deltas = refresh(pk)
        except Broken:
            continue
        changes += deltas.total if deltas else 0
    return changes
