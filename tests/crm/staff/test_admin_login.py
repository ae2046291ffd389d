"""Getting in: who may, what they are told, and which tenant they work in."""

import pytest

from crm.tenancy.models import Tenant, User
from crm.tenancy.scope import tenant_scope
from tests.factories import PASSWORD, StaffMembershipFactory, UserFactory
from tests.pages import Browser, log_in, member, words

LOGIN = "/admin/login/"


def attempt(browser: Browser, email: str, password: str = PASSWORD) -> object:
    return browser.post(LOGIN, {"username": email, "password": password, "next": "/admin/"})


def test_staff_land_on_the_home_page_of_their_tenant(tenant: Tenant, staff: User) -> None:
    browser = Browser()
    assert attempt(browser, staff.email)["Location"] == "/admin/"
    assert "Fynbos Group" in browser.text("/admin/")


def test_a_wrong_password_is_explained_in_words(staff: User) -> None:
    reply = attempt(Browser(), staff.email, "wrong")
    assert "don’t match" in words(reply)


def test_an_account_that_no_tenant_lets_in_is_told_whom_to_ask(tenant: Tenant) -> None:
    left = member(is_active=False)
    assert "not active in any club group" in words(attempt(Browser(), left.user.email))
    assert "not active in any club group" in words(attempt(Browser(), UserFactory().email))


def test_a_deactivated_member_is_out_at_the_next_page(tenant: Tenant) -> None:
    membership = member()
    browser = log_in(membership.user)
    assert browser.get("/admin/").status_code == 200
    type(membership).objects.filter(pk=membership.pk).update(is_active=False)
    assert browser.get("/admin/")["Location"].startswith(LOGIN)


def test_a_visitor_is_asked_to_log_in_and_comes_back(tenant: Tenant, staff: User) -> None:
    browser = Browser()
    asked = browser.get("/admin/customers/customerprofile/?q=ann")
    assert asked.status_code == 302
    reply = browser.post(asked["Location"], {"username": staff.email, "password": PASSWORD})
    assert reply["Location"] == "/admin/customers/customerprofile/?q=ann"


def test_too_many_failures_are_a_page_that_says_so(tenant: Tenant, staff: User, settings: object) -> None:
    settings.AXES_FAILURE_LIMIT = 2  # type: ignore[attr-defined]
    browser = Browser()
    attempt(browser, staff.email, "wrong")
    reply = attempt(browser, staff.email, "wrong")
    assert reply.status_code == 429
    assert "Too many attempts" in reply.content.decode()
    assert attempt(browser, staff.email).status_code == 429


def test_an_operator_chooses_a_tenant_before_anything_else(tenant: Tenant, other_tenant: Tenant) -> None:
    browser = log_in(UserFactory(is_superuser=True))
    sent = browser.get("/admin/customers/customerprofile/")
    assert sent["Location"].startswith("/admin/tenant/?next=")
    assert {"Fynbos Group", "Heathland Group"} <= set(tenant_names(browser.get(sent["Location"])))
    chosen = browser.post(
        "/admin/tenant/", {"tenant": other_tenant.pk, "next": "/admin/customers/customerprofile/"}
    )
    assert chosen["Location"] == "/admin/customers/customerprofile/"
    page = browser.text("/admin/")
    assert "Heathland Group" in page
    assert "Switch club group" in page


def test_an_operator_sees_one_tenant_at_a_time(tenant: Tenant, other_tenant: Tenant) -> None:
    browser = log_in(UserFactory(is_superuser=True))
    browser.post("/admin/tenant/", {"tenant": other_tenant.pk})
    reply = browser.post("/admin/tenant/", {"tenant": tenant.pk, "next": "/admin/tenancy/club/"})
    assert reply["Location"] == "/admin/"  # a page of the tenant that was left would not be found here
    assert "Fynbos Group" in browser.text("/admin/")


def test_nobody_chooses_a_tenant_that_is_not_theirs(
    tenant: Tenant, other_tenant: Tenant, staff: User
) -> None:
    browser = log_in(staff)
    assert browser.post("/admin/tenant/", {"tenant": other_tenant.pk}).status_code == 403
    assert "Fynbos Group" in browser.text("/admin/")


def test_staff_of_two_tenants_switch_between_them(tenant: Tenant, other_tenant: Tenant, staff: User) -> None:
    with tenant_scope(other_tenant):
        StaffMembershipFactory(user=staff, role="VIEWER")
    browser = log_in(staff)
    assert browser.get("/admin/")["Location"].startswith("/admin/tenant/")
    browser.post("/admin/tenant/", {"tenant": other_tenant.pk})
    assert browser.get("/admin/tenancy/club/").status_code == 403  # a Viewer there, an Admin here
    browser.post("/admin/tenant/", {"tenant": tenant.pk})
    assert browser.get("/admin/tenancy/club/").status_code == 200


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/"])
def test_choosing_a_tenant_never_leads_away(tenant: Tenant, target: str) -> None:
    browser = log_in(UserFactory(is_superuser=True))
    assert browser.post("/admin/tenant/", {"tenant": tenant.pk, "next": target})["Location"] == "/admin/"


def test_logging_out_needs_a_click_and_empties_the_cache(staff: User) -> None:
    browser = log_in(staff)
    assert browser.get("/admin/logout/").status_code == 405
    reply = browser.post("/admin/logout/")
    assert reply["Clear-Site-Data"] == '"cache"'
    assert "You are logged out" in words(reply)


def tenant_names(reply: object) -> list[str]:
    return [tenant.name for tenant in reply.context["tenants"]]  # type: ignore[attr-defined]
