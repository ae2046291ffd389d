"""What staff and keys write down about somebody's consent, and taking a suppression back."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import Conflict
from crm.outbox.services import emit
from crm.tenancy import audit
from crm.tenancy.models import Tenant
from crm.tenancy.scope import current_tenant
from customers import ledger
from customers.acts import record_act
from customers.changes import write_fields
from customers.consent import CHANNELS, Consent, State, flag_names, flags
from customers.ledger import Said
from customers.models import ConsentEntry, CustomerProfile, Suppression
from customers.models.consent import Channel
from customers.parts import family_ids
from customers.payloads import WIRE, updated_payload
from customers.person import Mention, Person
from customers.resolution import Request, lock_person, register
from customers.services import get_customer
from customers.stamps import Stamp
from customers.suppression import SOURCE

OPT_OUT = "crm.consent.optout.requested"
OPT_IN = "crm.consent.optin.requested"
OBJECTION = "OBJECTION"


class ConsentOwnedElsewhere(Conflict):
    """Messaging owns consent here: have the person agree there, and it counts when its event comes back."""

    code = "CONSENT_OWNED_BY_MESSAGING"


@transaction.atomic
def record_consents(pk: UUID, consents: Sequence[Consent], *, by: str) -> list[ConsentEntry]:
    """Write statements of a person down; those for marketing at large show on the profile at once.

    A refusal counts at once whoever owns consent, and Messaging is asked to follow. Raises CustomerNotFound, and
    ConsentOwnedElsewhere for a grant where Messaging owns consent.
    """
    owner = current_tenant().consent_owner
    if owner == Tenant.ConsentOwner.MESSAGING and any(one.state is State.GRANTED for one in consents):
        raise ConsentOwnedElsewhere
    now = timezone.now()
    stamp = Stamp.of_act(by, now)
    register(pk, Request({}, stamp.source), now=now)
    profile, _ = get_customer(pk)
    mention = Mention({}, flags(consents), stamp, current_tenant().region)
    person = write_fields(profile.pk, mention, now=now, by=by)
    hints = _addresses(person.row)
    refused = any(one.state is State.WITHDRAWN for one in consents)
    parts = family_ids(profile.pk) if refused else [profile.pk]  # a no is every part's
    ledger.write(
        [
            Said(profile.pk, part, one, stamp, hints, by)
            for one in consents
            for part in (parts if one.state is State.WITHDRAWN else [profile.pk])
        ],
        now=now,
    )
    for consent in consents:
        _tell(profile, consent, by)
    _tell_changed(person)
    return list(ledger.entries_of(profile.pk).filter(event_id=stamp.event, source=stamp.source))


def object_to_marketing(pk: UUID, *, by: str) -> list[ConsentEntry]:
    """The person wants no marketing on any channel (GDPR, article 21). As record_consents."""
    now = timezone.now()
    refused = [Consent(channel, State.WITHDRAWN, now, OBJECTION) for channel in CHANNELS]
    return record_consents(pk, refused, by=by)


@transaction.atomic
def lift_suppression(pk: UUID, *, by: str, reason: str) -> int:
    """Let somebody who asked to be forgotten be written to again, as far as they agreed to it; how many were lifted.

    Their flags become what sources said of them, and other systems hear of that. Raises Conflict without a reason, or
    where nothing is suppressed.
    """
    if not reason.strip():
        raise Conflict("Say how they agreed to be written to again.")
    now, pk = timezone.now(), lock_person(pk)
    before = CustomerProfile.objects.filter(pk=pk).values().first() or {}
    told = ledger.entries_of(pk).filter(source=SOURCE).values_list("event_id", flat=True)
    live = Suppression.objects.filter(pk__in=list(told), lifted_at=None)
    count: int = live.update(lifted_at=now, lifted_by=by)
    if not count:
        raise Conflict("Nothing is suppressed here.")
    ledger.rebuild([pk], by=by, now=now)
    ledger.rebuild_parts(pk)
    row = CustomerProfile.objects.filter(pk=pk).values().get()
    changed = {name for flag in CHANNELS for name in flag_names(flag) if row[name] != before[name]}
    if changed:
        emit("crm.profile.updated", key=pk, payload=updated_payload(row, changed))
    audit.record(
        "consent.suppression_lifted", by=by, object_type="customer", object_id=pk,
        after={"count": count, "reason": reason.strip()[:500]},
    )  # fmt: skip
    return count


def _addresses(row: Mapping[str, Any]) -> dict[str, str]:
    found = {"email": row["email"], "phoneNumber": row["phone_number"] if row["phone_is_valid"] else ""}
    return {kind: value for kind, value in found.items() if value}


def _tell(profile: CustomerProfile, consent: Consent, by: str) -> None:
    refused = consent.state is State.WITHDRAWN
    channel = str(Channel(consent.channel).label)
    if consent.state in (State.GRANTED, State.WITHDRAWN):
        kind, words = ("OUT", "out of") if refused else ("IN", "in to")
        title = f"Opted {words} {channel}"
        about = {"channel": consent.channel, "purpose": consent.purpose, "reason": consent.reason}
        record_act(
            profile, type=f"CONSENT_OPTED_{kind}", title=title, by=by, category="CONSENT", metadata=about
        )
    audit.record(
        "consent.recorded", by=by, object_type="customer", object_id=profile.pk,
        after={"channel": consent.channel, "purpose": consent.purpose, "state": consent.state.value},
    )  # fmt: skip
    if refused and current_tenant().consent_owner == Tenant.ConsentOwner.MESSAGING:
        asked = {
            "customerId": str(profile.pk), "channel": consent.channel, "purpose": consent.purpose,
            "reason": consent.reason, "requestedAt": consent.given_at.isoformat(),
        }  # fmt: skip
        emit(OPT_OUT, key=profile.pk, payload=asked)


def _tell_changed(person: Person) -> None:
    if changed := person.changed & WIRE.keys():
        emit("crm.profile.updated", key=person.row["id"], payload=updated_payload(person.row, changed))
