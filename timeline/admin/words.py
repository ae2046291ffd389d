"""How states, errors, categories and types are said to people."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.tenancy.markup import badge
from timeline.models import Category, InboundEvent, NoteType, SyncStatus

ICONS = {
    Category.MEMBERSHIP: ("id-card", "good"),
    Category.BOOKING: ("calendar-days", "info"),
    Category.GOLF: ("flag", "good"),
    Category.COMMUNICATION: ("mail", "violet"),
    Category.CONSENT: ("shield-check", "violet"),
    Category.COMMERCE: ("shopping-bag", "warn"),
    Category.WEB: ("globe", "grey"),
    Category.SALES: ("handshake", "info"),
    Category.SUPPORT: ("life-buoy", "bad"),
    Category.FEEDBACK: ("message-square-text", "warn"),
    Category.NOTE: ("sticky-note", "warn"),
    Category.SYSTEM: ("settings", "grey"),
}
NOTE_ICONS = {
    NoteType.GENERAL: ("sticky-note", "grey"),
    NoteType.CALL: ("phone", "info"),
    NoteType.EMAIL: ("mail", "violet"),
    NoteType.MEETING: ("users", "good"),
    NoteType.COMPLAINT: ("triangle-alert", "bad"),
    NoteType.FOLLOW_UP: ("clock", "warn"),
}
ERRORS = {
    "UNKNOWN_EVENT_TYPE": _("Nobody here knows this type of event"),
    "INVALID_PAYLOAD": _("The content is not what this type of event must have"),
    "NO_IDENTIFIER": _("It names nobody: no e-mail, phone or id that can be used"),
    "BODY_PURGED": _("Its content was purged, so it can’t be tried again"),
    "PROCESSING_FAILED": _("Applying it went wrong"),
    "FIELD_LEFT_OUT": _("Applied, but for a field that can’t be right"),
    "WORKER_DIED": _("Workers died over it again and again"),
    "DISCARDED": _("Discarded"),
}


def error_words(code: str) -> Any:
    return ERRORS.get(code) or code.replace("_", " ").capitalize()


def type_words(name: str) -> str:
    """TEETIME_BOOKED as Tee time booked."""
    return name.replace("TEETIME", "TEE TIME").replace("_", " ").capitalize()


def state_badge(event: InboundEvent) -> Any:
    """The sync status as people read it, dead letters and retries told apart."""
    if event.status == SyncStatus.FAILED:
        return badge(_("Dead letter"), "bad") if event.dead_at else badge(_("Failed, will retry"), "warn")
    if event.status == SyncStatus.SKIPPED:
        return badge(_("Discarded") if event.error_code == "DISCARDED" else _("Skipped"), "grey")
    if event.status == SyncStatus.SUCCESS:
        return badge(_("Success"), "good")
    return badge(_("Processing"), "info") if event.state == "PROCESSING" else badge(_("Pending"), "info")
