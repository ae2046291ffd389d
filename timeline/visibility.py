"""Which notes a member of staff may see on the staff pages, and which of them ask for their eye."""

from typing import Any

from django.http import HttpRequest

from crm.tenancy.access import membership_of
from customers.visibility import of_visible_people
from timeline.mentions import unseen
from timeline.notes import notes_for
from timeline.readers import Reader, staff_reader


def reader_of(request: HttpRequest) -> Reader:
    membership = membership_of(request)
    assert membership is not None  # noqa: S101 - the site lets nobody in without one
    return staff_reader(membership)


def readable_notes(request: HttpRequest) -> Any:
    """The notes that the request may see, of the people it may see."""
    return of_visible_people(request, notes_for(reader_of(request)))


def mention_count(request: HttpRequest) -> int:
    """How many notes mention this member of staff and were not looked at yet. One statement."""
    count: int = unseen(request.user, readable_notes(request)).count()
    return count
