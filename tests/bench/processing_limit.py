"""The limit of B2: what tests.bench.traffic sends, processed by set-based SQL alone, all of it.

Identities with new people, stamped profile changes, payments and memberships, entries, counters, news, sync log, in
one transaction a batch, locks in the house's order. It knows this traffic and nothing else, and it counts up where
ours recounts: as good as it can get, not as it could be used.
"""

from functools import cache
from typing import Any

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from customers.models import AliasHolder, CustomerMetrics, CustomerProfile, IdentityAlias, Membership, Payment
from tests.bench.statements import connect, insert_into, json_object
from timeline.models import Activity

BATCH = 5000

TABLES = """
    CREATE TEMP TABLE work (
        id uuid, type text, event_id text, source text, at timestamptz, stamp jsonb, payload jsonb,
        email text, contact text, member text, customer uuid, entry uuid
    ) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE joined (customer uuid, event_id text, source text, at timestamptz, stamp jsonb, payload jsonb,
        email text, member text, phone text) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE before (customer uuid, had_bought boolean, stamp jsonb) ON COMMIT DELETE ROWS
"""
TAKE = """
    INSERT INTO work
    SELECT id, type, event_id, source, occurred_at, jsonb_build_array(1, 0,
            (extract(epoch FROM occurred_at) * 1000000)::bigint,
            CASE source WHEN 'scl' THEN 70 WHEN 'messaging' THEN 50 ELSE 20 END, event_id, source),
        event -> 'payload', lower(trim(event #>> '{identity,email}')), event #>> '{identity,messagingContactId}',
        event #>> '{identity,sclMemberId}', NULL, bench_id()
    FROM (
        SELECT e.*, b.raw::jsonb AS event
        FROM timeline_inboundevent e JOIN timeline_eventbody b ON b.tenant_id = e.tenant_id AND b.event_id = e.id
        WHERE e.tenant_id = %(tenant)s AND e.is_waiting ORDER BY e.priority, e.id LIMIT %(batch)s
        FOR UPDATE OF e SKIP LOCKED
    ) taken
"""
FIND = """
    UPDATE work SET customer = found.customer_id FROM (
        SELECT DISTINCT ON (k.id) k.id, h.customer_id
        FROM (
            SELECT id, 1 AS strength, 'sclMemberId' AS kind, member AS value FROM work WHERE member IS NOT NULL
            UNION ALL SELECT id, 2, 'messagingContactId', contact FROM work WHERE contact IS NOT NULL
            UNION ALL SELECT id, 3, 'email', email FROM work WHERE email IS NOT NULL
        ) k
        JOIN customers_identityalias a ON a.tenant_id = %(tenant)s AND a.kind = k.kind AND a.value = k.value
        JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id
        ORDER BY k.id, k.strength, h.is_owner DESC, h.id
    ) found WHERE work.id = found.id
"""
JOIN = """
    INSERT INTO joined
    SELECT DISTINCT ON (member)
        bench_id(), event_id, source, at, stamp, payload, email, member, payload ->> 'phoneNumber'
    FROM work WHERE customer IS NULL ORDER BY member, stamp
"""
IDENTIFY = f"""
    WITH keys AS MATERIALIZED (
        SELECT j.customer, j.source, k.* FROM joined j, LATERAL (VALUES
            ('email', email), ('phoneNumber', phone), ('sclMemberId', member)) k (kind, value)
    ), aliases AS ({insert_into(
        IdentityAlias,
        {"tenant_id": "%(tenant)s::uuid", "kind": "kind", "value": "value"},
        "FROM keys ORDER BY kind, value",
    )} RETURNING id, kind, value)
    {insert_into(
        AliasHolder,
        {
            "tenant_id": "%(tenant)s::uuid", "alias_id": "aliases.id", "customer_id": "customer",
            "recorded_for": "customer", "is_owner": "true", "source": "source",
        },
        "FROM aliases JOIN keys USING (kind, value)",
    )}
"""  # fmt: skip
WRITTEN = (
    "first_name", "last_name", "email", "email_display", "phone_number", "phone_is_valid", "membership_tier",
    "member_since", "membership_status", "membership_ended_at", "status", "source",
)  # fmt: skip
CREATE = insert_into(
    CustomerProfile,
    {
        "id": "customer", "tenant_id": "%(tenant)s::uuid", "first_name": "payload ->> 'firstName'",
        "last_name": "payload ->> 'lastName'", "email": "email", "email_display": "payload ->> 'email'",
        "phone_number": "phone", "phone_is_valid": "true", "scl_member_id": "member::bigint",
        "membership_tier": "payload ->> 'membershipTierName'", "membership_status": "payload ->> 'status'",
        "member_since": "(payload ->> 'memberSince')::date", "lifecycle_stage": "'MEMBER'", "source": "source",
        "stages_reached": "jsonb_build_object('MEMBER', stamp -> 2)", "created_by": "'events'",
        "updated_by": "'events'",
        "provenance": json_object(WRITTEN, "stamp"),
    },
    "FROM joined",
)  # fmt: skip
COUNT_FROM_NOW = insert_into(
    CustomerMetrics, {"tenant_id": "%(tenant)s::uuid", "customer_id": "customer"}, "FROM joined"
)
KNOW = """
    UPDATE work SET customer = joined.customer FROM joined
    WHERE work.member = joined.member AND work.customer IS NULL
"""
LOCK = """
    INSERT INTO before
    SELECT id, stages_reached ? 'CUSTOMER', provenance -> 'last_name' FROM customers_customerprofile
    WHERE tenant_id = %(tenant)s AND id IN (SELECT customer FROM work) ORDER BY id FOR NO KEY UPDATE
"""
CHANGE = f"""
    WITH said AS (
        SELECT w.customer, (array_agg(w.event_id ORDER BY w.stamp DESC))[1] AS cause,
            max((w.stamp -> 2)::bigint) FILTER (WHERE type = 'web.page_view') AS looked,
            max((w.stamp -> 2)::bigint) FILTER (WHERE type = 'scl.payment.received') AS bought,
            (array_agg(w.stamp ORDER BY w.stamp DESC)
                FILTER (WHERE type = 'scl.member.updated' AND w.stamp > b.stamp))[1] AS stamp
        FROM work w JOIN before b USING (customer)
        WHERE type IN ('web.page_view', 'scl.member.updated', 'scl.payment.received') GROUP BY w.customer
    ), told AS (
        SELECT said.*, w.payload FROM said LEFT JOIN work w
            ON w.customer = said.customer AND w.stamp = said.stamp AND w.type = 'scl.member.updated'
    ), changed AS (
        UPDATE customers_customerprofile p SET
            last_name = coalesce(payload ->> 'lastName', last_name),
            language = coalesce(payload ->> 'language', language),
            stages_reached = stages_reached
                || CASE WHEN looked > coalesce((stages_reached -> 'PROSPECT')::bigint, 0)
                    THEN jsonb_build_object('PROSPECT', looked) ELSE '{{}}' END
                || CASE WHEN bought > coalesce((stages_reached -> 'CUSTOMER')::bigint, 0)
                    THEN jsonb_build_object('CUSTOMER', bought) ELSE '{{}}' END,
            provenance = CASE WHEN stamp IS NULL THEN provenance
                ELSE provenance || jsonb_build_object('last_name', stamp, 'language', stamp) END,
            version = version + 1, updated_at = now(), updated_by = 'events'
        FROM told WHERE p.tenant_id = %(tenant)s AND p.id = told.customer
        RETURNING p.id, payload, cause, bought IS NOT NULL AS has_bought
    ), news AS (
        SELECT id, 'crm.profile.updated' AS topic, cause, jsonb_build_object('id', id,
            'changes', jsonb_build_array('language', 'lastName'), 'lastName', payload -> 'lastName',
            'language', payload -> 'language', 'updatedAt', now()) AS message
        FROM changed WHERE payload IS NOT NULL
        UNION ALL
        SELECT id, 'person.became_customer', cause, jsonb_build_object('customerId', id)
        FROM changed JOIN before ON customer = id WHERE has_bought AND NOT had_bought
    )
    {insert_into(
        OutboxMessage,
        {
            "tenant_id": "%(tenant)s::uuid", "topic": "topic", "key": "id", "payload": "message",
            "correlation_id": "cause",
        },
        "FROM news",
    )}
"""  # fmt: skip
TELL_CREATED = insert_into(
    OutboxMessage,
    {
        "tenant_id": "%(tenant)s::uuid", "topic": "'crm.profile.created'", "key": "customer",
        "correlation_id": "event_id",
        "payload": """jsonb_build_object('id', customer, 'email', email, 'phoneNumber', phone,
            'firstName', payload -> 'firstName', 'lastName', payload -> 'lastName', 'createdAt', now(),
            'source', 'scl.member.created', 'linkedIds', jsonb_build_object('sclMemberId', member::bigint))""",
    },
    "FROM joined",
)  # fmt: skip
PAY = insert_into(
    Payment,
    {
        "tenant_id": "%(tenant)s::uuid", "key": "payload ->> 'id'", "customer_id": "customer",
        "recorded_for": "customer", "status": "'RECEIVED'",
        "amount_cents": "(payload -> 'amount')::bigint", "currency": "payload ->> 'currency'", "paid_at": "at",
        "invoice_key": "payload ->> 'invoiceId'",
        "stamps": json_object(
            ("amount_cents", "currency", "invoice_key", "status", "paid_at", "recorded_for"), "stamp"
        ),
    },
    "FROM work WHERE type = 'scl.payment.received' ORDER BY payload ->> 'id'",
)  # fmt: skip
PAY += """
    ON CONFLICT (tenant_id, key) DO UPDATE SET customer_id = EXCLUDED.customer_id,
        recorded_for = EXCLUDED.recorded_for, status = EXCLUDED.status,
        amount_cents = EXCLUDED.amount_cents, currency = EXCLUDED.currency, paid_at = EXCLUDED.paid_at,
        invoice_key = EXCLUDED.invoice_key, stamps = EXCLUDED.stamps
    WHERE EXCLUDED.stamps -> 'status' > customers_payment.stamps -> 'status'
"""
ENROL = insert_into(
    Membership,
    {
        "tenant_id": "%(tenant)s::uuid", "key": "(payload ->> 'id') || ':' || (payload ->> 'clubId')",
        "customer_id": "customer", "recorded_for": "customer", "club_ref": "payload ->> 'clubId'",
        "status": "payload ->> 'status'", "tier": "payload ->> 'membershipTierName'",
        "joined_on": "(payload ->> 'memberSince')::date",
        "stamps": json_object(("club_ref", "status", "tier", "joined_on", "left_on", "recorded_for"), "stamp"),
    },
    "FROM work WHERE type = 'scl.member.created' ORDER BY 2",
)  # fmt: skip
ENROL += """
    ON CONFLICT (tenant_id, key) DO UPDATE SET customer_id = EXCLUDED.customer_id,
        recorded_for = EXCLUDED.recorded_for, status = EXCLUDED.status,
        tier = EXCLUDED.tier, joined_on = EXCLUDED.joined_on, stamps = EXCLUDED.stamps
    WHERE EXCLUDED.stamps -> 'status' > customers_membership.stamps -> 'status'
"""
TITLE = """CASE type WHEN 'web.page_view' THEN 'Viewed the page ' || (payload ->> 'title')
    WHEN 'email.opened' THEN 'Opened an email' WHEN 'scl.member.updated' THEN 'Member details changed'
    WHEN 'scl.payment.received' THEN 'Paid ' || to_char((payload -> 'amount')::bigint / 100.0, 'FM999G999G990.00')
        || ' ' || (payload ->> 'currency')
    ELSE 'Joined as a member: ' || (payload ->> 'membershipTierName') END"""
ENTER = insert_into(
    Activity,
    {
        "id": "entry", "tenant_id": "%(tenant)s::uuid", "customer_id": "customer", "recorded_for": "customer",
        "type": """CASE type WHEN 'web.page_view' THEN 'WEB_PAGE_VIEW' WHEN 'email.opened' THEN 'EMAIL_OPENED'
            WHEN 'scl.member.updated' THEN 'MEMBER_UPDATED' WHEN 'scl.payment.received' THEN 'PAYMENT_RECEIVED'
            ELSE 'MEMBER_CREATED' END""",
        "category": "CASE source WHEN 'web' THEN 'WEB' WHEN 'messaging' THEN 'COMMUNICATION' ELSE 'MEMBERSHIP' END",
        "channel": "CASE type WHEN 'email.opened' THEN 'EMAIL' ELSE '' END", "title": TITLE,
        "metadata": """CASE source
            WHEN 'web' THEN payload - '{sessionId,referrer,userAgent,ip,utm}'::text[]
            WHEN 'messaging' THEN payload - '{messageId,channel,userAgent}'::text[]
            WHEN 'scl' THEN CASE type
                WHEN 'scl.member.updated' THEN payload - '{id,lastName,language,firstName}'::text[] ELSE '{}' END
            END""",
        "context": """CASE source
            WHEN 'web' THEN jsonb_build_object(
                'session', payload -> 'sessionId', 'referrer', payload -> 'referrer', 'ip', '203.0.113.0',
                'userAgent', payload -> 'userAgent', 'utm', payload -> 'utm')
            WHEN 'messaging' THEN jsonb_build_object('userAgent', payload -> 'userAgent') ELSE '{}' END""",
        "source": "source", "source_id": "coalesce(payload ->> 'messageId', payload ->> 'id', '')",
        "source_event_id": "event_id", "counts": "type <> 'scl.member.updated'", "occurred_at": "at",
    },
    "FROM work ORDER BY customer",
)  # fmt: skip
COUNT = """
    UPDATE customers_customermetrics m SET
        activity_count_30d = m.activity_count_30d + n.entries,
        last_activity_at = greatest(m.last_activity_at, n.last_at),
        last_activity_type = CASE WHEN n.last_at >= coalesce(m.last_activity_at, '-infinity') THEN n.last_type
            ELSE m.last_activity_type END,
        decays_at = least(m.decays_at, n.first_at + interval '720 hours'),
        lifetime_value_cents = m.lifetime_value_cents + n.cents,
        last_seen_at = greatest(m.last_seen_at, n.seen_at),
        last_email_open_at = greatest(m.last_email_open_at, n.opened_at)
    FROM (
        SELECT customer, count(*) AS entries, max(at) AS last_at, min(at) AS first_at,
            (array_agg(CASE type WHEN 'web.page_view' THEN 'WEB_PAGE_VIEW' WHEN 'email.opened' THEN 'EMAIL_OPENED'
                WHEN 'scl.payment.received' THEN 'PAYMENT_RECEIVED' ELSE 'MEMBER_CREATED' END
                ORDER BY at DESC))[1] AS last_type,
            coalesce(sum((payload -> 'amount')::bigint) FILTER (WHERE type = 'scl.payment.received'), 0) AS cents,
            max(at) FILTER (WHERE type = 'web.page_view') AS seen_at,
            max(at) FILTER (WHERE type = 'email.opened') AS opened_at
        FROM work WHERE type <> 'scl.member.updated' GROUP BY customer
    ) n
    WHERE m.tenant_id = %(tenant)s AND m.customer_id = n.customer
"""
SETTLE = """
    UPDATE timeline_inboundevent e SET status = 'SUCCESS', is_waiting = false, processed_at = now(),
        customer_id = work.customer, activity_id = work.entry
    FROM work WHERE e.tenant_id = %(tenant)s AND e.id = work.id
"""
STEPS = (
    "ANALYZE work", FIND, JOIN, IDENTIFY, CREATE, COUNT_FROM_NOW, KNOW, LOCK, "ANALYZE before", CHANGE, TELL_CREATED,
    PAY, ENROL, ENTER, COUNT, SETTLE,
)  # fmt: skip


def process_all(tenant: Tenant) -> int:
    """Work off the tenant's waiting events; how many that were."""
    total, connection = 0, own_connection()
    while taken := _one_batch(connection, {"tenant": tenant.pk, "batch": BATCH}):
        total += taken
    return total


@cache
def own_connection() -> Any:
    """One connection a process, as a worker has it, with the tables that statements hand on to each other."""
    connection = connect()
    connection.execute(TABLES, prepare=False)
    return connection


def _one_batch(connection: Any, params: dict[str, Any]) -> int:
    with connection.transaction():
        taken: int = connection.execute(TAKE, params).rowcount
        if taken:
            with connection.pipeline():
                for step in STEPS:
                    connection.execute(step, params)
    return taken
