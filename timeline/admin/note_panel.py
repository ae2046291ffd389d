"""Notes on a person's page: the tab, and the pinned ones above all tabs."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm.errors import ValidationFailed
from crm.rest.paging import Walk, walk
from crm.tenancy.access import may, queried
from crm.tenancy.permissions import Right
from customers.admin.tabs import Panel, banner, tab
from customers.models import CustomerProfile, Status
from timeline import listing
from timeline.admin.note_form import drafted
from timeline.admin.prose import prose
from timeline.admin.words import NOTE_ICONS
from timeline.mentions import mark_seen
from timeline.models import Note, NoteType, Visibility
from timeline.notes import notes_for, with_names
from timeline.readers import Reader
from timeline.visibility import reader_of

TAKE, PINNED = 25, 3


@dataclass(frozen=True, slots=True)
class Drawn:
    """A note as it is drawn."""

    note: Note
    html: SafeString
    icon: str
    tone: str
    may_change: bool


def drawn(notes: Any, reader: Reader, *, may_write: bool) -> list[Drawn]:
    return [
        Drawn(
            note,
            prose(note),
            *NOTE_ICONS[NoteType(note.type)],
            may_write and reader.may_change(note.author),
        )
        for note in with_names(notes)
    ]


@tab("notes", _("Notes"), icon="sticky-note", position=15)
def notes_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """Pinned notes, then the newest; whoever is mentioned in what they now see has seen it. Six statements."""
    reader = reader_of(request)
    may_write = may(request, Right.NOTE) and profile.status != Status.DELETED
    type_ = queried(request, "type")
    query = {"type": [type_]} if type_ in NoteType.values else {}
    page = _page(listing.notes_of(profile.pk, query, reader), queried(request, "cursor"))
    found = page.rows
    mark_seen(request.user, [note.pk for note in found])
    form, saved_at = drafted(request.user, profile.pk) if may_write else (None, None)
    asked = {"tab": "notes", **({"type": type_} if query else {})}
    context = {
        "profile": profile,
        "notes": drawn(found, reader, may_write=may_write),
        "types": NoteType.choices,
        "type": type_ if query else "",
        "form": form,
        "saved_at": saved_at,
        "next": urlencode({**asked, "cursor": page.next_cursor}) if page.next_cursor else "",
        "is_older": bool(queried(request, "cursor")),
        "gone": _deleted_just_now(request, profile, reader) if may_write else None,
    }
    digest = ",".join(f"{note.pk}{note.version}" for note in found)
    return Panel("admin/timeline/notes.html", context, digest=digest)


def _page(notes: Any, cursor: str) -> Walk:
    try:
        return walk(notes, listing.NOTES, cursor=cursor, take=TAKE)
    except ValidationFailed:  # a cursor that somebody typed
        return Walk([], None)


def _deleted_just_now(request: HttpRequest, profile: CustomerProfile, reader: Reader) -> Note | None:
    """The note that this page's address says was deleted, if the reader may bring it back."""
    try:
        gone = Note.objects.exclude(deleted_at=None).readable(reader.actor, reader.levels)
        note: Note | None = gone.filter(customer=profile, pk=queried(request, "deleted")).first()
    except (KeyError, ValueError, TypeError, ValidationError):
        return None
    return note if note and reader.may_change(note.author) else None


@banner
def pinned_notes(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """Up to three pinned notes; the rest is in the tab. One statement, three more where there are some."""
    reader = reader_of(request)
    pinned = notes_for(reader).filter(customer=profile.pk, is_pinned=True).order_by("-created_at", "-pk")
    found = list(pinned[: PINNED + 1])
    context = {
        "profile": profile,
        "notes": drawn(found[:PINNED], reader, may_write=False),
        "has_more": len(found) > PINNED,
        "private": Visibility.PRIVATE,
    }
    digest = ",".join(f"{note.pk}{note.version}" for note in found)
    return Panel("admin/timeline/pinned.html", context, digest=digest)
