"""Opens the tenant's scope for a request, from its credential or its staff session."""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from typing import Any, cast
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import BadRequest, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from crm.errors import CRMError, Forbidden, ServiceUnavailable
from crm.tenancy import second_factor, sessions
from crm.tenancy.auth import Credential, authenticate, by_membership
from crm.tenancy.masks import masks_of
from crm.tenancy.models import StaffMembership, Tenant, User
from crm.tenancy.permissions import Role
from crm.tenancy.scope import Eyes, scopes_disabled, seen_by, tenant_scope

API = "/api/"
CHOSEN = "tenant"
END = object()
log = structlog.get_logger(__name__)


class TenantRequest(HttpRequest):
    """A request as this middleware leaves it.

    credential: who calls the API, or why nobody does (raised when a view asks), or None.
    membership: the role of staff in the tenant they work in; None while they have to choose one.
    """

    credential: Credential | CRMError | None
    membership: StaffMembership | None
    tenant: Tenant | None


class TenantMiddleware:
    """Every tenant query of a request happens in the scope of its one tenant.

    Nothing is remembered between requests: a revoked key, a deactivated user, membership or tenant is out at
    the next one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, plain: HttpRequest) -> HttpResponseBase:
        request = cast(TenantRequest, plain)
        request.credential, request.membership, request.tenant = None, None, None
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path.startswith(API):
            raise BadRequest("NUL in the address: no column could hold it")
        try:
            _identify(request)
        except (OperationalError, InterfaceError) as exc:
            if not request.path.startswith(API):
                raise
            log.warning("database_unavailable", error=type(exc).__name__)
            request.credential = ServiceUnavailable(Retry_After="5")
        return self._within(request, request.tenant)

    def _within(self, request: TenantRequest, tenant: Tenant | None) -> HttpResponseBase:
        if tenant is None:
            return self.get_response(request)
        with tenant_scope(tenant), seen_by(_eyes(request)):
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                response.streaming_content = _stay(response.streaming_content)
        return response


def _identify(request: TenantRequest) -> None:
    header = request.headers.get("Authorization", "")
    if header[:7].lower() == "bearer " or (header and request.path.startswith(API)):
        try:
            request.credential = authenticate(header)
            request.tenant = request.credential.tenant
            if request.path.startswith(API):  # staff pages are for sessions only
                request.membership = request.credential.membership
        except CRMError as exc:
            request.credential = exc
    elif settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
        _identify_staff(request, request.user)


def _identify_staff(request: TenantRequest, user: User) -> None:
    sessions.stamp(request)
    memberships = _memberships(user)
    if user.is_superuser:
        request.membership = _as_operator(user, request.session.get(CHOSEN))
    elif not memberships:
        logout(request)
    elif len(memberships) == 1:
        request.membership = memberships[0]
    else:
        chosen = str(request.session.get(CHOSEN))
        request.membership = next((m for m in memberships if str(m.tenant_id) == chosen), None)
    if request.membership is not None:
        request.tenant = request.membership.tenant
        if request.path.startswith(API):
            request.credential = _as_caller(request.membership)


def _as_caller(membership: StaffMembership) -> Credential | CRMError:
    if second_factor.is_missing(membership):
        return Forbidden("Set up a second factor first: your role needs one.")
    return by_membership(membership)


def _eyes(request: TenantRequest) -> Eyes:
    """Whose eyes the rows of the request are for."""
    if isinstance(credential := request.credential, Credential):
        return Eyes(credential.actor, credential.masks)
    membership = request.membership
    assert membership is not None  # noqa: S101 - a tenant without a credential comes from a membership
    return Eyes(f"user:{membership.user_id}", masks_of(membership.role, membership.tenant.masks))


def _memberships(user: User) -> list[StaffMembership]:
    with scopes_disabled():  # they tell the tenant
        active = StaffMembership.objects.filter(user=user, is_active=True, tenant__is_active=True)
        return list(active.select_related("tenant", "user"))


def _as_operator(user: User, chosen: Any) -> StaffMembership | None:
    """A platform operator works as an Admin in the tenant they chose, without a membership of their own."""
    try:
        tenant = Tenant.objects.filter(pk=UUID(str(chosen)), is_active=True).first()
    except (ValueError, ValidationError):
        return None
    return StaffMembership(tenant=tenant, user=user, role=Role.ADMIN) if tenant else None


def _stay(chunks: Any) -> Iterator[bytes]:
    """The same stream, each step made inside the scope that was open when it was handed over."""
    context, iterator = copy_context(), iter(chunks)
    return iter(partial(context.run, next, iterator, END), END)  # type: ignore[arg-type]
