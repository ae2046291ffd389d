"""Rules as staff read them."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from segments import fields
from segments.rules import parse
from segments.sentences import sentence
from segments.templates import automatic, templates
from tests.segments.random_rules import RuleMaker

VOCABULARY = fields.vocabulary()
SEGMENT = UUID("0190d1c0-0000-7000-8000-000000000000")
PLAYED = [{"field": "status", "operator": "eq", "value": "COMPLETED"}]


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        (
            [
                {"field": "handicap", "operator": "lte", "value": 12},
                {"relation": "bookings", "within": {"amount": 30, "unit": "days"}, "operator": "gte", "value": 3},
            ],
            "Handicap is at most 12 and has at least 3 bookings in the last 30 days",
        ),
        (
            {"combinator": "OR", "rules": [
                {"field": "isVip", "operator": "eq", "value": True},
                {"rules": [{"field": "lifetimeValue", "operator": "gt", "value": 5000000},
                           {"field": "membershipTier", "operator": "neq", "value": "Platinum"}]},
            ]},
            "VIP is yes or (Lifetime value is more than 50,000.00 and Membership tier is not “Platinum”)",
        ),
        (
            {"not": True, "rules": [{"field": "lifecycleStage", "operator": "in", "value": ["LEAD", "CHURNED"]}]},
            "Not (Lifecycle stage is any of Lead or Churned)",
        ),
        (
            [{"field": "memberSince", "operator": "moreThanAgo", "value": {"amount": 1, "unit": "years"}}],
            "Member since is more than 1 year ago",
        ),
        (
            [{"field": "birthday", "operator": "anniversaryWithin", "value": {"from": -1, "to": 7}}],
            "Date of birth has its anniversary between 1 day ago and 7 days from now",
        ),
        ([{"relation": "orders", "operator": "eq", "value": 0}], "Has no orders"),
        ([{"relation": "orders"}], "Has an order"),
        (
            [{"relation": "bookings", "where": PLAYED, "measure": {"function": "sum", "of": "amount"},
              "operator": "gte", "value": 500000}],
            "The sum of “Amount” of all bookings whose Status is Played is at least 5,000.00",
        ),
        (
            [{"relation": "bookings", "measure": {"function": "last", "of": "teeTime"},
              "operator": "moreThanAgo", "value": {"amount": 45, "unit": "days"}}],
            "“Tee time” of the last booking is more than 45 days ago",
        ),
        (
            [{"sequence": [{"relation": "orders"},
                           {"relation": "bookings", "within": {"amount": 7, "unit": "days"}, "not": True}]}],
            "Has an order, and within 7 days after that no booking",
        ),
        ([{"field": "segments", "operator": "notIn", "value": [str(SEGMENT)]}], "Is not in Winter offers"),
        ([{"field": "sample", "operator": "lt", "value": 10}], "Is in a random 10.00 % of all people"),
        (
            [{"field": "tags", "operator": "containsAny", "value": ["vip", "golf"]}],
            "Tags contain any of “vip” or “golf”",
        ),
    ],
)  # fmt: skip
def test_rules_are_read_as_a_sentence(criteria: Any, words: str) -> None:
    assert sentence(parse(criteria, VOCABULARY), {SEGMENT: "Winter offers"}) == words


def test_everything_that_can_be_asked_has_a_sentence() -> None:
    maker = RuleMaker(Random(3), VOCABULARY, [str(SEGMENT)])
    for _ in range(300):
        words = sentence(parse(maker.tree(), VOCABULARY))
        assert words and "{}" not in words and "None" not in words
    for template in (*templates(), *automatic()):
        assert sentence(parse(template.criteria, VOCABULARY))
