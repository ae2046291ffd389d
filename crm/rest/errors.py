"""One envelope for everything that goes wrong: {"error": {code, message, details, requestId}}."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponse, HttpResponseBase
from django.template import loader
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from crm.database import is_away
from crm.errors import (
    CRMError,
    Detail,
    Forbidden,
    MalformedBody,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ServiceUnavailable,
    Unauthorized,
    UnknownField,
    UnsupportedMediaType,
    ValidationFailed,
)

API = "/api/"
RETRY_SECONDS = "5"
UNKNOWN = "UNKNOWN_FIELD"
CODES = {
    "required": "MISSING_FIELD",
    "blank": "MISSING_FIELD",
    "unknown": UNKNOWN,
    "invalid": "INVALID_FORMAT",
    "not_a_list": "INVALID_FORMAT",
    "not_a_dict": "INVALID_FORMAT",
}
log = structlog.get_logger(__name__)


class MethodNotAllowed(CRMError):
    """This method is not offered here."""

    code, status = "METHOD_NOT_ALLOWED", 405


class NotAcceptable(CRMError):
    """Only application/json is offered here."""

    code, status = "NOT_ACCEPTABLE", 406


def handle(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. None = not ours to explain: Django logs it and answers with server_error()."""
    error = understood(exc)
    if error is None:
        return None
    headers = error.headers | ({"WWW-Authenticate": "Bearer"} if error.status == 401 else {})
    return Response(envelope(error, context["request"]), error.status, headers=headers)


def understood(exc: Exception) -> CRMError | None:
    """What an exception means to the caller, or None for a fault of ours."""
    if isinstance(exc, CRMError):
        return exc
    if isinstance(exc, exceptions.ValidationError):
        return _invalid(exc.detail)
    if is_away(exc):
        log.warning("database_unavailable", error=type(exc).__name__, cause=type(exc.__cause__).__name__)
        return ServiceUnavailable(Retry_After=RETRY_SECONDS)
    if isinstance(exc, exceptions.MethodNotAllowed):
        return MethodNotAllowed(str(exc.detail))
    for kind, error in MEANINGS.items():
        if isinstance(exc, kind):
            return error()
    return None


MEANINGS: dict[type[Exception], type[CRMError]] = {
    exceptions.NotAuthenticated: Unauthorized,
    exceptions.AuthenticationFailed: Unauthorized,
    exceptions.PermissionDenied: Forbidden,
    PermissionDenied: Forbidden,
    exceptions.NotFound: NotFound,
    Http404: NotFound,
    exceptions.NotAcceptable: NotAcceptable,
    exceptions.UnsupportedMediaType: UnsupportedMediaType,
    exceptions.ParseError: MalformedBody,
    exceptions.Throttled: RateLimited,
    RequestDataTooBig: PayloadTooLarge,
    SuspiciousOperation: ValidationFailed,
}


def envelope(error: CRMError, request: Any) -> dict[str, Any]:
    return {
        "error": {
            "code": error.code,
            "message": _sendable(error.message),
            "details": [
                {name: _sendable(text) for name, text in detail._asdict().items()} for detail in error.details
            ],
            "requestId": getattr(request, "request_id", ""),
        }
    }


def _sendable(text: str) -> str:
    """Text that may quote the sender's, whose half surrogate pairs UTF-8 can't carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _invalid(problems: Any) -> CRMError:
    details = list(_flatten(problems, ""))
    if any(detail.code == UNKNOWN for detail in details):
        return UnknownField(details=details)
    return ValidationFailed(details=details)


def _flatten(problems: Any, path: str) -> Iterator[Detail]:
    """DRF's nested errors as details; paths are written like addresses[0].city."""
    if isinstance(problems, Mapping):
        for name, inner in problems.items():
            own = f"[{name}]" if isinstance(name, int) else f".{name}" if path else str(name)
            yield from _flatten(inner, path if name == "non_field_errors" else path + own)
    elif isinstance(problems, Sequence) and not isinstance(problems, str):
        for index, inner in enumerate(problems):
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _flatten(inner, f"{path}[{index}]" if nested else path)
    else:
        code = getattr(problems, "code", "invalid")
        yield Detail(path, CODES.get(code, code if code.isupper() else "INVALID_FIELD"), str(problems))


# --- answers of Django itself, outside of any view
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if request.path.startswith(API):
        return _plain(understood(exception) or ValidationFailed(), request)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if request.path.startswith(API):
        return _plain(Forbidden(), request)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if request.path.startswith(API):
        return _plain(NotFound("There is no such address."), request)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """A fault of ours: an id to ask with, and nothing else. A database that is away is no fault, and passes."""
    if request.path.startswith(API):
        return _plain(CRMError("Something went wrong on our side. Tell us the requestId."), request)
    if is_away(sys.exception()):
        page = loader.get_template("503.html").render()
        return HttpResponse(page, status=503, headers={"Retry-After": RETRY_SECONDS})
    return defaults.server_error(request)


def _plain(error: CRMError, request: HttpRequest) -> HttpResponse:
    return JsonResponse(envelope(error, request), status=error.status, headers=error.headers)
