"""A tenant's people as a year of use leaves them: identifiers, stamps, counters, bookings, payments, timelines."""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers.models import (
    AliasHolder,
    Booking,
    CustomerMetrics,
    CustomerProfile,
    IdentityAlias,
    Payment,
)
from tests.bench.statements import insert_into, json_object
from timeline.models import Activity

ENTRIES_EACH = 10
STRIDE = 7919  # a prime: numbers that follow each other are of people far apart, nobody twice before everybody once
BUSY = 0  # the number of the person whose timeline is long
BUSY_ENTRIES = 10_000
FIRST_NAMES = [
    *("Thandi", "Sipho", "Anna", "Johan", "Zanele", "Peter", "Fatima", "Liam"),
    *("Naledi", "Grace", "Themba", "Olivia", "Kagiso", "Emma", "Pieter", "Aisha"),
]
LAST_NAMES = [
    *("Nkosi", "Botha", "Dlamini", "Smith", "Naidoo", "Jones", "Mokoena", "Taylor"),
    *("Pillay", "Brown", "Khumalo", "Evans", "Venter", "Wilson", "Zulu", "Clark"),
]

# Who they are, by number; everything below joins this. Their events were a year ago.
PEOPLE = """
    CREATE TEMP TABLE people ON COMMIT DROP AS
    SELECT n, bench_id() AS id, %(tenant)s::uuid AS tenant, %(now)s::timestamptz - interval '1 year' AS since,
        jsonb_build_array(1, 0, ((extract(epoch FROM %(now)s::timestamptz) - 31536000) * 1000000)::bigint, 70,
            lpad(n::text, 36, '0'), 'scl') AS stamp,
        (%(first_names)s::text[])[1 + n %% 16] AS first_name, (%(last_names)s::text[])[1 + n / 16 %% 16] AS last_name
    FROM generate_series(0, %(people)s - 1) n
"""
IDENTIFIERS = """
    CREATE TEMP TABLE identifiers ON COMMIT DROP AS
    SELECT tenant, id, since, k.kind, k.value FROM people, LATERAL (VALUES
        ('email', 'person' || n || '@example.com'), ('phoneNumber', '+2782' || lpad(n::text, 7, '0')),
        ('sclMemberId', (n + 1)::text), ('messagingContactId', 'contact-' || n)) k (kind, value)
"""
STAMPED = (
    "first_name", "last_name", "email", "email_display", "phone_number", "phone_is_valid", "membership_tier",
    "member_since", "membership_status", "membership_ended_at", "status", "language", "source",
)  # fmt: skip
PROFILES = insert_into(
    CustomerProfile,
    {
        "id": "id", "tenant_id": "tenant", "first_name": "first_name", "last_name": "last_name",
        "email": "'person' || n || '@example.com'", "email_display": "'Person' || n || '@Example.com'",
        "phone_number": "'+2782' || lpad(n::text, 7, '0')", "phone_is_valid": "true", "scl_member_id": "n + 1",
        "messaging_contact_id": "'contact-' || n", "lifecycle_stage": "'MEMBER'", "source": "'scl'",
        "stages_reached": """jsonb_build_object('MEMBER', stamp -> 2, 'PROSPECT', stamp -> 2)
            || CASE WHEN n %% 2 = 0 THEN jsonb_build_object('CUSTOMER', stamp -> 2) ELSE '{}' END""",
        "membership_tier": "(ARRAY['Gold', 'Silver', 'Weekday', 'Junior'])[1 + n %% 4]",
        "membership_status": "'ACTIVE'", "member_since": "since::date", "language": "'en'",
        "email_opt_in": "n %% 3 > 0", "created_at": "since", "updated_at": "since",
        "provenance": json_object(STAMPED, "stamp"),
    },
    "FROM people ORDER BY n",
)  # fmt: skip
ALIASES = insert_into(
    IdentityAlias,
    {"tenant_id": "tenant", "kind": "kind", "value": "value", "created_at": "since"},
    "FROM identifiers",
)
HOLDERS = insert_into(
    AliasHolder,
    {
        "tenant_id": "i.tenant", "alias_id": "a.id", "customer_id": "i.id", "recorded_for": "i.id", "is_owner": "true",
        "source": "'scl'", "since": "i.since",
    },
    "FROM identifiers i JOIN customers_identityalias a "
    "ON a.tenant_id = i.tenant AND a.kind = i.kind AND a.value = i.value",
)  # fmt: skip
# In the order of time, as they came: one person's entries lie far apart.
ENTRIES = insert_into(
    Activity,
    {
        "tenant_id": "tenant", "customer_id": "p.id", "recorded_for": "p.id", "type": "e.type",
        "category": "e.category", "title": "e.title", "source": "e.source", "counts": "true",
        "source_event_id": "lpad(e.n::text, 36, '0')", "occurred_at": "e.at", "created_at": "e.at",
        "metadata": "jsonb_build_object('url', 'https://club.example/page/' || e.n, 'campaignId', e.n %% 50)",
        "context": "jsonb_build_object('session', md5(e.n::text), 'geo', jsonb_build_object('country', 'ZA'))",
    },
    """FROM (
        SELECT n,
            CASE WHEN (n * %(busy)s) %% %(entries)s < %(busy)s THEN 0
                ELSE (n * %(stride)s) %% %(people)s END AS person,
            %(now)s::timestamptz - interval '1 year' * (%(entries)s - n) / %(entries)s AS at,
            (ARRAY['WEB_PAGE_VIEW', 'EMAIL_OPENED', 'TEETIME_BOOKED'])[1 + n %% 3] AS type,
            (ARRAY['WEB', 'COMMUNICATION', 'BOOKING'])[1 + n %% 3] AS category,
            (ARRAY['Viewed a page', 'Opened an email', 'Booked a tee time'])[1 + n %% 3] AS title,
            (ARRAY['web', 'messaging', 'teetime'])[1 + n %% 3] AS source
        FROM (SELECT n::bigint FROM generate_series(1, %(entries)s) n) s
    ) e JOIN people p ON p.n = e.person ORDER BY e.n""",
)  # fmt: skip
PAYMENTS = insert_into(
    Payment,
    {
        "tenant_id": "tenant", "customer_id": "id", "key": "'base-' || n", "amount_cents": "125000",
        "currency": "'ZAR'",
        "status": "'RECEIVED'", "paid_at": "since", "created_at": "since",
        "stamps": json_object(("amount_cents", "currency", "status", "paid_at"), "stamp"),
    },
    "FROM people WHERE n %% 2 = 0 ORDER BY n",
)  # fmt: skip
BOOKINGS = insert_into(
    Booking,
    {
        "tenant_id": "tenant", "customer_id": "id", "key": "'base-' || n", "club_ref": "'club-bench'", "holes": "18",
        "status": "'BOOKED'", "tee_time": "since", "booked_at": "since", "created_at": "since",
        "stamps": json_object(("status", "tee_time", "booked_at", "holes"), "stamp"),
    },
    "FROM people WHERE n %% 2 = 1 ORDER BY n",
)  # fmt: skip
METRICS = insert_into(
    CustomerMetrics,
    {
        "tenant_id": "p.tenant", "customer_id": "p.id", "last_activity_at": "a.last_at",
        "last_activity_type": "coalesce(a.last_type, '')", "activity_count_30d": "coalesce(a.recent, 0)",
        "last_booking_at": "CASE WHEN p.n %% 2 = 1 THEN p.since END", "decays_at": "a.oldest + interval '720 hours'",
        "lifetime_value_cents": "CASE WHEN p.n %% 2 = 0 THEN 125000 ELSE 0 END",
    },
    """FROM people p LEFT JOIN (
        SELECT customer_id, max(occurred_at) AS last_at, (array_agg(type ORDER BY occurred_at DESC))[1] AS last_type,
            count(*) FILTER (WHERE occurred_at > %(now)s::timestamptz - interval '720 hours') AS recent,
            min(occurred_at) FILTER (WHERE occurred_at > %(now)s::timestamptz - interval '720 hours') AS oldest
        FROM timeline_activity WHERE tenant_id = %(tenant)s GROUP BY customer_id
    ) a ON a.customer_id = p.id ORDER BY p.n""",
)  # fmt: skip
UNTOUCHED = "DELETE FROM segments_segmenttouch WHERE tenant_id = %(tenant)s"  # they have been there for long
ALL = (PEOPLE, IDENTIFIERS, ALIASES, HOLDERS, PROFILES, ENTRIES, PAYMENTS, BOOKINGS, METRICS, UNTOUCHED)
ONE = "SELECT id FROM customers_customerprofile WHERE tenant_id = %s AND email = %s"


def settle_in(tenant: Tenant, people: int, *, now: datetime | None = None) -> None:
    """Give a tenant people numbered from 0, with ten timeline entries each; number 0 has ten thousand.

    A handful of set-based statements in one transaction, about 50,000 entries a second.
    """
    params = {
        "tenant": tenant.pk, "now": now or timezone.now(), "people": people, "busy": BUSY_ENTRIES,
        "entries": people * ENTRIES_EACH + BUSY_ENTRIES, "stride": STRIDE,
        "first_names": FIRST_NAMES, "last_names": LAST_NAMES,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = off")
        for statement in ALL:
            cursor.execute(statement, params)


def find_person(tenant: Tenant, number: int) -> UUID:
    with connection.cursor() as cursor:
        cursor.execute(ONE, [tenant.pk, f"person{number}@example.com"])
        found: UUID = cursor.fetchone()[0]
    return found
