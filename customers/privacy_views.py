"""The endpoints for a customer's rights over their data: to get it, and to be forgotten."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.serializers import Flag, StrictSerializer, Text
from crm.rest.shapes import shape
from crm.rest.views import ApiView
from crm.tenancy.access import client_ip
from crm.tenancy.permissions import Scope
from customers.disclosure import CONTENT_TYPES, FORMATS, disclose, file_name
from customers.erasure import erase_customer
from customers.views import uuid
from customers.visibility import visible_customer

Erasure = shape(
    "Erasure",
    {
        "customerId": serializers.UUIDField(),
        "dryRun": serializers.BooleanField(),
        "rows": serializers.DictField(
            child=serializers.IntegerField(), help_text="Kind of data -> rows that were emptied or deleted."
        ),
    },
    "What an erasure did, or would do. No rows: they were erased before.",
)


class DataExportBody(StrictSerializer):
    """What the file is to be."""

    tenantId = serializers.CharField(required=False)
    format = serializers.ChoiceField(
        choices=FORMATS, default="JSON", help_text="ZIP has both, data.json and data.html."
    )


class EraseBody(StrictSerializer):
    """Why, and whether really."""

    tenantId = serializers.CharField(required=False)
    reason = Text(required=False, max_length=200, help_text="For the audit log; no personal data.")
    dryRun = Flag(default=False)


class CustomerDataExport(ApiView):
    scopes = {"POST": Scope.ADMIN}
    is_download = True
    tag = "Privacy"

    @extend_schema(
        operation_id="exportCustomerData",
        request=DataExportBody,
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/zip"): OpenApiTypes.BINARY,
        },
        examples=[OpenApiExample("To hand on", {"format": "ZIP"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> HttpResponse:
        """Export everything that is kept about a customer, for the customer.

        As JSON, or as a page to read in the customer's language. Nothing of anybody else is in it. Every export is in
        the audit log; a repeated one is made anew.
        """
        format = self.body(DataExportBody)["format"]
        customer, _ = visible_customer(request, uuid(pk), include_deleted=True, even_restricted=True)
        data = disclose(customer.pk, by=self.credential.actor, format=format, ip=client_ip(request))
        response = HttpResponse(data, content_type=CONTENT_TYPES[format])
        response["Content-Disposition"] = f'attachment; filename="{file_name(customer.pk, format)}"'
        return response

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """The body says which format; errors are JSON whatever Accept says."""
        return super().perform_content_negotiation(request, force=True)


class CustomerErase(ApiView):
    scopes = {"POST": Scope.ADMIN}
    tag = "Privacy"

    @extend_schema(
        operation_id="eraseCustomer",
        request=EraseBody,
        responses={200: Erasure},
        examples=[OpenApiExample("First a trial", {"dryRun": True}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Erase a customer for good.

        What names them goes from every table, log and queue; amounts, times and counts stay, and keyed hashes of their
        identifiers, so that nobody writes to them again. It can't be undone, and repeating it does nothing. Under a
        legal hold it is 409 `LEGAL_HOLD`.
        """
        body = self.body(EraseBody)
        customer, _ = visible_customer(request, uuid(pk), include_deleted=True, even_restricted=True)
        done = erase_customer(
            customer.pk, by=self.credential.actor, reason=body.get("reason", ""), dry_run=body["dryRun"]
        )
        return Response({"customerId": str(customer.pk), "dryRun": body["dryRun"], "rows": dict(done)})
