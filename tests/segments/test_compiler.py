"""Trees in SQL, on real people."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import Booking, FieldWrite, Order
from segments.compiler import current_vocabulary, matching, population
from segments.rules import parse
from tests.factories import ActivityFactory, CustomerProfileFactory, CustomFieldFactory

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def found(criteria: Any, **options: Any) -> set[str]:
    """First names of those whom a rule is about."""
    tree = parse(criteria, current_vocabulary())
    return {person.first_name for person in matching(tree, moment=NOW, **options)}


@pytest.fixture
def people(tenant: Tenant) -> dict[str, Any]:
    CustomFieldFactory(key="size", type="ENUM", choices=["L", "XL"])
    return {
        "Thandi": CustomerProfileFactory(
            first_name="Thandi", handicap="8.4", membership_tier="Platinum", tags=["vip", "golf"],
            date_of_birth="1990-11-30", metrics={"engagement_score": 90, "last_booking_at": NOW},
            custom_fields={"size": "L"},
        ),
        "Zoë": CustomerProfileFactory(
            first_name="Zoë", handicap="24", membership_tier="", tags=["golf"], email_opt_in=False,
            metrics={"engagement_score": 10, "last_booking_at": datetime(2026, 9, 1, tzinfo=UTC)},
        ),
        "Sam": CustomerProfileFactory(first_name="Sam"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "who"),
    [
        ({"field": "handicap", "operator": "lte", "value": 12}, "Thandi"),
        ({"field": "handicap", "operator": "neq", "value": 24}, "Thandi Sam"),
        ({"field": "handicap", "operator": "isNull"}, "Sam"),
        ({"field": "firstName", "operator": "eq", "value": "ZOE"}, "Zoë"),
        ({"field": "firstName", "operator": "matches", "value": "^(t|z).+"}, "Thandi Zoë"),
        ({"field": "membershipTier", "operator": "not equals", "value": "platinum"}, "Zoë Sam"),
        ({"field": "engagementScore", "operator": ">=", "value": 50}, "Thandi"),
        ({"field": "lastBookingAt", "operator": "inLast", "value": {"amount": 30, "unit": "days"}}, "Thandi"),
        ({"field": "lastBookingAt", "operator": "moreThanAgo", "value": {"amount": 60, "unit": "days"}}, "Zoë"),
        ({"field": "birthday", "operator": "anniversaryDuring", "value": "thisMonth"}, "Thandi"),
        ({"field": "age", "operator": "eq", "value": 35}, "Thandi"),
        ({"field": "tags", "operator": "containsAll", "value": ["golf", "vip"]}, "Thandi"),
        ({"field": "tags", "operator": "containsNone", "value": ["vip"]}, "Zoë Sam"),
        ({"field": "emailOptIn", "operator": "eq", "value": False}, "Zoë"),
        ({"field": "customFields.size", "operator": "in", "value": ["l"]}, "Thandi"),
        ({"field": "sclMemberId", "operator": "isNotNull"}, ""),
        ({"not": True, "rules": [{"field": "handicap", "operator": "gt", "value": 10}]}, "Thandi Sam"),
        (
            {"combinator": "OR", "rules": [
                {"field": "handicap", "operator": "gt", "value": 20},
                {"field": "isVip", "operator": "eq", "value": True},
            ]},
            "Zoë",
        ),
    ],
)  # fmt: skip
def test_a_rule_finds_whom_it_is_about(people: dict[str, Any], rule: Any, who: str) -> None:
    assert found(rule) == set(who.split())


def test_only_some_people_are_looked_at_where_that_is_asked(people: dict[str, Any]) -> None:
    rule = {"field": "handicap", "operator": "isNotNull"}
    assert found(rule, only=[people["Zoë"].pk, people["Sam"].pk]) == {"Zoë"}
    assert found(rule, only=[]) == set()


def test_who_can_be_in_no_segment_is_found_by_none(tenant: Tenant) -> None:
    CustomerProfileFactory(first_name="Here")
    CustomerProfileFactory(first_name="Inactive", status="INACTIVE")
    CustomerProfileFactory(first_name="Gone", status="DELETED")
    CustomerProfileFactory(first_name="Guest", is_light=True)
    CustomerProfileFactory(first_name="Erased", erased_at=NOW)
    CustomerProfileFactory(first_name="Restricted", processing_restricted_at=NOW)
    assert found({"field": "firstName", "operator": "isNotNull"}) == {"Here", "Inactive"}
    assert {person.first_name for person in population()} == {"Here", "Inactive"}


def test_nobody_of_another_tenant_is_found(people: dict[str, Any], other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        CustomerProfileFactory(first_name="Other", handicap=5)
        assert found({"field": "handicap", "operator": "lte", "value": 12}) == {"Other"}
    assert found({"field": "handicap", "operator": "lte", "value": 12}) == {"Thandi"}


# --- rows
def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def golfers(people: dict[str, Any], tenant: Tenant) -> dict[str, Any]:
    """Thandi played twice lately and once long ago, Zoë did not turn up once; Sam never booked."""
    rows = [
        ("Thandi", "COMPLETED", 2, 40_000), ("Thandi", "COMPLETED", 9, 60_000), ("Thandi", "CANCELLED", 200, 90_000),
        ("Zoë", "NO_SHOW", 9, None),
    ]  # fmt: skip
    for number, (name, status, days, cents) in enumerate(rows):
        Booking.objects.create(
            tenant=tenant, key=f"b{number}", customer=people[name], recorded_for=people[name].pk, status=status,
            booked_at=ago(days), tee_time=ago(days), amount_cents=cents,
        )  # fmt: skip
    Booking.objects.create(tenant=tenant, key="nobody", customer=None, status="COMPLETED", booked_at=ago(1))
    return people


def bookings(**more: Any) -> dict[str, Any]:
    return {"relation": "bookings", **more}


PLAYED = [{"field": "status", "operator": "eq", "value": "COMPLETED"}]


@pytest.mark.parametrize(
    ("rule", "who"),
    [
        (bookings(), "Thandi Zoë"),
        (bookings(operator="eq", value=0), "Sam"),
        (bookings(operator="gte", value=3), "Thandi"),
        (bookings(operator="lt", value=3), "Zoë Sam"),
        (bookings(operator="neq", value=1), "Thandi Sam"),
        (bookings(within={"amount": 30, "unit": "days"}, operator="gte", value=3), ""),
        (bookings(within={"amount": 30, "unit": "days"}, operator="eq", value=1), "Zoë"),
        (bookings(where=PLAYED, within="thisWeek", operator="eq", value=1), "Thandi"),
        (
            bookings(where=[*PLAYED, {"field": "amount", "operator": "gte", "value": 90_000}]), "",
        ),
        (bookings(measure={"function": "sum", "of": "amount"}, operator="gt", value=180_000), "Thandi"),
        (bookings(measure={"function": "sum", "of": "amount"}, operator="eq", value=0), "Zoë Sam"),
        (bookings(measure={"function": "avg", "of": "amount"}, where=PLAYED, operator="eq", value=50_000), "Thandi"),
        (bookings(measure={"function": "min", "of": "amount"}, operator="isNull"), "Zoë Sam"),
        (bookings(measure={"function": "last", "of": "status"}, operator="eq", value="NO_SHOW"), "Zoë"),
        (bookings(measure={"function": "last", "of": "status"}, operator="neq", value="NO_SHOW"), "Thandi Sam"),
        (bookings(measure={"function": "first", "of": "status"}, operator="eq", value="CANCELLED"), "Thandi"),
        (
            bookings(measure={"function": "last", "of": "teeTime"}, operator="moreThanAgo",
                     value={"amount": 5, "unit": "days"}), "Zoë",
        ),
        ({"not": True, "rules": [bookings(where=PLAYED, operator="gte", value=2)]}, "Zoë Sam"),
    ],
)  # fmt: skip
def test_a_rule_over_rows_finds_whom_it_is_about(golfers: dict[str, Any], rule: Any, who: str) -> None:
    assert found(rule) == set(who.split())
    everybody = [person.pk for person in golfers.values()]
    assert found(rule, only=everybody) == set(who.split())


def test_all_filters_hold_of_one_and_the_same_row(golfers: dict[str, Any]) -> None:
    dear = {"field": "amount", "operator": "gt", "value": 70_000}
    assert found([bookings(where=PLAYED), bookings(where=[dear])]) == {"Thandi"}
    assert found(bookings(where=[*PLAYED, dear])) == set()


def test_a_sequence_is_in_order_in_time_and_of_the_same_thing(
    golfers: dict[str, Any], tenant: Tenant
) -> None:
    for person, viewed, bought, product in (
        ("Thandi", 10, 8, "shoes"), ("Zoë", 10, 2, "shoes"), ("Sam", 8, 10, "shoes"),
    ):  # fmt: skip
        for type_, days in (("VIEWED", viewed), ("BOUGHT", bought)):
            ActivityFactory(
                customer=golfers[person], type=type_, occurred_at=ago(days), metadata={"product": product}
            )
    ActivityFactory(customer=golfers["Zoë"], type="BOUGHT", occurred_at=ago(9), metadata={"product": "hat"})

    def step(type_: str, **more: Any) -> dict[str, Any]:
        return {
            "relation": "activities",
            "where": [{"field": "type", "operator": "eq", "value": type_}],
            **more,
        }

    soon = {"within": {"amount": 3, "unit": "days"}}
    assert found({"sequence": [step("VIEWED"), step("BOUGHT")]}) == {"Thandi", "Zoë"}
    assert found({"sequence": [step("VIEWED"), step("BOUGHT", **soon)]}) == {"Thandi", "Zoë"}
    same = {"same": ["metadata.product"]}
    assert found({"sequence": [step("VIEWED"), step("BOUGHT", **soon)]} | same) == {"Thandi"}
    assert found({"sequence": [step("VIEWED"), step("BOUGHT", **soon, **{"not": True})]} | same) == {
        "Zoë",
        "Sam",
    }
    later = {"within": {"amount": 9, "unit": "days"}, "not": True}
    assert found({"sequence": [step("VIEWED"), step("BOUGHT", **later)]}) == set()  # 8 days are not 9 yet


def test_what_has_been_so_for_long_was_never_otherwise_since(people: dict[str, Any], tenant: Tenant) -> None:
    def changed(name: str, before: Any, after: Any, days: float) -> None:
        FieldWrite.objects.create(
            tenant=tenant, customer=people[name], changes={"handicap": [before, after]}, tier=1, version=0,
            at=ago(days), rank=0, source="teetime", by="test",
        )  # fmt: skip

    changed("Thandi", None, 9.1, 400)
    changed("Thandi", 9.1, 8.4, 20)
    changed("Zoë", None, 11.0, 400)
    changed("Zoë", 11.0, 24.0, 20)
    month = {"amount": 1, "unit": "months"}
    assert found({"field": "handicap", "operator": "lte", "value": 12, "for": month}) == {"Thandi"}
    assert found({"field": "handicap", "operator": "gt", "value": 12, "for": month}) == set()
    assert found(
        {"field": "handicap", "operator": "gt", "value": 12, "for": {"amount": 2, "unit": "weeks"}}
    ) == {"Zoë"}
    assert found({"field": "handicap", "operator": "isNull", "for": month}) == {"Sam"}


def test_metadata_is_what_the_rule_takes_it_for(people: dict[str, Any]) -> None:
    for name, value in (("Thandi", 3), ("Zoë", "3"), ("Sam", True)):
        ActivityFactory(customer=people[name], metadata={"holes": value, "deep": {"est": None}})

    def asked(operator: str, value: Any = None) -> set[str]:
        rule = {"field": "metadata.holes", "operator": operator} | ({} if value is None else {"value": value})
        return found({"relation": "activities", "where": [rule]})

    assert asked("eq", 3) == {"Thandi"}
    assert asked("gte", 2.5) == {"Thandi"}
    assert asked("eq", "3") == {"Zoë"}
    assert asked("eq", True) == {"Sam"}
    assert asked("isNotNull") == {"Thandi", "Zoë", "Sam"}
    deep = {"field": "metadata.deep.est", "operator": "isNull"}
    assert found({"relation": "activities", "where": [deep]}) == {"Thandi", "Zoë", "Sam"}


def test_a_sample_is_the_same_every_time_and_another_by_another_seed(tenant: Tenant) -> None:
    for number in range(200):
        CustomerProfileFactory(first_name=f"p{number}")
    half = {"field": "sample", "operator": "lt", "value": 50}
    first, other = found(half), found(half | {"seed": "B"})
    assert 60 < len(first) < 140 and found(half) == first
    assert first != other and found(half | {"value": 70}) > first


def test_one_statement_finds_them_and_hostile_words_stay_words(people: dict[str, Any]) -> None:
    Order.objects.create(tenant=people["Sam"].tenant, key="'; --", customer=people["Sam"], placed_at=NOW)
    for word in ("'; DROP TABLE x; --", "%s %(x)s {row} {0}", "a\\b", "100%", "$1"):
        assert found({"field": "firstName", "operator": "contains", "value": word}) == set()
        assert found({"field": "tags", "operator": "notContains", "value": word}) == set(people)
        assert found({"field": "externalIds." + word, "operator": "isNull"}) == set(people)
        assert (
            found({"relation": "orders", "where": [{"field": "id", "operator": "eq", "value": word}]})
            == set()
        )
    starts = {"field": "id", "operator": "startsWith", "value": "'; "}
    assert found({"relation": "orders", "where": [starts]}) == {"Sam"}
