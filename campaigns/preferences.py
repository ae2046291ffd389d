"""What a person wants to hear about and where, as they say on their page; and the second half of a double opt-in.

The page is opened by the token of a message, which only its recipient got. A refusal counts at once. A grant counts at
once where Fairway owns consent; where Messaging does, it is asked for one, and it counts when its event comes back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from campaigns import tokens
from campaigns.tokens import CONFIRM
from crm.outbox.services import emit
from crm.tenancy import audit
from crm.tenancy.models import Tenant
from crm.tenancy.scope import current_tenant, scopes_disabled
from customers import ledger, suppression
from customers.consent import MARKETING, PURPOSES, REACHED_BY, Consent, State, standing
from customers.consents import OPT_IN, record_consents
from customers.matching import Key
from customers.models import ConsentEntry, CustomerProfile, Suppression

BY = "page:preferences"
REASON, CONFIRMED = "PREFERENCE", "DOUBLE_OPT_IN"
WORDING = "preferences-1"  # of the words on the page; another one whenever they change
SHOWN = tuple(one for one in PURPOSES if one != MARKETING)
PAUSES = (30, 90)  # days
LASTS = timedelta(days=7)  # of a link to confirm

Choice = tuple[str, str]  # channel, purpose


class Board(NamedTuple):
    """channels: on which they can be reached; on: what they get; paused_until: when they hear from us again."""

    channels: Sequence[str]
    on: set[Choice]
    paused_until: datetime | None


class Saved(NamedTuple):
    """refused, granted: what changed at once; asked: what Messaging was asked for."""

    refused: int
    granted: int
    asked: int


class Proof(NamedTuple):
    """What shows later how a grant came about."""

    locale: str = ""
    network: str = ""
    agent: str = ""


def board(customer: UUID, now: datetime) -> Board:
    """What stands for somebody. Five statements at most."""
    person = CustomerProfile.objects.filter(pk=customer).first()
    said = [entry.said for entry in ledger.heard(list(ledger.entries_of(customer)))]
    channels = [one for one in REACHED_BY if person and _reached(person, one)]
    on = {
        (channel, purpose)
        for channel in channels
        for purpose in SHOWN
        if standing(said, channel=channel, purpose=purpose, at=now) is State.GRANTED
    }
    return Board(channels, on, _paused_until(person, now) if person else None)


@transaction.atomic
def save(customer: UUID, wanted: Collection[Choice], *, now: datetime, proof: Proof) -> Saved:
    """Write down what changed. Raises CustomerNotFound."""
    before = board(customer, now)
    possible = {(channel, purpose) for channel in before.channels for purpose in SHOWN}
    refused, granted = before.on - set(wanted), (set(wanted) & possible) - before.on
    record_consents_of(customer, refused, State.WITHDRAWN, now, proof)
    if granted and current_tenant().consent_owner == Tenant.ConsentOwner.MESSAGING:
        for channel, purpose in sorted(granted):
            _ask_for(customer, channel, purpose, now)
        return Saved(len(refused), 0, len(granted))
    record_consents_of(customer, granted, State.GRANTED, now, proof)
    if granted:
        _lift(customer, [Suppression.Reason.UNSUBSCRIBED])
    return Saved(len(refused), len(granted), 0)


def record_consents_of(
    customer: UUID,
    choices: Collection[Choice],
    state: State,
    now: datetime,
    proof: Proof,
    reason: str = REASON,
) -> None:
    said = [
        Consent(
            channel, state, now, reason, purpose=purpose, wording=WORDING, locale=proof.locale, ip=proof.network,
            user_agent=proof.agent,
        )
        for channel, purpose in sorted(choices)
    ]  # fmt: skip
    if said:
        record_consents(customer, said, by=BY)


@transaction.atomic
def pause(customer: UUID, days: int, *, now: datetime) -> None:
    """Send somebody no marketing for some days; 0 ends it."""
    _lift(customer, [Suppression.Reason.PAUSED])
    if days:
        person = CustomerProfile.objects.get(pk=customer)
        suppression.suppress(
            _keys(person), reason=Suppression.Reason.PAUSED, by=BY, now=now, source="preferences",
            expires_at=now + timedelta(days=days),
        )  # fmt: skip
    audit.record("consent.paused", by=BY, object_type="customer", object_id=customer, after={"days": days})


def _ask_for(customer: UUID, channel: str, purpose: str, now: datetime) -> None:
    asked = {"customerId": str(customer), "channel": channel, "purpose": purpose, "reason": REASON}
    emit(OPT_IN, key=customer, payload={**asked, "requestedAt": now.isoformat()})


def _reached(person: CustomerProfile, channel: str) -> str:
    if channel == "EMAIL":
        return person.email
    return person.phone_number if person.phone_is_valid else ""


def _keys(person: CustomerProfile) -> list[Key]:
    return sorted(
        {(kind, _reached(person, channel)) for channel, kind in REACHED_BY.items()}
        - {("email", ""), ("phoneNumber", "")}
    )


def _paused_until(person: CustomerProfile, now: datetime) -> datetime | None:
    found = suppression.standing_over(_keys(person), now).values()
    ends = [one.expires_at for rows in found for one in rows if one.reason == Suppression.Reason.PAUSED]
    return max((one for one in ends if one), default=None)


def _lift(customer: UUID, reasons: Sequence[str]) -> None:
    person = CustomerProfile.objects.get(pk=customer)
    now = timezone.now()
    found = suppression.standing_over(_keys(person), now).values()
    ids = [one.pk for rows in found for one in rows if one.reason in reasons]
    Suppression.objects.filter(pk__in=ids).update(lifted_at=now, lifted_by=BY)


# --- double opt-in
def ask_to_confirm(customer: UUID, channel: str, purpose: str, *, by: str, base: str = "") -> str:
    """Write down that somebody asked for something, and give the address at which they confirm it."""
    pending = Consent(channel, State.PENDING, timezone.now(), "FORM", purpose=purpose)
    (entry,) = record_consents(customer, [pending], by=by)
    return tokens.confirm_url(entry.pk, base=base)


def pending_of(token: str) -> ConsentEntry | None:
    """What a link to confirm is about; None where it is none of ours. One statement."""
    said = tokens.read(CONFIRM, token)
    if said is None:
        return None
    rows: Any = ConsentEntry.objects.filter(pk=said.message, state=State.PENDING, tenant__is_active=True)
    with scopes_disabled():  # the token tells the tenant
        found: ConsentEntry | None = rows.select_related("tenant").first()
    return found


def is_spent(pending: ConsentEntry, now: datetime) -> bool:
    """Whether the link was used, is too old, or something else was said since. Two statements at most."""
    if now - pending.at > LASTS:
        return True
    said = ConsentEntry.objects.filter(
        customer=pending.customer_id, channel=pending.channel, purpose__in=[pending.purpose, MARKETING],
        at__gte=pending.at, state__in=[State.GRANTED, State.WITHDRAWN],
    )  # fmt: skip
    return bool(said.exists())


@transaction.atomic
def confirm(pending: ConsentEntry, *, now: datetime, proof: Proof) -> bool:
    """Let what was asked for count, once. False where the link is spent."""
    if is_spent(pending, now):
        return False
    if current_tenant().consent_owner == Tenant.ConsentOwner.MESSAGING:
        _ask_for(pending.customer_id, pending.channel, pending.purpose, now)
        return True
    choice = (pending.channel, pending.purpose)
    record_consents_of(pending.customer_id, {choice}, State.GRANTED, now, proof, CONFIRMED)
    return True
