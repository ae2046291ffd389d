"""What uses a segment. Apps above register theirs, as they register movers."""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from segments.models import Segment


class Consumer(NamedTuple):
    """Something that goes by a segment; kind is its word on the wire, such as campaign."""

    kind: str
    id: UUID
    name: str


Finder = Callable[[UUID], Iterable[Consumer]]
_finders: list[Finder] = []


def consumes(find: Finder) -> Finder:
    """Register what finds the consumers of a segment, by its id, in the open tenant."""
    _finders.append(find)
    return find


def consumers_of(segment: Segment) -> list[Consumer]:
    """Everything that would miss the segment. One statement, and what the finders need."""
    return [consumer for find in _finders for consumer in find(segment.pk)]


@consumes
def other_segments(pk: UUID) -> list[Consumer]:
    rows = Segment.objects.kept().filter(references__contains=[pk]).order_by("name")
    return [Consumer("segment", row.pk, row.name) for row in rows]
