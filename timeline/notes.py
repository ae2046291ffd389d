"""Writing notes: each change in one transaction with its revision, its mentions and its audit entry."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet, Window
from django.db.models.functions import Lag
from django.utils import timezone

from crm.errors import Detail, NotFound, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.actors import actor_names
from crm.versions import ANY, Condition
from customers.models import CustomerProfile, as_seen
from customers.resolution import lock_person
from timeline.mentions import keep_mentions, names_in, resolve
from timeline.models import Note, NoteRevision, NoteType, Visibility
from timeline.models.notes import FIELDS, LONGEST
from timeline.readers import Reader
from timeline.services import add_act

ADDED = "NOTE_ADDED"
AUDITED = ("type", "visibility", "is_pinned", "due_on")  # never the text


class NoteNotFound(NotFound):
    """No such note."""

    code = "NOTE_NOT_FOUND"


def notes_for(reader: Reader) -> QuerySet[Note]:
    """Every note of the tenant that the reader may see and nobody deleted."""
    found: QuerySet[Note] = Note.objects.kept().readable(reader.actor, reader.levels)
    return found


def find_note(customer_id: UUID, pk: UUID, reader: Reader) -> Note:
    """A note about a customer. Raises NoteNotFound, also for one that the reader may not see."""
    note = notes_for(reader).filter(customer_id=customer_id, pk=pk).first()
    if note is None:
        raise NoteNotFound("There is no note with this id.")
    return note


@transaction.atomic
def add_note(
    customer: CustomerProfile,
    *,
    body: str,
    by: Reader,
    type: str = NoteType.GENERAL,
    visibility: str = Visibility.ALL,
    is_pinned: bool = False,
    due_on: date | None = None,
    at: datetime | None = None,
) -> Note:
    """Write a note about a customer; body as its author wrote it. About eleven statements.

    Raises ValidationFailed, MentionNotAllowed.
    """
    root = lock_person(customer.pk)
    note = Note(
        tenant_id=customer.tenant_id, customer_id=root, recorded_for=root, author=by.actor,
        type=type, visibility=visibility, is_pinned=is_pinned, due_on=due_on, created_at=at or timezone.now(),
    )  # fmt: skip
    users = _write(note, body, customer, by)
    note.save(force_insert=True)
    _keep_revision(note, by.actor, note.created_at)
    keep_mentions(note, users)
    # The entry says that there is a note, and nothing of it: who may read the note is asked when it is read.
    add_act(
        customer, type=ADDED, category="NOTE", title="Note added", by=by.actor,
        metadata={"noteId": str(note.pk)}, at=note.created_at,
    )  # fmt: skip
    _audit("note.added", note, by, after=_audited(note))
    return note


@transaction.atomic
def edit_note(
    customer: CustomerProfile,
    pk: UUID,
    changes: Mapping[str, Any],
    *,
    by: Reader,
    if_match: Condition = ANY,
) -> Note:
    """Change a note; what changes nothing leaves no revision.

    if_match: the versions the change may be made from.
    Raises NoteNotFound, NotTheAuthor, PreconditionFailed, ValidationFailed, MentionNotAllowed.
    """
    note = _locked(customer.pk, pk, by, if_match)
    before = _fields(note)
    body = changes.get("body", note.body)
    for name, value in changes.items():
        if name != "body":
            setattr(note, name, value)
    if note.type != NoteType.FOLLOW_UP and "due_on" not in changes:
        note.due_on = None
    users = _write(note, body, customer, by)
    if _fields(note) == before:
        return note
    note.version += 1
    note.edited_at, note.edited_by = timezone.now(), by.actor
    note.save(update_fields=[*FIELDS, "version", "edited_at", "edited_by"])
    _keep_revision(note, by.actor, note.edited_at)
    keep_mentions(note, users)
    changed = {name for name in FIELDS if before[name] != getattr(note, name)}
    _audit(
        "note.changed", note, by,
        before=_audited(before, changed), after=_audited(note, changed) | {"version": note.version},
    )  # fmt: skip
    return note


@transaction.atomic
def delete_note(customer_id: UUID, pk: UUID, *, by: Reader, if_match: Condition = ANY) -> Note:
    """Take a note away, softly. Raises NoteNotFound, NotTheAuthor, PreconditionFailed."""
    note = _locked(customer_id, pk, by, if_match)
    note.deleted_at, note.deleted_by = timezone.now(), by.actor
    note.save(update_fields=["deleted_at", "deleted_by"])
    _audit("note.deleted", note, by)
    return note


@transaction.atomic
def restore_note(customer_id: UUID, pk: UUID, *, by: Reader) -> Note:
    """Bring a deleted note back as it was. Raises NoteNotFound, NotTheAuthor."""
    gone = Note.objects.exclude(deleted_at=None).readable(by.actor, by.levels)
    note: Note | None = gone.select_for_update().filter(customer_id=customer_id, pk=pk).first()
    if note is None:
        raise NoteNotFound("There is no deleted note with this id.")
    by.require_change(note.author)
    note.deleted_at, note.deleted_by = None, ""
    note.save(update_fields=["deleted_at", "deleted_by"])
    _audit("note.restored", note, by)
    return note


def history_of(note: Note, reader: Reader) -> QuerySet[NoteRevision]:
    """The versions of a note, each with what it replaced as `was_…`. `was_version` is None on the first.

    A version that was for others than the reader stays hidden, whoever may read the note now.
    """
    versions: QuerySet[NoteRevision] = NoteRevision.objects.filter(note=note)
    if note.author != reader.actor:
        versions = versions.filter(visibility__in=reader.levels)
    before = {f"was_{name}": Window(Lag(name), order_by=F("version").asc()) for name in (*FIELDS, "version")}
    return versions.annotate(**before)


def with_names(rows: Iterable[Any]) -> list[Any]:
    """Notes or versions of them, each with `author_name`, and `names` of whom its text mentions. Three statements."""
    rows = list(rows)
    authors = {row.pk: row.author if isinstance(row, Note) else row.actor for row in rows}
    actors, names = actor_names(authors.values()), names_in(row.body for row in rows)
    for row in rows:
        row.author_name, row.names = actors.get(authors[row.pk], ""), names
        if before := getattr(row, "was_body", None):  # computed beside the row, so not veiled with it
            row.was_body = as_seen(before)
    return rows


def _locked(customer_id: UUID, pk: UUID, by: Reader, if_match: Condition) -> Note:
    find_note(customer_id, pk, by)
    note: Note = Note.objects.select_for_update().get(pk=pk)
    if note.deleted_at is not None or not by.may_read(note):  # while we waited for the lock
        raise NoteNotFound("There is no note with this id.")
    by.require_change(note.author)
    if_match.check(note.etag)
    return note


def _write(note: Note, body: str, customer: CustomerProfile, by: Reader) -> list[UUID]:
    """Check a note and set its text; the ids of whom it mentions. Raises ValidationFailed, MentionNotAllowed."""
    body = body.replace("\r\n", "\n").strip()
    problems = []
    if not body:
        problems.append(Detail("body", "MISSING_FIELD", "Write something."))
    if len(body) > LONGEST:
        problems.append(Detail("body", "INVALID_FIELD", f"A note has at most {LONGEST} characters."))
    if note.visibility == Visibility.PRIVATE and not note.author.startswith("user:"):
        words = "A key can’t keep a private note: a person has to be able to read it."
        problems.append(Detail("visibility", "INVALID_FIELD", words))
    if note.due_on is not None and note.type != NoteType.FOLLOW_UP:
        problems.append(Detail("dueOn", "INVALID_FIELD", "Only a follow-up is due on a day."))
    if problems:
        raise ValidationFailed(" ".join(problem.message for problem in problems), details=problems)
    note.body, users = resolve(body, customer, note.visibility, author=note.author, before=note.body)
    if len(note.body) > LONGEST:
        raise ValidationFailed(
            details=[Detail("body", "INVALID_FIELD", f"A note has at most {LONGEST} characters.")]
        )
    return users


def _keep_revision(note: Note, actor: str, at: datetime) -> None:
    NoteRevision.objects.create(
        tenant_id=note.tenant_id, note=note, version=note.version, actor=actor, at=at, **_fields(note)
    )


def _fields(note: Note) -> dict[str, Any]:
    return {name: getattr(note, name) for name in FIELDS}


def _audited(note: Note | Mapping[str, Any], only: Any = AUDITED) -> dict[str, Any]:
    values = note if isinstance(note, Mapping) else _fields(note)
    return {
        name: str(value) if isinstance(value := values[name], date) else value
        for name in AUDITED
        if name in only
    }


def _audit(action: str, note: Note, by: Reader, **values: Any) -> None:
    about = {"customerId": str(note.customer_id)}
    after = {**values.pop("after", {}), **about}
    audit.record(action, by=by.actor, object_type="note", object_id=note.pk, after=after, **values)
