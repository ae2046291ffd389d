"""The one place where a tenant's scope is opened; outside of it every tenant query raises."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from django_scopes import get_scope, scope, scopes_disabled

if TYPE_CHECKING:
    from crm.tenancy.models import Tenant

__all__ = ["NoTenantScope", "current_tenant", "scopes_disabled", "tenant_scope"]


class NoTenantScope(RuntimeError):
    """Code that needs a tenant ran outside tenant_scope()."""


@contextmanager
def tenant_scope(tenant: "Tenant") -> Iterator["Tenant"]:
    """Run the block as `tenant`: its rows are all there is, its slug is on every log line."""
    with scope(tenant=tenant), structlog.contextvars.bound_contextvars(tenant=tenant.slug):
        yield tenant


def current_tenant() -> "Tenant":
    """The tenant whose scope is open. Raises NoTenantScope outside of one. No query."""
    tenant = get_scope().get("tenant")
    if tenant is None:
        raise NoTenantScope("no tenant scope is open here")
    return tenant  # type: ignore[no-any-return]
