"""What messages brought: each booking, order, payment or entry put down to one of them, and taken back when undone.

The model, as staff read it: the last message that somebody clicked within the channel’s days counts; where they clicked
none, the last that they opened. What machines did counts for nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from campaigns.queue import database_now, touch_runs
from campaigns.senders import senders_by_ref
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant

LATELY = timedelta(days=3)  # facts that are looked at every time; a slower pass looks further
FOLLOWED = timedelta(days=400)  # for so long a refund takes its revenue back
USUAL = ["BOOKING", "ORDER"]  # what counts where a campaign names no goal
ATTRIBUTE = """
WITH facts AS (
    SELECT 'BOOKING' AS kind, key AS key, customer_id, booked_at AS at, coalesce(amount_cents, 0) AS amount,
        0::bigint AS refunded, currency, cancelled_at AS undone FROM customers_booking
    WHERE tenant_id = %(tenant)s AND booked_at > %(since)s
    UNION ALL
    SELECT 'ORDER', key, customer_id, coalesce(placed_at, paid_at), coalesce(total_cents, 0),
        coalesce(refunded_cents, 0), currency, cancelled_at FROM customers_order
    WHERE tenant_id = %(tenant)s AND coalesce(placed_at, paid_at) > %(since)s
    UNION ALL
    SELECT 'PAYMENT', key, customer_id, paid_at, coalesce(amount_cents, 0), 0, currency, NULL
    FROM customers_payment WHERE tenant_id = %(tenant)s AND paid_at > %(since)s AND status <> 'FAILED'
    UNION ALL
    SELECT 'ENTRY', key, customer_id, entered_at, 0, 0, '', withdrawn_at
    FROM customers_competitionentry WHERE tenant_id = %(tenant)s AND entered_at > %(since)s
), candidates AS (
    SELECT f.*, m.id AS message, m.run_id, i.kind AS deed, i.at AS done_at
    FROM facts f
    JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.customer_id = f.customer_id AND m.origin <> 'TEST'
    JOIN unnest(%(refs)s::text[], %(channels)s::text[], %(days)s::int[]) AS w (ref, channel, days)
        ON w.channel = m.channel AND w.ref = CASE WHEN m.club_ref = ANY(%(refs)s) THEN m.club_ref ELSE '' END
    JOIN campaigns_interaction i ON i.tenant_id = %(tenant)s AND i.message_id = m.id AND i.is_human
        AND i.kind IN ('CLICKED', 'OPENED') AND i.at <= f.at AND i.at > f.at - w.days * interval '1 day'
    LEFT JOIN campaigns_campaignrun r ON r.tenant_id = %(tenant)s AND r.id = m.run_id
    LEFT JOIN campaigns_campaign c ON c.tenant_id = %(tenant)s AND c.id = r.campaign_id
    WHERE f.kind = ANY(CASE WHEN jsonb_array_length(CASE WHEN jsonb_typeof(c.goal -> 'kinds') = 'array'
            THEN c.goal -> 'kinds' ELSE '[]' END) > 0
        THEN ARRAY(SELECT jsonb_array_elements_text(c.goal -> 'kinds')) ELSE %(usual)s::text[] END)
), chosen AS (
    SELECT DISTINCT ON (kind, key) * FROM candidates
    ORDER BY kind, key, deed = 'CLICKED' DESC, done_at DESC, message DESC
), written AS (
    INSERT INTO campaigns_conversion AS c
        (tenant_id, message_id, run_id, kind, key, amount_cents, refunded_cents, currency, at, reversed_at)
    SELECT %(tenant)s, message, run_id, kind, left(key, 200), amount, refunded,
        coalesce(nullif(currency, ''), %(currency)s), at, undone
    FROM chosen ORDER BY kind, key
    ON CONFLICT (tenant_id, kind, key) DO UPDATE SET amount_cents = excluded.amount_cents,
        refunded_cents = excluded.refunded_cents, reversed_at = excluded.reversed_at
    WHERE (c.amount_cents, c.refunded_cents, c.reversed_at)
        IS DISTINCT FROM (excluded.amount_cents, excluded.refunded_cents, excluded.reversed_at)
    RETURNING message_id, run_id
)
SELECT DISTINCT message_id AS message, run_id AS run FROM written
"""
# What became of facts that were put down to a message: undone, refunded, put right.
FOLLOW = """
WITH facts AS (
    SELECT c.id, coalesce(b.amount_cents, 0) AS amount, 0::bigint AS refunded, b.cancelled_at AS undone
    FROM campaigns_conversion c JOIN customers_booking b ON b.tenant_id = %(tenant)s AND b.key = c.key
    WHERE c.tenant_id = %(tenant)s AND c.kind = 'BOOKING'
    UNION ALL
    SELECT c.id, coalesce(o.total_cents, 0), coalesce(o.refunded_cents, 0), o.cancelled_at
    FROM campaigns_conversion c JOIN customers_order o ON o.tenant_id = %(tenant)s AND o.key = c.key
    WHERE c.tenant_id = %(tenant)s AND c.kind = 'ORDER'
    UNION ALL
    SELECT c.id, 0, 0, e.withdrawn_at
    FROM campaigns_conversion c JOIN customers_competitionentry e ON e.tenant_id = %(tenant)s AND e.key = c.key
    WHERE c.tenant_id = %(tenant)s AND c.kind = 'ENTRY'
)
UPDATE campaigns_conversion c SET amount_cents = f.amount, refunded_cents = f.refunded, reversed_at = f.undone
FROM facts f WHERE c.tenant_id = %(tenant)s AND c.id = f.id AND c.at > %(kept)s
    AND (c.amount_cents, c.refunded_cents, c.reversed_at) IS DISTINCT FROM (f.amount, f.refunded, f.undone)
RETURNING c.message_id AS message, c.run_id AS run
"""
STAMP = """
    UPDATE campaigns_message m SET converted_at = (
        SELECT min(c.at) FROM campaigns_conversion c
        WHERE c.tenant_id = %(tenant)s AND c.message_id = m.id AND c.reversed_at IS NULL)
    WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(messages)s)
"""


def attribute(*, since: datetime | None = None) -> int:
    """Put down to messages what the open tenant's people did since; how many conversions that changed.

    Repeating it changes nothing. A fact that was put down to a message stays there; its amount, and whether it still
    stands, follow the fact.
    """
    since = since or database_now() - LATELY
    windows = [
        (ref, channel, days)
        for ref, sender in senders_by_ref().items()
        for channel, days in sender.attribution_days.items()
    ]
    asked: dict[str, Any] = {
        "tenant": current_tenant().pk, "since": since, "usual": USUAL, "currency": current_tenant().currency,
        "refs": [ref for ref, _, _ in windows], "channels": [channel for _, channel, _ in windows],
        "days": [days for _, _, days in windows],
    }  # fmt: skip
    changed = select(ATTRIBUTE, asked)
    changed += select(FOLLOW, {"tenant": current_tenant().pk, "kept": database_now() - FOLLOWED})
    if changed:
        stamp([row["message"] for row in changed])
        touch_runs({row["run"] for row in changed if row["run"]})
    return len(changed)


def stamp(messages: list[int]) -> None:
    """Say of messages when they first brought something that still stands. One statement."""
    select(STAMP + " RETURNING m.id", {"tenant": current_tenant().pk, "messages": messages})
