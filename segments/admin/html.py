"""Pieces of HTML about segments: their state, what kind they are, where their page is."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.tenancy.markup import badge
from segments.models import Category, Segment, SegmentType, State

STATES = {
    State.FRESH: ("good", "check"),
    State.STALE: ("warn", "clock"),
    State.REFRESHING: ("info", "refresh-cw"),
    State.BROKEN: ("bad", "triangle-alert"),
}
TYPES = {
    SegmentType.DYNAMIC: ("info", "list-filter"),
    SegmentType.SMART: ("violet", "zap"),
    SegmentType.STATIC: ("grey", "users"),
    SegmentType.IMPORT: ("grey", "file-text"),
}
CATEGORIES = {
    Category.BEHAVIORAL: "info",
    Category.DEMOGRAPHIC: "violet",
    Category.VALUE: "good",
    Category.CUSTOM: "grey",
}


def page_url(pk: Any, query: str = "") -> str:
    return reverse("admin:segments_segment_detail", args=[pk]) + query


def state_badge(segment: Segment) -> SafeString:
    """How far its members can be trusted, in words and colour; of one that is switched off, that."""
    if not segment.is_active:
        return badge(_("Switched off"), "grey", "eye-off")
    state = segment.state_at(timezone.now())
    tone, symbol = STATES[state]
    return badge(state.label, tone, symbol)


def type_badge(segment: Segment) -> SafeString:
    tone, symbol = TYPES[SegmentType(segment.type)]
    return badge(segment.get_type_display(), tone, symbol)


def category_badge(segment: Segment) -> SafeString:
    return badge(segment.get_category_display(), CATEGORIES[Category(segment.category)])
