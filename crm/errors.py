"""One tree of errors, each with the code and status that the API promises and whether trying again can help."""

from collections.abc import Iterable
from typing import NamedTuple


class Detail(NamedTuple):
    """What is wrong with one field; `field` is its path as the client wrote it."""

    field: str
    code: str
    message: str


class CRMError(Exception):
    """Something the caller can understand and act on. `permanent` = trying the same again can't help."""

    code = "INTERNAL_ERROR"
    status = 500
    permanent = True

    def __init__(self, message: str = "", *, details: Iterable[Detail] = (), **headers: str) -> None:
        self.message = message or (type(self).__doc__ or self.code)
        self.details = tuple(details)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(self.message)


class ValidationFailed(CRMError):
    """Some fields can't be accepted."""

    code, status = "VALIDATION_ERROR", 400


class UnknownField(CRMError):
    """The request has fields or parameters that this endpoint does not know."""

    code, status = "UNKNOWN_FIELD", 400


class MalformedBody(CRMError):
    """The body is not readable JSON."""

    code, status = "INVALID_FORMAT", 400


class Unauthorized(CRMError):
    """Credentials are missing or not valid."""

    code, status = "UNAUTHORIZED", 401


class TokenExpired(Unauthorized):
    """The token has expired."""

    code = "TOKEN_EXPIRED"


class TokenInvalid(Unauthorized):
    """The token is not valid."""

    code = "TOKEN_INVALID"


class Forbidden(CRMError):
    """This is not allowed."""

    code, status = "FORBIDDEN", 403


class TenantMismatch(Forbidden):
    """The tenant named in the request is not the credential's."""

    code = "TENANT_MISMATCH"


class ScopeRequired(Forbidden):
    """The credential lacks a scope."""

    code = "SCOPE_REQUIRED"


class NotFound(CRMError):
    """There is no such thing here."""

    code, status = "RESOURCE_NOT_FOUND", 404


class CustomerNotFound(NotFound):
    """No such customer."""

    code = "CUSTOMER_NOT_FOUND"


class EventNotFound(NotFound):
    """No such event."""

    code = "EVENT_NOT_FOUND"


class Conflict(CRMError):
    """The thing is not in a state that allows this."""

    code, status = "RESOURCE_CONFLICT", 409


class DuplicateResource(Conflict):
    """It exists already."""

    code = "DUPLICATE_RESOURCE"


class IdempotencyInProgress(Conflict):
    """The first call with this Idempotency-Key is still running; repeat yours in a moment."""

    code, permanent = "IDEMPOTENCY_IN_PROGRESS", False


class PreconditionFailed(CRMError):
    """It was changed since you read it; read it again and repeat your change."""

    code, status = "PRECONDITION_FAILED", 412


class PayloadTooLarge(CRMError):
    """The body is larger than this endpoint takes."""

    code, status = "PAYLOAD_TOO_LARGE", 413


class UnsupportedMediaType(CRMError):
    """This endpoint takes application/json."""

    code, status = "UNSUPPORTED_MEDIA_TYPE", 415


class BusinessRule(CRMError):
    """The request is well-formed but breaks a rule."""

    code, status = "BUSINESS_RULE", 422


class IdempotencyKeyReused(BusinessRule):
    """This Idempotency-Key was used for another request in the last 24 hours."""

    code = "IDEMPOTENCY_KEY_REUSED"


class RateLimited(CRMError):
    """Too many requests; wait as long as Retry-After says."""

    code, status, permanent = "RATE_LIMIT_EXCEEDED", 429, False


class ServiceUnavailable(CRMError):
    """Something this needs is away for the moment; wait as long as Retry-After says."""

    code, status, permanent = "SERVICE_UNAVAILABLE", 503, False
