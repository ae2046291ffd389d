"""What stands over a customer's data: a restriction (GDPR, article 18), a legal hold, and for minors a guardian.

Each is a moment on the profile; who set it, and why, stands in the audit log, which nobody edits.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import Conflict, CustomerNotFound, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.models import AuditEntry
from crm.tenancy.rows import run
from crm.tenancy.scope import current_tenant
from customers.acts import record_act
from customers.changes import write_fields
from customers.models import CustomerProfile, Status
from customers.parts import family_ids
from customers.person import Mention
from customers.stamps import Stamp

LOCK = "SELECT id FROM customers_customerprofile WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE"
ACTS = {
    ("processing_restricted_at", True): ("customer.restricted", "Processing restricted"),
    ("processing_restricted_at", False): ("customer.unrestricted", "Processing no longer restricted"),
    ("legal_hold_at", True): ("customer.hold_placed", "Legal hold placed"),
    ("legal_hold_at", False): ("customer.hold_lifted", "Legal hold lifted"),
}


class ReasonNeeded(Conflict):
    """Say why: the reason is kept in the audit log."""


@transaction.atomic
def restrict(pk: UUID, *, by: str, reason: str) -> None:
    """Keep the person's data and do nothing else with it. Raises ReasonNeeded, Conflict, CustomerNotFound."""
    _set(pk, "processing_restricted_at", timezone.now(), by=by, reason=reason)


@transaction.atomic
def unrestrict(pk: UUID, *, by: str, reason: str) -> None:
    """Lift the restriction: the events that came meanwhile are applied within a minute. Raises as restrict."""
    _set(pk, "processing_restricted_at", None, by=by, reason=reason)


@transaction.atomic
def place_hold(pk: UUID, *, by: str, reason: str) -> None:
    """Let neither an erasure nor a retention rule touch the person. Raises as restrict."""
    _set(pk, "legal_hold_at", timezone.now(), by=by, reason=reason)


@transaction.atomic
def lift_hold(pk: UUID, *, by: str, reason: str) -> None:
    _set(pk, "legal_hold_at", None, by=by, reason=reason)


@transaction.atomic
def set_guardian(pk: UUID, guardian: UUID | None, *, by: str) -> None:
    """Say who answers for a minor, None for nobody. Raises CustomerNotFound, ValidationFailed."""
    profile = _locked(pk)
    if guardian is not None:
        answering = CustomerProfile.objects.listed().filter(pk=guardian).first()
        if answering is None:
            raise CustomerNotFound("There is no such guardian.")
        if answering.pk == profile.pk or answering.guardian_id == profile.pk:
            raise ValidationFailed("Nobody can be their own guardian, or that of who answers for them.")
    before, now = profile.guardian_id, timezone.now()
    said = Mention({}, {"guardian_id": guardian}, Stamp.of_act(by, now), current_tenant().region)
    write_fields(profile.pk, said, now=now, by=by)
    audit.record(
        "customer.guardian_set", by=by, object_type="customer", object_id=profile.pk,
        before={"guardianId": str(before) if before else None},
        after={"guardianId": str(guardian) if guardian else None},
    )  # fmt: skip


def reason_of(pk: UUID, column: str) -> str:
    """Why the lock that is on was set, as the audit log has it. One statement."""
    action = ACTS[column, True][0]
    entries = AuditEntry.objects.filter(object_type="customer", object_id=str(pk), action=action)
    entry = entries.order_by("-at").first()
    return str((entry.after or {}).get("reason") or "") if entry else ""


def _set(pk: UUID, column: str, at: datetime | None, *, by: str, reason: str) -> None:
    if not reason.strip():
        raise ReasonNeeded
    profile = _locked(pk)
    if (getattr(profile, column) is None) == (at is None):
        raise Conflict("It is so already.")
    family = CustomerProfile.objects.filter(pk__in=family_ids(profile.pk))
    family.update(**{column: at})  # all that were merged, so that it stands on both sides of an undoing
    CustomerProfile.objects.filter(pk=profile.pk).update(
        version=profile.version + 1, updated_at=timezone.now(), updated_by=by
    )
    action, title = ACTS[column, at is not None]
    record_act(profile, type=action.replace(".", "_").upper(), title=title, by=by)
    audit.record(
        action, by=by, object_type="customer", object_id=profile.pk, after={"reason": reason.strip()[:500]}
    )


def _locked(pk: UUID) -> CustomerProfile:
    run(LOCK, [current_tenant().pk, pk])
    profile: CustomerProfile | None = CustomerProfile.objects.filter(pk=pk).first()
    if profile is None or profile.status == Status.MERGED or profile.erased_at is not None:
        raise CustomerNotFound("There is no customer with this id.")
    return profile
