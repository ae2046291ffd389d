"""Writes that can be repeated: the same Idempotency-Key and request get the first answer again."""

from hashlib import sha256

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from crm.errors import Detail, ValidationFailed
from crm.tenancy.models import IdempotentCall

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def key_of(request: Request) -> str | None:
    """The request's key, if it has one. Raises ValidationFailed for one that is empty, too long or not ASCII."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable() or not key.strip():
        problem = Detail(HEADER, "INVALID_FORMAT", f"must be 1 to {LONGEST} printable ASCII characters")
        raise ValidationFailed(details=[problem])
    return key


def fingerprint(request: Request, body: bytes) -> str:
    """What makes two requests the same: method, address with its query, body."""
    head = f"{request.method}\n{request.get_full_path()}\n".encode()
    return sha256(head + body).hexdigest()


def worth_keeping(response: Response | HttpResponse) -> dict[str, str]:
    """The headers that belong to the answer itself."""
    return {name: response[name] for name in KEPT_HEADERS if name in response}


def replayed(call: IdempotentCall) -> HttpResponse:
    response = HttpResponse(bytes(call.body), status=call.status, headers=call.headers)
    response[REPLAYED] = "true"
    if "Content-Type" not in call.headers:
        del response["Content-Type"]
    return response
