"""The timeline: reading it page by page, and writing what was done inside the CRM."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.errors import CRMError, Detail, NotFound, ValidationFailed
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


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a timeline, newest first. `next_cursor` is None at the end."""

    rows: list[Activity]
    next_cursor: str | None


def timeline_page(
    customer_id: UUID,
    *,
    category: str = "",
    type: str = "",
    source: str = "",
    channel: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str = "",
    take: int = 25,
) -> Page:
    """One page of a customer's timeline; the same cost at page 1 and page 100. One query.

    since is inclusive, until exclusive. Raises ValidationFailed for a cursor that is none of ours.
    """
    rows: QuerySet[Activity] = Activity.objects.filter(customer_id=customer_id)
    equal = {"category": category, "type": type, "source": source, "channel": channel}
    rows = rows.filter(**{name: value for name, value in equal.items() if value})
    if since:
        rows = rows.filter(occurred_at__gte=since)
    if until:
        rows = rows.filter(occurred_at__lt=until)
    if cursor:
        at, pk = _open_cursor(cursor)
        rows = rows.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=pk), occurred_at__lte=at)
    found = list(rows.order_by("-occurred_at", "-pk")[: take + 1])
    last = found[take - 1] if len(found) > take else None
    return Page(found[:take], _cursor(last) if last else None)


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


def _cursor(entry: Activity) -> str:
    return urlsafe_b64encode(json.dumps([entry.occurred_at.isoformat(), entry.pk.hex]).encode()).decode()


def _open_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, pk = json.loads(urlsafe_b64decode(cursor.encode("ascii")))
        moment, entry = datetime.fromisoformat(at), UUID(pk)
        if moment.tzinfo is None:
            raise ValueError
    except (ValueError, TypeError, AttributeError, UnicodeError, RecursionError):
        raise ValidationFailed(
            "The cursor can't be read.",
            details=[Detail("cursor", "INVALID_FIELD", "Take it from meta.nextCursor.")],
        ) from None
    return moment, entry
