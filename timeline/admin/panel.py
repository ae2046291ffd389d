"""The timeline on a person's page: newest first, by day, with filters, page after page."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm import moments
from crm.errors import ValidationFailed
from crm.rest.paging import Walk, walk
from crm.tenancy.access import may, queried
from crm.tenancy.markup import SOURCES
from crm.tenancy.permissions import Right
from customers.admin.party import Companion, parties
from customers.admin.tabs import Panel, tab
from customers.models import CustomerProfile, Status
from timeline.admin.activity_form import ActivityForm, may_edit
from timeline.admin.words import ICONS, type_words
from timeline.listing import TIMELINE, entries_of
from timeline.markdown import to_text
from timeline.models import Activity, Category, Note
from timeline.notes import ADDED, notes_for, with_names
from timeline.subjects import KIND_OF, with_subjects
from timeline.visibility import reader_of

TAKE, EXCERPT = 25, 240
FILTERS = ("category", "type", "source")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is drawn; `day` is set on the first entry of a day."""

    activity: Activity
    icon: str
    tone: str
    kind: str
    day: date | None
    day_words: str
    details: list[tuple[str, Any]]
    may_edit: bool = False
    note: Note | None = None
    excerpt: str = ""
    party: list[Companion] = field(default_factory=list)


@tab("timeline", _("Timeline"), icon="activity", position=10)
def timeline_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """One page of the timeline. One statement, four more where notes are in it, and one a kind of
    thing that entries are about, two for the parties of bookings; the same cost however far back."""
    filters = {name: queried(request, name) for name in FILTERS}
    since, until = day_of(queried(request, "since")), day_of(queried(request, "until"))
    cursor = queried(request, "cursor")
    asked = {name: value for name, value in filters.items() if value}
    wanted: dict[str, Any] = asked | ({"category": [asked["category"]]} if "category" in asked else {})
    wanted |= {"since": midnight(since)} if since else {}
    wanted |= {"until": midnight(until + timedelta(days=1))} if until else {}
    try:
        page = walk(entries_of(profile.pk, wanted), TIMELINE, cursor=cursor, take=TAKE)
    except ValidationFailed:  # a cursor that somebody typed
        page = Walk([], None)
    with_subjects(page.rows)
    asked |= {name: str(day) for name, day in (("since", since), ("until", until)) if day}
    context = {
        "profile": profile,
        "entries": enriched(request, profile, drawn(page.rows)),
        "log": ActivityForm() if may_write(request, profile) else None,
        "categories": Category.choices,
        "sources": list(SOURCES.items()),
        "types": sorted({entry.type for entry in page.rows} | ({filters["type"]} - {""})),
        "filters": filters | {"since": asked.get("since", ""), "until": asked.get("until", "")},
        "is_filtered": bool(asked),
        "is_older": bool(cursor),
        "next": urlencode({"tab": "timeline", **asked, "cursor": page.next_cursor})
        if page.next_cursor
        else "",
    }
    return Panel("admin/timeline/panel.html", context, digest=",".join(str(row.pk) for row in page.rows))


def may_write(request: HttpRequest, profile: CustomerProfile) -> bool:
    return may(request, Right.NOTE) and profile.status != Status.DELETED


def enriched(request: HttpRequest, profile: CustomerProfile, entries: list[Entry]) -> list[Entry]:
    """What the reader may know and do beyond the entry: the beginning of a note, and changing what is by hand."""
    reader, writes = reader_of(request), may_write(request, profile)
    ids = [entry.activity.metadata.get("noteId") for entry in entries if entry.activity.type == ADDED]
    found = with_names(notes_for(reader).filter(customer=profile.pk, pk__in=ids)) if ids else []
    notes = {str(note.pk): note for note in found}
    bookings = {row.source_id for row in (entry.activity for entry in entries) if is_booking(row)}
    others = parties(request, bookings)
    return [
        replace(
            entry,
            may_edit=writes and may_edit(request, entry.activity),
            note=(note := notes.get(entry.activity.metadata.get("noteId", ""))),
            excerpt=to_text(note.body, note.names, length=EXCERPT) if note else "",
            details=[] if entry.activity.type == ADDED else entry.details,
            party=others.get(entry.activity.source_id, []) if is_booking(entry.activity) else [],
        )
        for entry in entries
    ]


def is_booking(entry: Activity) -> bool:
    return bool(entry.source_id) and KIND_OF.get(entry.type) == "booking"


def drawn(rows: Sequence[Activity]) -> list[Entry]:
    entries: list[Entry] = []
    last: date | None = None
    for row in rows:
        symbol, tone = ICONS[Category(row.category)]
        day = timezone.localtime(row.occurred_at).date()
        is_new = day != last
        last = day
        words = day_words(day) if is_new else ""
        kind = type_words(row.type)
        if kind.casefold() == row.title.casefold():  # nothing is said twice
            kind = ""
        entries.append(Entry(row, symbol, tone, kind, day if is_new else None, words, details_of(row)))
    return entries


def details_of(row: Activity) -> list[tuple[str, Any]]:
    """What there is to unfold: what the source said beside the title, and where it came from."""
    found: list[tuple[str, Any]] = [*row.metadata.items(), *row.context.items()]
    if row.source_event_id:
        found.append((_t("event"), row.source_event_id))
    return [(name, value) for name, value in found if value not in (None, "", [], {})]


def day_words(day: date) -> str:
    today = timezone.localdate()
    if day == today:
        return _t("Today")
    if day == today - timedelta(days=1):
        return _t("Yesterday")
    return date_format(day, "D j M" if day.year == today.year else "j M Y")


def day_of(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if moments.is_plausible(day) else None


def midnight(day: date) -> datetime:
    """When a day begins in the tenant's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
