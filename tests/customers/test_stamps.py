from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from customers.stamps import Stamp, fold

NOW = datetime(2026, 1, 1, tzinfo=UTC)
stamps = st.builds(
    Stamp,
    tier=st.integers(0, 1),
    version=st.integers(0, 2),
    at=st.integers(0, 3),
    rank=st.integers(0, 2),
    event=st.uuids().map(str),
    source=st.sampled_from(["scl", "teetime"]),
)
writes = st.lists(
    st.tuples(stamps, st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3)))),
    unique_by=lambda write: write[0].event,
)


def folded(history: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    row: dict[str, Any] = dict.fromkeys("abc")
    known: dict[str, Any] = {}
    for stamp, values in history:
        fold(row, known, values, stamp)
    return row, known


@given(writes, st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_writes_ends_in_the_same_row(history: list[Any], random: Random) -> None:
    again = history * 2
    random.shuffle(again)
    assert folded(again) == folded(history)


def test_an_older_write_never_overwrites_and_a_null_is_a_write() -> None:
    row, known = {"handicap": 10}, {}
    assert fold(row, known, {"handicap": None}, Stamp.of("scl", "2", NOW)).changed == {"handicap"}
    assert fold(row, known, {"handicap": 12}, Stamp.of("scl", "1", NOW - timedelta(days=1))).won == set()
    assert row == {"handicap": None}


def test_a_source_that_only_fills_never_overwrites_even_what_was_cleared() -> None:
    row: dict[str, Any] = {}
    known: dict[str, Any] = {}
    fold(row, known, {"name": "filled"}, Stamp.of("messaging", "1", NOW, tier=0))
    fold(row, known, {"name": None}, Stamp.of("scl", "2", NOW - timedelta(days=9)))
    fold(row, known, {"name": "filled again"}, Stamp.of("messaging", "3", NOW, tier=0))
    assert row == {"name": None}


def test_the_sources_own_version_stands_before_the_clock() -> None:
    row: dict[str, Any] = {}
    known: dict[str, Any] = {}
    fold(row, known, {"a": "new"}, Stamp.of("scl", "1", NOW - timedelta(days=1), version=2))
    fold(row, known, {"a": "old"}, Stamp.of("scl", "2", NOW, version=1))
    assert row == {"a": "new"}


def test_staff_win_a_tie() -> None:
    row: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for source in ("staff", "scl", "web"):
        fold(row, known, {"a": source}, Stamp.of(source, "1", NOW))
    assert row == {"a": "staff"}
