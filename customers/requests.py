"""Requests of people about their data: recording one, and the club's decision on it."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from crm.errors import Conflict
from crm.tenancy import audit
from crm.tenancy.scope import current_tenant
from customers.acts import record_act
from customers.facts import FactWrite, apply_facts
from customers.models import CustomerProfile, PrivacyRequest
from customers.stamps import Stamp


@transaction.atomic
def record_request(customer: CustomerProfile, kind: str, *, by: str, reason: str = "") -> PrivacyRequest:
    """Note what somebody asked of staff; the clock runs from now on."""
    now, key = timezone.now(), f"STAFF:{uuid4()}"
    values = {"kind": PrivacyRequest.Kind(kind).value, "reason": reason[:200], "requested_at": now}
    pk = customer.pk
    apply_facts([FactWrite("privacy_request", key, pk, pk, values, {}, Stamp.of_act(by, now))], now=now)
    made: PrivacyRequest = PrivacyRequest.objects.get(key=key)
    record_act(customer, type="PRIVACY_REQUESTED", title=f"Asked for: {made.get_kind_display()}", by=by)
    audit.record(
        "privacyrequest.added", by=by, object_type="privacyrequest", object_id=made.pk, after={"kind": kind}
    )
    return made


@transaction.atomic
def decide_request(pk: int, status: str, *, by: str, decision: str) -> PrivacyRequest:
    """Close a request, saying what was done or why not. Raises Conflict without words, and for one that is closed."""
    if not decision.strip():
        raise Conflict("Say what was done, or why not.")
    after = {"status": PrivacyRequest.Status(status).value, "decision": decision.strip()[:500]}
    now = timezone.now()
    open_ones = PrivacyRequest.objects.filter(pk=pk, status=PrivacyRequest.Status.OPEN)
    if not open_ones.update(**after, decided_at=now, decided_by=by):
        raise Conflict("This request is closed already.")
    audit.record(
        "privacyrequest.closed", by=by, object_type="privacyrequest", object_id=pk,
        before={"status": "OPEN"}, after={"status": after["status"]},
    )  # fmt: skip
    found: PrivacyRequest = PrivacyRequest.objects.get(pk=pk)
    return found


def due_at(request: PrivacyRequest) -> datetime | None:
    """When it must be answered by the tenant's days; none where it came without a time."""
    if request.requested_at is None:
        return None
    return request.requested_at + timedelta(days=current_tenant().privacy_days)


def of_customer(pk: UUID) -> list[PrivacyRequest]:
    return list(PrivacyRequest.objects.filter(customer=pk).order_by("-requested_at", "-pk"))
