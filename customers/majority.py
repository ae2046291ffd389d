"""Who came of age: their consents were given, or refused, by somebody else, so a member of staff looks at them."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.facts import FactWrite, apply_facts
from customers.models import CustomerProfile, PrivacyRequest, Status
from customers.stamps import Stamp

BY = "job:review_majority"
BATCH = 500
LATELY = 1  # years for which a birthday that nobody has looked at yet is asked about


def ask_all(now: datetime) -> int:
    """Ask of everybody who came of age, of all tenants; how many that were."""
    count = 0
    for tenant in Tenant.objects.filter(is_active=True):
        with tenant_scope(tenant):
            count += ask(tenant, now)
    return count


@transaction.atomic
def ask(tenant: Tenant, now: datetime) -> int:
    """Put those who came of age in the last year, or still have a guardian, into the queue of requests, once."""
    today = timezone.localtime(now, tenant.zone).date()
    born_by, since = (
        _years_before(today, tenant.majority_age),
        _years_before(today, tenant.majority_age + LATELY),
    )
    known = PrivacyRequest.objects.filter(kind=PrivacyRequest.Kind.MAJORITY, customer=OuterRef("pk"))
    people: Any = CustomerProfile.objects.filter(
        Q(guardian__isnull=False) | Q(date_of_birth__gt=since), ~Exists(known), date_of_birth__lte=born_by,
        erased_at=None, status=Status.ACTIVE,
    )  # fmt: skip
    ids = list(people.order_by("pk").values_list("pk", flat=True)[:BATCH])
    stamp = Stamp.of_act(BY, now)
    values = {"kind": PrivacyRequest.Kind.MAJORITY.value, "requested_at": now}
    apply_facts(
        [FactWrite("privacy_request", f"MAJORITY:{pk}", pk, pk, values, {}, stamp) for pk in ids], now=now
    )
    return len(ids)


def _years_before(day: date, years: int) -> date:
    """1 March stands for 29 February where there is none, as in customers.marketing."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)
