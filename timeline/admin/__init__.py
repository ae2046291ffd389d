"""Staff pages about what happened: timelines, the sync log, dead letters."""

from timeline.admin import activities, dead_letters, events, panel

__all__ = ["activities", "dead_letters", "events", "panel"]
