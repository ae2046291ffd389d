"""A club's events of an ordinary hour, written by SQL: each batch new, its people picked evenly.

Of 20: 8 page views (by e-mail), 4 e-mails opened (Messaging contact), 3 member records changed and 3 payments (SCL
number), 2 new members (SCL number, e-mail, phone). Five sources' identifiers, five kinds of effect.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from crm.tenancy.models import Tenant
from tests.bench.population import STRIDE
from tests.bench.statements import insert_into
from timeline.models import EventBody, InboundEvent
from timeline.sources import TYPES

PAGE_VIEW, OPENED, CHANGED = "web.page_view", "email.opened", "scl.member.updated"
PAID, JOINED = "scl.payment.received", "scl.member.created"
SHARES = [PAGE_VIEW] * 8 + [OPENED] * 4 + [CHANGED] * 3 + [PAID] * 3 + [JOINED] * 2

# The event number n of the whole benchmark is what makes its id, its new member, its payment unlike all others.
EVENTS = """
    SELECT n, bench_id() AS id, type, source, priority, at, lpad(n::text, 36, '0') AS event_id,
        json_build_object(
            'id', lpad(n::text, 36, '0'), 'type', type, 'version', '1.0', 'source', source,
            'timestamp', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'tenantId', %(slug)s::text, 'identity', identity, 'payload', payload)::text AS raw
    FROM (
        SELECT n, (n * %(stride)s) %% %(people)s AS person,
            date_trunc('milliseconds', %(now)s::timestamptz)
                - interval '1 millisecond' * (%(first)s + %(count)s - n) AS at,
            (%(types)s::text[])[1 + n %% 20] AS type, (%(sources)s::text[])[1 + n %% 20] AS source,
            (%(priorities)s::int[])[1 + n %% 20] AS priority
        FROM (SELECT n::bigint FROM generate_series(%(first)s, %(first)s + %(count)s - 1) n) numbers
    ) e, LATERAL (
        SELECT json_build_object('email', 'Person' || person || '@Example.com') AS identity,
            json_build_object(
                'url', 'https://club.example/page/' || n, 'title', 'Page ' || n, 'sessionId', md5(n::text),
                'utm', json_build_object('source', 'newsletter', 'campaign', 'spring'), 'ip', '203.0.113.9',
                'referrer', 'https://search.example/', 'userAgent', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0')
                AS payload
        WHERE type = 'web.page_view'
        UNION ALL
        SELECT json_build_object('messagingContactId', 'contact-' || person),
            json_build_object('messageId', 'message-' || n, 'channel', 'EMAIL', 'campaignId', 'campaign-' || n %% 50,
                'userAgent', 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)')
        WHERE type = 'email.opened'
        UNION ALL
        SELECT json_build_object('sclMemberId', person + 1),
            json_build_object(
                'id', person + 1, 'changes', json_build_array('lastName', 'language'),
                'lastName', 'Married ' || n, 'language', 'af', 'firstName', 'Unchanged')
        WHERE type = 'scl.member.updated'
        UNION ALL
        SELECT json_build_object('sclMemberId', person + 1),
            json_build_object(
                'id', 'pay-' || n, 'memberId', person + 1, 'amount', 100 * (n %% 1000 + 1), 'currency', 'ZAR',
                'invoiceId', 'INV-' || n)
        WHERE type = 'scl.payment.received'
        UNION ALL
        SELECT json_build_object('sclMemberId', 20000000 + n, 'email', 'new' || n || '@example.com'),
            json_build_object('id', 20000000 + n, 'firstName', 'Thandi', 'lastName', 'Nkosi', 'status', 'ACTIVE',
                'email', 'new' || n || '@example.com', 'phoneNumber', '+2773' || lpad((n %% 10000000)::text, 7, '0'),
                'membershipTierName', 'Gold', 'memberSince', '2026-01-01', 'clubId', 'club-bench')
        WHERE type = 'scl.member.created'
    ) told
"""
STORE = f"""
    WITH sent AS MATERIALIZED ({EVENTS}),
    kept AS ({insert_into(
        InboundEvent,
        {
            "id": "id", "tenant_id": "%(tenant)s::uuid", "source": "source", "event_id": "event_id", "type": "type",
            "priority": "priority", "occurred_at": "at",
        },
        "FROM sent ORDER BY n",
    )})
    {insert_into(
        EventBody, {"event_id": "id", "tenant_id": "%(tenant)s::uuid", "raw": "raw"}, "FROM sent ORDER BY n"
    )}
"""  # fmt: skip


@dataclass(frozen=True, slots=True)
class Traffic:
    """Events about a tenant's people, numbered by the caller: no number twice in a tenant, all below ten million.

    They happened in the milliseconds before `now`, which is the moment that they are made unless told.
    """

    tenant: Tenant
    people: int
    now: datetime | None = None

    def texts(self, first: int, amount: int) -> list[str]:
        """Events as their senders write them."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT raw FROM ({EVENTS}) e ORDER BY n", self.params(first, amount))
            return [raw for (raw,) in cursor.fetchall()]

    def arrive(self, first: int, amount: int) -> None:
        """Events into the inbox, waiting to be processed."""
        with connection.cursor() as cursor:
            cursor.execute(STORE, self.params(first, amount))

    def params(self, first: int, amount: int) -> dict[str, object]:
        kinds = [TYPES[name] for name in SHARES]
        return {
            "tenant": self.tenant.pk, "slug": self.tenant.slug, "people": self.people,
            "now": self.now or timezone.now(), "first": first,
            "count": amount, "stride": STRIDE, "types": SHARES, "sources": [kind.source for kind in kinds],
            "priorities": [int(kind.priority) for kind in kinds],
        }  # fmt: skip
