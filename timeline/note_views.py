"""The endpoints of notes."""

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import paginate
from crm.rest.schema import ETAG
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy.permissions import Right, Scope
from customers.models import CustomerProfile
from customers.views import uuid
from customers.visibility import visible_customer
from timeline import listing
from timeline.models import Note
from timeline.note_replies import NoteListed, NoteReply, NoteVersion, note_payload, version_payload
from timeline.notes import NoteNotFound, add_note, delete_note, edit_note, find_note, history_of, with_names
from timeline.readers import Reader, api_reader
from timeline.serializers import NoteChange, NoteHistoryQuery, NoteNew, NoteQuery

CALLED = {"type": "CALL", "body": "Asked about **winter lessons**.\n\n- Tuesdays suit\n- has own clubs"}


class NoteView(ApiView):
    looks = "notes"
    tag = "Notes"

    @property
    def reader(self) -> Reader:
        return api_reader(self.credential)

    def note_of(self, pk: str, note_id: str) -> tuple[CustomerProfile, Note]:
        """Raises CustomerNotFound, NoteNotFound."""
        customer, _ = visible_customer(self.request, uuid(pk))
        return customer, find_note(customer.pk, uuid_of(note_id), self.reader)


class CustomerNotes(NoteView):
    scopes = {"GET": Scope.READ, "POST": Scope.WRITE}
    rights = {"POST": Right.NOTE}
    queries = {"GET": NoteQuery}

    @extend_schema(operation_id="listNotes", responses={200: page_of(NoteListed)})
    def get(self, request: Request, pk: str) -> Response:
        """Read the notes about a customer.

        Pinned ones first, then newest first. A key reads what is for all staff and what it wrote itself; with
        `crm:admin` also what is kept for a role. Private notes are for people only.
        """
        customer, _ = visible_customer(request, uuid(pk))
        notes = listing.notes_of(customer.pk, self.params, self.reader)
        return paginate(notes, self.params, listing.NOTES, note_payload, prepare=with_names)

    @extend_schema(
        operation_id="addNote",
        request=NoteNew,
        responses={201: NoteReply},
        parameters=[ETAG],
        examples=[OpenApiExample("A call", CALLED, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Add a note.

        It makes a `NOTE_ADDED` entry in the timeline, which holds nothing of the text. Mentioning somebody who
        may not read the note is 422 `MENTION_NOT_ALLOWED`, naming them.
        """
        fields = self.body(NoteNew)
        customer, _ = visible_customer(request, uuid(pk))
        note = add_note(customer, by=self.reader, **fields)
        return answer(note, status=201)


class CustomerNote(NoteView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.WRITE, "DELETE": Scope.WRITE}
    rights = {"PATCH": Right.NOTE, "DELETE": Right.NOTE}

    @extend_schema(operation_id="getNote", responses={200: NoteReply}, parameters=[ETAG])
    def get(self, request: Request, pk: str, noteId: str) -> Response:
        """Read a note."""
        return answer(self.note_of(pk, noteId)[1])

    @extend_schema(
        operation_id="changeNote",
        request=NoteChange,
        responses={200: NoteReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Pin it", {"pinned": True}, request_only=True)],
    )
    def patch(self, request: Request, pk: str, noteId: str) -> Response:
        """Change a note.

        Your own, or with `crm:admin` anybody's; else 403 `NOT_THE_AUTHOR`. What is absent stays.
        """
        changes = self.body(NoteChange)
        customer, note = self.note_of(pk, noteId)
        return answer(edit_note(customer, note.pk, changes, by=self.reader, if_match=self.condition))

    @extend_schema(operation_id="deleteNote", responses={204: None})
    def delete(self, request: Request, pk: str, noteId: str) -> Response:
        """Delete a note.

        Your own, or with `crm:admin` anybody's; else 403 `NOT_THE_AUTHOR`. Staff can bring it back.
        """
        customer, note = self.note_of(pk, noteId)
        delete_note(customer.pk, note.pk, by=self.reader, if_match=self.condition)
        return Response(status=204)


class CustomerNoteHistory(NoteView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": NoteHistoryQuery}

    @extend_schema(operation_id="listNoteVersions", responses={200: page_of(NoteVersion)})
    def get(self, request: Request, pk: str, noteId: str) -> Response:
        """Read who changed a note, when, from what to what.

        The latest first. A version that was for others than you stays hidden.
        """
        _, note = self.note_of(pk, noteId)
        versions = history_of(note, self.reader)
        return paginate(versions, self.params, listing.REVISIONS, version_payload, prepare=with_names)


def uuid_of(text: str) -> UUID:
    """An id from an address. Raises NoteNotFound for what can't be one."""
    try:
        return UUID(text)
    except ValueError:
        raise NoteNotFound("There is no note with this id.") from None


def answer(note: Note, *, status: int = 200) -> Response:
    with_names([note])
    return Response(note_payload(note), status=status, headers={"ETag": note.etag})
