"""How many people segments mean, and on which channels they may be written to as things are now."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant

# By the profile alone, as marketing at large: purposes, caps and the rest are asked of each person when it is sent.
REACH = """
    WITH meant AS (
        SELECT customer_id FROM segments_segmentmember WHERE tenant_id = %(tenant)s AND segment_id = ANY(%(segments)s)
        EXCEPT
        SELECT customer_id FROM segments_segmentmember WHERE tenant_id = %(tenant)s AND segment_id = ANY(%(excluded)s)
    )
    SELECT count(*) AS people,
        count(*) FILTER (WHERE p.email <> '') AS "EMAIL",
        count(*) FILTER (WHERE p.email <> '' AND p.email_opt_in) AS "EMAIL_AGREED",
        count(*) FILTER (WHERE p.phone_is_valid) AS "SMS",
        count(*) FILTER (WHERE p.phone_is_valid AND p.sms_opt_in) AS "SMS_AGREED",
        count(*) FILTER (WHERE p.phone_is_valid) AS "WHATSAPP",
        count(*) FILTER (WHERE p.phone_is_valid AND p.whatsapp_opt_in) AS "WHATSAPP_AGREED",
        count(*) FILTER (WHERE p.push_opt_in) AS "PUSH_AGREED"
    FROM meant JOIN customers_customerprofile p ON p.tenant_id = %(tenant)s AND p.id = meant.customer_id
    WHERE p.status = 'ACTIVE' AND p.erased_at IS NULL
"""


def reach(segments: Sequence[UUID], excluded: Sequence[UUID]) -> dict[str, Any]:
    """People, and by channel those with an address there and, as CHANNEL_AGREED, those who agreed. One statement."""
    asked = {"tenant": current_tenant().pk, "segments": list(segments), "excluded": list(excluded)}
    (row,) = select(REACH, asked)
    return row
