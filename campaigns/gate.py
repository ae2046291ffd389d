"""The gate: whether messages may leave, asked at the moment of sending, for every path.

Whoever claims messages asks in the same transaction, and marks those that leave as counted before it ends. People are
locked meanwhile, by a lock that dies with the transaction: of two workers the second sees what the first counted, so
that no cap is exceeded, and nobody gets a message twice because two profiles became one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns import policy
from campaigns.gate_facts import Known, Person, load
from campaigns.models import Message, MessageClass, Origin
from campaigns.policy import Counted, Facts, Kind, Verdict
from campaigns.quiet_hours import hours_for
from crm.tenancy.rows import run
from crm.tenancy.scope import current_tenant

LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended('messages to:' || id, 0))
    FROM (SELECT DISTINCT unnest(%s::uuid[]) AS id ORDER BY id) AS people
"""


@dataclass(slots=True)
class _Decided:
    """What was decided to send of the batch so far."""

    counted: dict[object, list[Counted]]
    said: set[tuple[object, ...]]


def decide(messages: Sequence[Message], now: datetime) -> dict[int, Verdict]:
    """Message id -> whether it may leave now. In the transaction of the claim; about sixteen statements, however many.

    Whoever gets SEND sets counted_at of marketing, tests apart, to `now` before the transaction ends.
    """
    if not messages:
        return {}
    run(LOCK, [[one.customer_id for one in messages]])
    known = load(messages, now)
    done = _Decided({pk: list(rows) for pk, rows in known.counted.items()}, set(known.said))
    verdicts: dict[int, Verdict] = {}
    for message in sorted(messages, key=lambda one: (one.due_at or now, one.pk)):
        verdict = policy.decide(_facts(message, known, done, now), now)
        verdicts[message.pk] = verdict
        if verdict.kind is Kind.SEND:
            done.said.add(said(message))
            if counts(message):
                done.counted.setdefault(message.customer_id, []).append(Counted(message.channel, now))
    return verdicts


def counts(message: Message) -> bool:
    """Whether a message counts for frequency caps once it leaves."""
    return message.message_class == MessageClass.MARKETING and message.origin != Origin.TEST


def said(message: Message) -> tuple[object, ...]:
    return message.run_id, message.customer_id, message.channel, message.occasion


def _facts(message: Message, known: Known, done: _Decided, now: datetime) -> Facts:
    person = known.people.get(message.customer_id)
    sender = known.sender_of(message)
    is_marketing = message.message_class == MessageClass.MARKETING
    person = person or Person(refusal="ERASED", zone=ZoneInfo(current_tenant().timezone))
    return Facts(
        channel=message.channel,
        purpose=message.purpose,
        address=message.address,
        deadline=message.deadline_at or message.created_at + timedelta(hours=sender.drop_after_hours),
        zone=known.zone_of(person, message),
        is_marketing=is_marketing,
        is_test=message.origin == Origin.TEST,
        refusal=known.refusal_of(person, message, now),
        is_duplicate=message.run_id is not None and said(message) in done.said,
        is_suppressed=message.pk in known.suppressed,
        is_control=is_marketing and known.is_control(message.customer_id, person),
        is_sender_paused=sender.paused_at is not None,
        hours=hours_for(message.channel, known.country_of(person, message), sender.quiet_hours),
        caps=policy.caps_of(sender.caps),
        counted=done.counted.get(message.customer_id, ()),
        is_booked=known.is_booked(message),
        has_complaint=message.customer_id in known.complaining,
        is_in_arrears=message.customer_id in known.in_arrears,
        on_course_until=known.on_course.get(message.customer_id),
    )
