"""Brings the demo in through the event pipeline, in batches, from wherever an earlier run stopped.

All events are historical, the latest too: nobody did these things just now, so no journey may start, no webhook
may fire and no message may go out because of them. They fill timelines, fields, counters and scores all the same.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count
from django.db.models.functions import Now

from crm.demo.campaigns import draft_campaigns
from crm.demo.generator import PEOPLE, SEED, Event, chapters, events
from crm.demo.group import BY
from crm.demo.notes import write_notes
from crm.demo.particulars import write_particulars
from crm.demo.story.period import HISTORY
from crm.errors import Conflict
from crm.tenancy.audit import record
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.scope import tenant_scope
from customers.deduplication import find_all
from segments.models import Segment
from timeline.ingestion import process_due, receive
from timeline.models import InboundEvent

FIRST_BATCH, BATCH = 50, 1000
STARTED, FINISHED = "demo.load_started", "demo.load_finished"
PATIENCE = 120.0  # seconds that other workers, or a killed run's claims, have to come to an end


class Plan(NamedTuple):
    """Which demo it is. as_of is aware UTC."""

    as_of: datetime
    seed: int = SEED
    people: int = PEOPLE

    def as_json(self) -> dict[str, Any]:
        return {"seed": self.seed, "asOf": self.as_of.isoformat(), "people": self.people}


@dataclass(slots=True)
class Progress:
    """How far a load is: `sent` events are in the inbox, `new` of them by this run.

    share:      how much of the story is told, 0 to 1; it is told backwards, so the events' times say.
    planned_at: `sent` when the database connection was last renewed.
    """

    sent: int = 0
    new: int = 0
    share: float = 0.0
    planned_at: int = 0
    began_at: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began_at


class AnotherDemo(Conflict):
    """The demo tenant was begun with other settings; give the same ones to go on with it."""


def planned(tenant: Tenant) -> Plan | None:
    """The plan of the load that was begun, None where there was none."""
    with tenant_scope(tenant):
        entry = AuditEntry.objects.filter(action=STARTED).order_by("at").first()
    if entry is None:
        return None
    return Plan(datetime.fromisoformat(entry.after["asOf"]), entry.after["seed"], entry.after["people"])


def is_loaded(tenant: Tenant) -> bool:
    with tenant_scope(tenant):
        return bool(AuditEntry.objects.filter(action=FINISHED).exists())


def load(tenant: Tenant, plan: Plan, *, report: Callable[[Progress], None]) -> Progress:
    """Send and process all events of `plan` that the tenant does not have yet; `report` hears of every batch.

    Killed at any moment, the next call goes on; called again at the end, it does nothing.
    Raises AnotherDemo when the tenant holds the demo of another plan.
    """
    begun = planned(tenant)
    if begun not in (None, plan):
        raise AnotherDemo
    progress = Progress()
    with tenant_scope(tenant):
        if begun is None:
            record(STARTED, by=BY, after=plan.as_json())
        told = chapters(seed=plan.seed, as_of=plan.as_of, people=plan.people)
        for batch in _batches(next(told)):
            _bring(tenant, batch, progress, report)
        _settle(tenant)
        write_notes(seed=plan.seed, as_of=plan.as_of)
        write_particulars(seed=plan.seed, as_of=plan.as_of)
        for batch in _batches(chain.from_iterable(told)):
            progress.share = max(progress.share, _share(batch[-1], plan))
            _bring(tenant, batch, progress, report)
        _settle(tenant)
        find_all()
        draft_campaigns(as_of=plan.as_of)
        if not is_loaded(tenant):
            Segment.objects.by_the_clock().update(due_at=Now())  # what waits for the night shows people now
            record(FINISHED, by=BY, after={"events": progress.sent})
    return progress


def counts(plan: Plan) -> dict[str, int]:
    """How many events of each type a load would send."""
    found: dict[str, int] = {}
    for event in events(seed=plan.seed, as_of=plan.as_of, people=plan.people):
        found[event["type"]] = found.get(event["type"], 0) + 1
    return dict(sorted(found.items()))


def inbox(tenant: Tenant) -> dict[str, int]:
    """The tenant's inbound events by status."""
    with tenant_scope(tenant):
        rows = InboundEvent.objects.values_list("status").annotate(Count("id")).order_by("status")
        return dict(rows)


def _bring(
    tenant: Tenant, batch: Sequence[Event], progress: Progress, report: Callable[[Progress], None]
) -> None:
    """Send a batch and process it, with whatever else is due."""
    progress.new += _send(batch)
    progress.sent += len(batch)
    process_due(tenant, budget_seconds=PATIENCE, limit=BATCH)
    report(progress)
    if progress.sent >= 2 * progress.planned_at:
        progress.planned_at = progress.sent
        _forget_plans()


def _batches(stream: Iterator[Event]) -> Iterator[list[Event]]:
    size = FIRST_BATCH
    while batch := list(islice(stream, size)):
        yield batch
        size = min(BATCH, 2 * size)


def _forget_plans() -> None:
    """Take a new connection, because the old one keeps plans of its foreign key checks from when tables were empty.

    Such a plan reads the whole table for every row, until PostgreSQL's own statistics run a minute later.
    """
    if not connection.in_atomic_block:
        connection.close()


def _share(event: Event, plan: Plan) -> float:
    """How much of the story is told after an event."""
    return min(1.0, (plan.as_of - datetime.fromisoformat(event["timestamp"])) / HISTORY)


def _send(batch: Sequence[Event]) -> int:
    """Receive what is not in the inbox yet: a second run is no duplicate delivery, and is not counted as one."""
    ids = [event["id"] for event in batch]
    sources = sorted({event["source"] for event in batch})
    known = set(
        InboundEvent.objects.filter(source__in=sources, event_id__in=ids).values_list("event_id", flat=True)
    )
    fresh = [event for event in batch if event["id"] not in known]
    return receive(fresh).accepted if fresh else 0


def _settle(tenant: Tenant) -> None:
    """Process what is left, and wait for what a worker beside us, or a run that was killed, has taken.

    What happened must not overtake who people are: an event that knows somebody by one identifier only would
    make a person of its own, and the two would have to be merged by hand.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        process_due(tenant, budget_seconds=PATIENCE, limit=BATCH)
        if not InboundEvent.objects.filter(is_waiting=True).exists():
            return
        time.sleep(0.1)
