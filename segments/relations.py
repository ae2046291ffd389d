"""The registry of rows: what belongs to a person many times over, and what rules can ask of one row.

Names are those of the sources' events, as in the API. Amounts are cents.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from customers import masking
from customers.models.commerce import OrderStatus
from customers.models.consent import Channel, ConsentState, Purpose
from customers.models.golf import BookingStatus
from segments.statements import Later, Sql, sql
from segments.vocabulary import Choice, Field, Kind, Maker, Relation, Words
from timeline.models.activity import Category
from timeline.models.notes import NoteType

TEXT, CODE, NUMBER, BOOL, DATE, MOMENT = Kind.TEXT, Kind.CODE, Kind.NUMBER, Kind.BOOL, Kind.DATE, Kind.MOMENT
WEEKDAYS = tuple(
    Choice(day[:3].upper(), day)
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
)
_PATH = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,4}")


def column(
    name: str, kind: Kind, label: str, of: str, *aliases: str, is_past: bool = False, unit: str = "",
    choices: tuple[Choice, ...] = (),
) -> Field:  # fmt: skip
    """A column of the row."""
    return Field(
        name, kind, label, Sql(f"{{row}}.{of}"), choices=choices, aliases=aliases, is_past=is_past, unit=unit
    )


def choices_of(choices: Iterable[tuple[Any, Any]]) -> tuple[Choice, ...]:
    return tuple(Choice(value, str(label)) for value, label in choices)


def words(*fields: Field, **makers: Maker) -> Words:
    return Words({field.name: field for field in fields}, {f"{name}.": make for name, make in makers.items()})


def _local(name: str, kind: Kind, label: str, part: str, choices: tuple[Choice, ...] = ()) -> Field:
    """A part of the tee time as the club's clock shows it."""
    return Field(name, kind, label, Sql(part, (Later.ZONE,)), choices=choices)


def _metadata(path: str) -> Field | None:
    """`metadata.<path>`: whatever the source sent along."""
    if not _PATH.fullmatch(path):
        return None
    last = re.sub("[_-]", "", path.rpartition(".")[2]).lower()
    json = sql(
        "({metadata} #> {path}::text[])", metadata=Sql("{row}.metadata"), path=f"{{{path.replace('.', ',')}}}"
    )
    return Field(f"metadata.{path}", Kind.ANY, path, json, tells=masking.NAMES.get(last) or "")


_TEE_TIME = (
    _local("teeTimeHour", NUMBER, "Hour of the tee time", "extract(hour FROM {row}.tee_time AT TIME ZONE %s)"),
    _local(
        "teeTimeDay", CODE, "Weekday of the tee time",
        "(ARRAY['MON','TUE','WED','THU','FRI','SAT','SUN'])"
        "[extract(isodow FROM {row}.tee_time AT TIME ZONE %s)::int]",
        WEEKDAYS,
    ),
)  # fmt: skip
_BOOKING_OF_PLAYER = (
    "customers_bookingplayer {row} LEFT JOIN customers_booking {row}b"
    " ON {row}b.tenant_id = {row}.tenant_id AND {row}b.key = {row}.booking_key"
)


def _of_booking(field: Field) -> Field:
    """A field of the booking that a player was put down for."""
    return replace(field, column=Sql(field.column.text.replace("{row}.", "{row}b."), field.column.params))


_BOOKING = (
    column("status", CODE, "Status", "status", choices=choices_of(BookingStatus.choices)),
    column("clubId", CODE, "Club", "club_ref"),
    column("clubName", TEXT, "Name of the club", "club_name"),
    column("courseId", CODE, "Course", "course_ref"),
    column("courseName", TEXT, "Name of the course", "course_name"),
    column("teeTime", MOMENT, "Tee time", "tee_time"),
    *_TEE_TIME,
    column("holes", NUMBER, "Holes", "holes"),
    column("amount", NUMBER, "Amount", "amount_cents", "amountCents", unit="cents"),
    column("currency", CODE, "Currency", "currency"),
    column("channel", TEXT, "Channel", "channel"),
    column("bookedAt", MOMENT, "Booked", "booked_at", is_past=True),
    column("completedAt", MOMENT, "Played", "completed_at", is_past=True),
    column("cancelledAt", MOMENT, "Cancelled", "cancelled_at", is_past=True),
)
_RELATIONS = (
    Relation(
        "activities", "activities", "activity", "timeline_activity {row}", words(
            column("type", CODE, "Type", "type"),
            column("category", CODE, "Category", "category", choices=choices_of(Category.choices)),
            column("channel", CODE, "Channel", "channel"),
            column("source", CODE, "Source", "source"),
            column("sourceId", CODE, "Id at the source", "source_id"),
            column("subjectName", TEXT, "What it is about", "subject_name"),
            column("counts", BOOL, "Done by the person", "counts"),
            column("occurredAt", MOMENT, "When", "occurred_at", is_past=True),
            metadata=_metadata,
        ), "occurredAt",
    ),
    Relation(
        "bookings", "bookings", "booking", "customers_booking {row}", words(
            column("id", CODE, "Id", "key"), *_BOOKING
        ), "bookedAt",
    ),
    Relation(
        "bookingPlayers", "rounds with others or alone", "round", _BOOKING_OF_PLAYER, words(
            column("bookingId", CODE, "Booking", "booking_key"),
            column("isBooker", BOOL, "Booked it", "is_booker"),
            column("position", NUMBER, "Place in the party", "position"),
            *map(_of_booking, _BOOKING),
            Field("bookerId", CODE, "Who booked it", Sql("{row}b.customer_id::text")),
        ), "teeTime",
    ),
    Relation(
        "memberships", "memberships", "membership", "customers_membership {row}", words(
            column("clubId", CODE, "Club", "club_ref"),
            column("status", TEXT, "Status", "status"),
            column("tier", TEXT, "Tier", "tier"),
            column("type", TEXT, "Type", "type", "category"),
            column("joinedOn", DATE, "Joined", "joined_on"),
            column("leftOn", DATE, "Left", "left_on"),
        ), "joinedOn",
    ),
    Relation(
        "handicaps", "handicap revisions", "handicap revision", "customers_handicaprevision {row}", words(
            column("handicap", NUMBER, "Handicap", "handicap"),
            column("previous", NUMBER, "Handicap before", "previous"),
            column("effectiveOn", DATE, "Effective", "effective_on"),
            column("authority", TEXT, "Authority", "authority"),
        ), "effectiveOn",
    ),
    Relation(
        "competitionEntries", "competition entries", "competition entry", "customers_competitionentry {row}", words(
            column("competitionId", CODE, "Competition", "competition_key"),
            column("clubId", CODE, "Club", "club_ref"),
            column("status", CODE, "Status", "status"),
            column("enteredAt", MOMENT, "Entered", "entered_at", is_past=True),
            column("withdrawnAt", MOMENT, "Withdrawn", "withdrawn_at", is_past=True),
            column("position", NUMBER, "Position", "position"),
            column("score", NUMBER, "Score", "score"),
            column("gross", NUMBER, "Gross", "gross"),
            column("stableford", NUMBER, "Stableford points", "stableford"),
        ), "enteredAt",
    ),
    Relation(
        "orders", "orders", "order", "customers_order {row}", words(
            column("id", CODE, "Id", "key"),
            column("status", CODE, "Status", "status", choices=choices_of(OrderStatus.choices)),
            column("total", NUMBER, "Total", "total_cents", "totalCents", unit="cents"),
            column("refunded", NUMBER, "Refunded", "refunded_cents", "refundedCents", unit="cents"),
            column("currency", CODE, "Currency", "currency"),
            column("channel", TEXT, "Channel", "channel"),
            column("placedAt", MOMENT, "Placed", "placed_at", is_past=True),
            column("paidAt", MOMENT, "Paid", "paid_at", is_past=True),
            column("cancelledAt", MOMENT, "Cancelled", "cancelled_at", is_past=True),
        ), "placedAt",
    ),
    Relation(
        "payments", "payments", "payment", "customers_payment {row}", words(
            column("id", CODE, "Id", "key"),
            column("amount", NUMBER, "Amount", "amount_cents", "amountCents", unit="cents"),
            column("currency", CODE, "Currency", "currency"),
            column("status", CODE, "Status", "status"),
            column("invoiceId", CODE, "Invoice", "invoice_key"),
            column("paidAt", MOMENT, "Paid", "paid_at", is_past=True),
        ), "paidAt",
    ),
    Relation(
        "invoices", "invoices", "invoice", "customers_invoice {row}", words(
            column("id", CODE, "Id", "key"),
            column("amount", NUMBER, "Amount", "amount_cents", "amountCents", unit="cents"),
            column("currency", CODE, "Currency", "currency"),
            column("status", CODE, "Status", "status"),
            column("dueAt", MOMENT, "Due", "due_at"),
            column("daysOverdue", NUMBER, "Days overdue", "days_overdue"),
        ), "dueAt",
    ),
    Relation(
        "deals", "deals", "deal", "customers_deal {row}", words(
            column("id", CODE, "Id", "key"),
            column("value", NUMBER, "Value", "value_cents", "valueCents", unit="cents"),
            column("currency", CODE, "Currency", "currency"),
            column("status", CODE, "Status", "status"),
            column("createdAt", MOMENT, "Known since", "created_at", is_past=True),
        ), "createdAt",
    ),
    Relation(
        "tickets", "tickets", "ticket", "customers_ticket {row}", words(
            column("id", CODE, "Id", "key"),
            column("status", CODE, "Status", "status"),
            column("sentiment", CODE, "Sentiment", "sentiment"),
            column("openedAt", MOMENT, "Opened", "opened_at", is_past=True),
            column("resolvedAt", MOMENT, "Resolved", "resolved_at", is_past=True),
        ), "openedAt",
    ),
    Relation(
        "notes", "notes", "note", "timeline_note {row}", words(
            column("type", CODE, "Type", "type", choices=choices_of(NoteType.choices)),
            column("createdAt", MOMENT, "Written", "created_at", is_past=True),
        ), "createdAt", "{row}.deleted_at IS NULL AND {row}.visibility = 'ALL'",
    ),
    Relation(
        "consents", "statements of consent", "statement of consent", "customers_consententry {row}", words(
            column("channel", CODE, "Channel", "channel", choices=choices_of(Channel.choices)),
            column("purpose", CODE, "Purpose", "purpose", choices=choices_of(Purpose.choices)),
            column("state", CODE, "State", "state", choices=choices_of(ConsentState.choices)),
            column("clubId", CODE, "Club", "club_ref"),
            column("reason", CODE, "Reason", "reason"),
            column("source", CODE, "Source", "source"),
            column("at", MOMENT, "Said", "at", is_past=True),
            column("expiresAt", MOMENT, "Expires", "expires_at"),
        ), "at",
    ),
)  # fmt: skip
RELATIONS: dict[str, Relation] = {relation.name: relation for relation in _RELATIONS}


def register_relations(*relations: Relation) -> None:
    """Let rules be about further rows. Raises ValueError for a name that is taken."""
    for relation in relations:
        if relation.name in RELATIONS:
            raise ValueError(f"{relation.name!r} is registered twice")
        RELATIONS[relation.name] = relation
