"""The OpenAPI document: what drf-spectacular can't see in a view, said once for all of them."""

import inspect
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from crm.rest.conditional import CHANGES, is_single
from crm.rest.idempotency import HEADER, LONGEST, REPLAYED
from crm.rest.serializers import StrictSerializer

WRITES = ("POST", "PUT", "PATCH", "DELETE")
REQUEST_ID = "018f3a1e-0000-7000-8000-000000000000"


class DetailShape(serializers.Serializer[Any]):
    field = serializers.CharField(
        allow_blank=True, help_text="Path of the field as sent, such as addresses[0].city; empty = all of it."
    )
    code = serializers.CharField()
    message = serializers.CharField()


class ErrorBody(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable; what a program goes by.")
    message = serializers.CharField(help_text="For people.")
    details = DetailShape(many=True)
    requestId = serializers.CharField(help_text="Also in X-Request-Id.")


class Error(serializers.Serializer[Any]):
    """How everything that goes wrong is answered."""

    error = ErrorBody()


# status -> (what it means, code, message)
ERRORS = {
    "400": ("Bad input", "VALIDATION_ERROR", "Some fields can't be accepted."),
    "401": ("No valid credential", "UNAUTHORIZED", "Credentials are missing or not valid."),
    "403": ("Not allowed", "SCOPE_REQUIRED", "This needs the scope crm:write."),
    "404": ("Not there", "CUSTOMER_NOT_FOUND", "There is no customer with this id."),
    "405": ("Method not offered", "METHOD_NOT_ALLOWED", "Method “PUT” not allowed."),
    "406": ("Only application/json", "NOT_ACCEPTABLE", "Only application/json is offered here."),
    "409": ("Duplicate or wrong state", "DUPLICATE_RESOURCE", "It exists already."),
    "412": ("Changed meanwhile", "PRECONDITION_FAILED", "It was changed since you read it."),
    "413": ("Too large", "PAYLOAD_TOO_LARGE", "The body is larger than this endpoint takes."),
    "415": ("Not JSON", "UNSUPPORTED_MEDIA_TYPE", "This endpoint takes application/json."),
    "422": ("Breaks a rule", "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for another request."),
    "429": ("Too many requests", "RATE_LIMIT_EXCEEDED", "Too many requests."),
    "500": ("A fault of ours", "INTERNAL_ERROR", "Something went wrong on our side."),
    "503": ("Away for the moment", "SERVICE_UNAVAILABLE", "Something this needs is away for the moment."),
}
ALWAYS = ("400", "401", "403", "406", "429", "500", "503")


def header(name: str, words: str, kind: Any = OpenApiTypes.STR, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=words, **options)


IF_MATCH = header(
    "If-Match", "ETags of versions your change was made from, or *; where none is the present one, 412."
)
ETAG = header("ETag", "Version of what people and sources wrote.", response=[200, 201], required=True)
TEXT = {"schema": {"type": "string"}}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "ETags of versions that you have; where one is the latest, the answer is 304.",
}
LOCATION = {"description": "Where the new thing lies.", "required": True, **TEXT}
REPLY_HEADERS = [
    header("X-Request-Id", "Names the request in the logs.", response=True),
    header("X-RateLimit-Limit", "Requests a minute.", OpenApiTypes.INT, response=True),
    header("X-RateLimit-Remaining", "Requests left in this minute.", OpenApiTypes.INT, response=True),
    header("X-RateLimit-Reset", "When the minute ends, seconds since 1970.", OpenApiTypes.INT, response=True),
    header("Retry-After", "Seconds to wait.", OpenApiTypes.INT, response=[429, 503], required=True),
]
IDEMPOTENCY = [
    header(HEADER, f"Makes repeating safe for 24 hours; 1 to {LONGEST} printable ASCII characters."),
    header(REPLAYED, "true when this is the first answer again.", OpenApiTypes.BOOL, response=True),
]


class ApiSchema(AutoSchema):
    """Adds to each operation the headers, errors and scope that the base view gives it."""

    view: Any
    method: str

    def get_override_parameters(self) -> Any:
        more = IDEMPOTENCY if self.method in WRITES and not self.view.is_download else []
        guard = [IF_MATCH] if self._is_guarded() else []
        return [self.view.query_of(self.method), *REPLY_HEADERS, *more, *guard]

    def _is_guarded(self) -> bool:
        """Whether If-Match is heeded: by every change of what has an ETag, and where the view says so."""
        is_change = self.method in CHANGES and is_single(self.path) and hasattr(self.view, "get")
        return is_change or self.method in self.view.guards

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """What the base view does for every read of a single thing, and for everything that makes one."""
        operation = super().get_operation(*args, **kwargs)
        return operation and self._conditional(operation)

    def _conditional(self, operation: dict[str, Any]) -> dict[str, Any]:
        replies = operation["responses"]
        if "201" in replies:
            replies["201"]["headers"]["Location"] = LOCATION
        if self.method == "GET" and is_single(self.path):
            tag = replies["200"]["headers"].setdefault(
                "ETag", {"description": "Version of the content.", "required": True, **TEXT}
            )
            operation["parameters"] = [*operation.get("parameters", ()), IF_NONE_MATCH]
            request_id = replies["200"]["headers"]["X-Request-Id"]
            replies["304"] = {
                "description": "You have it",
                "headers": {"ETag": tag, "X-Request-Id": request_id},
            }
            operation["responses"] = dict(sorted(replies.items()))
        return operation

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        return self._docstring()[0]

    def get_description(self) -> str:  # type: ignore[override]
        return f"{self._docstring()[1]}\n\nScope: `{self.view.scope_of(self.method)}`.".strip()

    def _get_request_body(self, direction: Any = "request") -> Any:
        """A body that may not be left out, where there is one that says anything."""
        body = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        return body and body | {"required": True}

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Input is closed, may need one of several fields; replies that `fields` thins out require none."""
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        if names := getattr(serializer, "at_least_one", ()):
            schema["anyOf"] = [{"required": [name]} for name in names]
        if getattr(serializer, "is_sparse", False):
            schema.pop("required", None)
        return schema

    def _docstring(self) -> tuple[str, str]:
        """First line and rest of the handler's docstring."""
        text = inspect.getdoc(getattr(self.view, self.method.lower())) or ""
        head, _, rest = text.partition("\n")
        return head.rstrip("."), rest.strip()

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code in self._error_codes():
            if code not in bodies:
                words, name, message = ERRORS[code]
                shape = {"code": name, "message": message, "details": [], "requestId": REQUEST_ID}
                example = OpenApiExample(name, {"error": shape}, response_only=True)
                reply = OpenApiResponse(Error, words, [example])
                bodies[code] = self._get_response_for_code(reply, code)  # type: ignore[no-untyped-call]
        return dict(sorted(bodies.items()))

    def _error_codes(self) -> set[str]:
        codes = {*ALWAYS, *getattr(self.view, "more_errors", {}).get(self.method, ())}
        if self._is_guarded() or (self.method == "GET" and is_single(self.path)):
            codes.add("412")
        if "{" in self.path:
            codes.add("404")
        if self.method in WRITES:
            codes |= {"409", "413", "422"}
        if self.method in ("POST", "PUT", "PATCH"):
            codes.add("415")
        return codes


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "crm.rest.authentication.CredentialAuthentication"
    name = ["bearer", "session"]

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key (fw_…) or a JWT."},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": settings.SESSION_COOKIE_NAME,
                "description": "Staff who are logged in; changes need the CSRF token too.",
            },
        ]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        scope = auto_schema.view.scope_of(auto_schema.method)
        return [{"bearer": [str(scope)]}, {"session": []}]
