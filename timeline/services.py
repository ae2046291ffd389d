"""The timeline: writing what was done inside the CRM, and seeing that there is something new."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import CRMError, NotFound
from crm.tenancy import audit
from crm.tenancy.rows import insert_rows
from crm.versions import ANY, Condition
from customers.acts import Act, records_acts
from customers.models import CustomerProfile
from customers.resolution import lock_person
from timeline.application import ACTS, ENTRY_COLUMNS, act_row
from timeline.counters import recount
from timeline.models import Activity
from timeline.readers import Reader
from timeline.subjects import snapshots

MANUAL_SOURCES = ("staff", "api")
EDITABLE = ("type", "category", "channel", "title", "description", "metadata", "occurred_at", "counts")


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
    entry = _entry(
        customer, type=type, category=category, title=title[:300], description=description, channel=channel,
        metadata=metadata or {}, source="staff" if by.startswith("user:") else "api", actor=by,
        occurred_at=occurred_at or now, counts=counts,
    )  # fmt: skip
    if counts:
        recount([entry.customer_id], now=now)
    _audit("activity.added", entry, by, after=_audited(entry))
    return entry


@transaction.atomic
def edit_activity(
    customer_id: UUID, pk: UUID, changes: Mapping[str, Any], *, by: Reader, if_match: Condition = ANY
) -> Activity:
    """Change an entry that was written by hand.

    Raises ActivityNotFound, SourcedActivity, NotTheAuthor, PreconditionFailed.
    """
    entry = _manual(customer_id, pk, by, if_match)
    before = _audited(entry)
    for name, value in changes.items():
        setattr(entry, name, value)
    after = _audited(entry)
    changed = {name for name in after if after[name] != before[name]}
    if changed:
        entry.save(update_fields=list(changes))
        recount([customer_id], now=timezone.now())
        _audit(
            "activity.changed", entry, by.actor,
            before={name: before[name] for name in changed}, after={name: after[name] for name in changed},
        )  # fmt: skip
    return entry


@transaction.atomic
def delete_activity(customer_id: UUID, pk: UUID, *, by: Reader, if_match: Condition = ANY) -> None:
    """Remove an entry that was written by hand. Raises as edit_activity."""
    entry = _manual(customer_id, pk, by, if_match)
    _audit("activity.deleted", entry, by.actor, before=_audited(entry))
    Activity.objects.filter(pk=entry.pk).delete()
    recount([customer_id], now=timezone.now())


def get_activity(customer_id: UUID, pk: UUID) -> Activity:
    """An entry of a customer's timeline. Raises ActivityNotFound."""
    entry: Activity | None = Activity.objects.filter(customer_id=customer_id, pk=pk).first()
    if entry is None:
        raise ActivityNotFound("There is no activity with this id.")
    return entry


def _manual(customer_id: UUID, pk: UUID, by: Reader, if_match: Condition) -> Activity:
    entry: Activity | None = (
        Activity.objects.select_for_update().filter(customer_id=customer_id, pk=pk).first()
    )
    if entry is None:
        raise ActivityNotFound("There is no activity with this id.")
    if entry.source not in MANUAL_SOURCES:
        raise SourcedActivity
    by.require_change(entry.actor)
    if_match.check(entry.etag)
    return entry


def _audited(entry: Activity) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in EDITABLE}
    return values | {"occurred_at": entry.occurred_at.isoformat()}


def _audit(action: str, entry: Activity, by: str, **values: Any) -> None:
    audit.record(action, by=by, object_type="activity", object_id=entry.pk, **values)


@records_acts
def record_entries(acts: Sequence[Act], *, by: str) -> None:
    """The timeline's part in acts of the CRM: their entries, in the acts' transaction. One statement."""
    now = timezone.now()
    rows = [act_row(act, by, now) for act in acts]
    snapshots(rows, ())
    insert_rows(Activity, rows, ENTRY_COLUMNS)


def add_act(
    customer: CustomerProfile,
    *,
    type: str,
    category: str,
    title: str,
    by: str,
    metadata: Mapping[str, Any],
    at: datetime | None = None,
) -> Activity:
    """Write the entry of something done in the CRM; unlike one by hand, nobody edits it afterwards."""
    return _entry(
        customer, type=type, category=category, title=title[:300], metadata=metadata, source=ACTS, actor=by,
        occurred_at=at or timezone.now(),
    )  # fmt: skip


def _entry(customer: CustomerProfile, **fields: Any) -> Activity:
    root = lock_person(customer.pk)  # no merge takes the page away between the look and the write
    entry: Activity = Activity.objects.create(
        tenant_id=customer.tenant_id, customer_id=root, recorded_for=root, **fields
    )
    return entry
