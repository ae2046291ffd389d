"""The witnesses: what the senders know against what PostgreSQL holds and the reader of crm-outbound has heard.

None of them asks the platform: the journals were written by the clients, the tables are read by a connection of the
rig's own.
"""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import psycopg

from tests.rig.events import amount_of, email_of, event, person_of, source_of
from tests.rig.journal import Journal, read
from tests.rig.platform import Failure, Rig

STUCK = 300.0  # seconds that no row may wait or be in hand
DRAINED_WITHIN = 120.0
STILL_WAITING = """
    SELECT (SELECT count(*) FROM timeline_inboundevent WHERE is_waiting),
           (SELECT count(*) FROM outbox_outboxmessage WHERE relayed_at IS NULL)
"""
OLDEST = """
    SELECT greatest(
        (SELECT extract(epoch FROM now() - min(received_at)) FROM timeline_inboundevent
         WHERE is_waiting AND NOT (event_id LIKE 'lethal%%')),
        (SELECT extract(epoch FROM now() - min(created_at)) FROM outbox_outboxmessage WHERE relayed_at IS NULL), 0)
"""
COUNTERS = """
    SELECT p.email, m.activity_count_30d, m.lifetime_value_cents, m.booking_count_30d,
        (SELECT count(*) FROM timeline_activity a
         WHERE a.customer_id = p.id AND a.counts AND a.occurred_at > now() - interval '30 days'),
        (SELECT coalesce(sum(amount_cents), 0) FROM customers_payment y
         WHERE y.customer_id = p.id AND y.status = 'RECEIVED'),
        (SELECT count(*) FROM customers_booking b WHERE b.customer_id = p.id AND b.status <> 'CANCELLED')
    FROM customers_customerprofile p JOIN customers_customermetrics m ON m.customer_id = p.id
"""


class Watch:
    """Looks every other second how long the oldest row has waited, since all servers are there."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.worst, self.looked = rig, 0.0, 0.0

    def __call__(self) -> None:
        if time.monotonic() - self.looked < 2:
            return
        self.looked = time.monotonic()
        try:
            ((age,),) = self.rig.rows(OLDEST)
        except psycopg.Error:
            return
        self.worst = max(self.worst, min(float(age), time.monotonic() - self.rig.whole_since))


def drain(rig: Rig) -> float:
    """Wait until nothing waits any more; the seconds it took."""

    def empty() -> bool:
        client = rig.valkey()
        groups = client.xinfo_groups("crm-events") if client.exists("crm-events") else []
        unread = any(group["pending"] or group["lag"] for group in groups if group["name"] == b"fairway")
        return not unread and rig.rows(STILL_WAITING) == [(0, 0)]

    try:
        return rig.until(empty, within=DRAINED_WITHIN, what="nothing waits any more")
    except Failure as failure:
        rows = rig.rows(
            "SELECT status, claims, attempts, error_code, count(*), min(claimed_at), min(received_at) "
            "FROM timeline_inboundevent WHERE is_waiting GROUP BY 1, 2, 3, 4"
        )
        raise Failure(f"{failure}: {rig.rows(STILL_WAITING)} {rows}") from None


def settle(rig: Rig) -> float:
    """Let everything come to rest: what Redis lost is sent again as the runbook says, the rest comes by itself.

    Gives the seconds until nothing waited any more. Raises Failure when something waits for ever, or is lost.
    """
    drained = drain(rig)
    _send_again_what_redis_lost(rig)
    if (rig.journal / "acknowledged.jsonl").exists():
        rig.manage("replay_outbox", "--since", "6h")
    _hear_the_rest(rig)
    return drained


def _hear_the_rest(rig: Rig) -> None:
    journal, last, client = Journal(rig.journal / "heard.rest.jsonl"), "-", rig.valkey()
    while found := client.xrange("crm-outbound", last, "+", count=1000):
        for pk, fields in found:
            message = json.loads(fields[b"data"])
            journal.note(
                "heard", id=message["id"], topic=message["type"], of=message["payload"].get("id", "")
            )
            last = f"({pk.decode()}"


def check(rig: Rig) -> str:
    """Compare everything. Raises Failure with the difference; else says in a line what was compared."""
    sent = _numbers(rig, "events", "acked") | _numbers(rig, "stream", "acked")
    attempted = sent | _numbers(rig, "events", "sent")
    wrong = [
        *_inbox(rig, sent, attempted), *_timeline(rig, sent), *_people(rig, sent), *_writes(rig),
        *_counters(rig, sent), *_told(rig), *_answers(rig),
    ]  # fmt: skip
    if wrong:
        raise Failure("\n".join(wrong))
    writes = len({line["key"] for line in read(rig.journal, "writes", "written")})
    heard = len({line["id"] for line in read(rig.journal, "heard", "heard")})
    return f"{len(sent):,} events, {writes:,} writes, {heard:,} messages heard"


def _numbers(rig: Rig, sender: str, what: str) -> set[tuple[str, int]]:
    return {(line["run"], number) for line in read(rig.journal, sender, what) for number in line["numbers"]}


def _stored(rig: Rig) -> Counter[tuple[str, str]]:
    return Counter({(source, pk): n for source, pk, n in rig.rows(
        "SELECT source, event_id, count(*) FROM timeline_inboundevent GROUP BY 1, 2")})  # fmt: skip


def _key(run: str, number: int) -> tuple[str, str]:
    return source_of(number), f"{run}-{number}"


def _send_again_what_redis_lost(rig: Rig) -> None:
    """Entries that no consumer had acknowledged die with Redis, and honest senders send them again. No others."""
    path = rig.journal / "acknowledged.jsonl"
    losses = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    stored = _stored(rig)
    missing = [
        line
        for line in read(rig.journal, "stream", "acked")
        if _key(line["run"], line["numbers"][0]) not in stored
    ]
    promised = [line for line in missing if not any(_may_have_died(line, loss) for loss in losses)]
    if promised:
        raise Failure(f"{len(promised)} acknowledged entries are lost, such as {promised[0]}")
    client = rig.valkey()
    for line in missing:
        again = event(line["run"], line["numbers"][0], datetime.fromtimestamp(line["at"], UTC))
        client.xadd("crm-events", {"name": again["type"], "data": json.dumps(again)})
    if missing:
        drain(rig)


def _may_have_died(line: dict[str, Any], loss: dict[str, Any]) -> bool:
    """Whether the entry lay unacknowledged in the Redis that was lost."""
    entry = tuple(map(int, line["entry"].split("-")))
    acknowledged = entry <= tuple(map(int, loss["last"].split("-"))) and line["entry"] not in loss["held"]
    return not acknowledged and line["at"] <= loss["at"] + 60


def _inbox(rig: Rig, sent: set[Any], attempted: set[Any]) -> list[str]:
    stored = _stored(rig)
    found = [pk for pk in stored if not pk[1].startswith("lethal")]
    lost = [pk for pk in (_key(*one) for one in sent) if pk not in stored]
    unknown = set(found) - {_key(*one) for one in attempted}
    bad = rig.rows(
        "SELECT event_id, status, error_code, claims, attempts FROM timeline_inboundevent "
        "WHERE status <> 'SUCCESS' AND event_id NOT LIKE %s", "lethal%"
    )  # fmt: skip
    return [
        *_said("accepted events are lost", lost),
        *_said("events in the inbox that nobody sent", sorted(unknown)),
        *_said("events in the inbox twice", [pk for pk, count in stored.items() if count > 1]),
        *_said("events that were not applied", bad),
    ]


def _timeline(rig: Rig, sent: set[Any]) -> list[str]:
    entries = Counter({(source, pk): n for source, pk, n in rig.rows(
        "SELECT source, source_event_id, count(*) FROM timeline_activity "
        "WHERE source_event_id <> '' AND source <> 'crm' GROUP BY 1, 2")})  # fmt: skip
    return [
        *_said(
            "events without their entry", [key for key in (_key(*one) for one in sent) if not entries[key]]
        ),
        *_said("events with two entries", [key for key, count in entries.items() if count > 1]),
    ]


def _people(rig: Rig, sent: set[Any]) -> list[str]:
    doubled = rig.rows(
        "SELECT a.kind, a.value, count(*) FROM customers_aliasholder h "
        "JOIN customers_identityalias a ON a.id = h.alias_id GROUP BY 1, 2 HAVING count(*) > 1"
    )
    doubled += rig.rows(
        "SELECT email, count(*) FROM customers_customerprofile GROUP BY 1 HAVING count(*) > 1"
    )
    emails = {email for (email,) in rig.rows("SELECT email FROM customers_customerprofile")}
    missing = {email_of(person_of(number)) for _, number in sent} - emails
    unborn = rig.rows(
        "SELECT p.email, count(a.id) FROM customers_customerprofile p LEFT JOIN timeline_activity a "
        "ON a.customer_id = p.id AND a.type = 'PROFILE_CREATED' GROUP BY p.id, p.email HAVING count(a.id) <> 1"
    )
    return [
        *_said("identifiers or e-mails of two people", doubled),
        *_said("people missing", sorted(missing)),
        *_said("people whose making is not told once", unborn),
    ]


def _writes(rig: Rig) -> list[str]:
    """Every answer to one key is the first answer, and there is one object of it."""
    answers: dict[str, set[tuple[Any, ...]]] = {}
    for line in read(rig.journal, "writes", "written"):
        answers.setdefault(line["key"], set()).add((line["status"], line["body"], line["id"], line["path"]))
    customers = Counter(
        email for (email,) in rig.rows("SELECT email FROM customers_customerprofile WHERE last_name <> ''")
    )
    calls = Counter(
        title for (title,) in rig.rows("SELECT title FROM timeline_activity WHERE type = 'PHONE_CALL'")
    )
    of_calls = {f"Call {key.removeprefix('call-')}" for key in answers if key.startswith("call-")}
    of_customers = {f"{key}@rig.example" for key in answers if not key.startswith("call-")}
    refused = [(key, found) for key, found in answers.items() if {answer[0] for answer in found} != {201}]
    return [
        *_said("keys with two answers", [(key, found) for key, found in answers.items() if len(found) > 1]),
        *_said("keys not answered 201", refused),
        *_said("answered customers that are lost or doubled", [one for one in of_customers if customers[one] != 1]),
        *_said("answered calls that are lost or doubled", [one for one in of_calls if calls[one] != 1]),
        *_said("calls twice", [one for one, count in calls.items() if count > 1]),
    ]  # fmt: skip


def _counters(rig: Rig, sent: set[Any]) -> list[str]:
    paid: Counter[str] = Counter()
    booked: Counter[str] = Counter()
    for _, number in sent:
        paid[email_of(person_of(number))] += amount_of(number)
        booked[email_of(person_of(number))] += source_of(number) == "teetime"
    wrong = []
    for email, activities, value, bookings, real_activities, real_value, real_bookings in rig.rows(COUNTERS):
        if (activities, value, bookings) != (real_activities, real_value, real_bookings):
            wrong.append(
                (email, "counter", activities, value, bookings, "recount", real_activities, real_value)
            )
        if email in paid and (value, bookings) != (paid[email], booked[email]):
            wrong.append((email, "counter", value, bookings, "sent", paid[email], booked[email]))
    return _said("counters that are no recount, or not what was sent", wrong)


def _told(rig: Rig) -> list[str]:
    """Each committed message was heard, nothing else was, and each new person is told once."""
    heard = {line["id"]: line for line in read(rig.journal, "heard", "heard")}
    public = {str(pk) for (pk,) in rig.rows("SELECT message_id FROM outbox_outboxmessage")}
    births = Counter(line["of"] for line in heard.values() if line["topic"] == "crm.profile.created")
    people = {str(pk) for (pk,) in rig.rows("SELECT id FROM customers_customerprofile")}
    return [
        *_said("committed messages that were never heard", sorted(public - heard.keys())),
        *_said("messages heard that nobody committed", sorted(heard.keys() - public)),
        *_said("people told of twice", [pk for pk, count in births.items() if count > 1]),
        *_said("people never told of", sorted(people - births.keys())),
    ]


def _answers(rig: Rig) -> list[str]:
    """503 is an honest answer while PostgreSQL is away; a 500 never is."""
    bad = [
        line
        for sender in ("events", "writes", "looks")
        for line in read(rig.journal, sender, "answer")
        if line["status"] in (500, 502, 504)
    ]
    return _said("answers of 500", bad)


SABOTAGE = {
    "accepted events are lost": (
        "DELETE FROM timeline_eventbody WHERE event_id IN (SELECT id FROM timeline_inboundevent ORDER BY id LIMIT 1)",
        "DELETE FROM timeline_inboundevent WHERE id IN (SELECT id FROM timeline_inboundevent ORDER BY id LIMIT 1)",
    ),
    "events with two entries": (
        "CREATE TEMP TABLE again AS SELECT * FROM timeline_activity WHERE source = 'web' LIMIT 1",
        "UPDATE again SET id = gen_random_uuid()",
        "INSERT INTO timeline_activity SELECT * FROM again",
    ),
    "counters that are no recount": (
        "UPDATE customers_customermetrics SET lifetime_value_cents = lifetime_value_cents + 1",
    ),
    "committed messages that were never heard": (
        "UPDATE outbox_outboxmessage SET message_id = gen_random_uuid() "
        "WHERE id = (SELECT min(id) FROM outbox_outboxmessage)",
    ),
    "events that were not applied": (
        "UPDATE timeline_inboundevent SET status = 'FAILED' "
        "WHERE id = (SELECT id FROM timeline_inboundevent ORDER BY id DESC LIMIT 1)",
    ),
    "answered customers that are lost or doubled": (
        "UPDATE customers_customerprofile SET email = 'x' || email WHERE last_name <> '' AND email LIKE '%w-0@%'",
    ),
}  # fmt: skip


def doubt(rig: Rig) -> None:
    """Falsify what is stored, in each way that a fault could, and see that the witnesses say so."""
    with rig.database() as database:
        for statements in SABOTAGE.values():
            for statement in statements:
                database.execute(statement)  # type: ignore[call-overload]
    try:
        check(rig)
    except Failure as failure:
        unseen = [what for what in SABOTAGE if what not in str(failure)]
    else:
        unseen = list(SABOTAGE)
    if unseen:
        raise Failure(f"the witnesses did not see: {', '.join(unseen)}")


def _said(what: str, found: Any) -> list[str]:
    return [f"{len(found)} {what}: {', '.join(map(str, list(found)[:5]))}"] if found else []
