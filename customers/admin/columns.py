"""How the facts that sources told are shown, in lists and on a person's page: their columns, and their states."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from crm.tenancy.markup import ago, badge, clock, money
from crm.tenancy.models import Club
from customers.models import (
    Booking,
    ClubEvent,
    CompetitionEntry,
    Deal,
    HandicapRevision,
    Invoice,
    Membership,
    Order,
    Payment,
    PrivacyRequest,
    Ticket,
)

STATUS_TONES = {
    "BOOKED": "info", "COMPLETED": "good", "CANCELLED": "grey", "NO_SHOW": "bad", "PAID": "good", "RECEIVED": "good",
    "CREATED": "info", "REFUNDED": "warn", "FAILED": "bad", "OVERDUE": "bad", "SENT": "info", "WON": "good",
    "LOST": "grey", "OPEN": "warn", "RESOLVED": "good", "ACTIVE": "good", "ENTERED": "info", "WITHDRAWN": "grey",
    "PUBLISHED": "good", "FULL": "warn", "LAPSED": "warn", "SUSPENDED": "bad", "POSITIVE": "good", "NEGATIVE": "bad",
}  # fmt: skip


def said(code: str) -> str:
    """A source's code as people read it: NO_SHOW as No show."""
    return code.replace("_", " ").capitalize()


def status_badge(row: Any) -> Any:
    """The row's status in words, coloured by what it means."""
    status = row.status
    words = row.get_status_display() if hasattr(row, "get_status_display") else said(status)
    return badge(words, STATUS_TONES.get(status.upper(), "grey"))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of facts; `show` turns a row into what is displayed. `name` is the model's field where it is one."""

    title: Any
    name: str
    show: Callable[[Any], Any]
    is_number: bool = False


def plain(title: Any, name: str, *, is_number: bool = False) -> Column:
    return Column(
        title, name, lambda row: "–" if getattr(row, name) in ("", None) else getattr(row, name), is_number
    )


def code(title: Any, name: str) -> Column:
    return Column(title, name, lambda row: said(getattr(row, name)) or "–")


def toned(title: Any, name: str) -> Column:
    """A code whose tone says at a glance whether it is good news."""

    def show(row: Any) -> Any:
        value = getattr(row, name)
        return badge(said(value), STATUS_TONES.get(value.upper(), "grey")) if value else "–"

    return Column(title, name, show)


def when(title: Any, name: str) -> Column:
    return Column(title, name, lambda row: ago(getattr(row, name)))


def at(title: Any, name: str) -> Column:
    """A time that people plan by, to the minute, with its distance on hover."""

    def show(row: Any) -> Any:
        value: datetime | None = getattr(row, name)
        if value is None:
            return "–"
        words = date_format(clock(value, getattr(row, "club_zone", "")), "D j M Y, H:i")
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), words)

    return Column(title, name, show)


def amount(title: Any, name: str) -> Column:
    return Column(title, name, lambda row: money(getattr(row, name), row.currency) or "–", is_number=True)


def count(title: Any, name: str) -> Column:
    return Column(title, name, lambda row: len(getattr(row, name)) or "–", is_number=True)


def club(row: Any) -> str:
    """The club's name, from the row, or as `name_places` found it."""
    return getattr(row, "club_name", "") or getattr(row, "club_words", "") or row.club_ref or "–"


STATUS = Column(_("Status"), "status", status_badge)
KEY = Column(_("Source id"), "key", lambda row: format_html('<span class="mono faint">{}</span>', row.key))
CLUB = Column(_("Club"), "club", club)
COMPETITION = Column(
    _("Competition"), "competition", lambda row: getattr(row, "competition_words", "") or row.competition_key
)
COLUMNS: dict[type[Model], list[Column]] = {
    Booking: [
        at(_("Tee time"), "tee_time"), CLUB, plain(_("Course"), "course_name"),
        plain(_("Holes"), "holes", is_number=True), count(_("Party"), "party"), amount(_("Amount"), "amount_cents"),
        STATUS,
    ],
    Membership: [
        CLUB, plain(_("Tier"), "tier"), code(_("Runs"), "type"), when(_("Since"), "joined_on"),
        when(_("Until"), "left_on"), STATUS,
    ],
    CompetitionEntry: [
        COMPETITION, CLUB, when(_("Entered"), "entered_at"), plain(_("Place"), "position", is_number=True),
        plain(_("Score"), "score", is_number=True), STATUS,
    ],
    ClubEvent: [
        plain(_("Name"), "name"), code(_("Kind"), "kind"), CLUB, when(_("Starts"), "starts_on"),
        code(_("Format"), "format"), plain(_("Places"), "max_entries", is_number=True), STATUS,
    ],
    Order: [
        when(_("Placed"), "placed_at"), KEY, count(_("Items"), "items"), amount(_("Total"), "total_cents"),
        amount(_("Refunded"), "refunded_cents"), STATUS,
    ],
    Payment: [
        when(_("Paid"), "paid_at"), KEY, plain(_("Invoice"), "invoice_key"), plain(_("Failure"), "failure_reason"),
        amount(_("Amount"), "amount_cents"), STATUS,
    ],
    Invoice: [
        when(_("Due"), "due_at"), KEY, plain(_("Days overdue"), "days_overdue", is_number=True),
        amount(_("Amount"), "amount_cents"), STATUS,
    ],
    Deal: [KEY, plain(_("Reason"), "reason"), amount(_("Value"), "value_cents"), STATUS],
    Ticket: [
        plain(_("Subject"), "subject"), toned(_("Mood"), "sentiment"), when(_("Opened"), "opened_at"),
        when(_("Resolved"), "resolved_at"), STATUS,
    ],
    HandicapRevision: [
        when(_("From"), "effective_on"), plain(_("Handicap"), "handicap", is_number=True),
        plain(_("Before"), "previous", is_number=True), plain(_("Authority"), "authority"),
    ],
    PrivacyRequest: [
        when(_("Asked"), "requested_at"), code(_("Kind"), "kind"), plain(_("Reason"), "reason"), STATUS,
    ],
}  # fmt: skip
SUMMED = {Booking: "amount_cents", Order: "total_cents", Payment: "amount_cents", Invoice: "amount_cents",
          Deal: "value_cents"}  # fmt: skip


def name_places(rows: Iterable[Any]) -> None:
    """Tell the rows their club's name and zone, and their competition's name. At most two statements."""
    rows = list(rows)
    if at_clubs := [row for row in rows if getattr(row, "club_ref", "")]:
        clubs = {ref: one for one in Club.objects.all() for ref in one.refs}
        for row in at_clubs:
            if known := clubs.get(row.club_ref):
                row.club_words, row.club_zone = known.name, known.timezone
    if keys := {f"COMPETITION:{row.competition_key}" for row in rows if hasattr(row, "competition_key")}:
        known = dict(ClubEvent.objects.filter(key__in=keys).values_list("key", "name"))
        for row in rows:
            row.competition_words = known.get(f"COMPETITION:{row.competition_key}", "")
