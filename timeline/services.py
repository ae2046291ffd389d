"""The timeline: writing what was done inside the CRM, and seeing that there is something new."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import CRMError, NotFound
from customers.acts import records_acts
from customers.models import CustomerProfile
from timeline.counters import recount
from timeline.models import Activity

MANUAL_SOURCES = ("staff", "api")


class ActivityNotFound(NotFound):
    """No such activity."""

    code = "ACTIVITY_NOT_FOUND"


class SourcedActivity(CRMError):
    """What another system reported can't be changed here."""

    code, status = "ACTIVITY_NOT_MANUAL", 409


def newer_than(customer_id: UUID, activity: Activity | None) -> int:
    """How many entries were recorded after `activity` was; for a page that is open. One query."""
    rows = Activity.objects.filter(customer_id=customer_id)
    if activity is not None:
        rows = rows.filter(created_at__gt=activity.created_at)
    count: int = rows[:100].count()
    return count


@transaction.atomic
def add_activity(
    customer: CustomerProfile,
    *,
    type: str,
    category: str,
    title: str,
    by: str,
    description: str = "",
    channel: str = "",
    metadata: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
    counts: bool = False,
) -> Activity:
    """Write an entry by hand, from staff or a key.

    counts: the customer did it themselves (a call they made, say); what staff did does not count.
    """
    now = timezone.now()
    entry: Activity = Activity.objects.create(
        tenant_id=customer.tenant_id, customer_id=customer.pk, recorded_for=customer.pk, type=type,
        category=category, title=title[:300], description=description, channel=channel, metadata=metadata or {},
        source="staff" if by.startswith("user:") else "api", actor=by, occurred_at=occurred_at or now, counts=counts,
    )  # fmt: skip
    if counts:
        recount([customer.pk], now=now)
    return entry


@transaction.atomic
def edit_activity(customer_id: UUID, pk: UUID, changes: Mapping[str, Any]) -> Activity:
    """Change an entry that was written by hand. Raises ActivityNotFound, SourcedActivity."""
    entry = _manual(customer_id, pk)
    for name, value in changes.items():
        setattr(entry, name, value)
    entry.save(update_fields=list(changes))
    recount([customer_id], now=timezone.now())
    return entry


@transaction.atomic
def delete_activity(customer_id: UUID, pk: UUID) -> None:
    """Remove an entry that was written by hand. Raises ActivityNotFound, SourcedActivity."""
    _manual(customer_id, pk).delete()
    recount([customer_id], now=timezone.now())


def _manual(customer_id: UUID, pk: UUID) -> Activity:
    entry: Activity | None = (
        Activity.objects.select_for_update().filter(customer_id=customer_id, pk=pk).first()
    )
    if entry is None:
        raise ActivityNotFound
    if entry.source not in MANUAL_SOURCES or entry.category == "SYSTEM":
        raise SourcedActivity
    return entry


@records_acts
def record_entry(
    customer: CustomerProfile, *, type: str, title: str, by: str, category: str, metadata: Mapping[str, Any]
) -> None:
    """The timeline's part in an act of the CRM: one entry, in the act's transaction."""
    add_activity(customer, type=type, category=category, title=title, by=by, metadata=metadata)
