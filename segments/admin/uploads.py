"""Putting the people whom a file names into a segment."""

from typing import IO, NamedTuple

from django.http import HttpRequest

from crm.tenancy.access import actor
from customers.visibility import visible_people
from segments import entries
from segments.identifiers import named_in
from segments.models import Segment

SAID = 10


class Done(NamedTuple):
    """How many people were put in, the first lines that name nobody with the reason, and how many more there are."""

    people: int
    problems: list[tuple[int, str]]
    more: int


def read_upload(request: HttpRequest, segment: Segment, file: IO[bytes], *, reason: str) -> Done:
    """Raises ValidationFailed, and CRMError where nobody can be put in. Each batch is one transaction."""
    put, problems, by = set(), list[tuple[int, str]](), actor(request)
    for batch in named_in(file, visible_people(request).listed()):
        people = list(
            dict.fromkeys(one.customer for one in batch if one.customer and one.customer not in put)
        )
        if people:
            entries.put_in(segment, [entries.Assignment(pk, reason) for pk in people], by=by)
        put.update(people)
        problems += [(one.line, one.problem) for one in batch if one.customer is None]
    return Done(len(put), problems[:SAID], max(len(problems) - SAID, 0))
