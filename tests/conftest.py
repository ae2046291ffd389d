"""The cast of every test: a tenant, the one behind the wall, their staff, and a client with a key."""

from collections.abc import Iterator
from contextvars import Context
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from crm.tenancy.models import Tenant, User
from crm.tenancy.scope import tenant_scope
from tests.factories import StaffMembershipFactory, TenantFactory, issue_key

pytest_plugins = ["tests.loopback", "tests.servers"]


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> None:
    """Hashing a password is slow on purpose; every test that makes a member of staff would wait for it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


class Api(Client):
    """A client of the REST API with one key; dicts and lists are sent as JSON.

    Each request runs outside of any open scope, as on a server: what the test has open can't help it.
    """

    def __init__(self, key: str = "", **defaults: Any) -> None:
        super().__init__(headers={"Authorization": f"Bearer {key}"} if key else None, **defaults)
        self.key = key

    def as_key_of(self, tenant: Tenant, *, scopes: list[str] | None = None, **fields: Any) -> "Api":
        """Another client, with a new key of `tenant`; every scope unless told."""
        return type(self)(issue_key(tenant, scopes=scopes, **fields)[1])

    def as_anyone(self) -> "Api":
        return type(self)()

    def with_token(self, token: str) -> "Api":
        return type(self)(token)

    def request(self, **environ: Any) -> HttpResponse:
        return Context().run(super().request, **environ)

    def generic(self, method: str, path: str, data: Any = "", content_type: str = "", **extra: Any) -> Any:
        return super().generic(method, path, data, content_type or "application/json", **extra)

    def post(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any) -> Any:
        return super().post(path, "" if data is None else data, content_type, **extra)

    def put(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any) -> Any:
        return super().put(path, "" if data is None else data, content_type, **extra)

    def patch(self, path: str, data: Any = None, content_type: str = "application/json", **extra: Any) -> Any:
        return super().patch(path, "" if data is None else data, content_type, **extra)


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    """The tenant of the test; its scope is open while the test runs."""
    tenant = TenantFactory(slug="fynbos-group", name="Fynbos Group")
    with tenant_scope(tenant):
        yield tenant


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    """A tenant whose rows must not be seen from `tenant`."""
    return TenantFactory(slug="heathland-group", name="Heathland Group", region="GB", currency="GBP")


@pytest.fixture
def staff(tenant: Tenant) -> User:
    """An Admin of the tenant, all clubs."""
    return StaffMembershipFactory(tenant=tenant).user


@pytest.fixture
def outsider(other_tenant: Tenant) -> User:
    """An Admin of the other tenant, who must see nothing of this one."""
    with tenant_scope(other_tenant):
        return StaffMembershipFactory(tenant=other_tenant).user


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(issue_key(tenant)[1])
