"""What the statements of rules can use.

Of empty tables one index is as good as another to the planner, so a plan tells here that no table must be read whole,
and the catalogue that there is the index to be used. At scale see tests/bench.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from crm.tenancy.models import Tenant, uuid7
from segments.compiler import current_vocabulary, matching_ids
from segments.crossing import crossed_ids
from segments.rules import parse
from segments.statements import Sql

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
WEEK = {"amount": 7, "unit": "days"}
OPENED = [{"field": "type", "operator": "eq", "value": "EMAIL_OPENED"}]


def plan(statement: Sql) -> str:
    """The plan where reading a whole table is to be avoided at any price."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement.text}", statement.params)
        return "\n".join(row[0] for row in cursor.fetchall())


def is_there(index: str, *columns: str) -> bool:
    """Whether an index leads with these columns, the tenant before them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [index])
        (definition,) = cursor.fetchone()
    return f"({', '.join(('tenant_id', *columns))}" in definition


def asked(*rules: dict[str, Any]) -> Any:
    return parse(list(rules), current_vocabulary())


@pytest.mark.parametrize(
    ("relation", "index"),
    [
        ("activities", "timeline"), ("bookings", "booking_of"), ("bookingPlayers", "booking_player_of"),
        ("memberships", "membership_of"), ("handicaps", "handicap_history_of"),
        ("competitionEntries", "competition_entry_of"), ("orders", "orders_of"), ("payments", "payments_of"),
        ("invoices", "invoices_of"), ("deals", "deals_of"), ("tickets", "tickets_of"), ("notes", "notes_of_customer"),
        ("consents", "consents_of_customer"),
    ],
)  # fmt: skip
def test_the_rows_of_some_people_are_found_by_an_index(tenant: Tenant, relation: str, index: str) -> None:
    some = [uuid7() for _ in range(3)]
    for more in ({}, {"operator": "lt", "value": 3}):
        found = plan(matching_ids(asked({"relation": relation, **more}), moment=NOW, only=some))
        assert "Seq Scan" not in found, found
    assert is_there(index, "customer_id")


def test_who_is_in_a_segment_is_found_by_an_index(tenant: Tenant) -> None:
    found = plan(
        matching_ids(asked({"field": "segments", "operator": "in", "value": [str(uuid7())]}), moment=NOW)
    )
    assert "Seq Scan" not in found, found
    assert is_there("segment_member_once", "segment_id", "customer_id")


@pytest.mark.parametrize(
    ("relation", "index", "time"),
    [
        ("activities", "activities_by_time", "occurred_at"),
        ("orders", "orders_by_time", "placed_at"),
        ("payments", "payments_by_time", "paid_at"),
    ],
)
def test_what_leaves_its_window_is_found_by_its_time(
    tenant: Tenant, relation: str, index: str, time: str
) -> None:
    tree = asked(
        {"relation": relation, "within": {"amount": 90, "unit": "minutes"}, "operator": "gte", "value": 2}
    )
    statement = crossed_ids(tree, NOW, NOW + timedelta(minutes=1))
    assert statement is not None and "Seq Scan" not in plan(statement)
    assert is_there(index, time)


def test_who_has_no_rows_is_what_is_left_of_a_join(tenant: Tenant) -> None:
    never = {"relation": "activities", "where": OPENED, "operator": "eq", "value": 0}
    some = {"relation": "activities", "where": OPENED}
    for rule in (never, {"not": True, "rules": [some]}):
        assert "Anti Join" in plan(matching_ids(asked(rule), moment=NOW))
    assert "SubPlan" not in plan(matching_ids(asked(some), moment=NOW))


def test_rows_are_counted_for_all_at_once_wherever_the_rule_stands(tenant: Tenant) -> None:
    """No subplan, which would be run for each person."""
    often = {"relation": "activities", "where": OPENED, "within": WEEK, "operator": "gte", "value": 3}
    vip = {"field": "isVip", "operator": "eq", "value": True}
    for rule in (often, {"combinator": "OR", "rules": [vip, often]}, {"not": True, "rules": [often, vip]}):
        assert "SubPlan" not in plan(matching_ids(asked(rule), moment=NOW))
