"""Within two minutes, by a clock that the test moves, /health, the documented alerts and doctor tell of trouble.

A queue that is stuck, a dead letter, a source that is silent for longer than its rhythm explains, a worker that is
up and takes nothing: each in words, with what to do, and with a page in the runbooks.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.test import Client

from crm.health import diagnosis
from crm.health.diagnosis import Level
from crm.heartbeats import PROBED, beat_heart
from crm.tasks import watch_sources
from tests.clock import Clock, frozen
from tests.crm.test_metrics import scraped
from tests.factories import InboundEventFactory
from timeline.models import SyncStatus

DOCS = Path(__file__).resolve().parents[2] / "docs"
WITHIN = 120  # seconds
RULE = re.compile(r"alert: (\w+), expr: '?max.*?\((fairway_\w+)(?:\{(.*?)\})?\) > (\d+)'?, for: (\d+)([sm])")


class Alert(NamedTuple):
    """A rule of docs/operations.md: alarms when the metric stands above `limit` for `hold` seconds."""

    metric: str
    labels: str
    limit: float
    hold: int

    def alarms(self) -> bool:
        values = scraped().items()
        return any(
            value > self.limit
            for name, value in values
            if name.startswith(self.metric) and self.labels in name
        )


def alerts() -> dict[str, Alert]:
    found = RULE.findall((DOCS / "operations.md").read_text())
    return {
        name: Alert(metric, labels.replace('"', ""), float(limit), int(hold) * (60 if unit == "m" else 1))
        for name, metric, labels, limit, hold, unit in found
    }


class Trouble(NamedTuple):
    """begin: makes it. quiet: seconds in which it is none yet. silent: who shows no sign of life meanwhile."""

    begin: Callable[[Clock], object]
    told: Callable[[dict[str, Any]], object]
    alert: str
    finding: str
    runbook: str
    quiet: int = 0
    silent: tuple[str, ...] = ()


def an_event_that_nobody_takes(clock: Clock) -> None:
    InboundEventFactory(received_at=clock.now)


def an_event_that_failed_for_good(clock: Clock) -> None:
    InboundEventFactory(status=SyncStatus.FAILED, is_waiting=False, received_at=clock.now, dead_at=clock.now)


def a_source_that_stops(clock: Clock) -> None:
    """Every ten minutes for five hours, and the last time an hour ago but for a minute."""
    for minutes in range(59, 359, 10):
        InboundEventFactory(
            source="teetime", received_at=clock.now - timedelta(minutes=minutes), is_waiting=False,
            status=SyncStatus.SUCCESS, processed_at=clock.now,
        )  # fmt: skip


TROUBLES = {
    "a stuck queue": Trouble(
        an_event_that_nobody_takes,
        lambda health: health["events"]["normal"]["status"] == "degraded",
        "FairwayEventsStuck", "events (normal)", "queue-stuck.md", quiet=60,
    ),
    "a dead letter": Trouble(
        an_event_that_failed_for_good,
        lambda health: health["deadLetters"]["count"] == 1,
        "FairwayDeadLetters", "dead letters", "dead-letters.md",
    ),
    "a silent source": Trouble(
        a_source_that_stops,
        lambda health: [one["source"] for one in health["sources"]["silent"]] == ["teetime"],
        "FairwaySourceSilent", "sources", "silent-source.md", quiet=50,
    ),
    "a worker that takes nothing": Trouble(
        lambda clock: None,
        lambda health: health["workers"]["events"]["status"] == "degraded",
        "FairwayProcessSilent", "process events", "worker-takes-nothing.md", quiet=90, silent=("events",),
    ),
    "a beat that stands still": Trouble(
        lambda clock: None,
        lambda health: health["beat"]["status"] == "degraded",
        "FairwayProcessSilent", "process beat", "worker-takes-nothing.md", quiet=90, silent=("beat",),
    ),
}  # fmt: skip


@pytest.fixture
def clock(tenant: Any, redis: Any, settings: Any) -> Iterator[Clock]:
    settings.EMBEDDED = True
    with frozen(datetime(2026, 11, 2, 12, tzinfo=UTC)) as clock:
        yield clock


def lives(*, silent: tuple[str, ...] = ()) -> None:
    """Everyone shows a sign of life but those who are silent, and beat has its jobs done."""
    for name in ("beat", *PROBED):
        if name not in silent:
            beat_heart(name)
    watch_sources()


def pass_time(clock: Clock, seconds: int, *, silent: tuple[str, ...] = ()) -> None:
    """The clock goes on minute by minute, as life does."""
    while seconds:
        step = min(seconds, 60)
        seconds -= step
        clock.forward(seconds=step)
        lives(silent=silent)


def health() -> dict[str, Any]:
    return Client().get("/health").json()


def finding(name: str) -> diagnosis.Finding:
    return next(one for one in diagnosis.examine() if one.check == name)


@pytest.mark.parametrize("name", TROUBLES)
def test_it_is_told_within_two_minutes_by_all_three_and_not_before_it_is_one(clock: Clock, name: str) -> None:
    trouble, alert = TROUBLES[name], alerts()[TROUBLES[name].alert]
    if trouble.quiet:
        trouble.begin(clock)
    lives()
    pass_time(clock, trouble.quiet, silent=trouble.silent)
    assert not trouble.told(health()) and not alert.alarms()
    assert finding(trouble.finding).level == Level.OK
    if not trouble.quiet:
        trouble.begin(clock)
    pass_time(clock, WITHIN - alert.hold - trouble.quiet, silent=trouble.silent)
    assert alert.alarms(), f"{alert} has {alert.hold} s left to hold"
    pass_time(clock, alert.hold, silent=trouble.silent)
    assert trouble.told(health())
    assert finding(trouble.finding).level > Level.OK
    assert f"docs/runbooks/{trouble.runbook}" in finding(trouble.finding).do
    assert trouble.alert in (DOCS / "runbooks" / trouble.runbook).read_text()


def test_a_long_queue_that_moves_is_not_a_stuck_one(clock: Clock) -> None:
    waiting = [InboundEventFactory(received_at=clock.now) for _ in range(5)]
    lives()
    for done in waiting[:4]:
        done.status, done.is_waiting, done.processed_at = SyncStatus.SUCCESS, False, clock.now
        done.save()
        pass_time(clock, 50)
        assert health()["events"]["normal"]["status"] == "ok"
    pass_time(clock, 20)
    assert health()["events"]["normal"] == {
        "status": "degraded", "waiting": 1, "oldestSeconds": 220.0, "stillSeconds": 70.0,
    }  # fmt: skip
    assert (
        "The queue is stuck: nobody has worked any of them off for 70 s." in finding("events (normal)").says
    )


def test_a_source_that_is_heard_of_again_is_silent_no_longer(clock: Clock) -> None:
    a_source_that_stops(clock)
    pass_time(clock, 120)
    assert health()["sources"]["status"] == "degraded"
    InboundEventFactory(source="teetime", received_at=clock.now)
    pass_time(clock, 60)
    assert health()["sources"] == {"status": "ok", "silent": []}
    assert finding("sources").level == Level.OK


def test_a_rhythm_is_learnt_anew_every_quarter_of_an_hour(clock: Clock) -> None:
    """A source that has slowed down for a while alarms by its new pauses."""
    a_source_that_stops(clock)
    InboundEventFactory(source="teetime", received_at=clock.now)
    lives()
    for _ in range(3):
        pass_time(clock, 100 * 60)
        InboundEventFactory(source="teetime", received_at=clock.now)
    pass_time(clock, 100 * 60)
    assert health()["sources"]["status"] == "ok"
    pass_time(clock, 60 * 60)
    assert health()["sources"]["status"] == "degraded"
