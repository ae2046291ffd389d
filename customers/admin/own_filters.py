"""A filter of the customer list for each custom field that is a column there and that one chooses from."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t

from crm.tenancy.masks import Personal
from crm.tenancy.scope import current_eyes
from customers.admin.custom_values import listed_fields
from customers.custom_fields import equals
from customers.models import CustomField

# Django's lists leave `o`, `p`, `e` and `q` out of addresses together with every name that begins so.
PREFIX = "custom_"


def own_filters(request: HttpRequest) -> list[type[admin.SimpleListFilter]]:
    """None for those from whom custom fields are kept. One statement, once a request."""
    if Personal.CUSTOM_FIELDS in current_eyes().masks:
        return []
    return [_filter(field) for field in listed_fields(request) if field.type == "BOOL" or field.has_choices]


def _filter(field: CustomField) -> type[admin.SimpleListFilter]:
    values: dict[str, Any] = (
        {"true": True, "false": False}
        if field.type == "BOOL"
        else dict(zip(field.choices, field.choices, strict=True))
    )
    words = {"true": _t("yes"), "false": _t("no")} if field.type == "BOOL" else {}

    class OwnFilter(admin.SimpleListFilter):
        title, parameter_name = field.label, PREFIX + field.key

        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            return [(name, words.get(name, name)) for name in values]

        def queryset(self, request: HttpRequest, queryset: Any) -> Any:
            name = self.value()
            return queryset.filter(equals(field, values[name])) if name in values else queryset

    return OwnFilter
