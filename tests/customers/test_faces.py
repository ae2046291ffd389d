from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.faces import Face, difference, is_alike

SAME = [
    (Face("Zoë", "Müller"), Face("ZOE", "Muller")),
    (Face("Jan-Pieter", "van der Merwe"), Face("J.P.", "VanDerMerwe")),
    (Face("Jan", "Nel"), Face("Jan Pieter", "Nel")),
    (Face("Anna-Marie", "Nel"), Face("Annamarie", "Nel")),
    (Face("T.", "O’Brien"), Face("Thandi", "OBRIEN")),
    (Face("", "Nel"), Face("Ann", "")),
    (Face("Ann", "Nel", date(1980, 1, 2)), Face("Ann", "Nel")),
    (Face(), Face("Ann", "Nel", date(1980, 1, 2))),
    (Face("...", "-"), Face("Ann", "Nel")),
]
OTHERS = [
    (Face("Ann", "Nel"), Face("Ben", "Nel"), "first names differ"),
    (Face("Ann", "Nel"), Face("Ann", "Botha"), "last names differ"),
    (Face("J", "Nel"), Face("Ann", "Nel"), "first names differ"),
    (Face("Jan Pieter", "Nel"), Face("Jan Hendrik", "Nel"), "first names differ"),
    (Face(born=date(1980, 1, 2)), Face(born=date(2010, 1, 2)), "birth dates differ"),
    (Face("Jan", "Nel", date(1950, 1, 2)), Face("Jan", "Nel", date(1980, 1, 2)), "birth dates differ"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_people_write_differently_can_be_one_person(one: Face, other: Face) -> None:
    assert difference(one, other) == difference(other, one) == ""


@pytest.mark.parametrize(("one", "other", "why"), OTHERS)
def test_who_can_t_be_one_person_is_told_why(one: Face, other: Face, why: str) -> None:
    assert difference(one, other) == difference(other, one) == why


faces = st.builds(
    Face,
    st.text("aAé .-'Jn", max_size=6),
    st.text("vV ü’d", max_size=6),
    st.none() | st.just(date(1980, 1, 2)),
)


@given(faces, faces)
def test_it_is_the_same_from_both_sides_and_nobody_differs_from_themselves(one: Face, other: Face) -> None:
    assert difference(one, one) == ""
    assert difference(one, other) == difference(other, one)
    assert is_alike(one, other) == is_alike(other, one)
    assert not (is_alike(one, other) and difference(one, other))
