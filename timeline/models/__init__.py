"""What happened: the inbox of events as received, the timeline made of them, and what staff note down."""

from timeline.models.activity import Activity, Category
from timeline.models.events import EventBody, InboundEvent, SyncStatus
from timeline.models.notes import Note, NoteDraft, NoteMention, NoteRevision, NoteType, Visibility

__all__ = [
    "Activity",
    "Category",
    "EventBody",
    "InboundEvent",
    "Note",
    "NoteDraft",
    "NoteMention",
    "NoteRevision",
    "NoteType",
    "SyncStatus",
    "Visibility",
]
