"""The Celery application: queues, and what happens around every task. Tasks are nudges: rows are the guarantee."""

import os
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections
from kombu.entity import Queue
from prometheus_client import start_http_server

from crm.observability import configure_logging, tasks
from crm.observability.metrics import registry
from crm.outbox import nudge

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("fairway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in nudge.QUEUES]  # type: ignore[no-untyped-call]
app.autodiscover_tasks()


def keep_our_logging(**_: Any) -> None:
    """With somebody who hears this signal, Celery leaves logging alone."""
    configure_logging(settings.LOGGING)


def before_task(task_id: str, task: Any, **_: Any) -> None:
    """A connection that broke since the last task is replaced, where Celery would go on using it."""
    close_old_connections()
    tasks.begin(task_id, task)
    nudge.taken(task.request.headers)


def serve_metrics(**_: Any) -> None:
    """What the worker's processes count together, for Prometheus; they share PROMETHEUS_MULTIPROC_DIR."""
    if settings.WORKER_METRICS_PORT:
        start_http_server(settings.WORKER_METRICS_PORT, registry=registry())


signals.setup_logging.connect(keep_our_logging)
signals.worker_init.connect(serve_metrics)
signals.task_prerun.connect(before_task)
signals.before_task_publish.connect(tasks.hand_on_request_id)
signals.task_postrun.connect(tasks.end)
signals.task_failure.connect(tasks.fail)
