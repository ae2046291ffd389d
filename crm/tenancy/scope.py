"""The one place where a tenant's scope is opened; outside of it every tenant query raises."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

import structlog
from django_scopes import get_scope, scope, scopes_disabled

from crm.tenancy.masks import Masks

if TYPE_CHECKING:
    from crm.tenancy.models import Tenant

__all__ = [
    "Eyes",
    "NoTenantScope",
    "current_eyes",
    "current_tenant",
    "scopes_disabled",
    "seen_by",
    "tenant_scope",
]


class Eyes(NamedTuple):
    """Who looks at the rows that are read, and what is kept from them."""

    actor: str
    masks: Masks


NOBODY = Eyes("", {})
_eyes: ContextVar[Eyes] = ContextVar("eyes", default=NOBODY)


class NoTenantScope(RuntimeError):
    """Code that needs a tenant ran outside tenant_scope()."""


@contextmanager
def tenant_scope(tenant: "Tenant") -> Iterator["Tenant"]:
    """Run the block as `tenant`: its rows are all there is, its slug is on every log line.

    An error that leaves the block takes the slug along as `tenant`, for whoever logs it outside.
    """
    with scope(tenant=tenant), structlog.contextvars.bound_contextvars(tenant=tenant.slug):
        try:
            yield tenant
        except Exception as error:
            error.__dict__.setdefault("tenant", tenant.slug)
            raise


def current_tenant() -> "Tenant":
    """The tenant whose scope is open. Raises NoTenantScope outside of one. No query."""
    tenant = get_scope().get("tenant")
    if tenant is None:
        raise NoTenantScope("no tenant scope is open here")
    return tenant  # type: ignore[no-any-return]


@contextmanager
def seen_by(eyes: Eyes) -> Iterator[None]:
    """Run the block for somebody's eyes: rows with personal data are read as their masks leave them."""
    token = _eyes.set(eyes)
    try:
        yield
    finally:
        _eyes.reset(token)


def current_eyes() -> Eyes:
    """Whose eyes the rows are for; outside of a request nobody's, from whom nothing is kept."""
    return _eyes.get()
