"""Staff pages about segments: the list, the builder, a segment's page, and what stands on a person's."""

from segments.admin import from_list, listing, panel

__all__ = ["from_list", "listing", "panel"]
