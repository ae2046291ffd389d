"""The endpoint that hands customers out as a file."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from crm.rest.serializers import StrictSerializer, Text
from crm.rest.views import ApiView
from crm.tabular import FORMATS
from crm.tenancy.access import client_ip
from crm.tenancy.permissions import Right, Scope
from customers import export
from customers.listing import listed
from customers.queries import CustomerFilters
from customers.visibility import visible_people

MOST_COLUMNS = 1_000
MAILING = {"format": "CSV", "fields": ["id", "email", "firstName", "lastName", "customFields"]}


class ExportBody(StrictSerializer):
    """What the file is to look like."""

    tenantId = serializers.CharField(required=False)
    format = serializers.ChoiceField(choices=list(FORMATS), default="CSV")
    fields = serializers.ListField(  # type: ignore[assignment]
        child=Text(max_length=80), allow_empty=False, max_length=MOST_COLUMNS, required=False,
        help_text="As in a customer, in this order; customFields for all of them, customFields.<key> for one.",
    )  # fmt: skip


class CustomerExport(ApiView):
    scopes = {"POST": Scope.ADMIN}
    rights = {"POST": Right.EXPORT}
    queries = {"POST": CustomerFilters}
    is_download = True
    tag = "Customers"

    @extend_schema(
        operation_id="exportCustomers",
        request=ExportBody,
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/x-ndjson"): OpenApiTypes.STR,
        },
        examples=[OpenApiExample("A mailing list", MAILING, request_only=True)],
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        """Export customers as a file.

        Those whom the list shows with the same parameters, oldest first, streamed: any number of them. In CSV, lists
        and maps are JSON, and a text that a spreadsheet would compute (it begins with = + - @ or a tab) has a ' before
        it; phone numbers stay as they are. Every export is in the audit log. A repeated one is made anew.
        """
        body = self.body(ExportBody)
        columns = export.columns_of(body.get("fields"))
        people = listed(visible_people(request), self.params)
        asked = dict(request.query_params.lists())
        export.note_export(
            people,
            columns,
            by=self.credential.actor,
            format=body["format"],
            filters=asked,
            ip=client_ip(request),
        )
        return export.download(people, columns, format=body["format"])

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """The body says which format; errors are JSON whatever Accept says."""
        return super().perform_content_negotiation(request, force=True)
