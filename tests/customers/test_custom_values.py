"""Every type of custom field: what it takes, how it is kept, what it refuses and says."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.custom_values import Frame, Unusable, from_text, normal
from customers.models import CustomField

FRAME = Frame(["S", "M", "L, tall"], "ZA")


@pytest.mark.parametrize(
    ("type", "value", "kept"),
    [
        ("STRING", "  a \n b ", "a b"), ("STRING", " ", None), ("STRING", "x" * 500, "x" * 500),
        ("TEXT", " a\r\n\r\nb ", "a\n\nb"), ("TEXT", "", None),
        ("INT", 0, 0), ("INT", 5.0, 5), ("INT", -(2**53 - 1), -(2**53 - 1)),
        ("DECIMAL", 1, 1), ("DECIMAL", 12.50, 12.5), ("DECIMAL", Decimal("0.1"), 0.1), ("DECIMAL", -0.0, 0),
        ("DECIMAL", 999999999999999, 999999999999999), ("DECIMAL", 0.000000000000001, 1e-15),
        ("BOOL", True, True), ("BOOL", False, False),
        ("DATE", "2024-02-29", "2024-02-29"), ("DATE", date(2024, 2, 29), "2024-02-29"),
        ("DATETIME", "2026-11-25T08:30:00.9+02:00", "2026-11-25T06:30:00Z"),
        ("DATETIME", "2026-11-25T06:30", "2026-11-25T06:30:00Z"),
        ("DATETIME", datetime(2026, 11, 25, 6, 30, tzinfo=UTC), "2026-11-25T06:30:00Z"),
        ("ENUM", "L, tall", "L, tall"), ("MULTI_ENUM", ["L, tall", "S", "S"], ["S", "L, tall"]),
        ("MULTI_ENUM", [], None),
        ("URL", " https://example.com/a?b=c#d ", "https://example.com/a?b=c#d"),
        ("EMAIL", " Ann@Example.com", "ann@example.com"), ("PHONE", "082 123 4567", "+27821234567"),
        *((kind, None, None) for kind in CustomField.Type.values),
    ],
)  # fmt: skip
def test_a_value_is_kept_in_one_spelling(type: str, value: Any, kept: Any) -> None:
    found = normal(type, value, FRAME)
    assert (found, found.__class__) == (kept, kept.__class__)


@pytest.mark.parametrize(
    ("type", "value", "says"),
    [
        ("STRING", 5, "must be text"), ("STRING", "x" * 501, "at most 500"), ("TEXT", "x" * 20_001, "at most 20,000"),
        ("TEXT", {}, "must be text"),
        ("INT", "5", "whole number"), ("INT", 5.5, "whole number"), ("INT", True, "whole number"),
        ("INT", 2**53, "whole number"),
        ("DECIMAL", "1", "number"), ("DECIMAL", True, "number"), ("DECIMAL", 1e15, "15 digits"),
        ("DECIMAL", 1e300, "15 digits"), ("DECIMAL", 1e-300, "15 digits"), ("DECIMAL", Decimal("NaN"), "number"),
        ("DECIMAL", 0.12345678901234567, "15 digits"),
        ("BOOL", 1, "true or false"), ("BOOL", "true", "true or false"),
        ("DATE", "2023-02-29", "a day"), ("DATE", "20240229", "a day"), ("DATE", 20240229, "a day"),
        ("DATE", "٢٠٢٤-02-29", "a day"),
        ("DATETIME", "soon", "a moment"), ("DATETIME", "0001-01-01T00:00:00+14:00", "a moment"),
        ("DATETIME", 5, "a moment"),
        ("ENUM", "XL", "must be one of: S, M, L, tall"), ("ENUM", 1, "one of"), ("MULTI_ENUM", "S", "a list"),
        ("MULTI_ENUM", ["S", "XL"], "one of"), ("MULTI_ENUM", [["S"]], "one of"),
        ("URL", "example.com", "https://"), ("URL", "javascript:alert(1)", "https://"), ("URL", "http://", "https://"),
        ("URL", "http://a b.example", "https://"), ("URL", "http://[", "https://"),
        ("URL", "https://e.example/" + "x" * 2000, "at most"),
        ("EMAIL", "ann@", "an e-mail address"), ("PHONE", "12", "dialled from ZA"), ("PHONE", 27821234567, "text"),
    ],
)  # fmt: skip
def test_what_is_none_of_the_type_is_refused_in_words(type: str, value: Any, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        normal(type, value, FRAME)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
)


@given(type=st.sampled_from(CustomField.Type.values), value=JSON)
def test_whatever_is_kept_is_kept_as_it_is_when_written_again(type: str, value: Any) -> None:
    try:
        kept = normal(type, value, FRAME)
    except Unusable:
        return
    assert normal(type, kept, FRAME) == kept


@given(type=st.sampled_from(CustomField.Type.values), text=st.text(max_size=40))
def test_no_text_of_a_filter_does_more_than_be_refused(type: str, text: str) -> None:
    try:
        normal(type, from_text(type, text), FRAME)
    except Unusable as error:
        assert str(error)
