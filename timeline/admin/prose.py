"""The text of a note as a page shows it: the only markup of ours that nobody wrote into a template."""

from django.utils.safestring import SafeString, mark_safe

from timeline.markdown import to_html
from timeline.models import Note


def prose(note: Note) -> SafeString:
    """The HTML of a note that `with_names` has seen; safe because to_html() lets an allow-list through only."""
    return mark_safe(to_html(note.body, note.names))  # noqa: S308
