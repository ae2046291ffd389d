"""The endpoints of custom fields."""

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import paginate
from crm.rest.schema import ETAG
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy.permissions import Right, Scope
from customers import custom_fields
from customers.custom_fields import CustomFieldNotFound
from customers.custom_serializers import (
    ORDERING,
    CustomFieldChange,
    CustomFieldListed,
    CustomFieldNew,
    CustomFieldQuery,
    CustomFieldReply,
    field_payload,
)
from customers.models import CustomField

SHIRT = {"key": "shirtSize", "label": "Shirt size", "type": "ENUM", "choices": ["S", "M", "L", "XL"]}


class CustomFieldList(ApiView):
    scopes = {"GET": Scope.READ, "POST": Scope.ADMIN}
    rights = {"POST": Right.ADMINISTER}
    queries = {"GET": CustomFieldQuery}
    tag = "Custom fields"

    @extend_schema(operation_id="listCustomFields", responses={200: page_of(CustomFieldListed)})
    def get(self, request: Request) -> Response:
        """List custom fields.

        By label, unless `sort` says otherwise; archived ones too.
        """
        fields = CustomField.objects.all()
        if "archived" in self.params:
            fields = fields.filter(archived_at__isnull=not self.params["archived"])
        if "type" in self.params:
            fields = fields.filter(type__in=self.params["type"])
        return paginate(fields, self.params, ORDERING, field_payload)

    @extend_schema(
        operation_id="createCustomField",
        request=CustomFieldNew,
        responses={201: CustomFieldReply},
        parameters=[ETAG],
        examples=[OpenApiExample("A choice", SHIRT, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Define a custom field.

        Up to 500 that are not archived, then 422 `TOO_MANY_CUSTOM_FIELDS`. A taken key is 409. No table changes:
        the first value can be written at once.
        """
        field = custom_fields.define(self.body(CustomFieldNew), by=self.credential.actor)
        return answer(field, status=201)


class CustomFieldOne(ApiView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.ADMIN, "DELETE": Scope.ADMIN}
    rights = {"PATCH": Right.ADMINISTER, "DELETE": Right.ADMINISTER}
    tag = "Custom fields"

    @extend_schema(operation_id="getCustomField", responses={200: CustomFieldReply}, parameters=[ETAG])
    def get(self, request: Request, pk: str) -> Response:
        """Read a custom field."""
        return answer(custom_fields.find_field(uuid(pk)))

    @extend_schema(
        operation_id="changeCustomField",
        request=CustomFieldChange,
        responses={200: CustomFieldReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Archive", {"archived": True}, request_only=True)],
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Change a custom field.

        Or archive it, and bring it back.
        """
        changes = self.body(CustomFieldChange)
        by, if_match = self.credential.actor, self.condition
        return answer(custom_fields.redefine(uuid(pk), changes, by=by, if_match=if_match))

    @extend_schema(operation_id="deleteCustomField", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Delete a custom field that nobody has a value in.

        Else 409 `CUSTOM_FIELD_IN_USE`: archive it instead.
        """
        custom_fields.remove(uuid(pk), by=self.credential.actor, if_match=self.condition)
        return Response(status=204)


def answer(field: CustomField, *, status: int = 200) -> Response:
    return Response(field_payload(field), status=status, headers={"ETag": field.etag})


def uuid(text: str) -> UUID:
    """An id from an address. Raises CustomFieldNotFound for what can't be one."""
    try:
        return UUID(text)
    except ValueError:
        raise CustomFieldNotFound from None
