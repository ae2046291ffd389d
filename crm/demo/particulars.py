"""Writes what the demo's club group keeps in fields of its own, as if a form had come back some weeks ago."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.demo.group import BY
from crm.demo.story.particulars import FIELDS, particulars
from crm.tenancy.audit import record
from crm.tenancy.models import AuditEntry
from crm.tenancy.scope import current_tenant
from customers.changes import write_many
from customers.custom_fields import define
from customers.models import CustomerProfile
from customers.person import Mention
from customers.stamps import Stamp

WRITTEN = "demo.particulars_written"
SINCE = timedelta(days=40)
BATCH = 500


@transaction.atomic
def write_particulars(*, seed: int, as_of: datetime) -> int:
    """Define the fields and fill them in for the members, once; of how many something is known then."""
    if AuditEntry.objects.filter(action=WRITTEN).exists():
        return 0
    for field in FIELDS:
        define(field, by=BY)
    members = CustomerProfile.objects.listed().exclude(scl_member_id=None).order_by("pk")
    numbers = members.select_for_update().values_list("pk", "scl_member_id")
    known = {pk: found for pk, number in numbers if (found := particulars(number, seed=seed))}
    told = [*known]
    for start in range(0, len(told), BATCH):
        _write({pk: known[pk] for pk in told[start : start + BATCH]}, as_of - SINCE)
    record(WRITTEN, by=BY, after={"people": len(known)})
    return len(known)


def _write(known: Mapping[UUID, dict[str, Any]], at: datetime) -> None:
    """Straight to the profiles: on the timelines it would be news of the minute in which the demo was loaded."""
    stamp, region = Stamp.of("club", "demo-particulars", at), current_tenant().region
    said = {pk: Mention({}, {"custom_fields": found}, stamp, region) for pk, found in known.items()}
    write_many(said, now=timezone.now(), by=BY)
