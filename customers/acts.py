"""Acts inside the CRM that belong on a person's timeline, though the timeline stands above this app.

As with merging, apps above register what must happen in the same transaction; here it is one function that
writes the entries. A test fails when nobody has registered.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from customers.models import CustomerProfile


class Act(NamedTuple):
    """Something done to a customer; `at` is now unless told. `about` is the id of the tag, say, it was done with."""

    customer: UUID
    type: str
    title: str
    category: str = "SYSTEM"
    metadata: Mapping[str, Any] = {}
    at: datetime | None = None
    about: str = ""


class Recorder(Protocol):
    def __call__(self, acts: Sequence[Act], *, by: str) -> None: ...


_recorders: list[Recorder] = []


def records_acts(recorder: Recorder) -> Recorder:
    """Register the function that writes timeline entries of acts."""
    _recorders.append(recorder)
    return recorder


def record_acts(acts: Sequence[Act], *, by: str) -> None:
    """Write a timeline entry for each act done by `by`, in the caller's transaction. One statement."""
    for recorder in _recorders:
        recorder(acts, by=by)


def record_act(
    customer: CustomerProfile,
    *,
    type: str,
    title: str,
    by: str,
    category: str = "SYSTEM",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a timeline entry for something done to `customer` by `by`, in the caller's transaction."""
    record_acts([Act(customer.pk, type, title, category, metadata or {})], by=by)


def recorders() -> list[Callable[..., None]]:
    return list(_recorders)
