"""What is wrong, and what to do about it, in words: the examination behind `manage.py doctor`."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from celery import current_app
from django.conf import settings
from django.core.checks import ERROR, Tags, run_checks
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from campaigns import queue as sends
from crm import env, heartbeats
from crm.health import report, silence, vitals
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from segments import queue
from segments.models import State
from timeline import consistency

RUNBOOKS = "docs/runbooks"
CLOCKS_APART = 2.0  # seconds that this machine's clock may differ from the database's
BUSY_CONNECTIONS = 0.85  # of those PostgreSQL allows
MOST_TENANTS = 50  # whose rows are compared
LOW_DISK, FULL_DISK = 0.10, 0.02  # of the disk still free
CONNECTIONS = "SELECT count(*)::float8 / current_setting('max_connections')::int FROM pg_stat_activity"


class Level(IntEnum):
    """The exit code of the worst finding is the doctor's."""

    OK = 0
    WARNING = 1
    BROKEN = 2


class Finding(NamedTuple):
    """One thing looked at. `do` is the next step where it is not in order."""

    check: str
    level: Level
    says: str
    do: str = ""


Examination = Callable[[], Iterable[Finding]]


def examine() -> list[Finding]:
    """Look at everything that can be looked at; what hangs on a server that is away is left out."""
    found = [*_tried("database", _database)]
    if found[0].level == Level.OK:
        for name, look in OF_DATABASE.items():
            found += _tried(name, look)
    for name, look in OTHERS.items():
        found += _tried(name, look)
    return found


def _tried(name: str, look: Examination) -> list[Finding]:
    try:
        return list(look())
    except (DatabaseError, InterfaceError, RedisError, KombuError, OSError) as error:
        words = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        return [Finding(name, Level.BROKEN, f"The look at it failed. {words}", f"See {RUNBOOKS}/.")]


def _finding(
    check: str, wrong: object, says: str, do: str, *, level: Level = Level.WARNING, fine: str = ""
) -> Finding:
    """What was found where something is wrong; `fine` is said where nothing is."""
    return Finding(check, level, says, do) if wrong else Finding(check, Level.OK, fine or "In order.")


def _database() -> Iterator[Finding]:
    do = f"Check DATABASE_URL and the server; see {RUNBOOKS}/database-down.md."
    if not (env.text("DATABASE_URL") or env.text("CRM_DATABASE_URL")):
        do = "No DATABASE_URL is set and no `make run` is under way in this checkout: set it, or start one."
    try:
        with vitals.own_connection() as own:
            vitals.rows("SELECT 1", using=own)
    except (DatabaseError, InterfaceError) as error:
        yield Finding(
            "database", Level.BROKEN, f"PostgreSQL does not answer: {str(error).partition(chr(10))[0]}", do
        )
        return
    yield Finding("database", Level.OK, "PostgreSQL answers.")


def _migrations() -> Iterator[Finding]:
    pending = vitals.pending_migrations()
    says = f"{len(pending)} migrations are pending, the first being {pending[0]}." if pending else ""
    yield _finding("migrations", pending, says, "Run `manage.py migrate`.", level=Level.BROKEN)
    if not pending:
        do = "Point DATABASE_URL at the primary, and give its role INSERT, UPDATE and DELETE on all tables."
        says = "The role can't write: it lacks rights, or the server is a standby."
        yield _finding("rights", not vitals.may_write(), says, do, level=Level.BROKEN)


def _connections() -> Iterator[Finding]:
    used = vitals.rows(CONNECTIONS)[0][0]
    says = f"{used:.0%} of PostgreSQL's connections are taken."
    do = f"See {RUNBOOKS}/database-down.md, “connections used up”."
    yield _finding("connections", used > BUSY_CONNECTIONS, says, do, fine=says)


def _clock() -> Iterator[Finding]:
    before = time.time()
    database = vitals.rows("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0]
    apart = abs(database - (before + time.time()) / 2)
    says = f"This machine's clock and the database's are {apart:.1f} s apart."
    yield _finding("clock", apart > CLOCKS_APART, says, "Let both follow a time server (NTP).", fine=says)


def _outbox() -> Iterator[Finding]:
    unsent = vitals.outbox()
    says = f"{unsent.size} messages wait for the relay, the oldest for {unsent.oldest or 0:.0f} s."
    late = unsent.oldest is not None and unsent.oldest > report.LATE_NEWS
    yield _finding("outbox", late, says, f"See {RUNBOOKS}/queue-stuck.md.", fine=says)


def _events() -> Iterator[Finding]:
    do = f"See {RUNBOOKS}/queue-stuck.md."
    for name, backlog in vitals.events().items():
        oldest, still = max(backlog.oldest or 0, 0), max(backlog.still or 0, 0)
        says = f"{backlog.size} {name} events wait, the oldest due one for {oldest:.0f} s."
        is_stuck = report.is_stuck(backlog)
        if is_stuck:
            says += f" The queue is stuck: nobody has worked any of them off for {still:.0f} s."
        yield _finding(f"events ({name})", is_stuck or oldest > report.LATE_EVENTS[name], says, do, fine=says)
    stuck = vitals.stuck_events()
    says = f"{stuck} events were taken by a worker over five minutes ago and are not settled."
    yield _finding("stuck events", stuck, says, do)
    dead = vitals.dead_letters()
    do = f"See who and why with `manage.py replay_dead_letters --dry-run`; {RUNBOOKS}/dead-letters.md."
    yield _finding(
        "dead letters", dead, f"{dead} events failed for good and wait for a decision.", do, fine="None."
    )


def _processes() -> Iterator[Finding]:
    for name, age in heartbeats.silences().items():
        who = "beat" if name == heartbeats.BEAT else f"a worker of the queue {name}"
        says = f"No sign of {who} yet." if age is None else f"Last sign of {who}: {max(age, 0):.0f} s ago."
        do = f"Start or restart it; see {RUNBOOKS}/worker-takes-nothing.md."
        silent = age is None or age > heartbeats.SILENT_AFTER
        yield _finding(f"process {name}", silent, says, do, level=Level.BROKEN, fine=says)


def _sources() -> Iterator[Finding]:
    silent = [source for source in silence.sources() if source.is_silent]
    for source in silent:
        says = (
            f"{source.source} of {source.tenant} has sent nothing for {_duration(source.silent)}; "
            f"its longest pause in seven days was {_duration(source.longest)}."
        )
        yield Finding("sources", Level.WARNING, says, f"See {RUNBOOKS}/silent-source.md.")
    if not silent:
        yield Finding("sources", Level.OK, "No source is silent beyond its rhythm.")


def _segments() -> Iterator[Finding]:
    waiting = queue.waiting()
    says = f"{waiting.size} changes of people wait for segments to look, the oldest for {waiting.oldest or 0:.0f} s."
    late, do = (waiting.oldest or 0) > report.LATE_TOUCHES, f"See {RUNBOOKS}/segments.md."
    yield _finding("segment touches", late, says, do, fine=says)
    troubled = queue.troubled(timezone.now())
    for one in troubled[:MOST_TENANTS]:
        is_broken = one.state == State.BROKEN
        says = f"“{one.name}” of {one.tenant.slug} is {'broken: ' + one.refresh_error if is_broken else 'out of date.'}"
        yield Finding("segments", Level.WARNING, says, do)
    if not troubled:
        yield Finding("segments", Level.OK, "Every segment is up to date.")


def _messages() -> Iterator[Finding]:
    waiting = sends.waiting()
    says = f"The oldest message that is due has waited {waiting.oldest:.0f} s."
    do = f"See {RUNBOOKS}/campaigns.md."
    yield _finding("messages", waiting.oldest > report.LATE_MESSAGES, says, do, fine=says)
    if waiting.unknown:
        says = f"Of {waiting.unknown} messages nobody knows whether they went: staff must say."
        yield Finding("unknown messages", Level.WARNING, says, do)


def _consistency() -> Iterator[Finding]:
    """Every tenant against the rules of timeline.consistency, the first so many of them."""
    tenants = Tenant.objects.filter(is_active=True).order_by("pk")
    wrong = False
    for tenant in tenants[:MOST_TENANTS]:
        with tenant_scope(tenant):
            broken = [one for one in consistency.check(now=timezone.now()) if one.wrong]
        for one in broken:
            wrong = True
            says = f"{one.says} Not so for {one.wrong} of {one.checked} looked at in {tenant.slug}"
            do = f"See {RUNBOOKS}/disagreement.md, “{one.name}”."
            yield Finding("consistency", Level.WARNING, f"{says}, such as {', '.join(one.examples)}.", do)
    if not wrong:
        yield Finding("consistency", Level.OK, "Counters, timelines, identifiers, events and outbox agree.")


def _redis() -> Iterator[Finding]:
    do = f"Check REDIS_URL and the server; see {RUNBOOKS}/redis-down.md. Nothing is lost meanwhile."
    answers = vitals.redis_answers()
    yield _finding(
        "redis", not answers, "Redis does not answer.", do, level=Level.BROKEN, fine="Redis answers."
    )
    if answers:
        found = vitals.streams()
        says = f"{found.rejected} entries lie in crm-events-rejected, with their reasons."
        do = f"Read them with XREVRANGE crm-events-rejected + - COUNT 10; see {RUNBOOKS}/dead-letters.md."
        yield _finding("rejected entries", found.rejected, says, do, fine="None.")
        says = f"{found.unread} entries of crm-events are unread, {found.unacknowledged} not committed yet."
        behind = found.unread > 10_000 or (found.unread and not found.unacknowledged)
        yield _finding("stream", behind, says, "See that `manage.py consume_events` runs.", fine=says)


def _broker() -> Iterator[Finding]:
    with current_app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=0, timeout=vitals.PATIENCE)
    yield Finding("broker", Level.OK, "The broker answers.")


def _disk() -> Iterator[Finding]:
    place = settings.BASE_DIR / "var"
    usage = shutil.disk_usage(place if place.exists() else Path(settings.BASE_DIR))
    free = usage.free / usage.total
    says = f"{free:.0%} of the disk is free ({usage.free / 2**30:.1f} GiB)."
    level = Level.BROKEN if free < FULL_DISK else Level.WARNING
    yield _finding(
        "disk", free < LOW_DISK, says, "Make room, or give it a larger disk.", level=level, fine=says
    )


def _settings() -> Iterator[Finding]:
    """The system checks: those for a deployment too, unless this is a development set-up."""
    development = settings.EMBEDDED or settings.DEBUG
    messages = run_checks(include_deployment_checks=not development)
    yield from _said("settings", messages)


def _database_settings() -> Iterator[Finding]:
    yield from _said("roles and servers", run_checks(tags=[Tags.database], databases=["default"]))


def _said(check: str, messages: Iterable[Any]) -> Iterator[Finding]:
    said = [
        Finding(
            check,
            Level.BROKEN if one.level >= ERROR else Level.WARNING,
            f"{one.id}: {one.msg}",
            one.hint or "",
        )
        for one in messages
        if not one.is_silenced()
    ]
    yield from said or [Finding(check, Level.OK, "In order.")]


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


OF_DATABASE: dict[str, Examination] = {
    "migrations": _migrations, "roles and servers": _database_settings, "connections": _connections, "clock": _clock,
    "outbox": _outbox, "events": _events, "processes": _processes, "sources": _sources,
    "segments": _segments,
    "messages": _messages,
    "consistency": _consistency,
}  # fmt: skip
OTHERS: dict[str, Examination] = {"redis": _redis, "broker": _broker, "disk": _disk, "settings": _settings}
