"""Missing values: what every operator says of somebody who has none, in both executors and in the reference."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from segments import facts
from segments.compiler import current_vocabulary, matching
from segments.evaluator import evaluate
from segments.fields import FIELDS as REGISTERED
from segments.operators import OPERATORS, of_kind
from segments.periods import Clock
from segments.relations import RELATIONS
from segments.rules import parse
from segments.vocabulary import Kind
from tests.factories import CustomerProfileFactory, CustomFieldFactory
from tests.segments.random_rules import RuleMaker

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
REFERENCE = Path(__file__).parents[2] / "docs" / "segments.md"
FIELDS = {
    Kind.TEXT: ("firstName", "customFields.word"),
    Kind.CODE: ("homeClubId", "externalIds.golfRsaId", "sclMemberId"),
    Kind.NUMBER: ("handicap", "engagementScore", "customFields.number"),
    Kind.BOOL: ("emailOptIn", "customFields.flag"),
    Kind.DATE: ("memberSince", "customFields.day"),
    Kind.MOMENT: ("handicapUpdatedAt", "lastBookingAt"),
    Kind.AGE: ("age",),
    Kind.LIST: ("tags", "customFields.many", "clubIds"),
}
SAYS_YES = {
    "neq", "notIn", "notContains", "notStartsWith", "notEndsWith", "notMatches", "containsNone", "isNull",
}  # fmt: skip


def test_only_the_opposites_say_yes_of_what_is_missing() -> None:
    assert {operator.name for operator in OPERATORS.values() if operator.unset} == SAYS_YES


@pytest.mark.parametrize("kind", FIELDS)
def test_every_operator_says_of_somebody_without_a_value_what_it_promises(tenant: Tenant, kind: Kind) -> None:
    for key, type_ in (
        ("word", "STRING"),
        ("number", "INT"),
        ("flag", "BOOL"),
        ("day", "DATE"),
        ("many", "MULTI_ENUM"),
    ):
        CustomFieldFactory(key=key, type=type_, choices=["alpha", "beta"] if "ENUM" in type_ else [])
    nobody = CustomerProfileFactory(first_name="", email="")
    type(nobody.metrics).objects.filter(pk=nobody.pk).delete()
    vocabulary, clock = current_vocabulary(), Clock(NOW, tenant.zone)
    maker = RuleMaker(Random(1), vocabulary)
    for name in FIELDS[kind]:
        field = vocabulary.words.find(name)
        assert field and field.kind is kind
        for operator in of_kind(kind):
            rule: dict[str, Any] = {"field": name, "operator": operator.name} | maker.value(operator, field)
            for negated in (False, True):
                tree = parse({"not": negated, "rules": [rule]}, vocabulary)
                expected = (operator.name in SAYS_YES) != negated
                assert matching(tree, moment=NOW).exists() == expected, (rule, negated)
                known = facts.load(tree, [nobody.pk], clock)[nobody.pk]
                assert evaluate(tree, known, clock) == expected, (rule, negated)


def test_the_reference_has_every_operator_with_what_it_says_of_a_missing_value() -> None:
    lines = REFERENCE.read_text().splitlines()
    rows = {cells[1].strip().strip("`"): cells for line in lines if len(cells := line.split("|")) == 6}
    for operator in OPERATORS.values():
        kinds = ", ".join(sorted(kind.value for kind in operator.kinds))
        expected = [operator.shape.value, kinds, "yes" if operator.unset else "no"]
        assert [cell.strip() for cell in rows[operator.name][2:5]] == expected, operator.name


def test_the_reference_has_every_field_and_relation() -> None:
    text = REFERENCE.read_text()
    missing = [name for name in REGISTERED if f"`{name}`" not in text]
    for relation in RELATIONS.values():
        missing += [name for name in (relation.name, *relation.words.fields) if f"`{name}`" not in text]
    assert missing == []
