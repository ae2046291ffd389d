"""What happens every so often: one table, kept in step with django-celery-beat's when beat starts."""

import time
from typing import Any, NamedTuple

import structlog
from celery.beat import SchedulingError
from django.db import DatabaseError, InterfaceError, close_old_connections
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from crm.heartbeats import BEAT, PROBE_EVERY, beat_heart
from crm.outbox.nudge import EXPIRES

log = structlog.get_logger(__name__)

OURS = "Made by Fairway from crm/schedule.py: switch it off here if you must, change it there."
SAY_EVERY = 60.0  # seconds between complaints that the broker is away


class Job(NamedTuple):
    """A task to send every so many seconds. It finds its work in rows, so a run more or less does no harm."""

    name: str
    task: str
    every: int
    queue: str = "default"


HOUR = 3600
SCHEDULE = (
    Job("heartbeat of events-high", "crm.heartbeat", PROBE_EVERY, "events-high"),
    Job("heartbeat of events", "crm.heartbeat", PROBE_EVERY, "events"),
    Job("heartbeat of default", "crm.heartbeat", PROBE_EVERY, "default"),
    Job("heartbeat of sends", "crm.heartbeat", PROBE_EVERY, "sends"),
    Job("relay the outbox", "outbox.relay", 2),
    Job("find due events", "timeline.sweep_events", 5, "events-high"),
    Job("decay counters", "timeline.decay_counters", 60),
    Job("move stages that time moves", "customers.turn_stages", 900),
    Job("end consents that were given for a time", "customers.end_consents", 300),
    Job("move people to renamed tags", "customers.move_tags", 60),
    Job("watch for silent sources", "crm.watch_sources", 60),
    Job("purge sent news", "outbox.purge", HOUR),
    Job("apply retention rules", "tenancy.apply_retention", HOUR),
    Job("send staff mail", "tenancy.send_mail", 5),
    Job("purge staff mail", "tenancy.purge_mail", HOUR),
    Job("purge sessions", "tenancy.purge_sessions", HOUR),
    Job("apply events of lifted restrictions", "timeline.apply_held", 60),
    Job("ask about who came of age", "customers.review_majority", 24 * HOUR),
    Job("compare whom the news missed", "customers.catch_up_on_duplicates", HOUR),
    Job("line up what segments wait for", "segments.sweep", 1),
    Job("apply the clock to segments", "segments.apply_clock", 60),
    Job("tell Messaging of segments", "segments.tell_messaging", 10, "scoring"),
    Job("tell people's clicks from machines'", "campaigns.judge_interactions", 15),
    Job("line up messages that are due", "campaigns.sweep", 1, "sends"),
    Job("line up campaigns that are due", "campaigns.tick", 5, "sends"),
    Job("put down to messages what they brought", "campaigns.attribute", 300, "scoring"),
    Job("tidy what people are found by", "customers.tidy_search", 24 * HOUR),
)


def sync_schedule() -> None:
    """Bring beat's table in step with SCHEDULE. What an operator switched off stays off; their own rows stay."""
    for job in SCHEDULE:
        interval = {"every": job.every, "period": IntervalSchedule.SECONDS}
        PeriodicTask.objects.update_or_create(
            name=job.name,
            defaults={
                "task": job.task,
                "interval": IntervalSchedule.objects.filter(**interval).first()
                or IntervalSchedule.objects.create(**interval),
                "queue": job.queue,
                "expire_seconds": EXPIRES,
                "description": OURS,
            },
        )
    PeriodicTask.objects.filter(description=OURS).exclude(name__in=[job.name for job in SCHEDULE]).delete()


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """The database's schedule, kept alive through an outage of database or broker, and showing that it lives."""

    last_beat = last_complaint = float("-inf")

    def setup_schedule(self) -> None:
        sync_schedule()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if time.monotonic() - self.last_beat >= PROBE_EVERY:
            self.last_beat = time.monotonic()
            self.show_life()
        wait: float = super().tick(*args, **kwargs)
        return wait

    def show_life(self) -> None:
        try:
            close_old_connections()
            beat_heart(BEAT)
        except (DatabaseError, InterfaceError) as error:
            log.warning("beat.database_unreachable", error=type(error).__name__)

    def all_as_schedule(self) -> Any:
        """The schedule as it stands in the database, or as it was last read while that is away."""
        try:
            return super().all_as_schedule()
        except (DatabaseError, InterfaceError):
            if not self._schedule:
                raise
            return self._schedule

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send one task. An outage of the broker is said once a minute, not once a task."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            if time.monotonic() - self.last_complaint >= SAY_EVERY:
                self.last_complaint = time.monotonic()
                log.warning("beat.cannot_send", error=type(error.__context__ or error).__name__)
