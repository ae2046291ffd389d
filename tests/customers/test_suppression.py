from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import suppression
from customers.models import CustomerProfile, PlatformComplaint, Suppression
from customers.suppression import complained_anywhere, standing_over, suppress
from tests.factories import CustomerProfileFactory

NOW = datetime(2026, 6, 3, 10, tzinfo=UTC)
KEY = ("email", "ann@example.com")
R = Suppression.Reason


def put(reason: str, **about: Any) -> None:
    suppress([KEY], reason=reason, by="staff:1", now=NOW, **about)


def reasons(at: datetime = NOW) -> list[str]:
    return [row.reason for row in standing_over([KEY], at).get(KEY, [])]


def test_one_address_may_have_several_each_once(tenant: Tenant) -> None:
    for _ in range(2):
        put(R.HARD_BOUNCE)
        put(R.MANUAL, channel="EMAIL", purpose="OFFERS")
        put(R.MANUAL, channel="EMAIL", purpose="NEWSLETTER")
    assert reasons() == [R.HARD_BOUNCE, R.MANUAL, R.MANUAL]


def test_one_that_ends_ends_and_a_later_end_counts(tenant: Tenant) -> None:
    week, month = NOW + timedelta(days=7), NOW + timedelta(days=30)
    put(R.SOFT_BOUNCES, expires_at=month)
    put(R.SOFT_BOUNCES, expires_at=week)
    assert reasons(month - timedelta(seconds=1)) and not reasons(month)
    put(R.SOFT_BOUNCES)
    put(R.SOFT_BOUNCES, expires_at=week)
    assert reasons(NOW + timedelta(days=1000))


def test_only_who_was_erased_comes_in_with_marketing_off(tenant: Tenant) -> None:
    put(R.MANUAL)
    assert suppression.suppressed([KEY]) == {}
    put(R.ERASED)
    assert suppression.suppressed([KEY])[KEY].reason == R.ERASED


def test_a_complaint_is_heeded_by_all_and_told_to_nobody(tenant: Tenant, other_tenant: Tenant) -> None:
    put(R.COMPLAINT)
    with tenant_scope(other_tenant):
        assert complained_anywhere([KEY, ("email", "bob@example.com")]) == {KEY}
        assert standing_over([KEY], NOW) == {}
    (row,) = PlatformComplaint.objects.all()
    hashes = Suppression.objects.values_list("value_hash", flat=True)
    assert row.pk not in hashes and "ann" not in row.pk


def test_other_keys_are_recognised_after_they_changed(tenant: Tenant, settings: Any) -> None:
    settings.SUPPRESSION_KEYS = ["old"]
    put(R.COMPLAINT)
    settings.SUPPRESSION_KEYS = ["new", "old"]
    assert reasons() == [R.COMPLAINT] and complained_anywhere([KEY]) == {KEY}


@pytest.mark.parametrize("reason", R.values)
def test_every_reason_can_be_kept(tenant: Tenant, reason: str) -> None:
    CustomerProfileFactory(email=KEY[1], email_opt_in=True)
    put(reason, source="test")
    assert reasons() == [reason]
    assert CustomerProfile.objects.get(email=KEY[1]).email_opt_in is True  # an address is no statement
