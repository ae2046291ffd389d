"""Writes the demo's notes, through the same service as the staff pages."""

from datetime import datetime, timedelta

from django.db import transaction

from crm.demo.group import BY, LOGINS
from crm.demo.story.remarks import Placed, remarks
from crm.tenancy.audit import record
from crm.tenancy.models import AuditEntry, StaffMembership
from customers.models import CustomerProfile
from timeline.models import NoteMention
from timeline.notes import add_note
from timeline.readers import Reader, staff_reader

WRITTEN = "demo.notes_written"
UNSEEN_FOR = timedelta(days=10)


@transaction.atomic
def write_notes(*, seed: int, as_of: datetime) -> int:
    """Note down what the demo's staff know about its members, once; how many notes that were."""
    if AuditEntry.objects.filter(action=WRITTEN).exists():
        return 0
    members = CustomerProfile.objects.listed().exclude(scl_member_id=None).exclude(home_club_ref="")
    people = list(members.order_by("scl_member_id"))
    staff = _staff()
    placed = list(remarks([person.home_club_ref for person in people], seed=seed, as_of=as_of))
    for one in sorted(placed, key=lambda one: (one.at, one.person)):
        _write(people[one.person], one, staff)
    NoteMention.objects.filter(created_at__lt=as_of - UNSEEN_FOR).update(seen_at=as_of)
    record(WRITTEN, by=BY, after={"notes": len(placed)})
    return len(placed)


def _staff() -> dict[str, Reader]:
    """The demo's logins by the part of their e-mail before the @."""
    emails = [login.email for login in LOGINS]
    found = StaffMembership.objects.filter(user__email__in=emails).select_related("user")
    return {member.user.email.partition("@")[0]: staff_reader(member) for member in found}


def _write(person: CustomerProfile, one: Placed, staff: dict[str, Reader]) -> None:
    names = {login.full_name.partition(" ")[0].lower(): f"@[{login.email}]" for login in LOGINS}
    note = add_note(
        person, body=one.remark.text.format(first=person.first_name, **names), by=staff[one.remark.by],
        type=one.remark.type, visibility=one.remark.visibility, is_pinned=one.remark.is_pinned, due_on=one.due_on,
        at=one.at,
    )  # fmt: skip
    NoteMention.objects.filter(note=note).update(created_at=one.at)
