"""Around every task: its name on each log line, one line when it is done, two metrics. Hears Celery's signals."""

import time
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from crm.database import is_away
from crm.observability import metrics

log = structlog.get_logger("fairway.tasks")


def hand_on_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Before a message is sent: let the task's log lines be found by the request that caused it."""
    request_id = get_contextvars().get("request_id")
    if headers is not None and request_id:
        headers.setdefault("request_id", request_id)


def begin(task_id: str, task: Any, **_: Any) -> None:
    clear_contextvars()
    bind_contextvars(task=task.name, task_id=task_id)
    if request_id := task.request.get("request_id"):
        bind_contextvars(request_id=request_id)
    task.request.began = time.perf_counter()


def end(task: Any, state: str | None = None, retval: Any = None, **_: Any) -> None:
    """A task that found nothing to do says so to nobody: the sweepers come by every few seconds."""
    seconds = time.perf_counter() - task.request.get("began", time.perf_counter())
    metrics.tasks.labels(task.name, state or "UNKNOWN").inc()
    metrics.task_seconds.labels(task.name).observe(seconds)
    if state == "SUCCESS" and retval:
        log.info(
            "task",
            state=state,
            ms=round(seconds * 1000, 1),
            count=retval if isinstance(retval, int) else None,
        )
    clear_contextvars()


def fail(sender: Any, exception: BaseException, **_: Any) -> None:
    """A failure with its frames; while the database is away, every task fails and one word each is enough."""
    if is_away(exception):
        log.warning("task.database_unreachable", task=sender.name, error=type(exception).__name__)
    else:
        metrics.faults.labels("task").inc()
        tenant = {"tenant": exception.tenant} if hasattr(exception, "tenant") else {}
        log.error("task.failed", task=sender.name, exc_info=exception, **tenant)
