"""What the custom field endpoints take and give."""

from typing import Any

from rest_framework import serializers

from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter
from crm.rest.serializers import AnyOf, Flag, StrictSerializer, Text
from crm.rest.shapes import shape
from customers.models import CustomField
from customers.models.custom import KEY, MOST_CHOICES
from customers.payloads import wire_value

ORDERING = Ordering(
    "custom-fields",
    {"label": Column("label"), "key": Column("key"), "createdAt": Column("created_at")},
    default="label",
)


class CustomFieldWords(StrictSerializer):
    """What may change about a field."""

    tenantId = serializers.CharField(required=False)
    label = Text(required=False, max_length=100)  # type: ignore[assignment]
    choices = serializers.ListField(
        child=Text(max_length=100),
        max_length=MOST_CHOICES,
        required=False,
        help_text="Of ENUM and MULTI_ENUM. Values that are no longer among them stay until they are written anew.",
    )
    required = Flag(  # type: ignore[assignment]
        source="is_required", required=False, help_text="New customers must have it; it can't be cleared."
    )
    helpText = Text(source="help_text", max_length=300, required=False, allow_blank=True)
    showInList = Flag(
        source="is_listed",
        required=False,
        help_text="A column of the staff's list of customers; four at most.",
    )


class CustomFieldChange(CustomFieldWords):
    """A partial change: what is absent stays. Key and type stay for ever."""

    archived = Flag(required=False, help_text="Takes no more values; those there are stay.")


class CustomFieldNew(CustomFieldWords):
    """A new field."""

    key = serializers.RegexField(
        KEY, max_length=64, help_text="Its name in customFields: a letter, then letters, digits and _."
    )
    label = Text(max_length=100)
    type = serializers.ChoiceField(choices=CustomField.Type.choices)


class CustomFieldQuery(PageQuery):
    """Filters of the list."""

    sort = ORDERING.parameter()
    type = AnyOf(choices=CustomField.Type.choices, required=False)
    archived = Flag(required=False, help_text="Only archived ones, or only those that take values.")

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"fields": fields_parameter(SHAPE)}


SHAPE = {
    "id": serializers.UUIDField(),
    "key": serializers.CharField(),
    "label": serializers.CharField(),
    "type": serializers.ChoiceField(choices=CustomField.Type.choices),
    "choices": serializers.ListField(child=serializers.CharField()),
    "required": serializers.BooleanField(),
    "helpText": serializers.CharField(allow_null=True),
    "showInList": serializers.BooleanField(),
    "archived": serializers.BooleanField(),
    "archivedAt": serializers.DateTimeField(allow_null=True),
    "createdAt": serializers.DateTimeField(),
}
CustomFieldReply = shape("CustomField", SHAPE, "A typed field of the tenant's own.")
CustomFieldListed = shape("CustomFieldListed", SHAPE, "All of it, or what `fields` asks for.", is_sparse=True)


def field_payload(field: CustomField) -> dict[str, Any]:
    return {
        "id": str(field.pk),
        "key": field.key,
        "label": field.label,
        "type": field.type,
        "choices": field.choices,
        "required": field.is_required,
        "helpText": field.help_text or None,
        "showInList": field.is_listed,
        "archived": field.archived_at is not None,
        "archivedAt": wire_value(field.archived_at),
        "createdAt": wire_value(field.created_at),
    }
