"""Segments at the Messaging service: sent whole when asked, then kept in step with who joins and leaves.

Claim, send, settle: a row a segment says how far Messaging was told, and moves on after each call. Whoever dies
between a call and its settling leaves a row that another takes up when the claim is old; the call is then repeated with
the same idempotency key. No transaction is open while the network is slow.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from crm.errors import CRMError
from crm.messaging.audiences import MOST_AT_ONCE, Audiences, Contact, NotTaken, audiences
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy import audit
from crm.tenancy.models import Tenant, uuid7
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope
from customers.models import CustomerProfile
from segments.models import MembershipChange, Segment, SegmentMember, SegmentSync

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # a claim older than this is a dead worker's; no call takes a quarter of it
WAITS = (30, 120, 600, 1800, 7200)  # seconds after one failure, two, …
JITTER = 0.2
FIRST = UUID(int=0)
TELL = "segments.tell_messaging"


class MessagingNotConnected(CRMError):
    """No Messaging service is set up here, so segments can’t be sent to it: the operator sets MESSAGING_URL."""

    code, status = "MESSAGING_NOT_CONNECTED", 409


@transaction.atomic
def ask_for(segment: Segment, *, by: str) -> SegmentSync:
    """Send all of a segment to Messaging, and from then on who joins and leaves. Raises MessagingNotConnected."""
    if audiences(current_tenant().slug) is None:
        raise MessagingNotConnected()
    anew = {"is_whole_due": True, "run": uuid7(), "due_at": timezone.now(), "attempts": 0, "stopped_at": None}
    sync: SegmentSync
    sync, _ = SegmentSync.objects.update_or_create(
        tenant=current_tenant(), segment=segment, defaults=anew, create_defaults=anew
    )
    audit.record("segment.sent_to_messaging", by=by, object_type="segment", object_id=segment.pk)
    nudge_on_commit(TELL, queue="scoring")
    return sync


def sync_due() -> int:
    """Tell Messaging what it was not told yet, of all tenants; how many segments that were."""
    with scopes_disabled():  # asked across tenants: who sends segments
        tenants = list(
            Tenant.objects.filter(Exists(SegmentSync.objects.filter(tenant=OuterRef("pk"))), is_active=True)
        )
    done = 0
    for tenant in tenants:
        with tenant_scope(tenant):
            _look_who_is_behind()
            while sync := _claim():
                _work(sync)
                done += 1
    return done


def _look_who_is_behind() -> None:
    """Make due what is told everything but the latest. One statement."""
    untold = MembershipChange.objects.filter(
        segment=OuterRef("segment"), pk__gt=Greatest(OuterRef("told_to"), Coalesce(OuterRef("stopped_at"), 0))
    )
    renamed = Segment.objects.filter(pk=OuterRef("segment")).exclude(name=OuterRef("told_name"))
    gone = Segment.objects.filter(pk=OuterRef("segment"), deleted_at__isnull=False)
    idle = SegmentSync.objects.filter(due_at=None)
    idle.filter(Exists(untold) | Exists(gone) | Exists(renamed), stopped_at=None).update(
        due_at=timezone.now()
    )
    idle.filter(Exists(untold), stopped_at__isnull=False).update(due_at=timezone.now())


@transaction.atomic
def _claim() -> SegmentSync | None:
    now = timezone.now()
    due = SegmentSync.objects.due(now, lost=now - LEASE).select_for_update(skip_locked=True, of=("self",))
    sync: SegmentSync | None = due.select_related("segment").order_by("due_at", "pk").first()
    if sync:
        sync.claimed_at = now
        sync.save(update_fields=["claimed_at"])
    return sync


def _work(sync: SegmentSync) -> None:
    """Make calls for one segment until all is told, or one fails."""
    service = audiences(current_tenant().slug)
    try:
        if service is None:
            raise NotTaken(MessagingNotConnected.__doc__ or "", permanent=True)
        while _step(service, sync):
            pass
    except NotTaken as refused:
        _put_off(sync, refused)


def _step(service: Audiences, sync: SegmentSync) -> bool:
    """The next call for a segment, and its settling; whether there may be more to do."""
    segment = sync.segment
    if segment.deleted_at:
        if segment.messaging_segment_id:
            service.delete(segment.messaging_segment_id, key=f"{sync.run}:delete")
        sync.delete()
        return False
    if sync.is_whole_due:
        return _start(service, sync)
    if sync.told_name != segment.name:
        service.upsert(
            str(segment.pk), segment.name, starts_empty=False, key=f"{sync.run}:name:{segment.version}"
        )
        return _settle(sync, told_name=segment.name)
    if sync.whole_to is not None:
        return _send_everybody(service, sync, sync.whole_to)
    return _send_changes(service, sync)


def _start(service: Audiences, sync: SegmentSync) -> bool:
    """Make the group at Messaging, empty. What changes from here on is told after everybody was sent."""
    segment = sync.segment
    latest = MembershipChange.objects.filter(segment=segment).aggregate(latest=Max("pk"))["latest"] or 0
    segment.messaging_segment_id = service.upsert(
        str(segment.pk), segment.name, starts_empty=True, key=f"{sync.run}:start:{segment.version}"
    )
    segment.save(update_fields=["messaging_segment_id"])
    return _settle(
        sync,
        is_whole_due=False,
        whole_to=FIRST,
        told_to=latest,
        told_name=segment.name,
        left_out=0,
        refusal="",
    )


def _send_everybody(service: Audiences, sync: SegmentSync, after: UUID) -> bool:
    members = SegmentMember.objects.filter(segment=sync.segment, customer__gt=after).order_by("customer")
    batch = list(members.values_list("customer", flat=True)[:MOST_AT_ONCE])
    _tell(service, sync, add=batch, remove=[], place=str(after))
    return _settle(sync, whole_to=batch[-1] if len(batch) == MOST_AT_ONCE else None)


def _send_changes(service: Audiences, sync: SegmentSync) -> bool:
    """Who joined and left since, each by the last of their changes."""
    changes = MembershipChange.objects.filter(segment=sync.segment, pk__gt=sync.told_to).order_by("pk")
    batch = list(changes.values_list("pk", "customer", "joined")[:MOST_AT_ONCE])
    if not batch:
        return _settle(sync, due_at=None, claimed_at=None)
    last = {customer: joined for _pk, customer, joined in batch}
    came = [customer for customer, joined in last.items() if joined]
    went = [customer for customer, joined in last.items() if not joined]
    told_to = batch[-1][0]
    _tell(service, sync, add=came, remove=went, place=f"{sync.told_to}-{told_to}")
    return _settle(sync, told_to=told_to)


def _tell(
    service: Audiences, sync: SegmentSync, *, add: Sequence[UUID], remove: Sequence[UUID], place: str
) -> None:
    """Send one batch; remembers whom Messaging did not take, and that it answered.

    The key says what is sent, too: who is tried again may have come, gone or changed their address since.
    """
    known, unknowable = _contacts(add)
    refusals = []
    if known or remove:
        group = sync.segment.messaging_segment_id
        said = repr((known, remove)).encode()
        key = f"{sync.run}:{place}:{sha256(said).hexdigest()[:16]}"
        refusals = service.change(group, add=known, remove=[str(pk) for pk in remove], key=key)
    sync.left_out += unknowable + len(refusals)
    if refusals:
        sync.refusal = refusals[-1].why
    Segment.objects.filter(pk=sync.segment_id).update(synced_at=timezone.now(), sync_error="")


def _contacts(ids: Sequence[UUID]) -> tuple[list[Contact], int]:
    """These people as Messaging is told of them, and how many it could not know. One query."""
    people = CustomerProfile.objects.filter(pk__in=ids).order_by("pk")
    found = [
        Contact(
            str(person.pk),
            person.messaging_contact_id,
            person.email,
            person.phone_number if person.phone_is_valid else "",
            person.first_name,
            person.last_name,
        )
        for person in people.only(
            "tenant",
            "messaging_contact_id",
            "email",
            "phone_number",
            "phone_is_valid",
            "first_name",
            "last_name",
        )
    ]
    known = [contact for contact in found if contact.can_be_known]
    return known, len(found) - len(known)


def _settle(sync: SegmentSync, **moved: object) -> bool:
    """Write how far this came. False where another worker has taken the row over, or it was asked for anew."""
    now = timezone.now()
    ours = SegmentSync.objects.filter(pk=sync.pk, claimed_at=sync.claimed_at, run=sync.run)
    moved = {"attempts": 0, "left_out": sync.left_out, "refusal": sync.refusal, "stopped_at": None, **moved}
    moved.setdefault("claimed_at", now)  # each settling renews the claim
    is_ours = ours.update(**moved) == 1
    for name, value in moved.items():
        setattr(sync, name, value)
    return is_ours and sync.claimed_at is not None


def _put_off(sync: SegmentSync, refused: NotTaken) -> None:
    """Say on the segment why it is not told, and when it is tried again.

    After a last word of Messaging's that is when somebody asks, or people change.
    """
    wait = max(refused.wait or 0.0, WAITS[min(sync.attempts, len(WAITS) - 1)] * random.uniform(1, 1 + JITTER))
    later: dict[str, object] = {
        "claimed_at": None,
        "attempts": F("attempts") + 1,
        "due_at": timezone.now() + timedelta(seconds=wait),
    }
    if refused.is_gone:
        later |= {"is_whole_due": True, "whole_to": None, "run": uuid7()}
    elif refused.permanent:
        latest = MembershipChange.objects.filter(segment=sync.segment_id).aggregate(latest=Max("pk"))[
            "latest"
        ]
        later |= {"due_at": None, "stopped_at": latest or 0}
    row = SegmentSync.objects.filter(pk=sync.pk, claimed_at=sync.claimed_at)
    if not row.filter(run=sync.run).update(**later):  # asked for anew meanwhile: that is still to be done
        row.update(claimed_at=None)
        return
    Segment.objects.filter(pk=sync.segment_id).update(sync_error=str(refused)[:500])
    log.warning(
        "segment_not_told", segment=str(sync.segment_id), permanent=refused.permanent, is_gone=refused.is_gone
    )
