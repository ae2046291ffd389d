"""What providers tell later of messages, and what people answer: applied once, in whatever order it comes.

A state only moves towards the weightier: delivered, came back, reported as spam. Whoever tells of a message that is
still being handed over proves that it was taken. What is said of an address is a suppression from the same call on.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Max

from campaigns import reputation
from campaigns.models import Interaction, InteractionKind, Message, MessageState
from crm.database import retried
from crm.messaging.keywords import Meaning
from crm.messaging.receipts import Answer, Kind, Receipt
from crm.tenancy.models import Tenant
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope
from customers import ledger
from customers.consent import REACHED_BY, Consent, State, standing
from customers.consents import record_consents
from customers.models import CustomerProfile, Status, Suppression
from customers.suppression import suppress

log = structlog.get_logger(__name__)

BY = "job:receipts"
M, K = MessageState, InteractionKind
ON_THE_WAY = (M.SENDING, M.UNKNOWN, M.SENT)
FROM: dict[str, Sequence[str]] = {
    M.SENT: (M.SENDING, M.UNKNOWN),
    M.DELIVERED: ON_THE_WAY,
    M.BOUNCED: (*ON_THE_WAY, M.DELIVERED),
    M.COMPLAINED: (*ON_THE_WAY, M.DELIVERED),
}
MEANS: dict[Kind, tuple[str | None, InteractionKind, str]] = {  # state, interaction, stamp
    Kind.SENT: (M.SENT, K.SENT, "sent_at"),
    Kind.DELIVERED: (M.DELIVERED, K.DELIVERED, "delivered_at"),
    Kind.OPENED: (M.DELIVERED, K.OPENED, "first_open_at"),
    Kind.CLICKED: (M.DELIVERED, K.CLICKED, "first_click_at"),
    Kind.BOUNCED: (M.BOUNCED, K.BOUNCED, "bounced_at"),
    Kind.FAILED: (M.BOUNCED, K.BOUNCED, "bounced_at"),
    Kind.COMPLAINED: (M.COMPLAINED, K.COMPLAINED, "complained_at"),
    Kind.OPTED_OUT: (None, K.UNSUBSCRIBED, "unsubscribed_at"),
}
STAMPS = ["state", "provider_id", "error", *sorted({stamp for _, _, stamp in MEANS.values()})]
SOFT, SOFT_DAYS, SOFT_HOLDS = 3, timedelta(days=30), timedelta(days=30)


def apply(told: Iterable[Receipt], *, gateway: str, now: datetime) -> int:
    """Apply what a provider tells; how many receipts were of messages of ours."""
    known = _tenants_of(list(told), gateway)
    for tenant, receipts in known.items():
        with tenant_scope(tenant):
            done = _apply(receipts, gateway, now)
            follow(done, gateway, now)
    return sum(map(len, known.values()))


Told = list[tuple[int, Receipt]]


def _tenants_of(told: Sequence[Receipt], gateway: str) -> dict[Tenant, Told]:
    """Whose messages the receipts are about: by our key, else by the provider's id."""
    keys = {one.key: pk for one in told if (pk := _number_in(one.key))}
    names = {one.provider_id for one in told if one.provider_id and one.key not in keys}
    with scopes_disabled():  # a provider does not know of tenants
        tenants = {one.pk: one for one in Tenant.objects.filter(is_active=True)}
        own: Any = Message.objects.filter(tenant__in=tenants)
        rows = own.filter(pk__in=keys.values()).values_list("pk", "tenant") if keys else ()
        by_key = {f"{tenant.hex}:{pk}": (pk, tenant) for pk, tenant in rows}
        named = own.filter(provider_id__in=names, gateway=gateway) if names else Message.objects.none()
        by_name = {
            name: (pk, tenant) for name, pk, tenant in named.values_list("provider_id", "pk", "tenant")
        }
    found: defaultdict[Tenant, Told] = defaultdict(list)
    for one in told:
        if hit := by_key.get(one.key) or by_name.get(one.provider_id):
            pk, tenant = hit
            found[tenants[tenant]].append((pk, one))
    return dict(found)


def _number_in(key: str) -> int:
    """The message that one of our keys names; 0 where it is none."""
    number = key.rpartition(":")[2]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0


@retried
def _apply(told: Told, gateway: str, now: datetime) -> list[tuple[Message, Receipt]]:
    """Write states, stamps and interactions of what is new; all receipts with their messages. Five statements."""
    with transaction.atomic():
        ids = {pk for pk, _ in told}
        locked = Message.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
        messages = {one.pk: one for one in locked}
        of_before = Interaction.objects.filter(message__in=ids)
        known = set(of_before.values_list("message", "kind", "key"))
        new, rows = [], []
        there = [pair for pair in told if pair[0] in messages]
        for pk, one in sorted(there, key=lambda pair: (pair[1].at or now, pair[0])):
            row = _interaction(messages[pk], one, now)
            if (pk, row.kind, row.key) not in known:
                known.add((pk, row.kind, row.key))
                rows.append(row)
                new.append((messages[pk], one))
                _write(messages[pk], one, now)
        Interaction.objects.bulk_create(rows, ignore_conflicts=True)
        Message.objects.bulk_update({message.pk: message for message, _ in new}.values(), STAMPS)
    return [(messages[pk], one) for pk, one in told if pk in messages]


def _interaction(message: Message, one: Receipt, now: datetime) -> Interaction:
    kind = MEANS[one.kind][1]
    at = f"{one.at:%Y%m%dT%H%M%S}" if one.at and one.kind in (Kind.OPENED, Kind.CLICKED) else ""
    return Interaction(
        tenant=current_tenant(), message=message, kind=kind, key=f"receipt:{one.kind}:{at}"[:200], at=one.at or now,
        detail=f"{one.code} {one.detail}".strip()[:300],
    )  # fmt: skip


def _write(message: Message, one: Receipt, now: datetime) -> None:
    state, _kind, stamp = MEANS[one.kind]
    before = getattr(message, stamp)
    at = one.at or now
    setattr(message, stamp, min(at, before) if before else at)
    if state and message.state in FROM[state]:
        if message.sent_at is None:
            message.sent_at = at
        message.state = state
        message.provider_id = message.provider_id or one.provider_id
        if state == M.BOUNCED:
            message.error = f"{one.code} {one.detail}".strip()[:300]


def follow(told: Sequence[tuple[Message, Receipt]], gateway: str, now: datetime) -> None:
    """What follows for addresses, people and senders; again, where a provider repeats itself because we died of it."""
    for message, one in told:
        match one.kind:
            case Kind.BOUNCED if one.is_permanent:
                _suppress(message, Suppression.Reason.HARD_BOUNCE, gateway, now)
            case Kind.BOUNCED:
                _count_soft(message, gateway, now)
            case Kind.COMPLAINED:
                _suppress(message, Suppression.Reason.COMPLAINT, gateway, now)
                refuse(message.customer_id, message.channel, "COMPLAINT", now)
            case Kind.OPTED_OUT:
                _suppress(message, Suppression.Reason.CARRIER, gateway, now)
                refuse(message.customer_id, message.channel, "STOP_REPLY", now)
    if refs := {message.club_ref for message, one in told if one.kind in (Kind.BOUNCED, Kind.COMPLAINED)}:
        for sender in reputation.watch(refs, now=now):
            log.warning("sending.paused", sender=str(sender.pk))


def _suppress(
    message: Message, reason: str, gateway: str, now: datetime, expires_at: datetime | None = None
) -> None:
    kind = REACHED_BY.get(message.channel)
    if kind and message.address:
        channel = "" if reason == Suppression.Reason.COMPLAINT else message.channel
        suppress(
            [(kind, message.address)], reason=reason, by=BY, now=now, channel=channel, source=gateway,
            expires_at=expires_at,
        )  # fmt: skip


def _count_soft(message: Message, gateway: str, now: datetime) -> None:
    """Three soft bounces in thirty days, none delivered between: the address rests for thirty days."""
    same = Message.objects.filter(
        customer=message.customer_id, address=message.address, channel=message.channel
    )
    arrived = same.filter(state=M.DELIVERED).aggregate(last=Max("delivered_at"))["last"]
    since = max(now - SOFT_DAYS, arrived) if arrived else now - SOFT_DAYS
    if same.filter(state=M.BOUNCED, bounced_at__gt=since).count() >= SOFT:
        _suppress(message, Suppression.Reason.SOFT_BOUNCES, gateway, now, now + SOFT_HOLDS)


def refuse(customer: Any, channel: str, reason: str, now: datetime) -> None:
    """Write down that somebody wants no more marketing on a channel, where that does not stand already."""
    said = [entry.said for entry in ledger.heard(list(ledger.entries_of(customer)))]
    if standing(said, channel=channel, purpose="MARKETING", at=now) is State.WITHDRAWN:
        return
    with transaction.atomic():
        person = CustomerProfile.objects.filter(pk=customer).exclude(status=Status.DELETED)
        if person.exists():
            record_consents(customer, [Consent(channel, State.WITHDRAWN, now, reason)], by=BY)


def answered(answers: Iterable[Answer], *, channel: str, now: datetime) -> list[Meaning | None]:
    """Heed what people answered to a number of ours: STOP for every club group that knows the number.

    START takes the network's block back; a consent that Messaging owns is given there.
    """
    found = []
    for one in answers:
        found.append(one.meaning)
        if one.meaning not in (Meaning.OPT_OUT, Meaning.OPT_IN):
            continue
        for tenant in Tenant.objects.filter(is_active=True):
            with tenant_scope(tenant):
                people = CustomerProfile.objects.current().filter(
                    phone_number=one.sender, phone_is_valid=True
                )
                for pk in people.values_list("pk", flat=True):
                    if one.meaning is Meaning.OPT_OUT:
                        refuse(pk, channel, "STOP_REPLY", one.at or now)
                    else:
                        _come_back(pk, channel, one.at or now)
    return found


def _come_back(customer: Any, channel: str, at: datetime) -> None:
    """START after STOP: what was agreed to before it is agreed to again, where Fairway owns consent."""
    if current_tenant().consent_owner != Tenant.ConsentOwner.LOCAL:
        return
    entries = ledger.heard(list(ledger.entries_of(customer)))
    last = next((one for one in entries if one.channel == channel and not one.club_ref), None)
    if last is not None and last.reason == "STOP_REPLY" and last.state == State.WITHDRAWN:
        record_consents(customer, [Consent(channel, State.GRANTED, at, "START_REPLY")], by=BY)
