"""Tables out: what is written is what is read again, and no cell computes."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.tabular import BYTE_ORDER_MARK, CHUNK, cell, csv_text, encoded, ndjson_text, text_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
RISKY = st.tuples(st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", "'", "'=", "''+", "＝"]), TEXT).map(
    "".join
)
VALUE = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(-1e9, 1e9)
    | TEXT
    | RISKY
    | st.lists(TEXT)
)


@given(
    st.lists(TEXT | RISKY, min_size=1, max_size=5), st.lists(st.lists(TEXT | RISKY, min_size=5, max_size=5))
)
def test_texts_come_back_from_csv_as_they_went(names: list[str], rows: list[list[str]]) -> None:
    columns = [f"{position}{name}" for position, name in enumerate(names)]
    table = [dict(zip(columns, row, strict=False)) for row in rows]
    read = csv.reader(StringIO("".join(csv_text(columns, table)), newline=""))
    header, *lines = [[text_of(one) for one in line] for line in read]
    assert header == columns
    assert lines == [[row[name] for name in columns] for row in table]


@given(VALUE)
def test_no_cell_computes(value: Any) -> None:
    written = cell(value)
    is_phone = written[1:].isascii() and written[1:].isdigit()
    assert isinstance(value, int | float) or not written.startswith(("=", "-", "@", "\t", "\r", "\n", "＝"))
    assert isinstance(value, int | float) or not written.startswith("+") or is_phone


@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUE)))
def test_ndjson_is_a_row_a_line(rows: list[dict[str, Any]]) -> None:
    lines = "".join(ndjson_text(["a", "b"], rows)).split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == [{"a": row.get("a"), "b": row.get("b")} for row in rows]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""), ("", ""), (True, "true"), (-5, "-5"), (1.5, "1.5"), ("+27821234567", "+27821234567"),
        ("+1+1", "'+1+1"), ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("-2", "'-2"), ("@x", "'@x"), ("\tx", "'\tx"),
        ("'=x", "''=x"), ("'quoted'", "'quoted'"), (["a", "ä"], '["a", "ä"]'), ({"a": 1}, '{"a": 1}'), ([], "[]"),
    ],
)  # fmt: skip
def test_a_value_as_a_cell(value: Any, written: str) -> None:
    assert cell(value) == written


@pytest.mark.parametrize("write", [csv_text, ndjson_text])
def test_it_streams(write: Any) -> None:
    """What was read of the rows when the first piece comes out is little."""
    taken = 0

    def rows() -> Iterator[dict[str, str]]:
        nonlocal taken
        for _ in range(100_000):
            taken += 1
            yield {"a": "x" * 100}

    pieces = write(["a"], rows())
    assert CHUNK <= len(next(pieces)) < 2 * CHUNK
    assert taken < 1_000


def test_spreadsheets_are_told_that_it_is_utf_8() -> None:
    assert b"".join(encoded(["ä", ""], for_spreadsheets=True)).decode() == f"{BYTE_ORDER_MARK}ä"
    assert b"".join(encoded(["ä"])).decode() == "ä"
