"""Which events, entries and notes a list shows, and in which order."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Extract, Greatest

from crm.errors import EventNotFound
from crm.rest.paging import Column, Ordering
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.parts import family_ids
from timeline.models import Activity, InboundEvent, Note, SyncStatus
from timeline.notes import notes_for
from timeline.readers import Reader

Events = QuerySet[InboundEvent]
PROCESSING = "PROCESSING"
MOST_KINDS = 1000

TIMELINE = Ordering("activities", {"occurredAt": Column("occurred_at")}, default="-occurredAt")
NOTES = Ordering(
    "notes",
    {"pinned": Column("is_pinned"), "createdAt": Column("created_at")},
    default="-pinned,-createdAt",
)
REVISIONS = Ordering("note history", {"version": Column("version")}, default="-version")
INBOX = Ordering("events", {"receivedAt": Column("received_at")}, default="-receivedAt")
ACTIVITY_LOOKUPS = {
    "category": "category__in",
    "type": "type",
    "source": "source",
    "channel": "channel",
    "since": "occurred_at__gte",
    "until": "occurred_at__lt",
}
NOTE_LOOKUPS = {"type": "type__in", "pinned": "is_pinned", "author": "author"}
EVENT_LOOKUPS = {
    "source": "source",
    "type": "type",
    "eventId": "event_id",
    "errorCode": "error_code",
    "since": "received_at__gte",
    "until": "received_at__lt",
}
# Hops from source to source in the unique index instead of reading all of it.
SOURCES = """
    WITH RECURSIVE hop (source) AS (
        (SELECT source FROM timeline_inboundevent WHERE tenant_id = %(tenant)s ORDER BY source LIMIT 1)
        UNION ALL
        SELECT (SELECT source FROM timeline_inboundevent
                WHERE tenant_id = %(tenant)s AND source > hop.source ORDER BY source LIMIT 1)
        FROM hop WHERE hop.source IS NOT NULL
    )
    SELECT source FROM hop WHERE source IS NOT NULL
"""


def entries_of(customer_id: UUID, query: Mapping[str, Any]) -> "QuerySet[Activity]":
    """The timeline entries of a customer that a validated filter leaves."""
    entries: QuerySet[Activity] = Activity.objects.filter(customer_id=customer_id)
    return entries.filter(**_lookups(ACTIVITY_LOOKUPS, query))


def notes_of(customer_id: UUID, query: Mapping[str, Any], reader: Reader) -> "QuerySet[Note]":
    """The notes about a customer that the reader may see and a validated filter leaves."""
    wanted = {**query, "author": reader.actor} if query.get("author") == "me" else query
    return notes_for(reader).filter(customer_id=customer_id, **_lookups(NOTE_LOOKUPS, wanted))


def visible(sources: Collection[str]) -> Events:
    """The events that a key limited to `sources` may see; empty = all."""
    events: Events = InboundEvent.objects.all()
    return events.filter(source__in=sources) if sources else events


def chosen(events: Events, query: Mapping[str, Any]) -> Events:
    """The events of a validated filter."""
    events = events.filter(**_lookups(EVENT_LOOKUPS, query))
    if "customerId" in query:  # events stay with the part that they were recorded for
        events = events.filter(customer_id__in=family_ids(query["customerId"]))
    if "status" in query:
        events = events.filter(_in_state(query["status"]))
    if "dead" in query:
        events = events.filter(dead_at__isnull=not query["dead"])
    return events


def _lookups(names: Mapping[str, str], query: Mapping[str, Any]) -> dict[str, Any]:
    return {lookup: query[name] for name, lookup in names.items() if name in query}


def _in_state(states: Collection[str]) -> Q:
    """The states as people read them: an event that a worker has is PROCESSING and no longer PENDING."""
    working = Q(is_waiting=True, claimed_at__isnull=False, status=SyncStatus.PENDING)
    found = Q(status__in=set(states) - {PROCESSING, SyncStatus.PENDING})
    if SyncStatus.PENDING in states:
        found |= Q(status=SyncStatus.PENDING) & ~working
    return found | working if PROCESSING in states else found


def find_event(events: Events, name: str) -> InboundEvent:
    """The event of our id or, latest first, of the sender's. Raises EventNotFound."""
    try:
        found = events.filter(pk=UUID(name)).first()
    except ValueError:
        found = None
    if found is None and "\0" not in name:
        sources = [row["source"] for row in select(SOURCES, {"tenant": current_tenant().pk})]
        found = events.filter(source__in=sources, event_id=name).order_by("-received_at").first()
    if found is None:
        raise EventNotFound("There is no event with this id.")
    return found


def counts(events: Events, *, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """What came in a stretch of time by source, type and status, the most frequent first; times in seconds.

    attempts: failures of the events themselves. lag: from receipt until settled. One statement over that stretch.
    """
    came = events.filter(received_at__gte=since, received_at__lt=until)
    lag = Extract(F("processed_at") - F("received_at"), "epoch")
    rows: Any = came.order_by().values("source", "type", "status").annotate(
        count=Count("pk"), attempts=Sum("attempts"), duplicates=Sum("duplicates"),
        averageLagSeconds=Avg(lag), longestLagSeconds=Max(lag),
    )  # fmt: skip
    return list(rows.order_by("-count", "source", "type", "status")[:MOST_KINDS])


def backlog(events: Events, *, now: datetime) -> dict[str, Any]:
    """What waits for a worker or a decision. Two statements over the rows that do."""
    due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    waiting = events.filter(is_waiting=True).aggregate(
        waiting=Count("pk"),
        retrying=Count("pk", filter=Q(status=SyncStatus.FAILED)),
        oldest=Min(Greatest("received_at", "next_attempt_at"), filter=due),
    )
    return waiting | {"dead": events.filter(dead_at__isnull=False).count()}
