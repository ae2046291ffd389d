"""W4 with life as it is: what a club group's systems send about a hundred people, in any order, some four times."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from crm.demo import generator
from crm.tenancy.models import Tenant
from customers.models import Booking, CustomerMetrics, Deal, Order, Payment
from tests.architecture.sources import ROOT
from tests.clock import frozen
from tests.timeline.test_order_and_repetition import live_through
from timeline.counters import decay_due
from timeline.ingestion import process_due, receive
from timeline.models import Activity, InboundEvent
from timeline.sources import TYPES

SHUFFLES, STREAMS = 25, 8
LATER = 4000  # of what happened last, in which the chosen events lie
REPEATED = (1, 1, 2, 3, 4)  # how often an event is delivered


class _Undo(Exception):  # noqa: N818 - not an error: it takes a life back
    pass


def stream(seed: int, *, people: int, more: int) -> list[dict[str, Any]]:
    """Everybody, so many of the things that happened to them lately, and an example of every type that there is."""
    as_of = generator.latest_as_of(datetime.now(UTC))
    chapters = generator.chapters(seed=seed, as_of=as_of, people=people)
    everybody = list(next(chapters))
    lately = list(islice(chain.from_iterable(chapters), LATER))
    events = everybody + Random(seed).sample(lately, min(more, len(lately)))
    return [{**event, "tenantId": None} for event in events] + list(samples(as_of))


def samples(as_of: datetime) -> Iterator[dict[str, Any]]:
    """The examples of every type, each at a moment of its own shortly before `as_of`."""
    for path in sorted((ROOT / "timeline" / "sources" / "examples").glob("*.json")):
        for number, sample in enumerate(json.loads(path.read_text())):
            if "type" in sample:  # a job has no time of its own
                at = as_of - timedelta(minutes=number, seconds=len(path.name))
                yield {**sample, "tenantId": None, "timestamp": at.isoformat()}


def deliveries(events: list[Any], random: Random) -> list[Any]:
    again = [event for event in events for _ in range(random.choice(REPEATED))]
    random.shuffle(again)
    return again


def lived(events: list[Any], chunks: list[int]) -> dict[str, Any]:
    """The world that a tenant of its own is left with; the tenant itself is taken back."""
    try:
        with transaction.atomic():
            world = live_through(events, chunks=chunks)
            raise _Undo
    except _Undo:
        return world


def compare(seed: int, *, people: int, more: int, shuffles: int) -> None:
    random, events = Random(seed), stream(seed, people=people, more=more)
    in_order = lived(events, [])
    assert {source for source, *_ in in_order["events"]} >= {kind.source for kind in TYPES.values()}
    for _ in range(shuffles):
        shuffled = deliveries(events, random)
        assert lived(shuffled, [random.randint(1, len(shuffled)) for _ in range(5)]) == in_order


@pytest.mark.django_db
def test_any_order_and_repetition_of_what_clubs_send_ends_in_the_same_world() -> None:
    compare(7, people=20, more=60, shuffles=2)


@pytest.mark.proof
@pytest.mark.django_db
@pytest.mark.parametrize("number", range(STREAMS))
def test_two_hundred_shuffles_of_a_thousand_deliveries_end_in_the_same_world(number: int) -> None:
    compare(number + 1, people=100, more=150, shuffles=SHUFFLES)


# --- counters
def test_counters_equal_a_recount_as_days_pass(tenant: Tenant) -> None:
    """Everything that happens is delivered on its day, late or twice, and then forty days go by without news."""
    events = stream(11, people=20, more=150)
    begin = timezone.now() - timedelta(days=20)
    with frozen(begin) as clock:
        for day in days(events, begin):
            receive(day)
            process_due(tenant)
            assert counters() == recounted()
            clock.forward(days=1)
            decay_due(timezone.now())
            assert counters() == recounted()
        assert any(counted[0] for counted in counters().values())
        for _ in range(40):
            clock.forward(days=1)
            decay_due(timezone.now())
            assert counters() == recounted()
        assert not any(counted[:2] != (0, 0) for counted in counters().values()), "everything left its window"
    assert not InboundEvent.objects.filter(is_waiting=True).exists()


def days(events: list[Any], begin: datetime) -> Iterator[list[Any]]:
    """The events by the day on which they are delivered: not before they happened, some two days late, some again."""
    random, by_day = Random(11), [[] for _ in range(24)]
    for event in events:
        happened = datetime.fromisoformat(event["timestamp"])
        first = min(max((happened - begin).days + 1, 0), 21)
        for _ in range(random.choice(REPEATED)):
            by_day[first + random.randint(0, 2)].append(event)
    yield from by_day


def counters() -> dict[UUID, tuple[int, int, int]]:
    rows = CustomerMetrics.objects.values_list(
        "pk", "activity_count_30d", "booking_count_30d", "lifetime_value_cents"
    )
    return {pk: tuple(counted) for pk, *counted in rows}


def recounted() -> dict[UUID, tuple[int, int, int]]:
    """The same, counted in Python from the rows, by other means than the platform's."""
    since = timezone.now() - timedelta(days=30)
    activities = Counter(
        Activity.objects.filter(counts=True, occurred_at__gt=since).values_list("customer_id", flat=True)
    )
    bookings = Counter(
        Booking.objects.filter(booked_at__gt=since)
        .exclude(status="CANCELLED")
        .values_list("customer_id", flat=True)
    )
    money: Counter[UUID] = Counter()
    rates = Tenant.objects.get().rates
    for customer, total, refunded, currency in Order.objects.exclude(paid_at=None).values_list(
        "customer_id", "total_cents", "refunded_cents", "currency"
    ):
        money[customer] += round(((total or 0) - (refunded or 0)) * rates.get(currency, 0))
    for model, cents, status in ((Payment, "amount_cents", "RECEIVED"), (Deal, "value_cents", "WON")):
        for customer, amount, currency in model.objects.filter(status=status).values_list(
            "customer_id", cents, "currency"
        ):
            money[customer] += round((amount or 0) * rates.get(currency, 0))
    people = CustomerMetrics.objects.values_list("pk", flat=True)
    return {pk: (activities[pk], bookings[pk], money[pk]) for pk in people}
