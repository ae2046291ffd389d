"""What every form of ours has beyond Django's: fields that bring up the right keys on a phone."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import DjangoTemplates


class KeyedField(BoundField):
    def build_widget_attrs(self, attrs: dict[str, str | bool], widget: forms.Widget | None = None) -> Any:
        found = super().build_widget_attrs(attrs, widget)
        keys = keys_for(self.field)
        return {"inputmode": keys, **found} if keys else found


def keys_for(field: forms.Field) -> str:
    """The keyboard that a number is typed with; none where it may be negative, since those have no minus."""
    if getattr(field.widget, "input_type", "") != "number" or "inputmode" in field.widget.attrs:
        return ""
    least = getattr(field, "min_value", None)
    if least is None or least < 0:
        return ""
    return "decimal" if isinstance(field, forms.DecimalField | forms.FloatField) else "numeric"


class Renderer(DjangoTemplates):
    bound_field_class = KeyedField
