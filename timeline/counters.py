"""The hot numbers beside a profile. A recount, never an increment: right after any order of events, and again
when a thing that was counted leaves its window.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from psycopg import sql

from crm.tenancy.models import Tenant
from crm.tenancy.rows import dump, run, select
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope
from customers.models import CustomerMetrics

WINDOW = timedelta(days=30)
BATCH = 1000

RATES = sql.SQL(
    "WITH rates AS (SELECT * FROM json_to_recordset(%(rates)s) AS x (currency text, rate numeric))"
)
COUNTED = sql.SQL("""
    SELECT c.id, a.activities, l.occurred_at AS last_activity_at, coalesce(l.type, '') AS last_activity_type,
        b.bookings, b.last_booking_at, round(o.cents + p.cents + d.cents)::bigint AS value_cents,
        least(a.oldest, b.oldest) + %(window)s AS decays_at
    FROM unnest(%(ids)s::uuid[]) AS c (id)
    CROSS JOIN LATERAL (
        SELECT count(*) AS activities, min(occurred_at) AS oldest FROM timeline_activity
        WHERE tenant_id = %(tenant)s AND customer_id = c.id AND counts AND occurred_at > %(since)s
    ) a
    LEFT JOIN LATERAL (
        SELECT occurred_at, type FROM timeline_activity
        WHERE tenant_id = %(tenant)s AND customer_id = c.id AND counts
        ORDER BY occurred_at DESC, type LIMIT 1
    ) l ON true
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE booked_at > %(since)s) AS bookings,
            min(booked_at) FILTER (WHERE booked_at > %(since)s) AS oldest, max(booked_at) AS last_booking_at
        FROM customers_booking
        WHERE tenant_id = %(tenant)s AND customer_id = c.id AND status <> 'CANCELLED'
    ) b
    CROSS JOIN LATERAL (
        SELECT coalesce(sum((total_cents - coalesce(refunded_cents, 0)) * r.rate), 0) AS cents
        FROM customers_order JOIN rates r USING (currency)
        WHERE tenant_id = %(tenant)s AND customer_id = c.id AND paid_at IS NOT NULL
    ) o
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount_cents * r.rate), 0) AS cents
        FROM customers_payment JOIN rates r USING (currency)
        WHERE tenant_id = %(tenant)s AND customer_id = c.id AND status = 'RECEIVED'
    ) p
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(value_cents * r.rate), 0) AS cents
        FROM customers_deal JOIN rates r USING (currency)
        WHERE tenant_id = %(tenant)s AND customer_id = c.id AND status = 'WON'
    ) d
""")
DIFFERS = sql.SQL("""
    (m.activity_count_30d, m.last_activity_at, m.last_activity_type, m.booking_count_30d, m.last_booking_at,
     m.lifetime_value_cents, m.decays_at)
    IS DISTINCT FROM (n.activities, n.last_activity_at, n.last_activity_type, n.bookings, n.last_booking_at,
     n.value_cents, n.decays_at)
""")
RECOUNT = (
    sql.SQL("""
    {rates}
    UPDATE customers_customermetrics m SET
        activity_count_30d = n.activities, last_activity_at = n.last_activity_at,
        last_activity_type = n.last_activity_type, booking_count_30d = n.bookings,
        last_booking_at = n.last_booking_at, lifetime_value_cents = n.value_cents, decays_at = n.decays_at
    FROM ({counted}) n
    WHERE m.tenant_id = %(tenant)s AND m.customer_id = n.id AND {differs}
""")
    .format(rates=RATES, counted=COUNTED, differs=DIFFERS)
    .as_string(None)
)
# What has left its window and waits for the decay is no difference yet.
DRIFTED = sql.SQL("""
    {rates}
    SELECT m.customer_id AS id, coalesce(m.decays_at > %(now)s, true) AND {differs} AS wrong
    FROM ({counted}) n JOIN customers_customermetrics m ON m.tenant_id = %(tenant)s AND m.customer_id = n.id
""").format(rates=RATES, counted=COUNTED, differs=DIFFERS)
SEEN = """
    UPDATE customers_customermetrics m SET
        last_email_open_at = greatest(m.last_email_open_at, s.last_email_open_at),
        last_email_click_at = greatest(m.last_email_click_at, s.last_email_click_at),
        last_sms_reply_at = greatest(m.last_sms_reply_at, s.last_sms_reply_at),
        last_seen_at = greatest(m.last_seen_at, s.last_seen_at)
    FROM json_populate_recordset(NULL::customers_customermetrics, %s) s
    WHERE m.tenant_id = %s AND m.customer_id = s.customer_id
"""
DUE = """
    SELECT customer_id FROM customers_customermetrics WHERE tenant_id = %s AND decays_at <= %s
    ORDER BY decays_at LIMIT %s FOR UPDATE SKIP LOCKED
"""


def recount(customers: Collection[UUID], *, now: datetime) -> None:
    """Set activity and booking counts, last times and lifetime value of `customers` from their rows.

    Counts what the customer did in (now - 30 x 24 h, …), bookings when made and not cancelled. Lifetime value is
    in the tenant's currency: payments, paid orders and won deals less refunds; what names no currency is in the
    tenant's, and one without a rate counts 0.
    One statement; writes only what changed.
    """
    if customers:
        run(RECOUNT, counting(customers, now=now))


def counting(customers: Collection[UUID], *, now: datetime) -> dict[str, Any]:
    """The parameters of RECOUNT and DRIFTED."""
    tenant = current_tenant()
    rates = [{"currency": code, "rate": rate} for code, rate in tenant.rates.items()]
    return {
        "ids": sorted(customers), "tenant": tenant.pk, "since": now - WINDOW, "window": WINDOW, "rates": dump(rates),
        "now": now,
    }  # fmt: skip


def raise_seen(seen: Mapping[UUID, Mapping[str, datetime]]) -> None:
    """Raise the “last seen doing” times of customers; an older time changes nothing. One statement."""
    rows: list[dict[str, Any]] = [{"customer_id": pk, **times} for pk, times in sorted(seen.items()) if times]
    if rows:
        run(SEEN, [dump(rows), current_tenant().pk])


def decay_due(now: datetime) -> int:
    """Recount everyone for whom something counted has left its window; how many that were."""
    with scopes_disabled():  # asked across tenants: who has something to decay
        due = CustomerMetrics.objects.filter(tenant=OuterRef("pk"), decays_at__lte=now)
        tenants = list(Tenant.objects.filter(Exists(due)))
    total = 0
    for tenant in tenants:
        with tenant_scope(tenant):
            while found := _decay_batch(now):
                total += found
    return total


@transaction.atomic
def _decay_batch(now: datetime) -> int:
    ids = [row["customer_id"] for row in select(DUE, [current_tenant().pk, now, BATCH])]
    recount(ids, now=now)
    return len(ids)
