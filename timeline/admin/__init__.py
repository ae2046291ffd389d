"""Staff pages about what happened: timelines, notes, the sync log, dead letters."""

from timeline.admin import activities, dead_letters, events, note_panel, notes, panel

__all__ = ["activities", "dead_letters", "events", "note_panel", "notes", "panel"]
