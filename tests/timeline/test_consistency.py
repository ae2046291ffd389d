"""What must agree is compared, and each way in which it may not is seen."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings

from crm.outbox.models import OutboxMessage
from crm.outbox.services import emit
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import AliasHolder, CustomerMetrics, CustomerProfile
from tests.factories import ClubFactory, TenantFactory
from tests.timeline.streams import streams
from timeline.consistency import RULES, check
from timeline.ingestion import process_due, receive
from timeline.models import Activity, EventBody, InboundEvent
from timeline.services import add_activity

ADDRESS = "/api/v1/consistency"


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """A tenant with people, bookings, payments and news, all of it settled, and one event that waits."""
    ClubFactory(refs=["club-fynbos"])
    now = timezone.now()
    people = range(1, 9)
    receive(
        [
            event("scl.member.created", n, now, {"id": n, "firstName": "Ann", "email": f"p{n}@example.com"})
            for n in people
        ]
    )
    paid = {"amount": 1000, "currency": "ZAR"}
    receive(
        [event("scl.payment.received", n, now, {"id": f"pay-{n}", "memberId": n, **paid}) for n in people]
    )
    process_due(tenant)
    OutboxMessage.objects.update(relayed_at=now)
    receive([event("scl.member.updated", 1, now, {"id": 1, "changes": ["lastName"], "lastName": "Nel"})])
    return tenant


def event(kind: str, member: int, at: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{kind}-{member}", "type": kind, "source": "scl", "timestamp": (at - timedelta(days=1)).isoformat(),
        "identity": {"sclMemberId": member}, "payload": payload,
    }  # fmt: skip


def broken() -> dict[str, int]:
    return {one.name: one.wrong for one in check(now=timezone.now()) if one.wrong}


def test_it_agrees_and_says_how_much_was_looked_at(busy: Tenant, api: Any) -> None:
    body = api.get(ADDRESS).json()
    checked = {one["name"]: one["checked"] for one in body["checks"]}
    assert body["consistent"] is True and list(checked) == list(RULES)
    assert all(checked[name] for name in RULES if name != "newsInTime"), checked
    assert checked["counters"] == checked["profilesHaveCounters"] == 8
    assert all(one["wrong"] == 0 and one["examples"] == [] for one in body["checks"])


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def double_an_entry() -> None:
    entry = Activity.objects.filter(source="scl").first()
    entry.pk = CustomerProfile.objects.latest("pk").pk
    entry.save(force_insert=True)


def wait_too_long() -> None:
    InboundEvent.objects.filter(is_waiting=True).update(received_at=timezone.now() - timedelta(hours=1))


def keep_news() -> None:
    emit("crm.x", key="k", payload={})
    OutboxMessage.objects.filter(topic="crm.x").update(created_at=timezone.now() - timedelta(hours=1))


def take_identifiers_away() -> None:
    AliasHolder.objects.filter(alias__kind="email").update(is_owner=False)


WAYS: dict[str, Any] = {
    "counters": lambda: CustomerMetrics.objects.update(lifetime_value_cents=1),
    "countersDecay": lambda: CustomerMetrics.objects.update(decays_at=timezone.now() - timedelta(hours=1)),
    "profilesHaveCounters": lambda: sql("DELETE FROM customers_customermetrics"),
    "aliasesHaveOwners": take_identifiers_away,
    "emailsAreIdentifiers": lambda: CustomerProfile.objects.update(email="someone@example.com"),
    "syncLogStates": lambda: InboundEvent.objects.filter(is_waiting=False).update(status="PENDING"),
    "waitingHaveBodies": lambda: EventBody.objects.all().delete(),
    "appliedAreOnTimelines": lambda: Activity.objects.filter(source="scl").delete(),
    "entriesOnce": double_an_entry,
    "eventsInTime": wait_too_long,
    "newsInTime": keep_news,
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_each_disagreement_is_seen_with_some_ids(busy: Tenant, api: Any, name: str) -> None:
    WAYS[name]()
    assert broken().get(name), broken()
    body = api.get(ADDRESS).json()
    found = next(one for one in body["checks"] if one["name"] == name)
    assert not body["consistent"]
    assert 1 <= len(found["examples"]) <= min(found["wrong"], 5)


def test_what_waits_for_its_decay_is_no_difference_yet(busy: Tenant) -> None:
    later = timezone.now() + timedelta(days=30, minutes=1)
    assert next(one for one in check(now=later) if one.name == "counters").wrong == 0


def test_it_looks_at_its_own_tenant_only(busy: Tenant, other_tenant: Tenant, api: Any) -> None:
    WAYS["counters"]()
    theirs = api.as_key_of(other_tenant).get(ADDRESS).json()
    assert theirs["consistent"] and not any(one["checked"] for one in theirs["checks"])


def test_the_sample_may_be_small(busy: Tenant, api: Any) -> None:
    checks = api.get(ADDRESS, {"sample": 3}).json()["checks"]
    assert checks[0]["checked"] == 3
    assert api.get(ADDRESS, {"sample": 0}).status_code == 400


def test_it_costs_a_bounded_number_of_statements(busy: Tenant, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(len(RULES) + 6):
        check(now=timezone.now())


@pytest.mark.django_db
@settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)  # fmt: skip
@given(streams)
def test_whatever_was_applied_agrees(events: list[Any]) -> None:
    """Twenty quarrelsome streams, and an entry by hand."""
    tenant = TenantFactory()
    with tenant_scope(tenant):
        ClubFactory(tenant=tenant, refs=["club-fynbos"])
        receive(events)
        process_due(tenant)
        for customer in CustomerProfile.objects.all()[:1]:
            add_activity(customer, type="VISIT", category="WEB", title="Came by", by="key:x", counts=True)
        OutboxMessage.objects.update(relayed_at=timezone.now())
        assert broken() == {}
