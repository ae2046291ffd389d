"""The endpoints that say where a customer's fields come from: now, and before."""

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
from customers.provenance import Origin, provenance_of
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


OriginReply = shape(
    "Origin",
    {
        "source": serializers.CharField(help_text=", ".join(RANKS)),
        "at": serializers.DateTimeField(help_text="When it was so, as its source says."),
        "tier": serializers.IntegerField(
            help_text="0 only fills what nobody of 1 ever wrote; then the later wins."
        ),
        "version": serializers.IntegerField(
            help_text="The entity's, of a source that counts them: it goes before the time. Else 0."
        ),
        "eventId": serializers.CharField(allow_null=True, help_text="The event that said it."),
        "by": serializers.CharField(
            allow_null=True, help_text="As in the history; null where it said again what stood there."
        ),
        "recordedAt": serializers.DateTimeField(allow_null=True),
    },
    "The write that a field's value comes from.",
)
ProvenanceReply = shape(
    "Provenance",
    {
        "id": serializers.UUIDField(help_text="The customer's."),
        "fields": serializers.DictField(
            child=OriginReply(), help_text="By field; customFields.<key> for a key."
        ),
    },
    "Where each field of a customer comes from.",
)


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


class CustomerProvenance(ApiView):
    scopes = {"GET": Scope.READ}
    looks = "provenance"
    tag = "Customers"

    @extend_schema(operation_id="getProvenance", responses={200: ProvenanceReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read where each field of a customer comes from.

        An entry for each field that somebody wrote, also one that was cleared, and for each key of `customFields`:
        the write that won it. What your role does not see is left out. It stands apart from the customer, whose ETag
        changes with what is written and not with who says it again.
        """
        customer, _ = visible_customer(request, uuid(pk))
        self.about = customer.pk
        origins = provenance_of(customer)
        return Response(
            {"id": str(customer.pk), "fields": {name: _origin(one) for name, one in origins.items()}}
        )


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "source": origin.source,
        "at": origin.at,
        "tier": origin.tier,
        "version": origin.version,
        "eventId": None if origin.source in PEOPLE else origin.event or None,
        "by": origin.by,
        "recordedAt": origin.recorded_at,
    }


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
