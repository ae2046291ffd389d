"""What one process counts. With PROMETHEUS_MULTIPROC_DIR set, all processes that share it are added up."""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

requests = Counter("fairway_http_requests", "Requests answered.", ["route", "method", "status"])
request_seconds = Histogram(
    "fairway_http_request_seconds", "Time to answer.", ["route", "method"], buckets=SECONDS
)
tasks = Counter("fairway_tasks", "Tasks run.", ["task", "state"])
task_seconds = Histogram("fairway_task_seconds", "Time a task took.", ["task"], buckets=SECONDS)
messages = Counter(
    "fairway_messages", "Messages, by what their gateway said.", ["channel", "state", "reason"]
)
faults = Counter("fairway_faults", "Errors that nobody foresaw: answers of 500, tasks that broke.", ["kind"])
for kind in ("request", "task"):
    faults.labels(kind)  # there from the start, so that the first one is seen as a rise


def registry(*collectors: Collector) -> CollectorRegistry:
    """What the processes counted, and what `collectors` find out when asked."""
    everything = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(everything)  # type: ignore[no-untyped-call]
    else:
        everything.register(REGISTRY)
    for collector in collectors:
        everything.register(collector)
    return everything
