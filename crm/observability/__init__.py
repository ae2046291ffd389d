"""Logs and numbers: structured, with tenant and request, without personal data."""

from crm.observability.logs import configure_logging
from crm.observability.requests import RequestMiddleware

__all__ = ["RequestMiddleware", "configure_logging"]
