"""Grants of consent that were given for a time: when it is over, the flags say so.

The end is one more statement, UNKNOWN, which nobody made. Its stamp comes just after that of the grant, so that what
else is said, heard before it or after, wins or loses against it as against the grant itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from crm.outbox.services import News, emit_many
from crm.tenancy.models import Tenant
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope
from customers.changes import say
from customers.consent import Consent, State
from customers.ledger import Said
from customers.models import ConsentEntry
from customers.payloads import WIRE, updated_payload
from customers.stamps import Stamp, microseconds

BY = "job:end_consents"
SOURCE, REASON = "expiry", "EXPIRED"
BATCH = 1000
# Who is being changed by somebody else is looked at next time.
DUE = """
    SELECT e.id, e.customer_id, e.recorded_for, e.channel, e.kind, e.value, e.expires_at, e.tier, e.version, e.at
    FROM customers_consententry e
    JOIN customers_customerprofile p ON p.tenant_id = e.tenant_id AND p.id = e.customer_id
    WHERE e.tenant_id = %s AND e.state = 'GRANTED' AND e.expires_at <= %s AND e.purpose = 'MARKETING'
        AND e.club_ref = '' AND p.merged_into_id IS NULL AND p.erased_at IS NULL
        AND NOT EXISTS (SELECT FROM customers_consententry o
            WHERE o.tenant_id = e.tenant_id AND o.source = 'expiry' AND o.event_id = e.id::text)
    ORDER BY e.expires_at, e.id LIMIT %s FOR NO KEY UPDATE OF p SKIP LOCKED
"""


def end_due(now: datetime) -> int:
    """Write down which grants ended, of all tenants; how many."""
    with scopes_disabled():  # asked across tenants: who has a grant that ended
        grants = ConsentEntry.objects.filter(tenant=OuterRef("pk"), state=State.GRANTED, expires_at__lte=now)
        tenants = list(Tenant.objects.filter(Exists(grants)))
    total = 0
    for tenant in tenants:
        with tenant_scope(tenant):
            while found := end_batch(now):
                total += found
    return total


@transaction.atomic
def end_batch(now: datetime) -> int:
    """Write down a batch of ends: flags, ledger and news. Eight statements at most."""
    ended = [_ended(row) for row in select(DUE, [current_tenant().pk, now, BATCH])]
    people = say(ended, now=now, by=BY)
    emit_many(
        [
            News("crm.profile.updated", str(pk), updated_payload(person.row, person.changed))
            for pk, person in people.items()
            if person.changed & WIRE.keys()
        ]
    )
    return len(ended)


def _ended(row: Mapping[str, Any]) -> Said:
    stamp = Stamp(row["tier"], row["version"], microseconds(row["at"]) + 1, 0, str(row["id"]), SOURCE)
    named = {row["kind"]: row["value"]} if row["value"] else {}
    over = Consent(row["channel"], State.UNKNOWN, row["expires_at"], REASON)
    return Said(row["customer_id"], row["recorded_for"], over, stamp, named)
