"""Lifecycle stages that time alone moves: an ended membership stops to count, a customer falls silent."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import JSONObject

from crm.outbox.services import News, emit_many
from crm.tenancy.models import Tenant
from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope
from customers.acts import record_acts
from customers.changes import settle
from customers.models import CustomerProfile
from customers.payloads import WIRE, updated_payload
from customers.person import Person
from customers.telling import stage_acts

BY = "job:turn_stages"
BATCH = 1000
DUE = """
    SELECT id FROM customers_customerprofile WHERE tenant_id = %s AND stage_due_at <= %s
        AND merged_into_id IS NULL
    ORDER BY stage_due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
RECHECK = """
    UPDATE customers_customerprofile SET stage_due_at = %s
    WHERE tenant_id = %s AND merged_into_id IS NULL
        AND (membership_ended_at IS NOT NULL OR membership_expiry IS NOT NULL)
"""


def turn_due(now: datetime) -> int:
    """Move the stages that are due, of all tenants; how many profiles were looked at.

    A tenant whose rule changed since has everybody's looked at anew whose membership ended or will.
    """
    with scopes_disabled():  # asked across tenants: who has a stage to move
        due = CustomerProfile.objects.filter(tenant=OuterRef("pk"), stage_due_at__lte=now)
        tenants = list(Tenant.objects.filter(Q(Exists(due)) | ~Q(lapse_applied=RULE)))
    total = 0
    for tenant in tenants:
        with tenant_scope(tenant):
            recheck(tenant, now)
            while found := turn_batch(now):
                total += found
    return total


RULE = JSONObject(grace=F("lapse_grace_days"), quiet=F("lapse_quiet_days"))


@transaction.atomic
def recheck(tenant: Tenant, now: datetime) -> None:
    """After a change of the tenant's rule, make everybody due whom it may concern. Two statements then."""
    rule = {"grace": tenant.lapse_grace_days, "quiet": tenant.lapse_quiet_days}
    if tenant.lapse_applied != rule:
        run(RECHECK, [now, tenant.pk])
        Tenant.objects.filter(pk=tenant.pk).update(lapse_applied=rule)


@transaction.atomic
def turn_batch(now: datetime) -> int:
    """Bring a batch of due profiles up to the time: stage, timeline entry, news. Eight statements at most."""
    ids = [row["id"] for row in select(DUE, [current_tenant().pk, now, BATCH])]
    people = settle(ids, now=now, by=BY)
    record_acts([act for pk, person in people.items() for act in stage_acts(pk, person)], by=BY)
    emit_many([_news(pk, person) for pk, person in people.items() if person.changed & WIRE.keys()])
    return len(ids)


def _news(pk: UUID, person: Person) -> News:
    return News("crm.profile.updated", str(pk), updated_payload(person.row, person.changed))
