"""One line per event, JSON or text, from our own loggers and everybody else's alike."""

import json
import logging.config
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

from crm.observability.errors import describe
from crm.observability.masking import mask

Event = MutableMapping[str, Any]
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Loggers that would say what we say ourselves, or print what is personal when asked for details.
LEVELS = {
    "celery": "WARNING",
    "celery.app.trace": "CRITICAL",
    "django": "INFO",
    "django_celery_beat.schedulers": "CRITICAL",
    "django.request": "ERROR",
    "django.server": "ERROR",
    "django.db.backends": "WARNING",
    "django.template": "WARNING",
    "kombu": "WARNING",
    "amqp": "WARNING",
    "psycopg": "WARNING",
    "gunicorn.error": "WARNING",
    "urllib3": "INFO",
    "axes": "WARNING",
}
HEAD = ("timestamp", "level", "logger", "event", "exception")


def configure_logging(options: dict[str, Any]) -> None:
    """Send everything that is logged to standard output. options: `level`, and `format` json or text."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    render = as_json if options["format"] == "json" else as_text
    formatter = {
        "()": ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [ProcessorFormatter.remove_processors_meta, explain, without_personal_data, render],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "handlers": {
                "out": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "structured"}
            },
            "root": {"handlers": ["out"], "level": options["level"]},
            "loggers": {
                name: {"level": level, "handlers": [], "propagate": True} for name, level in LEVELS.items()
            },
        }
    )


def explain(_logger: Any, _method: str, event: Event) -> Event:
    """Put the exception of the event, if any, into words that may be logged."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    event.pop("stack_info", None)
    return event


def without_personal_data(_logger: Any, _method: str, event: Event) -> Event:
    return {
        name: value if name in {"timestamp", "level"} else mask(value, name) for name, value in event.items()
    }


def as_json(_logger: Any, _method: str, event: Event) -> str:
    return json.dumps(event, default=str)  # ASCII only, so no value can end the line or move the cursor


def as_text(_logger: Any, _method: str, event: Event) -> str:
    """For people at a terminal; the frames of an exception follow on lines of their own, indented."""
    facts = " ".join(f"{name}={value}" for name, value in event.items() if name not in HEAD)
    line = f"{event['timestamp'][11:19]} {event['level']:<8} {event['event']}  {facts}"
    lines, error = [line], event.get("exception")
    while error:
        words = ": ".join(filter(None, (error["type"], error.get("message") or error.get("constraint"))))
        lines += [f"    {words}", *(f"      {frame}" for frame in error["frames"])]
        error = error.get("cause")
    return "\n".join(CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line).rstrip() for line in lines)
