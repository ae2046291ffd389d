"""Reply shapes for the OpenAPI document, read off the models, so that they stay true."""

from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from rest_framework import serializers

from crm.rest.paging import MOST

Shape = type[serializers.Serializer[Any]]
PLAIN: dict[type[Any], type[Any]] = {
    models.DateTimeField: serializers.DateTimeField,
    models.DateField: serializers.DateField,
    models.UUIDField: serializers.UUIDField,
    models.BooleanField: serializers.BooleanField,
    models.DecimalField: serializers.FloatField,
    models.IntegerField: serializers.IntegerField,
}


def reply_field(column: Any) -> Any:
    """The reply field of a model column, as crm's payloads write it: blanks are null, decimals are numbers."""
    empty = bool(column.null or column.blank)
    if isinstance(column, ArrayField):
        return serializers.ListField(child=serializers.CharField())
    if isinstance(column, models.JSONField):
        return serializers.DictField()
    if isinstance(column, models.ForeignKey):
        return serializers.UUIDField(allow_null=empty)
    for kind, field in PLAIN.items():
        if isinstance(column, kind):
            return field(allow_null=empty)
    if column.choices:
        return serializers.ChoiceField(choices=column.choices, allow_null=empty)
    return serializers.CharField(allow_null=empty, max_length=column.max_length)


def shape(name: str, fields: Mapping[str, Any], words: str = "", *, is_sparse: bool = False) -> Shape:
    """A serializer class that only describes. Sparse: the caller may choose among its fields."""
    return type(name, (serializers.Serializer,), {**fields, "__doc__": words, "is_sparse": is_sparse})


def page_of(item: Shape) -> Shape:
    """The envelope of a list."""
    return shape(f"{item.__name__}Page", {"data": item(many=True), "meta": Meta()})


class Meta(serializers.Serializer[Any]):
    """By skip: total and skip. By cursor: neither. nextCursor is null or absent at the end."""

    total = serializers.IntegerField(required=False, help_text="Exact to 10,000, beyond that an estimate.")
    totalIsExact = serializers.BooleanField(required=False, help_text="false when total is an estimate.")
    skip = serializers.IntegerField(required=False)
    take = serializers.IntegerField(max_value=MOST)
    hasMore = serializers.BooleanField()
    nextCursor = serializers.CharField(required=False, allow_null=True)
