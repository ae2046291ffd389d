"""Sending what is due: claim, ask the gate, put it into words, hand it over, settle.

A claim is committed before anything leaves, with the words that will leave; no transaction is open while a provider is
slow. Whoever dies after the claim leaves rows that campaigns.reconciling finds out about. Each claim of a row has a
number, `attempts`: who settles it must name his, so that a worker who was away for long settles nothing any more.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import structlog
from django.db import transaction

from campaigns import allowances, gate
from campaigns.allowances import Limit
from campaigns.models import Campaign, CampaignRun, Message, MessageState, Sender
from campaigns.outgoing import Made, make
from campaigns.policy import Kind
from campaigns.queue import Source, database_now, sources
from campaigns.senders import sender_of
from campaigns.settling import Settled, put_back, settle
from crm.database import retrying
from crm.messaging.delivery import Gateway, Outcome
from crm.messaging.gateways import gateway_for
from crm.tenancy.rows import update_rows

log = structlog.get_logger(__name__)

BATCH = 100  # more than these do not leave once a campaign was paused
LEASE = timedelta(minutes=2)  # a claim older than this is a dead worker's
TOO_LATE = LEASE.total_seconds() / 2  # seconds after which a worker trusts his own claim no more
NAP = 0.1  # seconds, where everything is held back by a limit
CLAIMED = (
    "state", "reason", "error", "claimed_at", "submitted_at", "due_at", "attempts", "counted_at", "content_id",
    "language", "subject", "variables", "parts", "gateway",
)  # fmt: skip
HELD = ("state", "reason", "due_at")


@dataclass(frozen=True, slots=True)
class Ready:
    """A claimed message, in words."""

    message: Message
    made: Made

    @property
    def settled(self) -> Settled:
        return Settled(self.message.pk, self.message.attempts)


def send_due(*, budget_seconds: float = 5.0, now: datetime | None = None) -> tuple[int, bool]:
    """Send what of the open tenant is due, for so long: how many were handed over, and whether more is.

    Service messages first; of all else a batch from each run in turn: a small one does not wait for a large one.
    """
    deadline, sent = time.monotonic() + budget_seconds, 0
    while time.monotonic() < deadline:
        due = sources(now or database_now())
        if not due:
            return sent, False
        moved = False
        for source in _in_turn(due):
            took, handed = send_batch(source, now=now)
            sent, moved = sent + handed, moved or took > 0
            if time.monotonic() >= deadline:
                break
        if not moved:
            time.sleep(NAP)
    return sent, True


def _in_turn(due: list[Source]) -> list[Source]:
    urgent = [one for one in due if one.is_urgent]
    return urgent or random.sample(due, len(due))


def send_batch(source: Source, *, now: datetime | None = None) -> tuple[int, int]:
    """Send one batch of a source; how many were claimed, and how many of those were handed over."""
    campaign = Campaign.objects.filter(pk__in=_runs(source)).first() if source.run else None
    sender = sender_of(campaign.club_id if campaign else None)
    limits = _limits(sender, campaign, now)
    granted = allowances.take(limits, BATCH) if limits else BATCH
    if not granted:
        return 0, 0
    started = time.monotonic()
    try:
        claimed, ready = retrying(lambda: _claim(source, granted, now))
    except BaseException:
        allowances.give_back(limits, granted)
        raise
    allowances.give_back(limits, granted - len(ready))
    hand_over(ready, source=source, started=started)
    return claimed, len(ready)


def _runs(source: Source) -> Any:
    return CampaignRun.objects.filter(pk=source.run).values("campaign")


def _limits(sender: Sender, campaign: Campaign | None, now: datetime | None) -> list[Limit]:
    found = allowances.limits_of(sender, campaign)
    warm_up = allowances.warm_up_of(sender, (now or database_now()).date())
    if warm_up and campaign is not None and "EMAIL" in campaign.channels:
        found.append(warm_up)
    return found


@transaction.atomic
def _claim(source: Source, most: int, now: datetime | None) -> tuple[int, list[Ready]]:
    """Take due messages: those that may leave are claimed, put into words; of the others it is written why not."""
    now = now or database_now()
    rows = Message.objects.due(now).select_for_update(skip_locked=True, of=("self",))
    if source.run:
        rows = rows.filter(run=source.run, run__state="SENDING", run__campaign__status="ACTIVE")
    else:
        rows = rows.filter(run=None, message_class=source.message_class)
    messages = list(rows[:most])
    if not messages:
        return 0, []
    verdicts = gate.decide(messages, now)
    held, going = [], []
    for message in messages:
        verdict = verdicts[message.pk]
        if verdict.kind is Kind.SEND:
            going.append(message)
        else:
            held.append(_held(message, verdict.reason, verdict.until if verdict.kind is Kind.LATER else None))
    made = make(going)
    ready = []
    for message in going:
        result = made[message.pk]
        if isinstance(result, Made):
            ready.append(Ready(message, result))
        else:
            held.append(_held(message, result.reason, None) | {"error": result.why[:300]})
    update_rows(Message, [one | {"error": one.get("error", "")} for one in held], [*HELD, "error"])
    update_rows(Message, [_claimed(one, now) for one in ready], CLAIMED)
    return len(messages), ready


def _held(message: Message, reason: str, until: datetime | None) -> dict[str, Any]:
    state = MessageState.QUEUED if until else MessageState.SKIPPED
    return {"id": message.pk, "state": state.value, "reason": reason, "due_at": until}


def _claimed(one: Ready, now: datetime) -> dict[str, Any]:
    message, made = one.message, one.made
    message.attempts, message.claimed_at, message.submitted_at = message.attempts + 1, now, now
    return {
        "id": message.pk, "state": MessageState.SENDING.value, "reason": "", "error": "", "claimed_at": now,
        "submitted_at": now, "due_at": None, "attempts": message.attempts,
        "counted_at": now if gate.counts(message) else None, "content_id": made.content_id,
        "language": made.language, "subject": made.outgoing.subject[:300], "variables": made.variables,
        "parts": made.parts, "gateway": gateway_for(made.outgoing.channel).name,
    }  # fmt: skip


def hand_over(ready: Sequence[Ready], *, source: Source, started: float) -> None:
    """Hand claimed messages to their gateways and write what became of them. Outside of any transaction.

    What a pause or a cancellation overtook goes back. A gateway that breaks leaves its rows claimed.
    """
    ordered = sorted(ready, key=lambda one: (one.made.outgoing.channel, one.message.pk))
    for channel, group in groupby(ordered, key=lambda one: one.made.outgoing.channel):
        gateway, batch = gateway_for(channel), list(group)
        size = max(1, min(gateway.most_at_once, BATCH))
        for first in range(0, len(batch), size):
            part = batch[first : first + size]
            if not _may_go_on(source) or time.monotonic() - started > TOO_LATE:
                put_back([one.settled for one in batch[first:]])
                break
            settle(outcomes_of(gateway, part), gateway)


def _may_go_on(source: Source) -> bool:
    return not source.run or Campaign.objects.filter(pk__in=_runs(source), status="ACTIVE").exists()


def outcomes_of(gateway: Gateway, part: Sequence[Ready]) -> list[tuple[Settled, Message, Outcome]]:
    try:
        outcomes = gateway.send([one.made.outgoing for one in part])
    except Exception:  # whatever it is, nobody knows what left
        log.exception("sending.gateway_broke", gateway=gateway.name, messages=len(part))
        return []
    return [(one.settled, one.message, outcome) for one, outcome in zip(part, outcomes, strict=True)]
