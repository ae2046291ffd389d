"""Acts inside the CRM that belong on a person's timeline, though the timeline stands above this app.

As with merging, apps above register what must happen in the same transaction; here it is one function that
writes the entry. A test fails when nobody has registered.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from customers.models import CustomerProfile


class Recorder(Protocol):
    def __call__(
        self,
        customer: CustomerProfile,
        *,
        type: str,
        title: str,
        by: str,
        category: str,
        metadata: Mapping[str, Any],
    ) -> None: ...


_recorders: list[Recorder] = []


def records_acts(recorder: Recorder) -> Recorder:
    """Register the function that writes timeline entries of acts."""
    _recorders.append(recorder)
    return recorder


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
    for recorder in _recorders:
        recorder(customer, type=type, title=title, by=by, category=category, metadata=metadata or {})


def recorders() -> list[Callable[..., None]]:
    return list(_recorders)
