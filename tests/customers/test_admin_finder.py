"""What the search box of every page is answered while somebody types."""

import pytest

from crm.tenancy.models import AuditEntry, Tenant
from tests.factories import ClubFactory, CustomerProfileFactory, hold
from tests.pages import LIST, at_most, staff_of

FIND = f"{LIST}find/"


def test_a_row_says_who_it_is_and_marks_what_was_found(tenant: Tenant) -> None:
    person = CustomerProfileFactory(
        first_name="José", last_name="Botha", email="jose@example.com", email_display="Jose@example.com",
        phone_number="+27821234567", scl_member_id=4711, lifecycle_stage="MEMBER", is_vip=True,
    )  # fmt: skip
    hold(person, "externalIds.golfRsaId", "GR-77")
    browser = staff_of()
    page = browser.get(FIND, {"q": "jos 12345"}).content.decode()
    assert f'href="{LIST}{person.pk}/"' in page
    assert "<mark>Jos</mark>é Botha" in page
    assert "<mark>Jos</mark>e@example.com" in page
    assert "+2782<mark>12345</mark>67" in page
    text = browser.text(FIND, q="botha")
    assert "José Botha VIP No. 4711 Jose@example.com +27821234567 Member 1 person found" in text
    assert "golfRsaId GR-77" not in text
    assert "golfRsaId GR-77" in browser.text(FIND, q="gr77")
    assert "similar name" in browser.text(FIND, q="bohta")


def test_it_shows_a_few_and_says_where_the_others_are(tenant: Tenant) -> None:
    for _ in range(9):
        CustomerProfileFactory(last_name="Botha")
    page = staff_of().get(FIND, {"q": "botha"}).content.decode()
    assert page.count('role="option"') == 8
    assert "The best 8. Press Enter for all." in page


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_typed_is_nothing_said(tenant: Tenant, text: str) -> None:
    assert staff_of().text(FIND, q=text).strip() == ""
    assert not AuditEntry.objects.filter(action="customer.searched").exists()


def test_nobody_found_says_what_else_to_try(tenant: Tenant) -> None:
    page = staff_of().get(FIND, {"q": "<b>nobody"}).content.decode()
    assert "Nobody found for “&lt;b&gt;nobody”" in page
    assert "a part of a phone number" in page


def test_every_role_finds_the_people_it_may_see(tenant: Tenant) -> None:
    here = ClubFactory(refs=["here"])
    CustomerProfileFactory(first_name="Ann", last_name="Here", home_club_ref="here")
    CustomerProfileFactory(first_name="Ann", last_name="There", home_club_ref="there")
    for role in ("ADMIN", "MARKETING", "STAFF", "VIEWER"):
        assert "Ann There" in staff_of(role).text(FIND, q="ann")
        limited = staff_of(role, clubs=(here,)).text(FIND, q="ann")
        assert "Ann Here" in limited
        assert "Ann There" not in limited


def test_searching_on_is_one_look_in_the_audit_log_and_never_for_what(tenant: Tenant) -> None:
    CustomerProfileFactory(last_name="Botha")
    browser = staff_of()
    for text in ("b", "bo", "bot"):
        browser.get(FIND, {"q": text})
    entry = AuditEntry.objects.get(action="customer.searched")
    assert (entry.object_type, entry.object_id, entry.after) == ("customer", "", None)


def test_it_costs_the_same_however_many_it_shows(tenant: Tenant) -> None:
    for _ in range(12):
        CustomerProfileFactory(last_name="Botha")
    browser = staff_of()
    browser.get(FIND, {"q": "botha"})
    with at_most(20):
        browser.get(FIND, {"q": "botha"})
