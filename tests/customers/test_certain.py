"""Pairs of which the finder is certain, merged without being asked where a tenant wants that."""

from datetime import date
from typing import Any

import pytest
from django.core.management import call_command

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import current_tenant
from customers.certain import merge_certain
from customers.deduplication import find_all, find_for
from customers.models import CustomerProfile, DuplicateCandidate, MergeRecord
from customers.tasks import catch_up_on_duplicates
from customers.unmerging import unmerge
from tests.crm.staff.test_general import sent
from tests.pages import staff_of

ANN: dict[str, Any] = {
    "first_name": "Catherine", "last_name": "van Wyk", "date_of_birth": date(1978, 3, 9),
    "phone_number": "+27821234567", "phone_is_valid": True, "email": "c@example.com",
}  # fmt: skip
SETTINGS = "/admin/settings/"


@pytest.fixture
def merging(tenant: Tenant) -> Tenant:
    Tenant.objects.filter(pk=tenant.pk).update(merges_duplicates=True)
    current_tenant().merges_duplicates = True
    return tenant


def twice(**other: Any) -> tuple[CustomerProfile, CustomerProfile]:
    one, two = (
        CustomerProfile.objects.create(tenant=current_tenant(), **fields) for fields in (ANN, ANN | other)
    )
    return one, two


def people() -> int:
    return CustomerProfile.objects.listed().count()


def test_nobody_is_merged_unless_the_tenant_wants_it(tenant: Tenant) -> None:
    twice()
    assert find_all().certain == 1
    assert (merge_certain(), people()) == (0, 2)


def test_a_certain_pair_becomes_one_with_a_record_an_audit_entry_and_a_way_back(merging: Tenant) -> None:
    one, two = twice()
    find_all()
    assert (merge_certain(), merge_certain()) == (1, 0)
    record = MergeRecord.objects.get()
    assert (record.winner_id, record.loser_id, record.rule, record.actor) == (
        one.pk,
        two.pk,
        "FINDER",
        "job:duplicates",
    )
    assert record.score == 100
    assert AuditEntry.objects.filter(action="customer.merged").count() == 1
    assert DuplicateCandidate.objects.get().status == "MERGED"
    unmerge(record.pk, by="user:staff")
    find_all()
    assert (merge_certain(), people()) == (0, 2), "somebody's word is not overruled"


def test_what_a_merge_tells_others_triggers_nothing(merging: Tenant) -> None:
    twice()
    find_all()
    merge_certain()
    told = OutboxMessage.objects.filter(topic__in=["crm.profile.merged", "crm.profile.updated"])
    assert "crm.profile.merged" in {one.topic for one in told}
    assert all(one.historical for one in told)


def test_who_changed_since_is_compared_once_more(merging: Tenant) -> None:
    _one, two = twice()
    find_all()
    CustomerProfile.objects.filter(pk=two.pk).update(date_of_birth=date(2001, 1, 1))
    assert (merge_certain(), people()) == (0, 2)
    assert DuplicateCandidate.objects.get().band == "REVIEW"


def test_a_pair_that_only_may_be_one_waits_for_staff(merging: Tenant) -> None:
    twice(first_name="Kate")
    find_all()
    assert (merge_certain(), DuplicateCandidate.objects.get().status) == (0, "OPEN")


def test_of_three_alike_one_is_left(merging: Tenant) -> None:
    twice()
    third = CustomerProfile.objects.create(tenant=current_tenant(), **ANN)
    find_for([third.pk])
    catch_up_on_duplicates()
    assert people() == 1


def test_the_command_says_how_many_were_merged(merging: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    twice()
    call_command("find_duplicates", tenant=merging.slug, dry_run=True)
    assert people() == 2
    call_command("find_duplicates", tenant=merging.slug)
    assert ", 1 merged" in capsys.readouterr().out
    assert people() == 1


def test_admins_turn_it_on_and_the_audit_log_knows(tenant: Tenant) -> None:
    browser = staff_of()
    browser.post(SETTINGS, sent(tenant, merges_duplicates="on"))
    assert Tenant.objects.get(pk=tenant.pk).merges_duplicates is True
    entry = AuditEntry.objects.get(action="tenant.changed")
    assert (entry.before, entry.after) == ({"merges_duplicates": False}, {"merges_duplicates": True})
    assert staff_of(Role.MARKETING).get(SETTINGS).status_code == 403
