"""The state of the platform as gauges, found out when Prometheus asks."""

from collections.abc import Callable, Iterable, Iterator

import structlog
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from campaigns import queue as sends
from crm import heartbeats
from crm.health import silence, vitals
from segments import queue

log = structlog.get_logger(__name__)


class StateCollector(Collector):
    """What stands in PostgreSQL and Redis. Of a server that does not answer only that is said."""

    def collect(self) -> Iterator[Metric]:
        database = _database_answers()
        yield _gauge("fairway_database_up", "Whether PostgreSQL answers.", float(database))
        redis = vitals.redis_answers()
        yield _gauge("fairway_redis_up", "Whether Redis answers.", float(redis))
        for up, groups in ((database, OF_DATABASE), (redis, OF_REDIS), (database and redis, OF_BOTH)):
            for group in groups if up else ():
                yield from _asked(group)


def _database_answers() -> bool:
    try:
        with vitals.own_connection() as own:
            return bool(vitals.rows("SELECT 1", using=own))
    except (DatabaseError, InterfaceError):
        return False


def _asked(group: Callable[[], Iterable[Metric]]) -> list[Metric]:
    try:
        return list(group())
    except (DatabaseError, InterfaceError, RedisError) as error:
        log.warning("metrics.unknown", group=group.__name__, error=type(error).__name__)
        return []


def _gauge(name: str, words: str, value: float | None) -> Metric:
    gauge = GaugeMetricFamily(name, words)
    if value is not None:
        gauge.add_metric([], value)
    return gauge


def _gauges(name: str, words: str, label: str, values: Iterable[tuple[str, float | None]]) -> Metric:
    gauge = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values:
        if value is not None:
            gauge.add_metric([key], value)
    return gauge


def _events() -> Iterator[Metric]:
    found = vitals.events()
    yield _gauges(
        "fairway_events_waiting", "Events that wait for a worker.", "priority",
        [(name, backlog.size) for name, backlog in found.items()],
    )  # fmt: skip
    yield _gauges(
        "fairway_events_oldest_due_seconds", "Age of the oldest event that is due.", "priority",
        [(name, max(backlog.oldest or 0.0, 0.0)) for name, backlog in found.items()],
    )  # fmt: skip
    yield _gauges(
        "fairway_events_still_seconds", "Since a worker worked off any of the events that are due.", "priority",
        [(name, max(backlog.still or 0.0, 0.0)) for name, backlog in found.items()],
    )  # fmt: skip
    yield _gauge("fairway_events_dead_letters", "Events that failed for good.", vitals.dead_letters())


def _outbox() -> Iterator[Metric]:
    unsent = vitals.outbox()
    yield _gauge("fairway_outbox_unsent", "Messages that wait for the relay.", unsent.size)
    yield _gauge(
        "fairway_outbox_oldest_seconds",
        "Age of the oldest message that waits.",
        max(unsent.oldest or 0.0, 0.0),
    )


def _processes() -> Iterator[Metric]:
    yield _gauges(
        "fairway_heartbeat_age_seconds", "Since beat, or a worker of the queue, was last seen at work.", "process",
        heartbeats.silences().items(),
    )  # fmt: skip


def _streams() -> Iterator[Metric]:
    found = vitals.streams()
    yield _gauge(
        "fairway_stream_unread", "Entries of crm-events that no consumer was given yet.", found.unread
    )
    yield _gauge(
        "fairway_stream_unacknowledged", "Entries given out and not committed yet.", found.unacknowledged
    )
    yield _gauge("fairway_stream_rejected", "Entries in crm-events-rejected.", found.rejected)
    yield _gauge("fairway_stream_outbound", "Entries in crm-outbound.", found.outbound)


def _queues() -> Iterator[Metric]:
    yield _gauges(
        "fairway_queue_messages", "Task messages in the broker.", "queue", list(vitals.queues().items())
    )  # fmt: skip


def _sources() -> Iterator[Metric]:
    gauge = GaugeMetricFamily(
        "fairway_source_silence_ratio",
        "How long a source has been silent, by the silence at which it alarms (1 = alarm).",
        labels=["tenant", "source"],
    )
    for source in silence.remembered():
        gauge.add_metric([source.tenant, source.source], source.ratio)
    yield gauge


def _segments() -> Iterator[Metric]:
    waiting = queue.waiting()
    yield _gauge(
        "fairway_segment_touches_waiting", "Changes of people that segments have not looked at.", waiting.size
    )
    yield _gauge(
        "fairway_segment_touches_oldest_seconds", "Age of the oldest of them.", waiting.oldest or 0.0
    )
    yield _gauges("fairway_segments", "Segments in use.", "state", queue.by_state(timezone.now()).items())


def _messages() -> Iterator[Metric]:
    waiting = sends.waiting()
    yield _gauge(
        "fairway_messages_oldest_due_seconds", "Age of the oldest message due.", waiting.oldest or 0.0
    )
    yield _gauge("fairway_messages_unknown", "Messages that staff must find out about.", waiting.unknown)


OF_DATABASE = (_events, _outbox, _processes, _segments, _messages)
OF_REDIS = (_streams, _queues)
OF_BOTH = (_sources,)
