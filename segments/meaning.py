"""What a segment's rules mean: read once for the database, which keeps them as JSON."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from crm.errors import Detail
from segments import rules
from segments.compiler import current_vocabulary
from segments.models import Segment
from segments.rules import InvalidRules
from segments.trees import Group, segments_in
from segments.vocabulary import Vocabulary


def tree_of(segment: Segment, vocabulary: Vocabulary | None = None) -> Group | None:
    """The rules of a segment, None of a list. Raises InvalidRules where the fields they speak of are gone.

    vocabulary: the open tenant's, else a statement reads it.
    """
    if segment.is_list:
        return None
    return rules.parse(segment.criteria, vocabulary or current_vocabulary())


def read(criteria: Any, *, of: UUID | None = None) -> tuple[Group, list[UUID]]:
    """Rules that somebody sent, and the segments they speak of. Three statements at most.

    of: the segment whose rules they are to be. Raises InvalidRules, also where a segment is not there or speaks of this
    one in turn; two ways to the same one are fine.
    """
    tree = rules.parse(criteria, current_vocabulary())
    spoken_of = references(tree)
    if spoken_of:
        known = dict(Segment.objects.kept().values_list("pk", "references"))
        problems = [*_missing(tree, known)]
        if not problems and of is not None and _leads_to(of, spoken_of, known):
            words = "leads back to this segment"
            problems = [
                Detail(f"{path}.value", "CYCLIC_SEGMENTS", words)
                for path, ids in segments_in(tree)
                if _leads_to(of, ids, known)
            ]
        if problems:
            raise InvalidRules(details=problems)
    return tree, spoken_of


def references(tree: Group) -> list[UUID]:
    """The segments that a tree speaks of."""
    return sorted({pk for _, ids in segments_in(tree) for pk in ids})


def _missing(tree: Group, known: Mapping[UUID, Any]) -> Iterable[Detail]:
    for path, ids in segments_in(tree):
        for pk in ids:
            if pk not in known:
                yield Detail(f"{path}.value", "SEGMENT_NOT_FOUND", f"there is no segment {pk}")


def _leads_to(goal: UUID, start: Iterable[UUID], known: Mapping[UUID, Iterable[UUID]]) -> bool:
    seen, left = set[UUID](), list(start)
    while left:
        pk = left.pop()
        if pk == goal:
            return True
        if pk not in seen:
            seen.add(pk)
            left += known.get(pk, ())
    return False
