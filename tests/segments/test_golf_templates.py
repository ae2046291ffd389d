"""Every ready-made segment finds whom its name promises, and nobody else."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from customers.models import Booking, BookingPlayer, CompetitionEntry, CustomerProfile, Membership
from segments.compiler import current_vocabulary, matching
from segments.rules import dump, parse
from segments.templates import Thresholds, automatic, templates
from tests.factories import CustomerProfileFactory

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
TODAY = date(2026, 11, 25)
Person = dict[str, Any]


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def on(days: int) -> date:
    return TODAY + timedelta(days=days)


def scored(**metrics: Any) -> Person:
    return {"metrics": metrics}


# key -> those it finds, and those it does not
OF_PEOPLE: dict[str, tuple[list[Person], list[Person]]] = {
    "highEngagement": ([scored(engagement_score=81)], [scored(engagement_score=80)]),
    "atRisk": ([scored(churn_risk_score=61)], [scored(churn_risk_score=60)]),
    "disengaged": (
        [scored(engagement_score=29)],
        [scored(engagement_score=30), {**scored(engagement_score=3), "status": "INACTIVE"}],
    ),
    "reengagement": (
        [scored(engagement_score=30), scored(engagement_score=50)],
        [scored(engagement_score=29), scored(engagement_score=51)],
    ),
    "newCustomers": ([{"member_since": on(-30)}], [{"member_since": on(-31)}, {}]),
    "champions": ([{"lifecycle_stage": "ADVOCATE"}], [{"lifecycle_stage": "MEMBER"}]),
    "leadsToNurture": ([{"lifecycle_stage": "LEAD"}], [{"lifecycle_stage": "PROSPECT"}]),
    "upgradeCandidates": (
        [{**scored(engagement_score=71), "membership_tier": "Gold"}],
        [{**scored(engagement_score=71), "membership_tier": "PLATINUM"}, scored(engagement_score=70)],
    ),
    "activeGolfers": ([scored(last_booking_at=ago(30))], [scored(last_booking_at=ago(31)), {}]),
    "lapsedGolfers": ([scored(last_booking_at=ago(61))], [scored(last_booking_at=ago(60)), {}]),
    "emailEngaged": ([scored(last_email_open_at=ago(14))], [scored(last_email_open_at=ago(15))]),
    "smsResponsive": ([scored(last_sms_reply_at=ago(1))], [scored(last_sms_reply_at=ago(40))]),
    "platinumMembers": ([{"membership_tier": "platinum"}], [{"membership_tier": "Gold"}, {}]),
    "renewalDue": ([{"membership_expiry": on(0)}, {"membership_expiry": on(30)}], [{"membership_expiry": on(31)}]),
    "newMembers": (
        [{"member_since": on(-3), "lifecycle_stage": "MEMBER"}],
        [{"member_since": on(-3), "lifecycle_stage": "CHURNED"}],
    ),
    "longTermMembers": ([{"member_since": date(2021, 11, 24)}], [{"member_since": date(2021, 11, 25)}]),
    "birthdayThisMonth": ([{"date_of_birth": "1980-11-01"}], [{"date_of_birth": "1980-12-01"}, {}]),
    "anniversaryThisMonth": ([{"member_since": "2020-11-30"}], [{"member_since": "2026-11-02"}, {}]),
    "lowHandicaps": ([{"handicap": "9.9"}, {"handicap": "-1.2"}], [{"handicap": "10.0"}, {}]),
    "renewalWindow": (
        [{"membership_expiry": on(30)}, {"membership_expiry": on(60)}],
        [{"membership_expiry": on(29)}, {"membership_expiry": on(61)}],
    ),
}  # fmt: skip
Rows = list[tuple[type, dict[str, Any]]]


def played(days: int, **more: Any) -> tuple[type, dict[str, Any]]:
    return Booking, {"status": "COMPLETED", "tee_time": ago(days), "booked_at": ago(days + 7), **more}


def guest(days: int, *, is_booker: bool = False) -> tuple[type, dict[str, Any]]:
    return BookingPlayer, {"is_booker": is_booker, "booking": ago(days)}


OF_ROWS: dict[str, tuple[list[Rows], list[Rows]]] = {
    "fullMembers": (
        [[(Membership, {"type": "Full 7-day", "status": "active"})]],
        [
            [(Membership, {"type": "Full", "status": "LAPSED"}), (Membership, {"type": "Social", "status": "ACTIVE"})],
            [],
        ],
    ),
    "frequentGolfers": (
        [[played(day) for day in range(1, 5)]],
        [[played(1), played(2), played(3), played(40)], [(Booking, {"status": "BOOKED", "tee_time": ago(1)})] * 4],
    ),
    "noShows": (
        [[played(3, status="NO_SHOW"), played(300, status="NO_SHOW")]],
        [[played(3, status="NO_SHOW"), played(4)]],
    ),
    "awayFromCourse": ([[played(46), played(90)]], [[played(46), played(45)], []]),
    "greenFeeSpenders": (
        [[played(1, amount_cents=300_000), played(80, amount_cents=200_000)]],
        [[played(1, amount_cents=300_000), played(100, amount_cents=300_000)], []],
    ),
    "earlyBirds": (
        [[played(day, tee_time=datetime(2026, 11, day, 5, 10, tzinfo=UTC)) for day in (3, 4, 5)]],  # 07:10 there
        [[played(day, tee_time=datetime(2026, 11, day, 7, 10, tzinfo=UTC)) for day in (3, 4, 5)]],  # 09:10 there
    ),
    "guests": ([[guest(5)]], [[guest(5, is_booker=True)], [guest(100)], []]),
    "competitors": (
        [[(CompetitionEntry, {"entered_at": ago(90)})]],
        [[(CompetitionEntry, {"entered_at": ago(91)})], []],
    ),
}  # fmt: skip
BY_KEY = {template.key: template for template in templates()}


def found_by(key: str) -> set[str]:
    tree = parse(BY_KEY[key].criteria, current_vocabulary())
    return {person.first_name for person in matching(tree, moment=NOW)}


def make(name: str, attributes: Person) -> CustomerProfile:
    return CustomerProfileFactory(first_name=name, **attributes)


def add_row(person: CustomerProfile, model: Any, values: dict[str, Any], count: Callable[[], int]) -> None:
    key = f"k{count()}"
    values = dict(values)
    if at := values.pop("booking", None):
        Booking.objects.create(tenant=person.tenant, key=f"of-{key}", tee_time=at, status="COMPLETED")
        values["booking_key"] = f"of-{key}"
    if model is CompetitionEntry:
        values["competition_key"] = "c1"
    model.objects.create(tenant=person.tenant, key=key, customer=person, recorded_for=person.pk, **values)


@pytest.mark.parametrize("key", OF_PEOPLE)
def test_a_template_over_people_finds_the_right_ones(tenant: Tenant, key: str) -> None:
    inside, outside = OF_PEOPLE[key]
    for number, attributes in enumerate(inside):
        make(f"in {number}", attributes)
    for number, attributes in enumerate(outside):
        make(f"out {number}", attributes)
    assert found_by(key) == {f"in {number}" for number in range(len(inside))}


@pytest.mark.parametrize("key", OF_ROWS)
def test_a_template_over_rows_finds_the_right_ones(tenant: Tenant, key: str) -> None:
    numbers = iter(range(1000))
    for prefix, people in zip(("in", "out"), OF_ROWS[key], strict=True):
        for number, rows in enumerate(people):
            person = make(f"{prefix} {number}", {})
            for model, values in rows:
                add_row(person, model, values, lambda: next(numbers))
    assert found_by(key) == {f"in {number}" for number in range(len(OF_ROWS[key][0]))}


def test_every_template_has_people_to_be_tried_on() -> None:
    assert set(BY_KEY) == {*OF_PEOPLE, *OF_ROWS}
    assert len(BY_KEY) == len(templates())


@pytest.mark.parametrize(
    ("metrics", "keys"),
    [
        (
            {"lifetime_value_cents": 49_999, "engagement_score": 80, "churn_risk_score": 19},
            {"valueMedium", "engagementExcellent", "churnMinimal"},
        ),
        (
            {"lifetime_value_cents": 50_000, "engagement_score": 79, "churn_risk_score": 100},
            {"valueHigh", "engagementGood", "churnCritical"},
        ),
        (
            {"lifetime_value_cents": -5, "engagement_score": 19},
            {"valueLow", "engagementAtRisk", "churnMinimal"},
        ),
    ],
)
def test_everybody_is_in_one_band_of_each_kind(
    tenant: Tenant, metrics: dict[str, Any], keys: set[str]
) -> None:
    CustomerProfileFactory(lifecycle_stage="MEMBER", metrics=metrics)
    vocabulary = current_vocabulary()
    found = {
        one.key for one in automatic() if matching(parse(one.criteria, vocabulary), moment=NOW).exists()
    }  # fmt: skip
    assert found == {*keys, "stageMember"}
    assert len({one.key for one in (*automatic(), *templates())}) == len(automatic()) + len(templates())


def test_the_thresholds_are_the_tenants(tenant: Tenant) -> None:
    high = next(one for one in automatic(Thresholds(high_value=7)) if one.key == "valueHigh")
    assert dump(parse(high.criteria, current_vocabulary()))["rules"][0]["value"] == 7
