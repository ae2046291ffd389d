"""DRF's side of the credential that the tenancy middleware has found."""

from typing import Any

from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from crm.errors import CRMError, Forbidden, ScopeRequired, Unauthorized
from crm.tenancy.auth import Credential


class CredentialAuthentication(BaseAuthentication):
    """request.auth is the Credential; requests of a staff session need a CSRF token to change anything."""

    def authenticate(self, request: Request) -> tuple[Any, Credential] | None:
        credential: Credential | CRMError | None = request.credential  # type: ignore[attr-defined]
        if isinstance(credential, CRMError):
            raise credential
        if credential is None:
            return None
        if credential.by_session:
            _check_csrf(request)
        return request._request.user if credential.by_session else None, credential

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """The view's `scopes` say which scope each method needs; a method without one is not allowed anyway.

    Where `rights` has the method, that right decides for staff: it is finer than any scope.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        credential = request.auth
        if not isinstance(credential, Credential):
            raise Unauthorized("Send “Authorization: Bearer …” with an API key or a token.")
        right, needed = view.rights.get(request.method), view.scope_of(request.method)
        held: frozenset[str] | None = credential.scopes
        if right is not None and credential.membership is not None:
            if not credential.membership.may(right):
                raise Forbidden("Your role may not do this.")
            held = credential.given
        if needed is not None and held is not None and needed not in held:
            raise ScopeRequired(f"This needs the scope {needed}.")
        return True


def _check_csrf(request: Request) -> None:
    check = CSRFCheck(lambda _: HttpResponse())
    check.process_request(request._request)
    if check.process_view(request._request, lambda *_: HttpResponse(), (), {}):
        raise Forbidden("The CSRF token is missing or wrong.")
