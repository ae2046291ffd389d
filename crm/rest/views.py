"""The base of every REST view: who, may they, how often, then strict input and one transaction for a write."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.database import retrying
from crm.errors import MalformedBody
from crm.rest import conditional, idempotency
from crm.rest.errors import understood
from crm.rest.paging import PageQuery
from crm.rest.parameters import read_query
from crm.rest.parsing import DEEPEST, read_body
from crm.rest.serializers import Query, StrictSerializer, check_tenant
from crm.tenancy import audit
from crm.tenancy.access import client_ip
from crm.tenancy.auth import Credential
from crm.tenancy.idempotency import begin, keep
from crm.tenancy.permissions import Right, Scope
from crm.versions import Condition

SAFE = ("GET", "HEAD")
SEARCHED = ("search", "q")  # what somebody typed


class ApiView(APIView):
    """A view of the API.

    scopes:  the scope that each method needs.
    rights:  the right that a method needs of staff instead, where no scope means the same.
    queries: the query parameters of each method that has more than tenantId; validated, they are `params`.
    looks:   what of people a GET shows, as the audit log says it: "list", or a part of the person of `pk`.
    bucket:  the limit that writes count for.
    tag:     the chapter of the documentation.
    guards:  methods that heed If-Match, beside every change of a thing that a GET of the same address shows.
    is_download: its POSTs only read, and stream too much to be kept: one that is repeated is answered anew.
    """

    scopes: ClassVar[Mapping[str, Scope]] = {}
    rights: ClassVar[Mapping[str, Right]] = {}
    queries: ClassVar[Mapping[str, type[StrictSerializer]]] = {}
    looks: ClassVar[str] = ""
    params: dict[str, Any]
    about: UUID | None = None  # the person that is shown, where it is not the one of `pk`
    tag: ClassVar[str] = ""
    guards: ClassVar[Collection[str]] = ()
    bucket: ClassVar[str] = "write"
    body_limit: ClassVar[int] = settings.API_BODY_LIMIT
    body_depth: ClassVar[int] = DEEPEST
    body_is_many: ClassVar[bool] = False
    is_download: ClassVar[bool] = False
    metadata_class = None
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def scope_of(self, method: str | None) -> Scope | None:
        return self.scopes.get("GET" if method == "HEAD" else str(method))

    def bucket_of(self, method: str | None) -> str:
        return "read" if method in SAFE else self.bucket

    @property
    def credential(self) -> Credential:
        credential: Credential = self.request.auth  # type: ignore[assignment]
        return credential

    @property
    def condition(self) -> Condition:
        """What the client expects of the thing that it changes; for the use case, which has it locked."""
        return conditional.condition(self.request)

    def query_of(self, method: str | None) -> type[StrictSerializer]:
        return self.queries.get("GET" if method == "HEAD" else str(method), Query)

    def body(self, serializer: type[StrictSerializer]) -> dict[str, Any]:
        """The body, validated. Only the fields that were sent are in it, and defaults."""
        data = self.request.data
        if not isinstance(data, dict):
            raise MalformedBody("The body must be a JSON object.")
        check_tenant(data.get("tenantId"))
        checked = serializer(data=data)
        checked.is_valid(raise_exception=True)
        found: dict[str, Any] = checked.validated_data
        found.pop("tenantId", None)
        return found

    # --- the life of a request
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As DRF's, but counting comes before scopes, and nothing is negotiated with someone unknown."""
        self.format_kwarg = None
        self.perform_authentication(request)
        if request.auth is not None:
            self.check_throttles(request)
        self.check_permissions(request)
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        check_tenant(*request.query_params.getlist("tenantId"))
        self.params = read_query(request, self.query_of(request.method))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As DRF's, with every write in one transaction that also keeps the answer under its key."""
        self.args, self.kwargs = args, kwargs
        self.request = drf_request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers | {"Cache-Control": "no-store"}
        response: Any
        try:
            self.initial(drf_request, *args, **kwargs)
            method = str(request.method).lower()
            if method not in self.http_method_names or not hasattr(self, method):
                self.http_method_not_allowed(drf_request)
            handler = partial(getattr(self, method), drf_request, *args, **kwargs)
            response = self._read(handler) if request.method in SAFE else self._write(handler)
        except Exception as exc:
            response = self.handle_exception(exc)
        self.response = self.finalize_response(drf_request, response, *args, **kwargs)
        if conditional.is_known(request, self.response):
            self.response.status_code, self.response.data = 304, None
        return self.response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        conditional.complete(request, response)
        return super().finalize_response(request, response, *args, **kwargs)

    def _read(self, handler: Callable[[], Response]) -> Response:
        """The answer, once the audit log has that somebody looked."""
        response = handler()
        conditional.check_read(self.request, response)
        if self.looks and self.request.method == "GET":
            look, by = _look(self, response), self.credential.actor
            audit.record_look(**look, by=by, object_type="customer", ip=client_ip(self.request))
        return response

    def _write(self, handler: Callable[[], Response]) -> Response | HttpResponse:
        body = read_body(self.request._request, self.body_limit)
        key = idempotency.key_of(self.request)

        @transaction.atomic
        def once() -> Response | HttpResponse:
            return handler() if key is None or self.is_download else self._once(handler, key, body)

        return retrying(once)

    def _once(self, handler: Callable[[], Response], key: str, body: bytes) -> Response | HttpResponse:
        caller, same = self.credential.id, idempotency.fingerprint(self.request, body)
        first = begin(caller, key, same)
        if first is not None:
            return idempotency.replayed(first)
        response = self._answer(handler)
        response = self.finalize_response(self.request, response)
        response.render()
        headers = idempotency.worth_keeping(response)
        keep(caller, key, same, status=response.status_code, headers=headers, body=response.content)
        return response

    def _answer(self, handler: Callable[[], Response]) -> Response:
        """The handler's answer, or the one to its error with its effect undone. A fault of ours stays an error."""
        try:
            with transaction.atomic():
                return handler()
        except Exception as exc:
            error = understood(exc)
            if error is None or error.status >= 500:
                raise
            return self.handle_exception(exc)


def _look(view: ApiView, response: Response) -> dict[str, Any]:
    """One entry for a list, however long, with the names of its filters and nothing of what was searched for."""
    if view.looks != "list":
        return {
            "action": "customer.viewed",
            "object_id": view.about or UUID(view.kwargs["pk"]),
            "after": {"part": view.looks},
        }
    names = sorted(set(view.params) - {*PageQuery().fields, "sort", "fields", *SEARCHED})
    shown, searched = len(response.data["data"]), any(view.params.get(name) for name in SEARCHED)
    return {"action": "customer.listed", "after": {"shown": shown, "filters": names, "searched": searched}}
