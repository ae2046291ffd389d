"""Leaving by the link of a message: at once, for what the message was about, or for everything."""

from datetime import datetime
from enum import StrEnum

from django.db import transaction

from campaigns.models import Interaction, InteractionKind, Message, Origin
from crm.errors import CustomerNotFound
from crm.tenancy.scope import tenant_scope
from customers import ledger
from customers.consent import CHANNELS, MARKETING, Consent, State, standing
from customers.consents import record_consents

BY = "page:unsubscribe"
REASON = "UNSUBSCRIBE"


class Scope(StrEnum):
    PURPOSE = "PURPOSE"
    ALL = "ALL"


def unsubscribe(message: Message, scope: Scope, *, now: datetime, how: str = "") -> bool:
    """Write down that a message's recipient wants no more of its purpose on its channel, or of any marketing at all.

    It counts from the commit on: the gate asks at the moment of sending. Whoever left already, or was erased, stays as
    they are. how: the way they took, for the record. False where there was nothing to do.
    """
    if message.origin == Origin.TEST:
        return False
    with tenant_scope(message.tenant), transaction.atomic():
        try:
            asked = _still_wanted(message, scope, now)
            if asked:
                record_consents(message.customer_id, asked, by=BY)
        except CustomerNotFound:
            return False
        left = Message.objects.filter(pk=message.pk, unsubscribed_at=None)
        left.update(unsubscribed_at=now)
        Interaction.objects.bulk_create(
            [Interaction(
                tenant=message.tenant, message=message, kind=InteractionKind.UNSUBSCRIBED, key=scope.value, at=now,
                is_human=True, detail=how[:300],
            )],
            ignore_conflicts=True,
        )  # fmt: skip
        return bool(asked)


def _still_wanted(message: Message, scope: Scope, now: datetime) -> list[Consent]:
    """What has to be said, of that which was not refused yet."""
    wanted = (
        [(message.channel, message.purpose)]
        if scope is Scope.PURPOSE
        else [(channel, MARKETING) for channel in CHANNELS]
    )
    said = [entry.said for entry in ledger.heard(list(ledger.entries_of(message.customer_id)))]
    return [
        Consent(channel, State.WITHDRAWN, now, REASON, purpose=purpose)
        for channel, purpose in wanted
        if standing(said, channel=channel, purpose=purpose, at=now) is not State.WITHDRAWN
    ]
