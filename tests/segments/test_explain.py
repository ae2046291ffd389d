"""Why somebody is in or out: every leaf with its value, and no more than may be seen."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest

from crm.tenancy.masks import Level, Personal
from crm.tenancy.models import Tenant
from crm.tenancy.scope import Eyes, seen_by
from customers.listing import FieldMasked
from customers.models import Booking
from segments.compiler import current_vocabulary, matching, population
from segments.reasons import deciding_leaves, why
from segments.rules import parse
from segments.sight import refuse_kept_back
from segments.trees import Group
from tests.factories import CustomerProfileFactory
from tests.segments.crowd import Crowd
from tests.segments.random_rules import MOMENTS, RuleMaker

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.fixture
def tree(tenant: Tenant) -> Group:
    criteria = [
        {"field": "handicap", "operator": "lte", "value": 12},
        {"relation": "bookings", "within": {"amount": 30, "unit": "days"}, "operator": "gte", "value": 3},
        {"combinator": "OR", "rules": [
            {"field": "tags", "operator": "contains", "value": "vip"},
            {"field": "engagementScore", "operator": "gt", "value": 80},
        ]},
    ]  # fmt: skip
    return parse(criteria, current_vocabulary())


def test_every_leaf_says_what_it_was_asked_of(tenant: Tenant, tree: Group) -> None:
    person = CustomerProfileFactory(handicap="8.4", tags=["vip", "golf"], metrics={"engagement_score": 90})
    for number in range(2):
        Booking.objects.create(
            tenant=tenant, key=f"b{number}", customer=person, booked_at=NOW - timedelta(days=number)
        )
    answer = why(tree, person.pk, moment=NOW)
    assert answer is not None and not answer.matches
    assert [(one.path, one.holds, one.actual, one.decides) for one in answer.reasons] == [
        ("rules[0]", True, 8.4, False),
        ("rules[1]", False, 2, True),
        ("rules[2].rules[0]", True, ["vip", "golf"], False),
        ("rules[2].rules[1]", True, 90, False),
    ]
    assert answer.reasons[1].sentence == "Has at least 3 bookings in the last 30 days"
    assert deciding_leaves(tree, [person.pk], moment=NOW) == {person.pk: ["rules[1]"]}


def test_nobody_of_another_tenant_and_nobody_at_all_has_no_reasons(tenant: Tenant, tree: Group) -> None:
    assert why(tree, uuid4(), moment=NOW) is None


def test_the_reasons_agree_with_what_the_database_finds(tenant: Tenant) -> None:
    random = Random(11)
    crowd = Crowd(random, tenant)
    crowd.define()
    crowd.people(20)
    everybody = list(population().values_list("pk", flat=True))
    vocabulary = current_vocabulary()
    maker = RuleMaker(random, vocabulary)
    for _ in range(25):
        tree, moment, person = (
            parse(maker.tree(), vocabulary),
            random.choice(MOMENTS),
            random.choice(everybody),
        )
        answer = why(tree, person, moment=moment)
        assert answer is not None
        assert answer.matches == matching(tree, moment=moment, only=[person]).exists()
        assert all(one.sentence for one in answer.reasons)


def test_rules_over_what_is_kept_back_are_refused_with_their_paths(tenant: Tenant, tree: Group) -> None:
    refuse_kept_back(tree)
    hidden = parse(
        [
            {"field": "email", "operator": "endsWith", "value": ".example"},
            {"relation": "activities", "where": [{"field": "metadata.email", "operator": "isNotNull"}]},
            {"field": "age", "operator": "gt", "value": 50},
        ],
        current_vocabulary(),
    )
    masks = {Personal.EMAIL: Level.MASKED, Personal.SCORES: Level.HIDDEN}
    with seen_by(Eyes("user:x", masks)):
        with pytest.raises(FieldMasked) as refused:
            refuse_kept_back(hidden)
        assert [detail.field for detail in refused.value.details] == ["rules[0]", "rules[1]"]
        with pytest.raises(FieldMasked) as refused:
            refuse_kept_back(tree)
        assert [detail.field for detail in refused.value.details] == ["rules[2].rules[1]"]
