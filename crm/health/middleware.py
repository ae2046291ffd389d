"""Answers probes before anything that needs a database, an allowed host or TLS can get in the way."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import resolve

from crm.health.views import VIEWS


class HealthMiddleware:
    """Kubelets and Prometheus ask by a pod's address, in plain HTTP, also when PostgreSQL is down."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = VIEWS.get(request.path_info.lstrip("/"))
        if view is None:
            return self.get_response(request)
        request.resolver_match = resolve(request.path_info, "crm.health.views")
        response = (
            view(request) if request.method in {"GET", "HEAD"} else HttpResponseNotAllowed(["GET", "HEAD"])
        )
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response
