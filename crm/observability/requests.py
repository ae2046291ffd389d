"""Around every request: an id, one log line, two metrics."""

import re
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

from crm.observability import metrics

log = structlog.get_logger("fairway.access")

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN = "none"


class RequestMiddleware:
    """The outermost middleware: what it sees is what the client gets."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        request_id = request_id_of(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        with bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            _report(request, response, time.perf_counter() - began)
        return response


def request_id_of(request: HttpRequest) -> str:
    """The id that the caller gave, where it is well-formed, else a new one."""
    given = request.headers.get("X-Request-Id", "")
    return given if WELL_FORMED.fullmatch(given) else uuid4().hex


def _report(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """The route is the pattern of the address: the address itself may name a person, its query string often does."""
    match = request.resolver_match
    route = match.route if match else UNKNOWN
    method = request.method if request.method in METHODS else UNKNOWN
    metrics.requests.labels(route, method, f"{response.status_code // 100}xx").inc()
    metrics.request_seconds.labels(route, method).observe(seconds)
    if response.status_code == 500:
        metrics.faults.labels("request").inc()
    facts = {"method": method, "route": route, "status": response.status_code, "ms": round(seconds * 1000, 1)}
    if tenant := getattr(request, "tenant", None):
        facts["tenant"] = tenant.slug
    log.info("request", **facts)
