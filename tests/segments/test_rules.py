"""Rules as JSON: what is read, in which spellings, and what is said about what is wrong."""

import sys
import time
from random import Random
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from segments import fields
from segments.rules import InvalidRules, dump, parse
from segments.schema import schema
from segments.statements import sql
from segments.vocabulary import Choice, Field, Kind
from tests.segments.random_rules import RuleMaker

SIZE = Field(
    "customFields.size", Kind.CODE, "Size", sql("(p.custom_fields ->> {key})", key="size"),
    choices=(Choice("L", "L"), Choice("XL", "XL")), key="size",
)  # fmt: skip
VOCABULARY = fields.vocabulary([SIZE])
HANDICAP = {"field": "handicap", "operator": "lte", "value": 12}


def problems(criteria: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRules) as refused:
        parse(criteria, VOCABULARY)
    assert (refused.value.code, refused.value.status) == ("INVALID_SEGMENT_RULE", 422)
    return [(detail.field, detail.code) for detail in refused.value.details]


def message(criteria: Any) -> str:
    with pytest.raises(InvalidRules) as refused:
        parse(criteria, VOCABULARY)
    return refused.value.details[0].message


@pytest.mark.parametrize(
    "spelling",
    [
        [HANDICAP],
        HANDICAP,
        {"rules": [HANDICAP]},
        {
            "combinator": "and",
            "not": False,
            "rules": [{"field": "handicap", "operator": "<=", "value": 12.0}],
        },
        [{"field": "handicap", "operator": "at most", "value": 12}],
    ],
)
def test_one_rule_has_many_spellings_and_one_of_its_own(spelling: Any) -> None:
    assert dump(parse(spelling, VOCABULARY)) == {"combinator": "AND", "rules": [HANDICAP]}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"field": "stage", "operator": "is", "value": "Champion"}, ("lifecycleStage", "eq", "ADVOCATE")),
        ({"field": "birthday", "operator": "before", "value": "2000-01-01"}, ("dateOfBirth", "lt", "2000-01-01")),
        ({"field": "emailOptIn", "operator": "=", "value": "yes"}, ("emailOptIn", "eq", True)),
        ({"field": "customFields.size", "operator": "!=", "value": "xl"}, ("customFields.size", "neq", "XL")),
        ({"field": "handicap", "operator": "between", "value": {"from": 5, "to": 9}}, ("handicap", "between", [5, 9])),
        ({"field": "tags", "operator": "contains_any", "value": ["a", "b", "a"]}, ("tags", "containsAny", ["a", "b"])),
        ({"field": "sclMemberId", "operator": "eq", "value": 42}, ("sclMemberId", "eq", "42")),
        (
            {"field": "lastBookingAt", "operator": "after", "value": "2026-11-25T08:00:00+02:00"},
            ("lastBookingAt", "gt", "2026-11-25T06:00:00Z"),
        ),
        (
            {"field": "memberSince", "operator": "inLast", "value": {"amount": 1, "unit": "Year"}},
            ("memberSince", "inLast", {"amount": 1, "unit": "years"}),
        ),
    ],
)  # fmt: skip
def test_aliases_are_read_and_not_kept(given: Any, kept: tuple[str, str, Any]) -> None:
    field, operator, value = kept
    assert dump(parse(given, VOCABULARY))["rules"] == [{"field": field, "operator": operator, "value": value}]


def test_rows_without_a_number_are_any_at_all() -> None:
    written = dump(parse({"relation": "bookings", "where": [{"field": "status", "operator": "eq", "value": "played"}]},
                         VOCABULARY))  # fmt: skip
    assert written["rules"][0] == {
        "relation": "bookings", "operator": "gte", "value": 1,
        "where": {"combinator": "AND", "rules": [{"field": "status", "operator": "eq", "value": "COMPLETED"}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("criteria", "path", "code"),
    [
        (None, "criteria", "INVALID_FORMAT"),
        ({}, "rules", "MISSING_FIELD"),
        ("handicap < 3", "criteria", "INVALID_FORMAT"),
        ({"rules": []}, "rules", "MISSING_FIELD"),
        ({"combinator": "XOR", "rules": [HANDICAP]}, "combinator", "INVALID_FIELD"),
        ({"not": 1, "rules": [HANDICAP]}, "not", "INVALID_FIELD"),
        ([HANDICAP | {"nonsense": 1}], "rules[0].nonsense", "UNKNOWN_FIELD"),
        ([HANDICAP, 7], "rules[1]", "INVALID_FORMAT"),
        ([{"field": "handycap", "operator": "lt", "value": 3}], "rules[0].field", "UNKNOWN_FIELD"),
        ([{"field": ["handicap"], "operator": "lt"}], "rules[0].field", "MISSING_FIELD"),
        ([{"field": "customFields.none", "operator": "isNull"}], "rules[0].field", "UNKNOWN_FIELD"),
        ([{"field": "handicap"}], "rules[0].operator", "MISSING_FIELD"),
        ([{"field": "handicap", "operator": "about", "value": 3}], "rules[0].operator", "INVALID_OPERATOR"),
        ([{"field": "handicap", "operator": "startsWith", "value": "3"}], "rules[0].operator", "INVALID_OPERATOR"),
        ([{"field": "handicap", "operator": "lt"}], "rules[0].value", "MISSING_FIELD"),
        ([{"field": "handicap", "operator": "lt", "value": "3"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "lt", "value": True}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "lt", "value": float("inf")}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "lt", "value": 10**40}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "lt", "value": 10**5000}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "lt", "value": float("nan")}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "sclMemberId", "operator": "eq", "value": 10**5000}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "age", "operator": "eq", "value": 10**5000}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "isNull", "value": 1}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "in", "value": [1, "x"]}], "rules[0].value[1]", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "in", "value": []}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "in", "value": [1] * 1001}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "between", "value": [9, 3]}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "firstName", "operator": "eq", "value": " "}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "firstName", "operator": "eq", "value": "a\x00"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "firstName", "operator": "eq", "value": "\ud800"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "firstName", "operator": "eq", "value": "x" * 501}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "lifecycleStage", "operator": "eq", "value": "MEMBR"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "memberSince", "operator": "eq", "value": "2026-02-30"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "memberSince", "operator": "eq", "value": "2026-02-03T10:00Z"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "createdAt", "operator": "gt", "value": "2026-02-03T10:00:00"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "createdAt", "operator": "gt", "value": "0001-01-01"}], "rules[0].value", "INVALID_VALUE"),
        (
            [{"field": "memberSince", "operator": "inLast", "value": {"amount": 3, "unit": "hours"}}],
            "rules[0].value.unit", "INVALID_VALUE",
        ),
        (
            [{"field": "memberSince", "operator": "inLast", "value": {"amount": -3, "unit": "days"}}],
            "rules[0].value.amount", "INVALID_VALUE",
        ),
        ([{"field": "memberSince", "operator": "during", "value": "thisMoon"}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "sample", "operator": "lt", "value": 100}], "rules[0].value", "INVALID_VALUE"),
        ([{"field": "handicap", "operator": "lt", "value": 3, "seed": "x"}], "rules[0].seed", "UNKNOWN_FIELD"),
        ([{"field": "segments", "operator": "in", "value": ["nope"]}], "rules[0].value[0]", "INVALID_VALUE"),
        (
            [{"field": "engagementScore", "operator": "lt", "value": 3, "for": {"amount": 3, "unit": "days"}}],
            "rules[0].for", "INVALID_FIELD",
        ),
        ([{"relation": "bookngs"}], "rules[0].relation", "UNKNOWN_FIELD"),
        ([{"relation": "bookings", "where": [HANDICAP]}], "rules[0].where.rules[0].field", "UNKNOWN_FIELD"),
        ([{"relation": "bookings", "within": "soon"}], "rules[0].within", "INVALID_VALUE"),
        (
            [{"relation": "bookings", "measure": {"function": "sum", "of": "status"}, "operator": "gt", "value": 1}],
            "rules[0].measure.of", "INVALID_FIELD",
        ),
        ([{"relation": "bookings", "measure": {"function": "median"}}], "rules[0].measure.function", "INVALID_FIELD"),
        (
            [{"relation": "bookings", "where": [{"relation": "orders"}]}],
            "rules[0].where.rules[0].relation", "UNKNOWN_FIELD",
        ),
        ([{"sequence": [{"relation": "bookings"}]}], "rules[0].sequence", "INVALID_FORMAT"),
        (
            [{"sequence": [{"relation": "bookings"}, {"relation": "memberships"}]}],
            "rules[0].sequence[1].relation", "INVALID_FIELD",
        ),
        (
            [{"sequence": [
                {"relation": "bookings"}, {"relation": "bookings", "within": {"amount": 1, "unit": "months"}},
            ]}],
            "rules[0].sequence[1].within.unit", "INVALID_VALUE",
        ),
        (
            [{"sequence": [{"relation": "bookings"}, {"relation": "orders"}], "same": ["courseId"]}],
            "rules[0].same[0]", "UNKNOWN_FIELD",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_path(criteria: Any, path: str, code: str) -> None:
    assert (path, code) in problems(criteria)


def test_all_that_is_wrong_is_said_at_once() -> None:
    criteria = [{"field": "handycap", "operator": "lt", "value": 3}, HANDICAP, {"rules": [{"field": "age"}]}]
    assert problems(criteria) == [
        ("rules[0].field", "UNKNOWN_FIELD"),
        ("rules[2].rules[0].operator", "MISSING_FIELD"),
    ]


@pytest.mark.parametrize(
    ("criteria", "meant"),
    [
        ({"field": "handycap", "operator": "lt", "value": 3}, "handicap"),
        ({"field": "HANDICAP", "operator": "lt", "value": 3}, "handicap"),
        ({"field": "handicap", "operator": "greterThan", "value": 3}, "greaterThan"),
        ({"field": "lifecycleStage", "operator": "eq", "value": "membr"}, "MEMBER"),
        ({"relation": "bookngs"}, "bookings"),
        ({"field": "memberSince", "operator": "during", "value": "thismonth"}, "thisMonth"),
    ],
)
def test_what_was_perhaps_meant_is_suggested(criteria: Any, meant: str) -> None:
    assert f"“{meant}”" in message(criteria)


# --- hostile input (X8, X14)
INJECTIONS = (
    "'; DROP TABLE customers_customerprofile; --", "handicap) OR 1=1 --", "p.handicap", "handicap__lt", "tenant_id",
    "metrics__customer__tenant", "pk", "id\"", "handicap\x00", "customFields.'||(SELECT 1)||'", "%s", "%(x)s", "{row}",
    "metadata.a'b", "__class__.__init__", "$where",
)  # fmt: skip


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_name_reaches_the_database(text: str) -> None:
    assert problems({"field": text, "operator": "eq", "value": "x"})[0][0] == "rules[0].field"
    assert problems({"field": "handicap", "operator": text, "value": 1})[0][0] == "rules[0].operator"
    assert problems({"relation": text})[0][0] == "rules[0].relation"
    inside = {"relation": "activities", "where": [{"field": f"{text}", "operator": "isNull"}]}
    assert problems(inside)[0][0] == "rules[0].where.rules[0].field"


def test_huge_trees_are_refused_at_once() -> None:
    began = time.monotonic()
    assert ("rules[100]", "TOO_MANY_RULES") in problems([HANDICAP] * 10_000)
    assert len(problems([{"field": "x" * 1000, "operator": "y" * 1000}] * 10_000)) == 25
    deep: Any = [HANDICAP]
    for _ in range(100_000):
        deep = [deep]
    assert problems(deep) == [(".".join(["rules[0]"] * 5), "TOO_DEEP")]
    assert problems({"field": "handicap", "operator": "eq", "value": deep}) == [
        ("rules[0].value", "INVALID_VALUE")
    ]
    _unwind(deep)
    assert time.monotonic() - began < 2


def _unwind(deep: Any) -> None:
    """Taking 100,000 lists apart from outside needs no recursion of the interpreter."""
    while isinstance(deep, list) and deep and isinstance(deep[0], list):
        deep = deep.pop()
    assert sys.getrecursionlimit() < 100_000


@pytest.mark.parametrize(
    "criteria", [5 * [["x"]], {"rules": {"a": 1}}, {"rules": "x"}, [[[[[[HANDICAP]]]]]], [[]]]
)
def test_odd_shapes_are_refused_in_words(criteria: Any) -> None:
    assert problems(criteria)


# --- round trip and schema
def test_what_is_written_is_read_as_the_same_and_fits_the_schema() -> None:
    maker = RuleMaker(Random(7), VOCABULARY, ["0190d1c0-0000-7000-8000-000000000000"])
    shape = Draft202012Validator(schema(VOCABULARY))
    for _ in range(300):
        tree = parse(maker.tree(), VOCABULARY)
        written = dump(tree)
        assert parse(written, VOCABULARY) == tree
        assert shape.is_valid(written), written


@pytest.mark.parametrize(
    "criteria",
    [
        {"combinator": "AND", "rules": [HANDICAP | {"extra": 1}]},
        {"combinator": "XOR", "rules": [HANDICAP]},
        {"combinator": "AND", "rules": []},
        {"combinator": "AND", "rules": [{"field": "handicap", "operator": "about", "value": 1}]},
        {"combinator": "AND", "rules": [{"field": "handicap", "operator": "inLast", "value": 30}]},
        {"combinator": "AND", "rules": [{"relation": "nothing", "operator": "gte", "value": 1}]},
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(criteria: Any) -> None:
    assert not Draft202012Validator(schema(VOCABULARY)).is_valid(criteria)
    assert problems(criteria)
