"""Trees in SQL, on real people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from segments.compiler import current_vocabulary, matching, population
from segments.rules import parse
from tests.factories import CustomerProfileFactory, CustomFieldFactory

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
    from crm.tenancy.scope import tenant_scope

    with tenant_scope(other_tenant):
        CustomerProfileFactory(first_name="Other", handicap=5)
        assert found({"field": "handicap", "operator": "lte", "value": 12}) == {"Other"}
    assert found({"field": "handicap", "operator": "lte", "value": 12}) == {"Thandi"}
