"""What says that two people are not one: pure, and read as it is where people share a contact."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.conflicts import Known, conflict
from customers.faces import Face, difference
from customers.identity_rules import DEFAULT

BORN = date(1980, 2, 3)
values = st.frozensets(st.sampled_from("abc"), min_size=1, max_size=2)
ids = st.dictionaries(st.sampled_from(["sclMemberId", "authUserId", "email"]), values)
words = st.sampled_from(["", "Ann", "A.", "ann", "Ánn", "Ben"])


@st.composite
def known(draw: Any) -> Known:
    row = {
        "first_name": draw(words), "last_name": draw(words), "status": draw(st.sampled_from(["ACTIVE", "DELETED"])),
        "date_of_birth": draw(st.sampled_from([None, BORN, BORN - timedelta(days=9)])),
        "processing_restricted_at": draw(st.sampled_from([None, BORN])),
    }  # fmt: skip
    return Known.of([row], draw(ids))


def check_conflict(one: Known, other: Known) -> None:
    def says(one: Known, other: Known) -> str:
        return conflict(one, other, is_ever_one=lambda kind: DEFAULT.of(kind).is_ever_one)

    assert says(one, other) == says(other, one)
    both = (one.identifiers.keys() & other.identifiers.keys()) - {"email"}
    if any(one.identifiers[kind] != other.identifiers[kind] for kind in both):
        assert says(one, other)
    if one.born and other.born and one.born != other.born:
        assert says(one, other)


@settings(max_examples=200, deadline=None)
@given(known(), known())
def test_another_number_that_is_had_once_is_always_a_conflict(one: Known, other: Known) -> None:
    check_conflict(one, other)


@pytest.mark.proof
@settings(max_examples=10_000, deadline=None)
@given(known(), known())
def test_ten_thousand_who_have_another_number_are_never_merged(one: Known, other: Known) -> None:
    check_conflict(one, other)


@settings(max_examples=200, deadline=None)
@given(known(), known())
def test_names_that_differ_at_a_shared_contact_differ_in_a_merge_too(one: Known, other: Known) -> None:
    faces = [
        Face(" ".join(next(iter(person.first_names), ())), "".join(person.last_names))
        for person in (one, other)
    ]
    assert not difference(*faces) or conflict(one, other, is_ever_one=lambda _kind: False)


@pytest.mark.parametrize(
    ("one", "other", "is_conflict"),
    [
        ("Ann", "ANN", False), ("Ann", "A.", False), ("José", "Jose", False), ("", "Ann", False), ("Ann", "Ben", True),
        ("Anna-Marie", "Anna Marie", False), ("Annamarie", "Anna Marie", False), ("B", "Ann", True),
        ("Jan", "Jan Pieter", False), ("J.P.", "Jan Pieter", False), ("Jan Hendrik", "Jan Pieter", True),
        ("Søren", "Soren", False), ("D’Arcy", "DArcy", False), ("-", "Ann", False),
    ],
)  # fmt: skip
def test_how_first_names_are_compared(one: str, other: str, is_conflict: bool) -> None:
    first, second = (named(first_name=name) for name in (one, other))
    assert bool(conflict(first, second, is_ever_one=lambda _kind: True)) is is_conflict
    assert bool(difference(Face(one), Face(other))) is is_conflict


@pytest.mark.parametrize(
    ("one", "other", "is_conflict"),
    [
        ("van der Merwe", "VanDerMerwe", False), ("O'Brien", "OBrien", False), ("Müller", "MULLER", False),
        ("Nel", "", False), ("Nel", "Botha", True),
    ],
)  # fmt: skip
def test_how_last_names_are_compared(one: str, other: str, is_conflict: bool) -> None:
    first, second = (named(last_name=name) for name in (one, other))
    assert bool(conflict(first, second, is_ever_one=lambda _kind: True)) is is_conflict
    assert bool(difference(Face("", one), Face("", other))) is is_conflict


def named(**names: str) -> Known:
    row = {
        "first_name": "",
        "last_name": "",
        "status": "ACTIVE",
        "date_of_birth": None,
        "processing_restricted_at": None,
    }
    return Known.of([row | names], {})
