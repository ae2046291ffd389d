"""What the timeline and the inbox hold of people: how it is told to them, and how it is erased."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import sql

from crm.tenancy.rows import run, select, update_rows
from crm.tenancy.scope import current_tenant
from customers import suppression
from customers.models import BookingPlayer
from customers.personal_data import NOT_TOLD, of_people, row_told, rows_told
from customers.privacy import Case, Holding, holds
from timeline.models import Activity, EventBody, InboundEvent, Note, NoteDraft, NoteMention, NoteRevision

BATCH = 1000
STAFF_SIDE = {
    "author",
    "edited_by",
    "deleted_by",
    "actor",
    "version",
    "recorded_for",
    "tenant_id",
    "customer_id",
}
OTHERS = {
    "players",
    "guests",
    "party",
    "participants",
    "members",
}  # lists of other people in what a source sent
TITLE = "Erased"
# What events about things of a kind call the thing's own id.
OWN_IDS = {
    "scl.member.%": "sclMemberId",
    "teetime.player.%": "teetimePlayerId",
    "contact.%": "messagingContactId",
}
# Events that wrote to the person's timeline, or are of a booking that they played in.
TIED = """
    SELECT DISTINCT e.id FROM timeline_activity a
    JOIN timeline_inboundevent e
        ON e.tenant_id = a.tenant_id AND e.source = a.source AND e.event_id = a.source_event_id
    WHERE a.tenant_id = %(tenant)s
        AND (a.customer_id = ANY(%(people)s) OR (a.source_id = ANY(%(bookings)s) AND a.source_id <> ''))
"""
# A name alone may be a namesake's: it counts only in what is tied to the person. What waits to be applied is let in
# or not by timeline.gate.
NAMED = """
    SELECT b.event_id AS id, e.event_id, e.source, e.status <> 'SUCCESS' AS is_open,
        e.customer_id = ANY(%(people)s) OR (e.customer_id IS NULL AND e.status <> 'SUCCESS') AS is_theirs
    FROM timeline_eventbody b JOIN timeline_inboundevent e ON e.tenant_id = b.tenant_id AND e.id = b.event_id
    WHERE b.tenant_id = %(tenant)s AND (e.customer_id = ANY(%(people)s) OR e.status <> 'PENDING') AND (
        e.customer_id = ANY(%(people)s) OR b.raw ~* %(identifying)s
        OR EXISTS (SELECT FROM unnest(%(kinds)s::text[], %(own_ids)s::text[]) AS own (kind, pattern)
            WHERE starts_with(e.type, own.kind) AND b.raw ~* own.pattern)
        OR (e.id = ANY(%(tied)s) AND b.raw ~* %(pattern)s))
"""
SETTLE = """
    UPDATE timeline_inboundevent e
    SET error = '', claimed_at = NULL, next_attempt_at = NULL, dead_at = NULL,
        status = CASE WHEN e.status = 'SUCCESS' THEN e.status ELSE 'SKIPPED' END,
        error_code = CASE WHEN e.status = 'SUCCESS' THEN '' ELSE 'ERASED' END,
        is_waiting = false, processed_at = coalesce(e.processed_at, %(now)s)
    WHERE e.tenant_id = %(tenant)s AND (e.id = ANY(%(ids)s) OR e.customer_id = ANY(%(people)s))
    RETURNING e.id, e.event_id, e.source
"""
OTHERS_ENTRIES = """
    SELECT a.id, a.title, a.description, a.metadata::text AS metadata, a.context::text AS context, a.subject_name
    FROM timeline_activity a
    WHERE a.tenant_id = %(tenant)s AND a.customer_id <> ALL(%(people)s)
        AND ((a.source_id = ANY(%(bookings)s) AND a.source_id <> '')
            OR (a.source, a.source_event_id) IN (SELECT * FROM unnest(%(sources)s::text[], %(events)s::text[])))
"""
# Revisions and mentions go with their note: the database sees to it.
NOTES = (
    "DELETE FROM timeline_note WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s) RETURNING id"
)
WITH_IDENTIFIERS = """
    SELECT DISTINCT {column} AS name FROM {table} WHERE tenant_id = %s AND customer_id = ANY(%s) AND {column} ~* %s
"""
RENAME = "UPDATE {table} SET {column} = %s WHERE tenant_id = %s AND {column} = %s"
KEYS = {"events": "event_id", "sources": "source"}
WORDS = ("title", "description", "metadata", "context", "subject_name")


def told_activities(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(Activity, people).order_by("occurred_at", "pk").values():
        yield row_told(row, STAFF_SIDE | {"id", "source_event_id"})


def erase_activities(case: Case) -> int:
    """That something happened stays, with its kind and time, for counting; what it says goes."""
    mine = of_people(Activity, case.people)
    hand = mine.filter(source__in=["staff", "api"]).values_list("pk", flat=True)
    case.about["activity"] = [str(pk) for pk in hand]
    count: int = mine.update(
        title=TITLE, description="", metadata={}, context={}, subject_name="", source_id=""
    )
    rename_events(case, "timeline_activity", "source_event_id")
    return count


def told_notes(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(Note, people).order_by("created_at").values():
        yield row_told(row, STAFF_SIDE | {"id", "is_pinned", "visibility"})


def erase_notes(case: Case) -> int:
    gone = select(NOTES, {"tenant": current_tenant().pk, "people": case.people})
    case.about["note"] = [str(row["id"]) for row in gone]
    return len(gone)


def erase_drafts(case: Case) -> int:
    count: int = of_people(NoteDraft, case.people).delete()[0]
    return count


def told_events(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    """Each event with its body as long as it is kept, without the lists of other people in it."""
    rows = of_people(InboundEvent, people).select_related("body").order_by("received_at")
    for event in rows.iterator(BATCH):
        body = getattr(event, "body", None)
        yield {
            "source": event.source, "eventId": event.event_id, "type": event.type,
            "occurredAt": event.occurred_at.isoformat(), "receivedAt": event.received_at.isoformat(),
            "body": without_others(json.loads(body.raw)) if body else None,
        }  # fmt: skip


def without_others(value: Any) -> Any:
    if isinstance(value, list):
        return [without_others(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: without_others(inner) for name, inner in value.items() if name not in OTHERS}


def erase_events(case: Case) -> int:
    """The inbox key stays, so that the event counts once; its body goes, and a dead letter is closed.

    From the events of others, which stay, what names the person is taken out.
    """
    bookings = list(of_people(BookingPlayer, case.people).values_list("booking_key", flat=True))
    params = {
        "tenant": current_tenant().pk, "people": case.people, "pattern": case.needles.pattern,
        "identifying": case.needles.identifying, "now": case.now, "bookings": bookings,
        "kinds": list(OWN_IDS), "own_ids": [case.needles.as_id(kind) for kind in OWN_IDS.values()],
    }  # fmt: skip
    params["tied"] = [row["id"] for row in select(TIED, params)]
    named = select(NAMED, params)
    erase_from_others(params | {name: [row[column] for row in named] for name, column in KEYS.items()}, case)
    gone = [row["id"] for row in named if row["is_theirs"]]
    EventBody.objects.filter(pk__in=gone).delete()
    scrub_bodies([row["id"] for row in named if not row["is_theirs"]], case)
    closed = [row["id"] for row in named if row["is_theirs"] and row["is_open"]]
    settled = select(SETTLE, params | {"ids": closed})
    rename_events(case, "timeline_inboundevent", "event_id")
    return len({row["id"] for row in (*named, *settled)})


def scrub_bodies(ids: Sequence[UUID], case: Case) -> None:
    for start in range(0, len(ids), BATCH):
        bodies = EventBody.objects.filter(pk__in=ids[start : start + BATCH]).values("event_id", "raw")
        rows = [row | {"raw": json.dumps(case.needles.scrubbed(json.loads(row["raw"])))} for row in bodies]
        update_rows(EventBody, rows, ("raw",), key="event_id")


def erase_from_others(params: Mapping[str, Any], case: Case) -> None:
    """What the timelines of others say of the person by the same events and bookings."""
    rows = []
    for row in select(OTHERS_ENTRIES, params):
        row |= {name: json.loads(row[name]) for name in ("metadata", "context")}
        rows.append({"id": row["id"]} | {name: case.needles.scrubbed(row[name]) for name in WORDS})
    update_rows(Activity, rows, WORDS)


def rename_events(case: Case, table: str, column: str) -> None:
    """An event id in which its sender wrote an identifier becomes a keyed hash of itself."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    params = [current_tenant().pk, case.people, case.needles.identifying]
    for row in select(sql.SQL(WITH_IDENTIFIERS).format(**names), params):
        new = f"erased:{suppression.hash_of(('event', row['name']))}"
        run(sql.SQL(RENAME).format(**names), [new, current_tenant().pk, row["name"]])


for _holding in (
    Holding(Activity, "That something happened, its kind and its time stay for reports.", "activities",
            told_activities, erase_activities, 30),
    Holding(Note, "Nothing.", "notes", told_notes, erase_notes, 31),
    Holding(NoteRevision, "Goes with its note."),
    Holding(NoteMention, "Goes with its note."),
    Holding(NoteDraft, "Nothing.", "drafts", rows_told(NoteDraft, NOT_TOLD | {"user_id", "about"}), erase_drafts, 32),
    Holding(InboundEvent, "The event's id, kind and time stay, so that it counts once.", "events", told_events,
            erase_events, 29),
    Holding(EventBody, "Goes with its event."),
):  # fmt: skip
    holds(_holding)
