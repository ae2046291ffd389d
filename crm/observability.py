"""Logs: structured, with tenant and request, without personal data."""

import logging.config
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse


def configure_logging(options: dict[str, Any]) -> None:
    logging.basicConfig(level=options["level"])


class RequestMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
