"""Values of custom fields on staff pages: how each type is shown, and the form field that it is filled in by."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from customers.custom_values import is_url
from customers.models import CustomerProfile, CustomField
from customers.models.custom import MOST_LISTED

PREFIX = "custom_"
ANSWERS = (("", "–"), ("true", _l("yes")), ("false", _l("no")))


def shown(field: CustomField, value: Any) -> dict[str, Any]:
    """A value as a line of a card has it: words, and where they lead. What is none of its type is shown as it is."""
    if isinstance(value, bool):
        return {"value": _("yes") if value else _("no")}
    if isinstance(value, list):
        return {"value": ", ".join(map(str, value))}
    text, typed = str(value), _typed(field.type, value)
    if isinstance(typed, date):
        return {"value": typed if isinstance(typed, datetime) else date_format(typed, "j M Y")}
    if field.type == "URL" and is_url(text):
        return {"value": text, "href": text}
    prefix = {"EMAIL": "mailto:", "PHONE": "tel:"}.get(field.type)
    return {"value": text, "href": prefix + text, "copy": text} if prefix else {"value": text}


def listed_fields(request: HttpRequest) -> list[CustomField]:
    """The fields that are to be in the list. One statement, once a request."""
    fields: list[CustomField] | None = getattr(request, "_listed_fields", None)
    if fields is None:
        fields = request._listed_fields = list(CustomField.objects.listed()[:MOST_LISTED])  # type: ignore[attr-defined]
    return fields


def own_columns(request: HttpRequest) -> list[Callable[[CustomerProfile], Any]]:
    """A column of the list for each field that is to have one, the same ones throughout a request."""
    columns: list[Callable[[CustomerProfile], Any]] | None = getattr(request, "_own_columns", None)
    if columns is None:
        columns = request._own_columns = [_column(field) for field in listed_fields(request)]  # type: ignore[attr-defined]
    return columns


def _column(field: CustomField) -> Callable[[CustomerProfile], Any]:
    def cell(profile: CustomerProfile) -> Any:
        value = profile.custom_fields.get(field.key)
        return "–" if value is None else shown(field, value)["value"]

    cell.__name__ = f"own_{field.key}"
    cell.short_description = field.label  # type: ignore[attr-defined]
    return cell


def _typed(type: str, value: Any) -> Any:
    """A kept value as Python has it; None where it can't be one."""
    with suppress(ValueError, ArithmeticError):
        if type == "DATE":
            return date.fromisoformat(str(value))
        if type == "DATETIME":
            at = datetime.fromisoformat(str(value))
            return at if at.tzinfo else None
        return Decimal(str(value)) if type == "DECIMAL" else value
    return None


def form_fields(fields: Mapping[str, CustomField], profile: CustomerProfile) -> dict[str, forms.Field]:
    """The form fields of a person's custom fields, by name. Who has nothing in a required one may go on so."""
    has = profile.custom_fields
    is_new = profile._state.adding
    return {
        PREFIX + key: _form_field(field, has.get(key), required=field.is_required and (is_new or key in has))
        for key, field in fields.items()
    }


def _form_field(field: CustomField, value: Any, *, required: bool) -> forms.Field:
    make, options = KINDS[field.type]
    initial = None if value is None else _typed(field.type, value)
    if field.type == "BOOL":
        initial = {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else ""
    if field.has_choices:
        gone = [one for one in _as_list(value) if one not in field.choices]
        options = {**options, "choices": [(one, one) for one in [*field.choices, *gone]]}
    if field.type == "ENUM":
        options = {**options, "choices": [("", "–"), *options["choices"]]}
    found: forms.Field = make(
        label=field.label, help_text=field.help_text, required=required, initial=initial, **options
    )
    return found


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def writes(form: forms.BaseForm) -> dict[str, Any]:
    """The raw values by key that the person at the form changed; blank clears."""
    names = [name for name in form.changed_data if name.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): form.cleaned_data[name] for name in names}


def _is_yes(answer: str) -> bool:
    return answer == "true"


def _line(widget: type[forms.Widget]) -> tuple[Any, dict[str, Any]]:
    return forms.CharField, {"widget": widget}


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "STRING": _line(forms.TextInput),
    "TEXT": (forms.CharField, {"widget": forms.Textarea(attrs={"rows": 4})}),
    "INT": (forms.IntegerField, {}),
    "DECIMAL": (forms.DecimalField, {"widget": forms.NumberInput(attrs={"step": "any"})}),
    "BOOL": (forms.TypedChoiceField, {"choices": ANSWERS, "coerce": _is_yes, "empty_value": None}),
    "DATE": (forms.DateField, {"widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}),
    "DATETIME": (
        forms.DateTimeField,
        {
            "widget": forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
            )
        },
    ),
    "ENUM": (forms.ChoiceField, {}),
    "MULTI_ENUM": (forms.MultipleChoiceField, {"widget": forms.CheckboxSelectMultiple}),
    "URL": _line(forms.URLInput),
    "EMAIL": _line(forms.EmailInput),
    "PHONE": _line(forms.TextInput),
}
