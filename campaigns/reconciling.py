"""Messages that somebody began to send and never settled: found out about, repeated where safe, or left to staff.

A provider that can be asked is asked. One that knows keys again is told once more, as long as it remembers them. Of all
others nobody knows whether it went: such a message is UNKNOWN, and only staff send it again.
"""

from datetime import datetime, timedelta
from itertools import groupby

import structlog
from django.db import transaction

from campaigns.models import Message, MessageState, Reason
from campaigns.outgoing import Made, key_of, make
from campaigns.problems import MessageNotFound, MessageSettled
from campaigns.queue import database_now, touch_runs
from campaigns.sending import BATCH, LEASE, Ready, outcomes_of
from campaigns.settling import Settled, Told, settle
from crm.messaging.delivery import Channel, Gateway, Outcome, Result
from crm.messaging.gateways import gateway_for
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy import audit
from crm.tenancy.rows import update_rows

log = structlog.get_logger(__name__)

MARGIN = timedelta(minutes=1)  # before a provider forgets a key, it is not used any more
ASKED_FOR = timedelta(hours=24)  # a provider that does not say


def reconcile(*, now: datetime | None = None) -> int:
    """Find out about the claims of the open tenant that are old; how many those were."""
    done = 0
    while claimed := _claim_lost(now):
        by_channel = groupby(
            sorted(claimed, key=lambda one: (one.channel, one.pk)), key=lambda one: one.channel
        )
        for channel, group in by_channel:
            _find_out(gateway_for(Channel(channel)), list(group), now or database_now())
        done += len(claimed)
        if len(claimed) < BATCH:
            break
    return done


@transaction.atomic
def _claim_lost(now: datetime | None) -> list[Message]:
    """Take over old claims: whoever had them settles nothing any more."""
    now = now or database_now()
    lost = Message.objects.filter(state=MessageState.SENDING, claimed_at__lt=now - LEASE).order_by("pk")
    claimed = list(lost.select_for_update(skip_locked=True)[:BATCH])
    for message in claimed:
        message.attempts, message.claimed_at = message.attempts + 1, now
    taken = [{"id": one.pk, "attempts": one.attempts, "claimed_at": now} for one in claimed]
    update_rows(Message, taken, ["attempts", "claimed_at"])
    return claimed


def _find_out(gateway: Gateway, messages: list[Message], now: datetime) -> None:
    said: dict[str, Outcome] = {}
    ours = [one for one in messages if one.gateway == gateway.name]
    if gateway.can_look_up and ours:
        size = max(1, gateway.most_at_once)
        keys = [key_of(one) for one in ours]
        for first in range(0, len(keys), size):
            said |= gateway.look_up(keys[first : first + size])
    told: list[Told] = []
    again: list[Message] = []
    for message in messages:
        outcome, began = said.get(key_of(message)), message.submitted_at or now
        if outcome is not None and outcome.result is not Result.UNKNOWN:
            told.append((Settled(message.pk, message.attempts), message, outcome))
        elif (
            gateway.repeats_for
            and message.gateway == gateway.name
            and now - began < gateway.repeats_for - MARGIN
        ):
            again.append(message)
        elif not (gateway.can_look_up and message.gateway == gateway.name and now - began < ASKED_FOR):
            told.append(
                (Settled(message.pk, message.attempts), message, Outcome(key_of(message), Result.UNKNOWN))
            )
    settle(told, gateway, can_ask=False)
    _repeat(gateway, again)


def _repeat(gateway: Gateway, messages: list[Message]) -> None:
    """Hand the same words over under the same key."""
    made = make(messages, again=True) if messages else {}
    ready = [Ready(one, found) for one in messages if isinstance(found := made[one.pk], Made)]
    gone = [one for one in messages if not isinstance(made[one.pk], Made)]
    lost = [(Settled(one.pk, one.attempts), one, Outcome(key_of(one), Result.UNKNOWN)) for one in gone]
    settle(lost, gateway, can_ask=False)
    size = max(1, min(gateway.most_at_once, BATCH))
    for first in range(0, len(ready), size):
        settle(outcomes_of(gateway, ready[first : first + size]), gateway)


# --- by staff
@transaction.atomic
def resolve_message(pk: int, *, by: str, sent: bool | None) -> Message:
    """Say what became of a message that nobody knows of: it went, it did not (False), or None: send it (again).

    Raises MessageNotFound, MessageSettled.
    """
    message: Message | None = Message.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if message is None:
        raise MessageNotFound
    if message.state != MessageState.UNKNOWN:
        raise MessageSettled
    now = database_now()
    if sent is None:
        values = {
            "state": MessageState.QUEUED,
            "reason": "",
            "due_at": now,
            "counted_at": None,
            "submitted_at": None,
        }
    elif sent:
        values = {"state": MessageState.SENT, "reason": "", "sent_at": message.submitted_at or now}
    else:
        values = {"state": MessageState.FAILED, "reason": Reason.NO_ANSWER, "counted_at": None}
    for name, value in values.items():
        setattr(message, name, value)
    message.save(update_fields=list(values))
    touch_runs([message.run_id] if message.run_id else [])
    audit.record(
        "message.resolved", by=by, object_type="message", object_id=pk,
        before={"state": "UNKNOWN"}, after={"state": str(message.state)},
    )  # fmt: skip
    nudge_on_commit("campaigns.sweep", queue="sends")
    return message
