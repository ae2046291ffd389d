"""Staff pages about segments: the list, the builder, a segment's page, and what stands on a person's."""

from segments.admin import filtering, from_list, listing, panel

__all__ = ["filtering", "from_list", "listing", "panel"]
