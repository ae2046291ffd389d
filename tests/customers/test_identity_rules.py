import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers import identity_rules
from customers.identity_rules import DEFAULT, EXACT, REGEX, Block, Rule, merged, pattern_problem


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("authUserId", "0000-0000"), ("externalIds.deviceId", "-1"), ("authUserId", "NULL"), ("sclMemberId", "0"),
        ("externalIds.x", "Anonymous"), ("email", "noreply@club.example"), ("email", "do-not-reply@club.example"),
    ],
)  # fmt: skip
def test_what_programs_write_for_nobody_recognises_nobody(kind: str, value: str) -> None:
    assert not DEFAULT.counts(kind, value)
    assert DEFAULT.blocked_by(kind, value)
    assert DEFAULT.usable({kind: value, "email": "ann@example.com"}).keys() == {"email"}


def test_a_value_that_only_looks_like_one_of_them_counts() -> None:
    for kind, value in (
        ("authUserId", "00-1"),
        ("email", "null@example.com"),
        ("externalIds.x", "noreply@club.example"),
    ):
        assert DEFAULT.counts(kind, value), value


def test_a_tenant_overrides_single_rules_and_values_and_keeps_the_others() -> None:
    off = identity_rules.BLOCKS[1]._replace(is_active=False)
    rules = merged(
        [Rule("phoneNumber", 5, 2, 30)], [off, Block("email", EXACT, "Pro@Club.example", "the shop")]
    )
    assert rules.order("phoneNumber") < rules.order("authUserId")
    assert rules.of("externalIds.golfRsaId") == DEFAULT.of("externalIds.tabletId")
    assert rules.counts("authUserId", "-1")
    assert not rules.counts("email", "pro@club.example")
    assert not rules.counts("authUserId", "null")


def test_a_kind_that_is_switched_off_recognises_nobody() -> None:
    rules = merged([Rule("externalIds.tabletId", 60, is_active=False)], [])
    assert rules.usable({"externalIds.tabletId": "t", "sclMemberId": "1"}) == {"sclMemberId": "1"}


def test_letter_case_makes_no_difference_to_a_pattern() -> None:
    rules = merged([], [Block("email", REGEX, r"^Test\d+@Club\.Example$", "testers")])
    for value in ("test1@club.example", "TEST1@CLUB.EXAMPLE"):
        assert not rules.counts("email", value)
        assert rules.blocked_by("email", value)
    assert rules.counts("email", "tester@club.example")


def test_groups_have_no_names_since_two_may_have_the_same() -> None:
    assert "(?P<name>" in pattern_problem("^(?P<x>a)@b")


@pytest.mark.parametrize(
    "pattern", ["", "(", "(a+)+$", "(a|a)*$", "(a|aa)+", "(.*)*", "a*a*a*b", r"(\w)\1", "(?=a)b", "(?i)a", "x" * 300,
                "a?" * 30 + "a" * 30, "([a-z]{1,9}){1,9}", ".*", "(?:)", "(a{0,50}){0,50}b"],
)  # fmt: skip
def test_a_pattern_that_is_wrong_or_could_take_long_is_refused_in_words(pattern: str) -> None:
    assert pattern_problem(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"^[0\-]*$", r"^test.*@.*\.example$", r"^(no|do-?not)[-_.]?reply@", r"@club\.example$", r"^\+2700\d{7}$",
                r"^\s*$", "^(a|b|c){2}$"],
)  # fmt: skip
def test_a_pattern_of_the_usual_sort_is_taken(pattern: str) -> None:
    assert pattern_problem(pattern) == ""


PIECES = st.sampled_from(
    ["a", "b", ".", "a*", ".*", "b+", "(a|b)", "(a|b)*", "[ab]{1,5}", "a?", "(a*b)?", "^", "$", "(ab)+"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=8).map("".join))
def test_whatever_pattern_is_taken_answers_at_once(pattern: str) -> None:
    if pattern_problem(pattern):
        return
    rules = merged([], [Block("email", REGEX, pattern, "")])
    began = time.process_time()
    for text in ("a" * 254, "ab" * 127, "a" * 253 + "!"):
        rules.counts("email", text)
    assert time.process_time() - began < 0.5


def test_the_usual_rules_are_in_order_themselves() -> None:
    assert not [rule for rule in identity_rules.RULES if identity_rules.rule_problem(rule)]
    assert not [
        block for block in identity_rules.BLOCKS if block.how == REGEX and pattern_problem(block.pattern)
    ]
    assert identity_rules.rule_problem(Rule("email", 1, 1))
    assert identity_rules.rule_problem(Rule("authUserId", 1, None, 30))
