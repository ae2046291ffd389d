"""What uses a segment. Apps above register theirs, as they register movers."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

from segments.models import Segment


class Consumer(NamedTuple):
    """Something that goes by a segment; kind is its word on the wire, such as campaign."""

    kind: str
    id: UUID
    name: str


Finder = Callable[[Collection[UUID]], Iterable[tuple[UUID, Consumer]]]
_finders: list[Finder] = []


def consumes(find: Finder) -> Finder:
    """Register what finds the consumers of segments, by their ids, in the open tenant: each with whose it is."""
    _finders.append(find)
    return find


def consumers_of(segment: Segment) -> list[Consumer]:
    """Everything that would miss the segment. One statement, and what the finders need."""
    return consumers_of_many([segment.pk]).get(segment.pk, [])


def consumers_of_many(segments: Collection[UUID]) -> dict[UUID, list[Consumer]]:
    """Segment -> everything that would miss it. One statement for all of them, and what the finders need."""
    found: dict[UUID, list[Consumer]] = {}
    for find in _finders:
        for pk, consumer in find(segments):
            found.setdefault(pk, []).append(consumer)
    return found


@consumes
def other_segments(segments: Collection[UUID]) -> Iterator[tuple[UUID, Consumer]]:
    rows = Segment.objects.kept().filter(references__overlap=list(segments)).order_by("name")
    for row in rows:
        for pk in set(row.references) & set(segments):
            yield pk, Consumer("segment", row.pk, row.name)
