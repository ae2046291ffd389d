"""The addresses of operators: /health, its two probes, and /metrics."""

import secrets
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from crm.health import report
from crm.health.metrics import StateCollector
from crm.observability.metrics import registry

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")
FRESH = 1.0  # seconds for which one look at the database serves everybody who asks


def live(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"status": report.OK})


def ready(request: HttpRequest) -> HttpResponse:
    """Requests can be served."""
    return _answer(_ready().bare(), _ready().status)


def summary(request: HttpRequest) -> HttpResponse:
    """How everything is; numbers only for operators."""
    if is_operator(request):
        found = report.summary()
        return _answer(found.full(), found.status)
    return ready(request)


def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus."""
    if not is_operator(request):
        error = {
            "code": "FORBIDDEN",
            "message": "Only from this machine, or with the metrics token.",
            "details": [],
        }
        return JsonResponse({"error": error | {"requestId": getattr(request, "request_id", "")}}, status=403)
    return HttpResponse(generate_latest(registry(StateCollector())), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def is_operator(request: HttpRequest) -> bool:
    """Someone on this machine, not behind a proxy on it, or someone with the metrics token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return True
    try:
        near = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    return near and not any(name in request.headers for name in FORWARDED)


class Last:
    """The last look, kept for a second, so that asking often costs the database nothing."""

    lock = threading.Lock()
    at = float("-inf")
    seen: report.Report


def _ready() -> report.Report:
    with Last.lock:
        if time.monotonic() - Last.at > FRESH:
            Last.seen, Last.at = report.ready(), time.monotonic()
        return Last.seen


def _answer(body: object, status: str) -> HttpResponse:
    return JsonResponse(body, status=503 if status == report.UNAVAILABLE else 200)


VIEWS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "health": summary, "health/live": live, "health/ready": ready, "metrics": metrics,
}  # fmt: skip
urlpatterns: list[URLPattern] = [
    path(route, view, name=route.replace("/", "-")) for route, view in VIEWS.items()
]
