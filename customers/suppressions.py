"""What staff and keys do with the list of addresses that must not be written to."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import Conflict, Detail, NotFound, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.scope import current_tenant
from customers import normalise
from customers.consent import REACHED_BY
from customers.matching import Key
from customers.models import Suppression
from customers.suppression import standing_over, suppress

R = Suppression.Reason
# Who may come back only by their own word, by the network's, or by an Admin on the customer's page.
LIFTABLE = (R.MANUAL, R.HARD_BOUNCE, R.SOFT_BOUNCES, R.INVALID)
GIVEN = (
    R.MANUAL,
    R.HARD_BOUNCE,
    R.INVALID,
    R.COMPLAINT,
    R.UNSUBSCRIBED,
)  # that may be put in, as from another tool


class SuppressionNotFound(NotFound):
    """There is no suppression with this id, or it was lifted."""

    code = "SUPPRESSION_NOT_FOUND"


class SuppressionStays(Conflict):
    """Nobody lifts this by hand: the person comes back by subscribing, by START, or an Admin lifts it on their page."""

    code = "SUPPRESSION_NOT_LIFTABLE"


def key_of(address: str) -> Key:
    """An address as it is suppressed. Raises ValidationFailed."""
    kind = "email" if "@" in address else "phoneNumber"
    value = normalise.identifier(kind, address, current_tenant().region)
    if value is None:
        wrong = Detail("address", "INVALID_FIELD", "This is neither an e-mail address nor a phone number.")
        raise ValidationFailed(details=[wrong])
    return kind, value


@transaction.atomic
def add(
    address: str, *, by: str, reason: str = R.MANUAL, channel: str = "", purpose: str = "", club_ref: str = "",
    expires_at: datetime | None = None,
) -> Suppression:  # fmt: skip
    """Put an address on the list; one that is there for the same stays as it is. Raises ValidationFailed."""
    now, key = timezone.now(), key_of(address)
    if channel and REACHED_BY.get(channel) != key[0]:
        wrong = Detail("channel", "INVALID_FIELD", "The address is none of this channel.")
        raise ValidationFailed(details=[wrong])
    about = {"channel": channel, "purpose": purpose, "club_ref": club_ref}
    suppress([key], reason=reason, by=by, now=now, source="hand", expires_at=expires_at, **about)
    found = next(
        row
        for row in standing_over([key], now)[key]
        if (row.reason, row.channel, row.purpose, row.club_ref) == (reason, channel, purpose, club_ref)
    )
    audit.record(
        "suppression.added",
        by=by,
        object_type="suppression",
        object_id=found.pk,
        after={"reason": reason, **about},
    )
    return found


@transaction.atomic
def lift(pk: UUID, *, by: str, why: str) -> None:
    """Take an address off the list. Raises SuppressionNotFound, SuppressionStays, and Conflict without a reason."""
    found = Suppression.objects.filter(pk=pk, lifted_at=None).select_for_update().first()
    if found is None:
        raise SuppressionNotFound("There is no such suppression.")
    if found.reason not in LIFTABLE:
        raise SuppressionStays
    if not why.strip():
        raise Conflict("Say why it may be written to again.")
    Suppression.objects.filter(pk=pk).update(lifted_at=timezone.now(), lifted_by=by)
    audit.record(
        "suppression.lifted", by=by, object_type="suppression", object_id=pk,
        before={"reason": found.reason}, after={"why": why.strip()[:500]},
    )  # fmt: skip
