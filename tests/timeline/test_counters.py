from datetime import UTC, datetime, timedelta

import pytest

from crm.tenancy.models import Tenant
from customers.models import CustomerMetrics, CustomerProfile
from tests.factories import CustomerProfileFactory
from timeline.counters import WINDOW, decay_due, recount
from timeline.ingestion import process_due, receive
from timeline.readers import Reader
from timeline.services import add_activity, delete_activity

pytestmark = pytest.mark.services

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def visit(customer: CustomerProfile, at: datetime) -> None:
    add_activity(
        customer, type="VISIT", category="WEB", title="Visited", by="key:x", occurred_at=at, counts=True
    )


def test_counts_decay_as_the_days_pass(tenant: Tenant) -> None:
    customer = CustomerProfileFactory()
    for days in (1, 10, 29):
        visit(customer, NOW - timedelta(days=days))
    for elapsed, left in ((0, 3), (1, 2), (19, 2), (20, 1), (29, 0), (400, 0)):
        now = NOW + timedelta(days=elapsed, seconds=1)
        recount([customer.pk], now=NOW)
        decay_due(now)
        assert CustomerMetrics.objects.get().activity_count_30d == left, elapsed
    assert CustomerMetrics.objects.get().decays_at is None
    assert CustomerMetrics.objects.get().last_activity_at == NOW - timedelta(days=1)


def test_the_window_is_thirty_times_twenty_four_hours_to_the_microsecond(tenant: Tenant) -> None:
    customer = CustomerProfileFactory()
    visit(customer, NOW - WINDOW)
    recount([customer.pk], now=NOW)
    assert CustomerMetrics.objects.get().activity_count_30d == 0
    recount([customer.pk], now=NOW - timedelta(microseconds=1))
    metrics = CustomerMetrics.objects.get()
    assert (metrics.activity_count_30d, metrics.decays_at) == (1, NOW)


def test_what_others_did_does_not_count(tenant: Tenant) -> None:
    customer = CustomerProfileFactory()
    add_activity(customer, type="CALL", category="SYSTEM", title="We called", by="user:1", occurred_at=NOW)
    recount([customer.pk], now=NOW)
    metrics = CustomerMetrics.objects.get()
    assert (metrics.activity_count_30d, metrics.last_activity_at) == (0, None)


def test_a_deleted_manual_entry_is_no_longer_counted(tenant: Tenant) -> None:
    customer = CustomerProfileFactory()
    entry = add_activity(customer, type="VISIT", category="WEB", title="Visited", by="key:x", counts=True)
    assert CustomerMetrics.objects.get().activity_count_30d == 1
    delete_activity(customer.pk, entry.pk, by=Reader("key:x", frozenset(), is_admin=False))
    assert CustomerMetrics.objects.get().activity_count_30d == 0


def test_lifetime_value_adds_each_transaction_once_in_the_tenants_currency(tenant: Tenant) -> None:
    tenant.currency_rates = {"GBP": 20}
    tenant.save()
    at = datetime.now(UTC) - timedelta(days=1)

    def event(number: int, kind: str, payload: dict[str, object]) -> dict[str, object]:
        return {
            "id": str(number), "type": kind, "timestamp": at.isoformat(), "payload": payload,
            "identity": {"email": "a@example.com"},
        }  # fmt: skip

    order = {"orderId": "o1", "total": 5000, "currency": "ZAR"}
    receive(
        [
            event(1, "order.paid", order),
            event(2, "order.completed", order),
            event(3, "order.refunded", order | {"refunded": 1500}),
            event(4, "scl.payment.received", {"id": "p1", "memberId": 3, "amount": 100, "currency": "GBP"}),
            event(5, "deal.won", {"dealId": "d1", "dealValue": 700, "currency": "ZAR"}),
            event(6, "scl.payment.received", {"id": "p2", "memberId": 3, "amount": 999, "currency": "JPY"}),
            event(7, "scl.payment.received", {"id": "p3", "memberId": 3, "amount": 30}),
        ]
    )
    process_due(tenant)
    assert CustomerMetrics.objects.get().lifetime_value_cents == 5000 - 1500 + 100 * 20 + 700 + 30
