"""The endpoint of a customer's field history."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import PageQuery, fields_parameter, paginate
from crm.rest.serializers import AnyJson, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Scope
from customers.history import HISTORY, changes_of, with_names
from customers.models import CustomerProfile, FieldChange
from customers.models.history import TRACKED
from customers.payloads import wire_name
from customers.stamps import RANKS
from customers.views import uuid
from customers.visibility import visible_customer

COLUMN_OF = {wire_name(name): name for name in TRACKED}
PEOPLE = {"staff", "api", "crm", "database"}  # whose stamps name no event
CHANGE_FIELDS: dict[str, Any] = {
    "id": serializers.CharField(),
    "field": serializers.CharField(help_text="As in the profile; map.key for what is in a map."),
    "from": AnyJson(),
    "to": AnyJson(),
    "at": serializers.DateTimeField(help_text="When it was so, as its source says."),
    "recordedAt": serializers.DateTimeField(),
    "by": serializers.CharField(help_text="user:…, key:…, token:…, job:…, or events"),
    "byName": serializers.CharField(allow_null=True),
    "source": serializers.CharField(help_text=", ".join(RANKS)),
    "eventId": serializers.CharField(allow_null=True, help_text="The event that said it."),
    "requestId": serializers.CharField(allow_null=True),
    "isErased": serializers.BooleanField(help_text="The values were erased with the person's data."),
}
FieldChangeListed = shape("FieldChange", CHANGE_FIELDS, "A field that changed.", is_sparse=True)


class HistoryQuery(PageQuery):
    """Filters of a field history."""

    sort = HISTORY.parameter()
    fields = fields_parameter(CHANGE_FIELDS)  # type: ignore[assignment]
    field = Text(
        required=False,
        max_length=200,
        help_text="Such as lastName, customFields.shoeSize, or customFields: all of its keys.",
    )

    def validate_field(self, value: str) -> str:
        return column_of(value)


class CustomerHistory(ApiView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": HistoryQuery}
    looks = "history"
    tag = "Customers"

    @extend_schema(operation_id="listFieldChanges", responses={200: page_of(FieldChangeListed)})
    def get(self, request: Request, pk: str) -> Response:
        """Read who changed a customer's fields, when, from what to what.

        Newest first. `at` is the source's time: what came late stands where it belongs, so that the changes of a
        field are one chain which ends in the value of the profile.
        """
        customer, _ = visible_customer(request, uuid(pk))
        fields = [self.params["field"]] if "field" in self.params else []
        changes = changes_of(customer.pk, fields)
        return paginate(changes, self.params, HISTORY, change_payload, prepare=with_names)


def column_of(field: str) -> str:
    """The column, or map.key, of a field as the API names it. Raises ValidationError for one without a history."""
    name, dot, key = field.partition(".")
    column = COLUMN_OF.get(name)
    is_map = column is not None and CustomerProfile._meta.get_field(column).get_internal_type() == "JSONField"
    if column is None or (dot and not (is_map and key)):
        raise ValidationError("is not a field with a history", code="INVALID_FIELD")
    return column + dot + key


def change_payload(change: FieldChange) -> dict[str, Any]:
    name, dot, key = change.field.partition(".")
    return {
        "id": change.pk,
        "field": wire_name(name) + dot + key,
        "from": change.before,
        "to": change.after,
        "at": change.at,
        "recordedAt": change.recorded_at,
        "by": change.by,
        "byName": change.by_name or None,
        "source": change.source,
        "eventId": None if change.source in PEOPLE else change.event or None,
        "requestId": change.request_id or None,
        "isErased": change.is_erased,
    }
