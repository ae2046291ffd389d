"""Which: segments, who was put in or kept out by hand, who is in, and how that came."""

from segments.models.membership import Cause, MembershipChange, SegmentEntry, SegmentMember
from segments.models.segment import Category, Frequency, Segment, SegmentType, State
from segments.models.sync import SegmentSync
from segments.models.touch import SegmentTouch

__all__ = [
    "Category",
    "Cause",
    "Frequency",
    "MembershipChange",
    "Segment",
    "SegmentEntry",
    "SegmentMember",
    "SegmentSync",
    "SegmentTouch",
    "SegmentType",
    "State",
]
