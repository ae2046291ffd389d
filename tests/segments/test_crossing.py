"""What the clock alone changes is found without looking at everybody."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from crm.tenancy.models import Tenant
from customers.models import Booking, CustomerProfile, FieldWrite
from segments.compiler import current_vocabulary
from segments.conditions import moves_with_clock
from segments.crossing import crossed, crossed_ids
from segments.periods import Clock
from segments.rules import parse
from segments.trees import Group
from tests.factories import ActivityFactory, CustomerProfileFactory
from tests.segments.crowd import Crowd
from tests.segments.random_rules import MOMENTS, ZONES, RuleMaker
from tests.segments.test_differential import in_sql

JOHANNESBURG = ZoneInfo("Africa/Johannesburg")
MIDNIGHT = datetime(2026, 11, 24, 22, tzinfo=UTC)  # in Johannesburg
MINUTE = timedelta(minutes=1)
STEPS = (
    MINUTE,
    timedelta(hours=3),
    timedelta(hours=23),
    timedelta(days=1),
    timedelta(days=8),
    timedelta(days=33),
)


def moved(tree: Group, t0: datetime, t1: datetime, zone: ZoneInfo = JOHANNESBURG) -> set[UUID]:
    statement = crossed_ids(tree, t0, t1, zone=zone)
    if statement is None:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return {pk for (pk,) in cursor.fetchall()}


def compare(tenant: Tenant, seed: int, *, people: int, trees: int) -> None:
    random = Random(seed)
    crowd = Crowd(random, tenant)
    crowd.define()
    crowd.people(people)
    vocabulary = current_vocabulary()
    maker = RuleMaker(random, vocabulary)
    made = (parse(maker.tree(), vocabulary) for _ in count())
    changes = 0
    for _ in range(trees):
        tree = next(tree for tree in made if moves_with_clock(tree))
        zone = ZoneInfo(random.choice(ZONES))
        t0 = random.choice(MOMENTS) - random.choice((timedelta(0), timedelta(seconds=30), *STEPS))
        t1 = t0 + random.choice(STEPS)
        before, after = in_sql(tree, Clock(t0, zone)), in_sql(tree, Clock(t1, zone))
        assert before ^ after <= moved(tree, t0, t1, zone), f"seed {seed}: {tree} from {t0} to {t1} in {zone}"
        changes += before != after
    assert changes > trees / 50


@pytest.mark.parametrize("seed", range(2))
def test_nobody_moves_with_the_clock_who_was_not_found(tenant: Tenant, seed: int) -> None:
    compare(tenant, seed, people=60, trees=100)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 105))
def test_nobody_moves_with_the_clock_who_was_not_found_in_full(tenant: Tenant, seed: int) -> None:
    compare(tenant, seed, people=500, trees=1000)


# --- how few are found
@pytest.fixture
def people(tenant: Tenant) -> dict[str, CustomerProfile]:
    def person(name: str, **metrics: Any) -> CustomerProfile:
        return CustomerProfileFactory(first_name=name, metrics=metrics)

    return {
        "thirty": person("thirty", last_booking_at=MIDNIGHT - timedelta(days=30, hours=3)),
        "lately": person("lately", last_booking_at=MIDNIGHT - timedelta(days=3)),
        "never": person("never"),
    }


def asked(*rules: dict[str, Any]) -> Group:
    return parse(list(rules), current_vocabulary())


def names(tree: Group, t0: datetime, t1: datetime) -> set[str] | None:
    found = crossed(tree, t0, t1)
    return None if found is None else {one.first_name for one in CustomerProfile.objects.filter(found)}


def test_days_move_at_midnight_of_the_zone_alone(people: dict[str, CustomerProfile]) -> None:
    tree = asked({"field": "lastBookingAt", "operator": "inLast", "value": {"amount": 30, "unit": "days"}})
    assert names(tree, MIDNIGHT - 5 * MINUTE, MIDNIGHT - MINUTE) is None
    assert names(tree, MIDNIGHT, MIDNIGHT + timedelta(hours=23)) is None
    assert names(tree, MIDNIGHT - MINUTE, MIDNIGHT) == {"thirty"}


def test_what_does_not_ask_for_the_time_never_moves(people: dict[str, CustomerProfile]) -> None:
    tree = asked(
        {"field": "handicap", "operator": "lt", "value": 10},
        {"field": "lastBookingAt", "operator": "after", "value": "2026-11-01"},
        {"relation": "bookings", "operator": "eq", "value": 0},
    )
    assert not moves_with_clock(tree)
    assert names(tree, MIDNIGHT - timedelta(days=300), MIDNIGHT) is None


def test_an_hour_moves_with_every_minute(people: dict[str, CustomerProfile]) -> None:
    tree = asked(
        {"field": "lastBookingAt", "operator": "moreThanAgo", "value": {"amount": 72, "unit": "hours"}}
    )
    assert names(tree, MIDNIGHT - MINUTE, MIDNIGHT) == set()
    assert names(tree, MIDNIGHT, MIDNIGHT + MINUTE) == {"lately"}


def test_rows_that_leave_their_window_are_found(people: dict[str, CustomerProfile], tenant: Tenant) -> None:
    for key, days in (("old", 8), ("edge", 7)):
        Booking.objects.create(
            tenant=tenant,
            key=key,
            customer=people["lately"],
            booked_at=MIDNIGHT - timedelta(days=days, hours=1),
        )
    tree = asked(
        {"relation": "bookings", "within": {"amount": 7, "unit": "days"}, "operator": "eq", "value": 0}
    )
    assert names(tree, MIDNIGHT - MINUTE, MIDNIGHT) == {"lately"}
    assert names(tree, MIDNIGHT, MIDNIGHT + MINUTE) is None


def test_what_did_not_come_is_known_when_its_time_has_passed(people: dict[str, CustomerProfile]) -> None:
    ActivityFactory(
        customer=people["lately"], type="CART_ABANDONED", occurred_at=MIDNIGHT - timedelta(hours=4)
    )
    tree = asked(
        {"sequence": [
            {"relation": "activities", "where": [{"field": "type", "operator": "eq", "value": "CART_ABANDONED"}]},
            {"relation": "activities", "where": [{"field": "type", "operator": "eq", "value": "ORDER_CREATED"}],
             "within": {"amount": 4, "unit": "hours"}, "not": True},
        ]}
    )  # fmt: skip
    assert in_sql(tree, Clock(MIDNIGHT - MINUTE, JOHANNESBURG)) == set()
    assert in_sql(tree, Clock(MIDNIGHT, JOHANNESBURG)) == {people["lately"].pk}
    assert names(tree, MIDNIGHT - MINUTE, MIDNIGHT) == {"lately"}
    assert names(tree, MIDNIGHT, MIDNIGHT + MINUTE) == set()


def test_what_has_been_so_for_long_is_found_on_its_day(
    people: dict[str, CustomerProfile], tenant: Tenant
) -> None:
    member = CustomerProfileFactory(first_name="member", membership_tier="Gold")
    FieldWrite.objects.create(
        tenant=tenant, customer=member, changes={"membership_tier": [None, "Gold"]}, tier=1, version=0,
        at=MIDNIGHT - timedelta(days=90, hours=2), rank=0, source="scl", by="test",
    )  # fmt: skip
    held = {"amount": 90, "unit": "days"}
    tree = asked({"field": "membershipTier", "operator": "eq", "value": "gold", "for": held})
    assert in_sql(tree, Clock(MIDNIGHT - MINUTE, JOHANNESBURG)) == set()
    assert in_sql(tree, Clock(MIDNIGHT, JOHANNESBURG)) == {member.pk}
    assert names(tree, MIDNIGHT - MINUTE, MIDNIGHT) == {"member"}


def test_birthdays_move_those_whose_day_it_is(tenant: Tenant) -> None:
    for born in ("1990-02-28", "1988-02-29", "1990-03-01"):
        CustomerProfileFactory(first_name=born, date_of_birth=born)
    tree = asked({"field": "birthday", "operator": "anniversaryDuring", "value": "today"})
    day = datetime(2027, 2, 27, 22, tzinfo=UTC)  # the 28th begins in Johannesburg, in a common year
    assert names(tree, day - MINUTE, day) == {"1990-02-28", "1988-02-29"}
    assert names(tree, day + timedelta(days=1) - MINUTE, day + timedelta(days=1)) == {
        "1990-02-28", "1988-02-29", "1990-03-01",
    }  # fmt: skip
    grown = asked({"field": "age", "operator": "gte", "value": 37})
    assert names(grown, day - MINUTE, day) == {"1990-02-28"}
    assert names(grown, day + timedelta(days=1) - MINUTE, day + timedelta(days=1)) == {"1990-03-01"}
