"""Writing what became of messages at their providers. Fenced: only of the claim that somebody names."""

import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from campaigns import receipts
from campaigns.models import Message, MessageState, Reason
from campaigns.queue import database_now, touch_runs
from crm.database import retried
from crm.messaging.delivery import Gateway, Outcome, Result
from crm.messaging.receipts import Kind, Receipt
from crm.observability import metrics
from crm.tenancy.rows import dump, select
from crm.tenancy.scope import current_tenant
from customers import devices

log = structlog.get_logger(__name__)

WAITS = (30, 120, 600, 1800, 3600, 7200)  # seconds after one failure, two, …
JITTER = 0.2
PATIENCE = timedelta(hours=48)  # for a message that says no deadline of its own
SETTLED = (
    "state",
    "reason",
    "error",
    "due_at",
    "provider_id",
    "gateway",
    "sent_at",
    "counted_at",
    "submitted_at",
)
SETTLE = """
    UPDATE campaigns_message m SET state = n.state, reason = n.reason, error = n.error, due_at = n.due_at,
        provider_id = n.provider_id, gateway = n.gateway, sent_at = n.sent_at, submitted_at = n.submitted_at,
        claimed_at = NULL, counted_at = CASE WHEN n.counted_at IS NULL THEN NULL ELSE m.counted_at END
    FROM json_populate_recordset(NULL::campaigns_message, %(rows)s) n
    WHERE m.tenant_id = %(tenant)s AND m.id = n.id AND m.attempts = n.attempts AND m.state = 'SENDING'
    RETURNING m.id, m.run_id
"""


class Settled(NamedTuple):
    """A message and the number of the claim that is settled."""

    id: int
    attempts: int


Told = tuple[Settled, Message, Outcome]


def settle(outcomes: Sequence[Told], gateway: Gateway, *, can_ask: bool | None = None) -> set[int]:
    """Write what a gateway said; the ids of the messages whose claim still stood.

    Of what may or may not have gone nothing is written while the gateway can be asked again: the row stays claimed,
    and campaigns.reconciling finds out. One statement, and what dead addresses need.
    """
    now = database_now()
    if can_ask is None:
        can_ask = gateway.can_look_up or gateway.repeats_for is not None
    told = [one for one in outcomes if not (one[2].result is Result.UNKNOWN and can_ask)]
    rows = [
        {"id": claim.id, "attempts": claim.attempts, **_settled(message, outcome, gateway, now)}
        for claim, message, outcome in told
    ]
    ours = _write(rows)
    for (_claim, message, _outcome), row in zip(told, rows, strict=True):
        if message.pk in ours:
            metrics.messages.labels(message.channel, row["state"], row["reason"]).inc()
    _follow([one for one in told if one[1].pk in ours], gateway, now)
    return ours


def put_back(claims: Collection[Settled]) -> None:
    """Let claimed messages wait again, of which nothing left."""
    now = database_now()
    blank = dict.fromkeys(SETTLED)
    _write([
        {**blank, "id": one.id, "attempts": one.attempts, "state": MessageState.QUEUED.value, "reason": "", "error": "",
         "due_at": now, "provider_id": "", "gateway": ""}
        for one in claims
    ])  # fmt: skip


@retried
def _write(rows: list[dict[str, Any]]) -> set[int]:
    if not rows:
        return set()
    rows.sort(key=lambda row: row["id"])
    written = select(SETTLE, {"tenant": current_tenant().pk, "rows": dump(rows)})
    touch_runs({row["run_id"] for row in written if row["run_id"]})
    if len(written) < len(rows):
        log.warning("sending.claims_lost", messages=len(rows) - len(written))
    return {row["id"] for row in written}


def _settled(message: Message, outcome: Outcome, gateway: Gateway, now: datetime) -> dict[str, Any]:
    """The columns that an outcome leads to. counted_at: whether it goes on counting for caps."""
    row: dict[str, Any] = {
        **dict.fromkeys(SETTLED), "reason": "", "error": _why(outcome), "provider_id": outcome.provider_id[:200],
        "gateway": gateway.name[:20],
    }  # fmt: skip
    match outcome.result:
        case Result.ACCEPTED:
            return row | {"state": MessageState.SENT.value, "error": "", "sent_at": now, "counted_at": now}
        case Result.UNREGISTERED:
            return row | {"state": MessageState.FAILED.value, "reason": Reason.UNREGISTERED.value}
        case Result.OPTED_OUT:
            return row | {"state": MessageState.SKIPPED.value, "reason": Reason.REFUSED.value}
        case Result.REFUSED:
            return row | {"state": MessageState.FAILED.value, "reason": Reason.PROVIDER_REFUSED.value}
        case Result.UNKNOWN:
            unknown = {"state": MessageState.UNKNOWN.value, "reason": Reason.NO_ANSWER.value}
            return row | unknown | {"counted_at": now, "submitted_at": message.submitted_at or now}
        case Result.LATER:
            later = now + timedelta(seconds=_wait(message.attempts, outcome.wait))
            if later > (message.deadline_at or message.created_at + PATIENCE):
                return row | {"state": MessageState.FAILED.value, "reason": Reason.GAVE_UP.value}
            return row | {"state": MessageState.QUEUED.value, "due_at": later}


def _wait(attempts: int, asked: float | None) -> float:
    usual = WAITS[min(max(attempts, 1), len(WAITS)) - 1] * random.uniform(1, 1 + JITTER)
    return max(asked or 0.0, usual)


def _why(outcome: Outcome) -> str:
    return " ".join(part for part in (outcome.code, outcome.why) if part)[:300]


def _follow(told: Sequence[Told], gateway: Gateway, now: datetime) -> None:
    """What a provider's refusal says of the address: a dead one is not written to again, a STOP is heard."""
    dead = [(message, outcome) for _claim, message, outcome in told if outcome.result is Result.UNREGISTERED]
    if tokens := [message.address for message, _outcome in dead if message.channel == "PUSH"]:
        devices.drop(tokens, why="UNREGISTERED")
    bounced = Receipt(Kind.BOUNCED, is_permanent=True)
    said = [(message, bounced) for message, _outcome in dead if message.channel != "PUSH"]
    stopped = Receipt(Kind.OPTED_OUT)
    said += [(message, stopped) for _claim, message, outcome in told if outcome.result is Result.OPTED_OUT]
    if said:
        receipts.follow(said, gateway.name, now)
