"""What the note endpoints answer."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.rest.shapes import shape
from customers.payloads import wire_value
from timeline.markdown import mentioned, to_html
from timeline.models import Note, NoteType, Visibility

WIRE = {"type": "type", "body": "body", "visibility": "visibility", "is_pinned": "pinned", "due_on": "dueOn"}


class MentionReply(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="The member of staff, as it stands in `body`.")
    name = serializers.CharField()


WRITTEN: dict[str, Any] = {
    "type": serializers.ChoiceField(choices=NoteType.choices),
    "body": serializers.CharField(help_text="Markdown; somebody mentioned is @[id]."),
    "visibility": serializers.ChoiceField(choices=Visibility.choices),
    "pinned": serializers.BooleanField(),
    "dueOn": serializers.DateField(allow_null=True),
}
NOTE_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "customerId": serializers.UUIDField(),
    **WRITTEN,
    "bodyHtml": serializers.CharField(help_text="Sanitised; links carry rel=“noopener noreferrer nofollow”."),
    "mentions": MentionReply(many=True),
    "author": serializers.CharField(help_text="user:…, key:… or token:…"),
    "authorName": serializers.CharField(allow_null=True),
    "createdAt": serializers.DateTimeField(),
    "editedAt": serializers.DateTimeField(allow_null=True),
    "editedBy": serializers.CharField(allow_null=True),
    "version": serializers.IntegerField(),
}
NoteReply = shape("Note", NOTE_FIELDS, "What somebody noted down about a customer.")
NoteListed = shape("NoteListed", NOTE_FIELDS, "A note, or what `fields` asks for.", is_sparse=True)


@extend_schema_field({"type": ["string", "boolean", "null"]})
class Value(serializers.Field[Any, Any, Any, Any]):
    """What a field of a note holds."""


CHANGE_FIELDS: dict[str, Any] = {
    "field": serializers.ChoiceField(choices=list(WIRE.values())),
    "from": Value(help_text="null in the first version."),
    "to": Value(),
}
ChangeReply = shape("NoteFieldChange", CHANGE_FIELDS, "One field of a note, from what to what.")
NoteVersion = shape(
    "NoteVersion",
    {
        "version": serializers.IntegerField(),
        "at": serializers.DateTimeField(),
        "by": serializers.CharField(),
        "byName": serializers.CharField(allow_null=True),
        "changes": ChangeReply(many=True),
    },
    "One edit of a note: who, when, from what to what.",
)


def note_payload(note: Note) -> dict[str, Any]:
    """A note that `with_names` has seen."""
    return {
        "id": str(note.pk),
        "customerId": str(note.customer_id),
        **{wire: wire_value(getattr(note, name)) for name, wire in WIRE.items()},
        "bodyHtml": to_html(note.body, note.names),
        "mentions": [{"id": pk, "name": note.names[pk]} for pk in mentioned(note.body) if pk in note.names],
        "author": note.author,
        "authorName": note.author_name or None,
        "createdAt": wire_value(note.created_at),
        "editedAt": wire_value(note.edited_at),
        "editedBy": note.edited_by or None,
        "version": note.version,
    }


def version_payload(row: Any) -> dict[str, Any]:
    """A row of `history_of` that `with_names` has seen."""
    is_first = row.was_version is None
    return {
        "version": row.version,
        "at": wire_value(row.at),
        "by": row.actor,
        "byName": row.author_name or None,
        "changes": [
            {"field": wire, "from": wire_value(getattr(row, f"was_{name}")), "to": wire_value(getattr(row, name))}
            for name, wire in WIRE.items()
            if is_first or getattr(row, f"was_{name}") != getattr(row, name)
        ],
    }  # fmt: skip
