"""Numbers and rows that must agree, looked at for the open tenant: each rule one statement, over a bounded set."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F
from psycopg import sql

from crm.tenancy.rows import select
from customers.models import CustomerMetrics, CustomerProfile
from timeline.counters import DRIFTED, counting
from timeline.models.events import first_id

SAMPLE = 1000  # people whose counters are recounted, unless told
NEWEST = 20_000  # rows of each table that a rule looks at
LATE = timedelta(minutes=2)  # that news may wait for the relay
OVERDUE = timedelta(minutes=10)  # that a counter may wait for its decay, and a due event for a worker

# How many were looked at, how many break the rule, and some of those.
LOOK = sql.SQL("""
    SELECT count(*) AS checked, count(*) FILTER (WHERE wrong) AS wrong,
        (array_agg(id::text ORDER BY id) FILTER (WHERE wrong))[1:5] AS examples
    FROM ({rows}) AS looked
""")


class Rule(NamedTuple):
    """What must be so. rows: SQL for (id, wrong) of what is looked at."""

    says: str
    rows: sql.Composable


class Check(NamedTuple):
    """What a rule found. examples: ids of some rows that break it."""

    name: str
    says: str
    checked: int
    wrong: int
    examples: list[str]


RULES: Mapping[str, Rule] = {
    "counters": Rule("A person's counters equal a recount of their rows.", DRIFTED),
    "countersDecay": Rule(
        "Counters are recounted when something leaves their window.",
        sql.SQL(
            "SELECT customer_id AS id, decays_at < %(overdue)s AS wrong FROM customers_customermetrics "
            "WHERE tenant_id = %(tenant)s AND decays_at IS NOT NULL ORDER BY decays_at LIMIT %(newest)s"
        ),
    ),
    "profilesHaveCounters": Rule(
        "Every profile has its row of counters.",
        sql.SQL("""
        SELECT p.id, m.customer_id IS NULL AS wrong FROM (
            SELECT id, tenant_id FROM customers_customerprofile WHERE tenant_id = %(tenant)s
            ORDER BY id DESC LIMIT %(newest)s
        ) p LEFT JOIN customers_customermetrics m ON m.tenant_id = p.tenant_id AND m.customer_id = p.id
        """),
    ),
    "aliasesHaveOwners": Rule(
        "Every identifier belongs to somebody.",
        sql.SQL("""
        SELECT a.id, NOT EXISTS (
            SELECT 1 FROM customers_aliasholder h
            WHERE h.tenant_id = a.tenant_id AND h.alias_id = a.id AND h.is_owner
        ) AS wrong FROM (
            SELECT id, tenant_id FROM customers_identityalias WHERE tenant_id = %(tenant)s
            ORDER BY id DESC LIMIT %(newest)s
        ) a
        """),
    ),
    "emailsAreIdentifiers": Rule(
        "The e-mail of a person is an identifier that they hold.",
        sql.SQL("""
        SELECT p.id, NOT EXISTS (
            SELECT 1 FROM customers_identityalias a
            JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id
            WHERE a.tenant_id = p.tenant_id AND a.kind = 'email' AND a.value = p.email AND h.customer_id = p.id
        ) AS wrong FROM (
            SELECT id, tenant_id, email, status FROM customers_customerprofile WHERE tenant_id = %(tenant)s
            ORDER BY id DESC LIMIT %(newest)s
        ) p WHERE p.email <> '' AND p.status NOT IN ('MERGED', 'DELETED')
        """),
    ),
    "syncLogStates": Rule(
        "An event waits, is settled, or is a dead letter: one of the three.",
        sql.SQL("""
        SELECT id, is_waiting <> (status = 'PENDING' OR (status = 'FAILED' AND dead_at IS NULL))
            OR (dead_at IS NOT NULL AND status <> 'FAILED') OR (NOT is_waiting AND processed_at IS NULL) AS wrong
        FROM (
            SELECT id, status, is_waiting, dead_at, processed_at FROM timeline_inboundevent
            WHERE tenant_id = %(tenant)s ORDER BY received_at DESC, id DESC LIMIT %(newest)s
        ) newest
        """),
    ),
    "waitingHaveBodies": Rule(
        "An event that waits has its body.",
        sql.SQL("""
        SELECT e.id, b.event_id IS NULL AS wrong FROM (
            SELECT id, tenant_id FROM timeline_inboundevent
            WHERE tenant_id = %(tenant)s AND is_waiting ORDER BY priority, id LIMIT %(newest)s
        ) e LEFT JOIN timeline_eventbody b ON b.tenant_id = e.tenant_id AND b.event_id = e.id
        """),
    ),
    "appliedAreOnTimelines": Rule(
        "An applied event has its entry on its person's timeline.",
        sql.SQL("""
        SELECT e.id, a.id IS NULL AS wrong FROM (
            SELECT id, tenant_id, activity_id, status FROM timeline_inboundevent
            WHERE tenant_id = %(tenant)s ORDER BY received_at DESC, id DESC LIMIT %(newest)s
        ) e LEFT JOIN timeline_activity a ON a.tenant_id = e.tenant_id AND a.id = e.activity_id
        WHERE e.status = 'SUCCESS' AND e.activity_id IS NOT NULL
        """),
    ),
    "entriesOnce": Rule(
        "An event makes an entry once.",
        sql.SQL("""
        SELECT id, count(*) OVER (PARTITION BY customer_id, type, source, source_event_id) > 1 AS wrong FROM (
            SELECT id, customer_id, type, source, source_event_id FROM timeline_activity
            WHERE tenant_id = %(tenant)s ORDER BY occurred_at DESC, id DESC LIMIT %(newest)s
        ) newest WHERE source <> 'crm' AND source_event_id <> ''
        """),
    ),
    "eventsInTime": Rule(
        "Events that are due are worked off.",
        sql.SQL(
            "SELECT id, greatest(received_at, next_attempt_at) < %(overdue)s AS wrong FROM timeline_inboundevent "
            "WHERE tenant_id = %(tenant)s AND is_waiting AND (next_attempt_at IS NULL OR next_attempt_at <= %(now)s) "
            "ORDER BY priority, id LIMIT %(newest)s"
        ),
    ),
    "newsInTime": Rule(
        "News goes out.",
        sql.SQL(
            "SELECT id, created_at < %(late)s AS wrong FROM outbox_outboxmessage "
            "WHERE tenant_id = %(tenant)s AND relayed_at IS NULL ORDER BY id LIMIT %(newest)s"
        ),
    ),
}


def check(*, now: datetime, sample: int = SAMPLE) -> list[Check]:
    """What each rule finds. Recounts `sample` people, of all else the newest 20,000 rows. 14 statements."""
    params = counting(_some_people(sample), now=now) | {
        "newest": NEWEST, "overdue": now - OVERDUE, "late": now - LATE
    }  # fmt: skip
    return [_look(name, rule, params) for name, rule in RULES.items()]


def _look(name: str, rule: Rule, params: Mapping[str, Any]) -> Check:
    looking = LOOK.format(rows=rule.rows)
    (found,) = select(looking, params)
    return Check(name, rule.says, found["checked"], found["wrong"], found["examples"] or [])


def _some_people(how_many: int) -> Collection[UUID]:
    """Half of them those who did something last, the others from some random moment of becoming known on."""
    latest = F("last_activity_at").desc(nulls_last=True)
    active = CustomerMetrics.objects.order_by(latest, "-customer").values_list("pk", flat=True)
    people = CustomerProfile.objects.order_by("pk").values_list("pk", flat=True)
    found = set(active[: how_many // 2])
    if known := [*people[:1], *people.reverse()[:1]]:
        moment = datetime.fromtimestamp(uniform(*map(_made, known)), UTC)
        found |= set(people.filter(pk__gte=first_id(moment))[: how_many - len(found)])
    return found | set(people[: how_many - len(found)])


def _made(pk: UUID) -> float:
    """When a UUIDv7 was made, in seconds since 1970."""
    return (pk.int >> 80) / 1000
