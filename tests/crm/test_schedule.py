"""Beat's table follows crm/schedule.py, and beat lives through outages."""

import time
from contextlib import contextmanager
from contextvars import Context
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.db import OperationalError, connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from crm.heartbeats import silences
from crm.outbox.nudge import QUEUES, Policy
from crm.schedule import OURS, SCHEDULE, Scheduler, sync_schedule


def rows() -> set[tuple]:
    return set(
        PeriodicTask.objects.values_list(
            "name", "task", "interval__every", "interval__period", "queue", "enabled"
        )
    )


def test_the_table_is_filled(db):
    sync_schedule()
    assert rows() == {(job.name, job.task, job.every, "seconds", job.queue, True) for job in SCHEDULE}
    assert IntervalSchedule.objects.count() == len({job.every for job in SCHEDULE})


def test_again_changes_nothing(db):
    sync_schedule()
    before = rows(), set(PeriodicTask.objects.values_list("pk", flat=True))
    sync_schedule()
    assert (rows(), set(PeriodicTask.objects.values_list("pk", flat=True))) == before


def test_what_was_changed_is_set_right_what_is_gone_goes_what_is_switched_off_stays_off(db):
    sync_schedule()
    PeriodicTask.objects.filter(name="decay counters").update(task="other", enabled=False)
    hourly = IntervalSchedule.objects.get(every=3600)
    PeriodicTask.objects.create(name="old", task="x", interval=hourly, description=OURS)
    PeriodicTask.objects.create(name="the operator's own", task="x", interval=hourly)
    sync_schedule()
    row = PeriodicTask.objects.get(name="decay counters")
    assert (row.task, row.enabled) == ("timeline.decay_counters", False)
    assert not PeriodicTask.objects.filter(name="old").exists()
    assert PeriodicTask.objects.filter(name="the operator's own").exists()


@pytest.mark.parametrize("job", SCHEDULE, ids=lambda job: job.name)
def test_each_job_names_a_task_and_a_queue_that_there_are(job):
    current_app.loader.import_default_modules()
    assert job.task in current_app.tasks
    assert job.queue in QUEUES


@pytest.mark.parametrize(
    "task", sorted({job.task for job in SCHEDULE if job.task != "crm.heartbeat"})
)  # a heartbeat is about its queue
def test_each_job_runs_as_a_worker_runs_it_outside_of_any_tenant(tenant, redis, task):
    current_app.loader.import_default_modules()
    Context().run(current_app.tasks[task])


def test_every_task_states_what_happens_when_its_worker_dies():
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}
    assert {"timeline.process_events", "outbox.relay"} <= set(ours)
    for name, task in ours.items():
        policy = getattr(task, "policy", None)
        assert isinstance(policy, Policy), f"{name} states no policy"
        late = policy is Policy.IDEMPOTENT
        assert (task.acks_late, task.reject_on_worker_lost) == (late, late), name


def test_no_message_waits_for_its_time_in_the_broker():
    """ETAs are rows: a Redis broker hands out long ones again and again."""
    root = Path(__file__).resolve().parents[2]
    sources = [path for app in ("crm", "customers", "timeline") for path in (root / app).rglob("*.py")]
    assert len(sources) > 50
    for path in sources:
        text = path.read_text()
        assert "countdown=" not in text and "eta=" not in text, path


committed = pytest.mark.django_db(transaction=True)  # beat looks after its connection itself


@committed
def test_beat_shows_that_it_lives(redis):
    Scheduler(current_app, lazy=True).show_life()
    age = silences()["beat"]
    assert age is not None and age < 5


@pytest.fixture
def scheduler(transactional_db):
    scheduler = Scheduler(current_app, lazy=True)
    scheduler.setup_schedule()
    assert len(scheduler.schedule) == len(SCHEDULE)
    return scheduler


def test_beat_goes_on_without_a_broker_and_complains_once(scheduler, no_redis):
    began = time.monotonic()
    for entry in scheduler.schedule.values():
        scheduler.apply_entry(entry)
    assert time.monotonic() - began < 5
    complained = scheduler.last_complaint
    scheduler.apply_entry(entry)
    assert scheduler.last_complaint == complained > float("-inf")


@pytest.fixture
def no_postgres(transactional_db):
    """Whoever connects to PostgreSQL anew is refused."""

    @contextmanager
    def away():
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(connection.settings_dict, "PORT", "1")
            connection.close()
            yield

    return away


def test_beat_goes_on_without_a_database_with_the_schedule_that_it_knows(
    scheduler, redis, no_postgres, caplog
):
    known = scheduler.schedule
    caplog.clear()
    with no_postgres():
        scheduler.last_beat = float("-inf")
        scheduler._last_full_sync -= timedelta(hours=1)
        scheduler.tick()
        assert scheduler.schedule == known
    assert [record.name for record in caplog.records] == ["crm.schedule"]  # once, and in a word
    scheduler.show_life()
    assert silences()["beat"] is not None


def test_a_beat_that_starts_without_a_database_says_so(no_postgres):
    with no_postgres(), pytest.raises(OperationalError):
        Scheduler(current_app, lazy=True).setup_schedule()
