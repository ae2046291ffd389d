"""The keys that a field brings up on a phone."""

from typing import Any

import pytest
from django import forms

FIELDS: dict[str, tuple[forms.Field, str]] = {
    "days": (forms.IntegerField(min_value=0), "numeric"),
    "price": (forms.DecimalField(min_value=0), "decimal"),
    "handicap, which may be plus": (forms.DecimalField(min_value=-10), ""),
    "number of any kind": (forms.IntegerField(), ""),
    "text": (forms.CharField(), ""),
    "hidden": (forms.IntegerField(min_value=1, widget=forms.HiddenInput), ""),
    "as the field says": (
        forms.IntegerField(min_value=1, widget=forms.NumberInput(attrs={"inputmode": "text"})), "text",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_a_number_that_is_never_negative_is_typed_with_digits(name: str) -> None:
    field, keys = FIELDS[name]
    form: Any = type("Sheet", (forms.Form,), {"one": field})()
    page = str(form["one"])
    assert (f'inputmode="{keys}"' in page) if keys else ("inputmode" not in page)
