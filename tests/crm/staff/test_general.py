"""Settings > General."""

from typing import Any

import pytest

from crm.staff.general import GeneralForm
from crm.tenancy.masks import Personal
from crm.tenancy.models import AuditEntry, Tenant
from customers.models import Payment
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import LIST, at_most, staff_of, words

PAGE = "/admin/settings/"


def sent(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    """The form as the page shows it, with changes."""
    form = GeneralForm(instance=tenant)
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def test_an_admin_changes_the_group_and_the_audit_log_says_from_what_to_what(tenant: Tenant) -> None:
    browser = staff_of()
    changes = {"name": "Kelp Group", "timezone": "Europe/London", "region": "GB", "language": "af"}
    reply = browser.post(PAGE, sent(tenant, **changes, second_factor_roles=["VIEWER"]))
    assert (reply.status_code, reply["Location"]) == (302, PAGE)
    tenant.refresh_from_db()
    assert (tenant.name, tenant.timezone, tenant.region, tenant.language) == tuple(changes.values())
    entry = AuditEntry.objects.get(action="tenant.changed")
    assert entry.before["name"] == "Fynbos Group"
    assert entry.after == {**changes, "second_factor_roles": ["VIEWER"]}
    assert (entry.object_type, entry.object_id) == ("tenant", str(tenant.pk))


def test_an_admin_says_when_somebody_counts_as_lost(tenant: Tenant) -> None:
    staff_of().post(PAGE, sent(tenant, lapse_grace_days=7, lapse_quiet_days=365))
    tenant.refresh_from_db()
    assert (tenant.lapse_grace_days, tenant.lapse_quiet_days) == (7, 365)


def test_saving_nothing_new_changes_nothing(tenant: Tenant) -> None:
    tenant.masks = {"VIEWER": {"email": "SHOWN"}}
    tenant.save()
    staff_of().post(PAGE, sent(tenant))
    assert not AuditEntry.objects.filter(action="tenant.changed").exists()
    tenant.refresh_from_db()
    assert tenant.masks == {"VIEWER": {"email": "SHOWN"}}


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("timezone", "Mars/Olympus", "Select a valid choice"),
        ("region", "XX", "Select a valid choice"),
        ("name", "", "This field is required"),
        ("currency", "zar", "three-letter ISO code"),
        ("lapse_grace_days", "-1", "greater than or equal to 0"),
        ("high_value_cents", "0", "greater than or equal to 1"),
        ("at_risk_threshold", "101", "less than or equal to 100"),
        ("second_factor_roles", ["OWNER"], "Select a valid choice"),
        ("mask-VIEWER-email", "A_BIT", "Select a valid choice"),
        ("mask-STAFF-scores", "MASKED", "Select a valid choice"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_beside_its_field(
    tenant: Tenant, field: str, value: Any, problem: str
) -> None:
    page = words(staff_of().post(PAGE, sent(tenant, **{field: value})))
    assert "Nothing is saved yet" in page
    assert problem in page
    assert not AuditEntry.objects.filter(action="tenant.changed").exists()


def test_the_currency_is_fixed_once_there_is_money(tenant: Tenant) -> None:
    browser = staff_of()
    Payment.objects.create(tenant=tenant, key="p", amount_cents=None)
    browser.post(PAGE, sent(tenant, currency="EUR"))
    tenant.refresh_from_db()
    assert tenant.currency == "EUR"
    Payment.objects.create(tenant=tenant, key="q", amount_cents=100)
    assert "Fixed, because there are amounts in it already." in browser.text(PAGE)
    browser.post(PAGE, sent(tenant, currency="GBP"))
    tenant.refresh_from_db()
    assert tenant.currency == "EUR"


def test_masks_count_from_the_next_page_and_only_what_is_unusual_is_kept(tenant: Tenant) -> None:
    person = CustomerProfileFactory(email="ann@example.com")
    viewer, admin = staff_of("VIEWER"), staff_of()
    assert "ann@example.com" not in viewer.text(f"{LIST}{person.pk}/")
    admin.post(PAGE, sent(tenant, **{"mask-VIEWER-email": "SHOWN", "mask-STAFF-phone": "HIDDEN"}))
    assert "ann@example.com" in viewer.text(f"{LIST}{person.pk}/")
    tenant.refresh_from_db()
    assert tenant.masks == {"VIEWER": {"email": "SHOWN"}, "STAFF": {"phone": "HIDDEN"}}
    assert AuditEntry.objects.get(action="tenant.changed").after == {"masks": tenant.masks}


def test_every_kind_of_personal_data_is_on_the_page(tenant: Tenant) -> None:
    form = GeneralForm(instance=tenant)
    assert len(form.mask_rows) == len(Personal)
    assert all(len(fields) == 2 for _words, fields in form.mask_rows)


def test_clubs_are_on_the_page_with_the_zone_that_holds_for_them(tenant: Tenant) -> None:
    ClubFactory(name="Kelp Links", timezone="Europe/London", refs=["kelp"])
    ClubFactory(name="Fynbos Park")
    browser = staff_of()
    with at_most(16):
        page = browser.text(PAGE)
    assert "Kelp Links Europe/London" in page
    assert "Fynbos Park Africa/Johannesburg (as the group)" in page


def test_dates_are_written_as_the_group_writes_them(tenant: Tenant) -> None:
    person = CustomerProfileFactory(date_of_birth="1980-02-29")
    browser = staff_of()
    assert "29 Feb 1980" in browser.text(f"{LIST}{person.pk}/")
    browser.post(PAGE, sent(tenant, date_format="Y-m-d"))
    assert "1980-02-29" in browser.text(f"{LIST}{person.pk}/")


def test_an_admin_of_some_clubs_leaves_it_alone(tenant: Tenant) -> None:
    browser = staff_of(clubs=(ClubFactory(),))
    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, sent(tenant, name="Mine")).status_code == 403
    tenant.refresh_from_db()
    assert tenant.name == "Fynbos Group"
