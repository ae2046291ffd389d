"""How the platform is, in one answer: for /health and its two probes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from redis.exceptions import RedisError

from crm import heartbeats
from crm.health import silence, vitals
from segments import queue
from segments.models import State

log = structlog.get_logger(__name__)

OK, DEGRADED, UNAVAILABLE = "ok", "degraded", "unavailable"
LATE_NEWS = 120.0  # seconds that news may wait for the relay
LATE_EVENTS = {"high": 60.0, "normal": 300.0, "low": 3600.0}  # seconds that due events may wait for a worker
LATE_TOUCHES = 60.0  # seconds that a change of somebody may wait for the segments to look
LATE_MESSAGES = 300.0  # seconds that a message may wait which nothing holds back
STUCK = 60.0  # seconds in which a worker must have worked off some of the events that are due


class Report(NamedTuple):
    """The worst of the parts, and the parts."""

    status: str
    parts: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, parts: dict[str, dict[str, Any]]) -> "Report":
        found = {part["status"] for part in parts.values()}
        return cls(next((status for status in (UNAVAILABLE, DEGRADED) if status in found), OK), parts)

    def bare(self) -> dict[str, Any]:
        """What anybody may know."""
        return {"status": self.status, "checks": {name: part["status"] for name, part in self.parts.items()}}

    def full(self) -> dict[str, Any]:
        return {"status": self.status, "version": settings.VERSION, **self.parts}


def ready() -> Report:
    """Whether requests can be served: PostgreSQL, migrations and outbox decide; Redis only degrades. Within 3 s."""
    return Report.of({**_database(), "redis": _redis()})


def summary() -> Report:
    """All there is to know, as long as the database answers."""
    parts = {**_database(), "redis": _redis()}
    if all(part["status"] != UNAVAILABLE for part in parts.values()):
        parts |= {name: _asked(ask) for name, ask in NUMBERS.items()}
    return Report.of(parts)


def _asked(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return ask()
    except (DatabaseError, InterfaceError) as error:
        log.warning("health.unknown", error=type(error).__name__)
        return {"status": UNAVAILABLE}
    except RedisError:
        return {"status": DEGRADED}


def _database() -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {}
    try:
        with vitals.own_connection() as own:
            parts["database"] = {"status": OK}
            vitals.rows("SELECT 1", using=own)
            pending = vitals.pending_migrations()
            parts["migrations"] = {"status": UNAVAILABLE if pending else OK, "pending": len(pending)}
            writable = not pending and vitals.may_write(own)
            parts["outbox"] = {"status": OK if writable else UNAVAILABLE}
    except (DatabaseError, InterfaceError) as error:
        log.warning("health.database_unreachable", error=type(error).__name__)
        parts["database"] = {"status": UNAVAILABLE}
    return parts


def _redis() -> dict[str, Any]:
    return {"status": OK if vitals.redis_answers() else DEGRADED}


def _outbox() -> dict[str, Any]:
    return _backlog(vitals.outbox(), LATE_NEWS, "unsent")


def _events() -> dict[str, Any]:
    found = {name: _waiting(name, backlog) for name, backlog in vitals.events().items()}
    late = any(part["status"] != OK for part in found.values())
    return {"status": DEGRADED if late else OK, **found}


def _backlog(backlog: vitals.Backlog, limit: float, name: str) -> dict[str, Any]:
    late = backlog.oldest is not None and backlog.oldest > limit
    return {"status": DEGRADED if late else OK, name: backlog.size, "oldestSeconds": _seconds(backlog.oldest)}


def _waiting(priority: str, backlog: vitals.Backlog) -> dict[str, Any]:
    part = _backlog(backlog, LATE_EVENTS[priority], "waiting") | {"stillSeconds": _seconds(backlog.still)}
    return part | {"status": DEGRADED} if is_stuck(backlog) else part


def is_stuck(backlog: vitals.Backlog) -> bool:
    """Whether events are due and nobody works them off, however few they are."""
    return backlog.still is not None and backlog.still > STUCK


def _dead() -> dict[str, Any]:
    return {"status": OK, "count": vitals.dead_letters()}


def _segments() -> dict[str, Any]:
    waiting, broken = queue.waiting(), queue.by_state(timezone.now())[State.BROKEN]
    late = (waiting.oldest or 0) > LATE_TOUCHES
    return {
        "status": DEGRADED if late or broken else OK,
        "broken": broken,
        "waiting": waiting.size,
        "oldestSeconds": _seconds(waiting.oldest),
    }


def _sources() -> dict[str, Any]:
    """The sources that are silent beyond their rhythm, as the last watch knows them."""
    silent = [
        {
            "tenant": source.tenant,
            "source": source.source,
            "silentSeconds": _seconds(source.silent),
            "longestPauseSeconds": _seconds(source.longest),
        }
        for source in silence.remembered()
        if source.is_silent
    ]
    return {"status": DEGRADED if silent else OK, "silent": silent}


def _beat() -> dict[str, Any]:
    return _sign_of_life(heartbeats.silences()[heartbeats.BEAT])


def _workers() -> dict[str, Any]:
    """The last time that a worker took the probe out of each queue."""
    ages = heartbeats.silences()
    found = {queue: _sign_of_life(ages[queue]) for queue in heartbeats.PROBED}
    silent = any(part["status"] != OK for part in found.values())
    return {"status": DEGRADED if silent else OK, **found}


def _sign_of_life(age: float | None) -> dict[str, Any]:
    """Silent is whoever has shown none for too long, or never."""
    alive = age is not None and age <= heartbeats.SILENT_AFTER
    return {"status": OK if alive else DEGRADED, "lastSeenSeconds": _seconds(age)}


def _seconds(age: float | None) -> float | None:
    return None if age is None else round(max(age, 0.0), 1)


NUMBERS: dict[str, Callable[[], dict[str, Any]]] = {
    "outbox": _outbox, "events": _events, "deadLetters": _dead, "beat": _beat, "workers": _workers,
    "sources": _sources, "segments": _segments,
}  # fmt: skip
