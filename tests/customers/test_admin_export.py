"""Exporting what the list shows, from the staff pages."""

import pytest

from crm.tabular import BYTE_ORDER_MARK
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from tests.factories import ClubFactory, CustomerProfileFactory, CustomFieldFactory
from tests.pages import LIST, staff_of

EXPORT = f"{LIST}export/"


def test_the_button_leads_to_the_file_of_what_is_shown(tenant: Tenant) -> None:
    CustomFieldFactory(key="size", label="Shirt size")
    CustomerProfileFactory(last_name="Botha", lifecycle_stage="MEMBER", custom_fields={"size": "L"})
    CustomerProfileFactory(last_name="Nkosi", lifecycle_stage="LEAD")
    browser = staff_of(Role.MARKETING)
    page = browser.get(LIST, {"stage": "MEMBER", "o": "1"}).content.decode()
    assert f'href="{EXPORT}?stage=MEMBER"' in page
    form = browser.text(f"{EXPORT}?stage=MEMBER")
    for words in (
        "1 person: stage: Member",
        "Last activity at",
        "Shirt size",
        "Internal notes",
        "VIP",
        "Booking count 30 days",
    ):
        assert words in form, words
    reply = browser.post(
        f"{EXPORT}?stage=MEMBER", {"format": "CSV", "usual": ["lastName"], "own": ["customFields.size"]}
    )
    assert reply.getvalue().decode() == f"{BYTE_ORDER_MARK}lastName,customFields.size\r\nBotha,L\r\n"
    entry = AuditEntry.objects.get(action="customer.exported")
    assert entry.actor.startswith("user:")
    assert (entry.after["count"], entry.after["filters"]) == (1, {"stage": ["MEMBER"]})


def test_no_column_is_no_file(tenant: Tenant) -> None:
    reply = staff_of().post(EXPORT, {"format": "CSV"})
    assert "Choose at least one column." in reply.content.decode()
    assert not AuditEntry.objects.filter(action="customer.exported").exists()


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER])
def test_who_may_not_export_has_no_button_and_no_file(tenant: Tenant, role: Role) -> None:
    CustomerProfileFactory()
    browser = staff_of(role)
    assert EXPORT not in browser.get(LIST).content.decode()
    assert browser.get(EXPORT).status_code == browser.post(EXPORT, {"format": "CSV"}).status_code == 403


def test_staff_of_some_clubs_export_their_people(tenant: Tenant) -> None:
    CustomerProfileFactory(last_name="Mine", home_club_ref="mine")
    CustomerProfileFactory(last_name="Theirs", home_club_ref="theirs")
    browser = staff_of(Role.ADMIN, clubs=(ClubFactory(refs=["mine"]),))
    reply = browser.post(EXPORT, {"format": "NDJSON", "usual": ["lastName"]})
    assert reply.getvalue() == b'{"lastName": "Mine"}\n'
