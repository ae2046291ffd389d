"""Patterns: what is allowed, and that they mean what regular expressions mean."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments import patterns

ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "\\d", "\\w", "\\s", "\\.", "1", "-"])
PIECES = st.builds(
    lambda atom, times: atom + times, ATOMS, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{2,}"])
)
SEQUENCES = st.lists(PIECES, min_size=1, max_size=4).map("".join)
GROUPED = st.one_of(SEQUENCES, st.builds(lambda one, other: f"({one}|{other})", SEQUENCES, SEQUENCES))
STARTS, ENDS = st.sampled_from(["", "^"]), st.sampled_from(["", "$"])
PATTERNS = st.builds(lambda start, body, end: start + body + end, STARTS, GROUPED, ENDS)


@settings(deadline=None, max_examples=300)
@given(PATTERNS, st.text("abc1-. \n", max_size=8))
def test_a_pattern_matches_as_a_regular_expression_does(pattern: str, text: str) -> None:
    expected = re.search(pattern.replace("$", r"\Z"), text, re.DOTALL | re.ASCII) is not None
    assert patterns.problem(pattern) == ""
    assert patterns.found_in(pattern, text, is_folded=False) == expected


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a+)+$", "inside of another"),
        ("(a*)*b", "inside of another"),
        ("(a|b+){10}", "inside of another"),
        ("((((a{9}){9}){9}){9})", "inside of another"),
        ("a**", "nothing to repeat"),
        ("*a", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        ("a{999}", "not in order"),
        ("a{3,2}", "not in order"),
        ("a{x}", "none of {2}"),
        ("a{2", "none of {2}"),
        ("(?=a)", "look-around"),
        ("(?i)a", "look-around"),
        ("(a)\\1", "\\1"),
        ("\\bx", "\\b"),
        ("(a", "without its )"),
        ("a)", "without its ("),
        ("[a", "ends too early"),
        ("[z-a]", "end comes before"),
        ("[[:alpha:]]", "inside of []"),
        ("a|", "empty part"),
        ("()", "empty part"),
        ("a\\", "ends too early"),
        ("(abcdefghij){100}(abcdefghij){100}", "repeats too much"),
    ],
)
def test_what_is_not_allowed_is_refused_in_words(pattern: str, words: str) -> None:
    assert words in patterns.problem(pattern)


def test_no_pattern_takes_long_on_any_text() -> None:
    began = time.monotonic()
    for pattern in ("a*a*a*a*a*a*a*a*a*b", ".*.*.*.*.*.*x", "(a|a)*(a|a)*(a|a)*c", "a{0,90}a{0,90}a{0,90}b"):
        assert patterns.problem(pattern) == ""
        assert not patterns.found_in(pattern, "a" * 300, is_folded=False)
    assert time.monotonic() - began < 10


def test_letters_are_compared_as_people_write_them() -> None:
    assert patterns.found_in("^ZOË$", "zoe", is_folded=True)
    assert patterns.found_in("stra(ß)e", "strasse", is_folded=True)
    assert not patterns.found_in("^ZOË$", "zoe", is_folded=False)
