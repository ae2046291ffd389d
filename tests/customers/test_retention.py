"""How long what is kept: by rule, by preview, never under a legal hold; with a moved clock."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.errors import ValidationFailed
from crm.tenancy import audit, retention
from crm.tenancy.models import AuditEntry, RetentionRule, Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile, FieldWrite
from customers.services import update_customer
from tests.clock import frozen
from tests.factories import ActivityFactory, CustomerProfileFactory
from tests.pages import log_in, member
from timeline.models import Activity

START = datetime(2026, 1, 10, 12, tzinfo=UTC)
PAGE = "/admin/retention/"


def rule(kind: str, days: int | None) -> None:
    retention.decide({kind: days}, by="user:x")


def test_what_nobody_decided_on_is_kept(tenant: Tenant) -> None:
    CustomerProfileFactory(created_at=START - timedelta(days=4000), updated_at=START - timedelta(days=4000))
    assert retention.apply_rules(timezone.now()) == 0


def test_people_who_fell_silent_are_erased_but_for_members_and_holds(tenant: Tenant) -> None:
    with frozen(START) as clock:
        silent, active, member_, held = (
            CustomerProfileFactory(created_at=START, updated_at=START) for _ in range(4)
        )
        CustomerProfile.objects.filter(pk=member_.pk).update(lifecycle_stage="MEMBER")
        CustomerProfile.objects.filter(pk=held.pk).update(legal_hold_at=START)
        rule("INACTIVE_PEOPLE", 1095)
        clock.forward(days=1094)
        assert retention.apply_rules(clock.now) == 0
        type(active.metrics).objects.filter(customer=active).update(last_activity_at=clock.now)
        clock.forward(days=2)
        assert retention.preview(retention.days_of_kinds(), now=clock.now)["INACTIVE_PEOPLE"] == 1
        assert retention.apply_rules(clock.now) >= 1
        assert set(CustomerProfile.objects.filter(erased_at=None)) == {active, member_, held}
        assert CustomerProfile.objects.get(erased_at__isnull=False) == silent
        assert AuditEntry.objects.get(action="retention.applied").after == {"INACTIVE_PEOPLE": 1}


def test_a_persons_own_date_counts(tenant: Tenant) -> None:
    with frozen(START) as clock:
        kept = CustomerProfileFactory(data_retention_date=date(2026, 3, 1))
        gone = CustomerProfileFactory(data_retention_date=date(2026, 2, 1))
        rule("KEEP_UNTIL", 0)
        clock.forward(days=30)
        retention.apply_rules(clock.now)
        assert list(CustomerProfile.objects.filter(erased_at=None)) == [kept]
        gone.refresh_from_db()
        assert gone.email == ""


def test_visits_and_history_go_and_what_is_under_a_hold_stays(tenant: Tenant) -> None:
    held, free = CustomerProfileFactory(legal_hold_at=START), CustomerProfileFactory()
    old = timezone.now() - timedelta(days=100)
    for who in (held, free):
        for kind, category in (
            ("WEB_PAGE_VIEW", "WEB"),
            ("WEB_PURCHASE", "WEB"),
            ("TEETIME_BOOKED", "BOOKING"),
        ):
            ActivityFactory(customer=who, type=kind, category=category, occurred_at=old)
        update_customer(who.pk, {"last_name": "Nel"}, by="user:x")
    rule("WEB_VIEWS", 30)
    rule("FIELD_HISTORY", 30)
    retention.apply_rules(timezone.now() + timedelta(days=31))
    assert Activity.objects.filter(type="WEB_PAGE_VIEW").get().customer_id == held.pk
    assert Activity.objects.filter(type__in=["WEB_PURCHASE", "TEETIME_BOOKED"]).count() == 4
    assert not FieldWrite.objects.filter(customer=free, is_erased=False).exists()
    assert not FieldWrite.objects.filter(customer=held, is_erased=True).exists()


def test_looks_leave_the_audit_log_and_changes_stay(tenant: Tenant) -> None:
    audit.record("customer.viewed", by="user:x", object_type="customer")
    audit.record("customer.updated", by="user:x", object_type="customer")
    rule("AUDIT_LOOKS", 180)
    retention.apply_rules(timezone.now() + timedelta(days=181))
    assert not AuditEntry.objects.filter(action="customer.viewed").exists()
    assert AuditEntry.objects.filter(action="customer.updated").exists()


def test_each_tenant_has_its_own_rules(tenant: Tenant, other_tenant: Tenant) -> None:
    rule("WEB_VIEWS", 30)
    old = timezone.now() - timedelta(days=40)
    ActivityFactory(category="WEB", type="WEB_PAGE_VIEW", occurred_at=old)
    with tenant_scope(other_tenant):
        ActivityFactory(category="WEB", type="WEB_PAGE_VIEW", occurred_at=old)
    retention.apply_rules(timezone.now())
    assert not Activity.objects.exists()
    with tenant_scope(other_tenant):
        assert Activity.objects.count() == 1


@pytest.mark.parametrize(
    "days", [{"INACTIVE_PEOPLE": 30}, {"WEB_VIEWS": 40_000}, {"API_ANSWERS": 5}, {"NOTHING": 5}]
)
def test_nobody_decides_what_can_not_be(tenant: Tenant, days: dict[str, int]) -> None:
    with pytest.raises(ValidationFailed):
        retention.decide(days, by="user:x")
    assert not RetentionRule.objects.exists()


def test_an_admin_sees_how_much_would_go_before_it_goes(tenant: Tenant) -> None:
    ActivityFactory(category="WEB", type="WEB_PAGE_VIEW", occurred_at=timezone.now() - timedelta(days=40))
    admin = log_in(member("ADMIN").user)
    sent: dict[str, Any] = {
        "WEB_VIEWS": "30",
        "EVENT_BODIES": "90",
        "DEAD_LETTERS": "90",
        "SEGMENT_CHANGES": "730",
    }
    trial = admin.post(PAGE, {**sent, "preview": "1"}).content.decode()
    assert "A trial" in trial
    assert not RetentionRule.objects.exists()
    assert admin.post(PAGE, {"EVENT_BODIES": "3"}).status_code == 200
    admin.post(PAGE, sent)
    assert RetentionRule.objects.get(kind="WEB_VIEWS").days == 30
    assert AuditEntry.objects.get(action="retention.changed").after == {"WEB_VIEWS": 30}
