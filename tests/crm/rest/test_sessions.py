"""Staff sessions at the API's door, as the documentation pages use them, and the scope they open."""

import pytest
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory

from crm.tenancy.middleware import CHOSEN, TenantMiddleware
from crm.tenancy.models import StaffMembership
from crm.tenancy.permissions import Role
from crm.tenancy.scope import current_tenant, tenant_scope
from customers.models import CustomerProfile
from tests.conftest import Api
from tests.factories import CustomerProfileFactory, StaffMembershipFactory, TenantFactory, UserFactory

LIST = "/api/v1/customers"


@pytest.fixture
def browser(staff) -> Api:
    client = Api()
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    return client


def login(user) -> Api:
    client = Api()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_staff_see_their_tenant(browser, outsider):
    CustomerProfileFactory(last_name="Mine")
    assert len(browser.get(LIST).json()["data"]) == 1
    assert login(outsider).get(LIST).json()["data"] == []


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.STAFF, 403), (Role.MARKETING, 201)])
def test_a_role_is_worth_its_scopes(tenant, role, status):
    browser = login(StaffMembershipFactory(role=role).user)
    assert browser.get(LIST).status_code == 200
    assert browser.post(LIST, {"email": "a@example.com"}).status_code == status


def test_changes_from_a_session_need_the_csrf_token(staff):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    reply = strict.post(LIST, {"email": "a@example.com"}, content_type="application/json")
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "FORBIDDEN")
    strict.get("/admin/login/")
    strict.get("/api/docs/?script")
    token = strict.cookies["fairway_csrf"].value
    reply = strict.post(
        LIST, {"email": "a@example.com"}, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert reply.status_code == 201


@pytest.mark.parametrize("what", ["user", "membership", "tenant"])
def test_whoever_is_deactivated_is_out_at_the_next_request(browser, staff, tenant, what):
    assert browser.get(LIST).status_code == 200
    row = {"user": staff, "membership": StaffMembership.objects.get(user=staff), "tenant": tenant}[what]
    row.is_active = False
    row.save()
    assert browser.get(LIST).status_code == 401
    assert browser.get("/admin/").status_code == 302


def test_staff_of_two_tenants_choose_one(staff, tenant, other_tenant):
    with tenant_scope(other_tenant):
        StaffMembershipFactory(user=staff)
        CustomerProfileFactory(last_name="Theirs")
    browser = login(staff)
    assert browser.get(LIST).status_code == 401
    choose(browser, TenantFactory())
    assert browser.get(LIST).status_code == 401
    choose(browser, other_tenant)
    assert [row["lastName"] for row in browser.get(LIST).json()["data"]] == ["Theirs"]


def test_an_operator_works_in_the_tenant_they_chose(tenant, other_tenant):
    CustomerProfileFactory(last_name="Mine")
    browser = login(UserFactory(is_superuser=True))
    assert browser.get(LIST).status_code == 401
    choose(browser, tenant)
    assert [row["lastName"] for row in browser.get(LIST).json()["data"]] == ["Mine"]
    choose(browser, "nonsense")
    assert browser.get(LIST).status_code == 401


def choose(browser, tenant):
    session = browser.session
    session[CHOSEN] = str(getattr(tenant, "pk", tenant))
    session.save()


def test_a_key_stands_before_the_session(browser, other_tenant):
    CustomerProfileFactory()
    key = Api().as_key_of(other_tenant).key
    assert browser.get(LIST, headers={"Authorization": f"Bearer {key}"}).json()["data"] == []


def test_a_stream_is_made_inside_the_scope_it_left(tenant, other_tenant, api):
    CustomerProfileFactory(last_name="Mine")
    with tenant_scope(other_tenant):
        CustomerProfileFactory(last_name="Theirs")

    def rows():
        for person in CustomerProfile.objects.all().iterator():
            yield f"{current_tenant().slug}:{person.last_name}".encode()

    request = RequestFactory().get("/export", headers={"Authorization": f"Bearer {api.key}"})
    response = TenantMiddleware(lambda _: StreamingHttpResponse(rows()))(request)
    with tenant_scope(other_tenant):
        assert list(response.streaming_content) == [b"fynbos-group:Mine"]
        assert current_tenant() == other_tenant
