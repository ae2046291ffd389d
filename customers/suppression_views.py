"""The endpoints of the addresses that must not be written to."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter, paginate
from crm.rest.serializers import Moment, Name, Query, StrictSerializer, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Scope
from customers.models import Suppression
from customers.models.consent import Channel, Purpose, SuppressionReason
from customers.payloads import blank_as_null
from customers.suppression import standing_over
from customers.suppressions import GIVEN, LIFTABLE, SuppressionNotFound, add, key_of, lift

SUPPRESSIONS = Ordering("suppressions", {"at": Column("at")}, default="-at")
SUPPRESSION_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "kind": serializers.CharField(
        help_text="email or phoneNumber. The address itself is kept as a hash only."
    ),
    "reason": serializers.ChoiceField(choices=SuppressionReason.values),
    "channel": serializers.ChoiceField(choices=Channel.values, allow_null=True, help_text="Null: all."),
    "purpose": serializers.ChoiceField(choices=Purpose.values, allow_null=True, help_text="Null: all."),
    "clubId": serializers.CharField(allow_null=True, help_text="Null: every club."),
    "source": serializers.CharField(allow_null=True, help_text="What told us."),
    "at": serializers.DateTimeField(),
    "by": serializers.CharField(allow_null=True),
    "expiresAt": serializers.DateTimeField(allow_null=True),
    "liftable": serializers.BooleanField(help_text="Whether it can be deleted."),
}
SuppressionListed = shape(
    "Suppression", SUPPRESSION_FIELDS, "An address that must not be written to.", is_sparse=True
)


class SuppressionQuery(PageQuery):
    """Filters of the list."""

    sort = SUPPRESSIONS.parameter()
    fields = fields_parameter(SUPPRESSION_FIELDS)  # type: ignore[assignment]
    address = Text(required=False, max_length=254, help_text="An e-mail address or a phone number.")
    reason = Name(choices=SuppressionReason.values, required=False)
    channel = Name(choices=Channel.values, required=False)


class SuppressionBody(StrictSerializer):
    """An address to put on the list."""

    tenantId = serializers.CharField(required=False)
    address = Text(max_length=254, help_text="An e-mail address or a phone number.")
    reason = serializers.ChoiceField(choices=[one.value for one in GIVEN], default="MANUAL")
    channel = serializers.ChoiceField(choices=Channel.values, required=False)
    purpose = serializers.ChoiceField(choices=Purpose.values, required=False)
    clubId = Text(required=False, max_length=100)
    expiresAt = Moment(required=False)


class SuppressionRemovalQuery(Query):
    """Why it goes."""

    reason = Text(max_length=500, help_text="For the audit log.")


class SuppressionList(ApiView):
    scopes = {"GET": Scope.CAMPAIGNS, "POST": Scope.CAMPAIGNS}
    queries = {"GET": SuppressionQuery}
    tag = "Campaigns"

    @extend_schema(operation_id="listSuppressions", responses={200: page_of(SuppressionListed)})
    def get(self, request: Request) -> Response:
        """List the addresses that must not be written to, newest first.

        Addresses are kept as hashes, so the list does not show them: ask for one by `address`.
        """
        now = timezone.now()
        rows: Any = Suppression.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), lifted_at=None)
        if "address" in self.params:
            found = standing_over([key_of(self.params["address"])], now)
            rows = rows.filter(pk__in=[one.pk for one in next(iter(found.values()), [])])
        asked = {name: self.params[name] for name in ("reason", "channel") if name in self.params}
        return paginate(rows.filter(**asked), self.params, SUPPRESSIONS, suppression_payload)

    @extend_schema(
        operation_id="addSuppression",
        request=SuppressionBody,
        responses={200: SuppressionListed},
        examples=[
            OpenApiExample(
                "Bounced elsewhere",
                {"address": "ann@example.com", "reason": "HARD_BOUNCE"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Put an address on the list.

        It counts at once, for whoever has the address. A bounce or a complaint stops service messages too, and a
        complaint holds for all club groups of the platform. One that is there already is answered as it is.
        """
        body = self.body(SuppressionBody)
        found = add(
            body["address"], by=self.credential.actor, reason=body["reason"], channel=body.get("channel", ""),
            purpose=body.get("purpose", ""), club_ref=body.get("clubId", ""), expires_at=body.get("expiresAt"),
        )  # fmt: skip
        return Response(suppression_payload(found))


class SuppressionOne(ApiView):
    scopes = {"DELETE": Scope.CAMPAIGNS}
    queries = {"DELETE": SuppressionRemovalQuery}
    tag = "Campaigns"

    @extend_schema(operation_id="liftSuppression", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Take an address off the list.

        Only of what was put in by hand, bounced or was invalid. Who complained, unsubscribed, answered STOP or asked to
        be forgotten is 409 `SUPPRESSION_NOT_LIFTABLE`: they come back by their own word.
        """
        try:
            found = UUID(pk)
        except ValueError:
            raise SuppressionNotFound("There is no such suppression.") from None
        lift(found, by=self.credential.actor, why=self.params["reason"])
        return Response(status=204)


def suppression_payload(row: Suppression) -> dict[str, Any]:
    return {
        "id": str(row.pk), "kind": row.kind, "reason": row.reason, "channel": blank_as_null(row.channel),
        "purpose": blank_as_null(row.purpose), "clubId": blank_as_null(row.club_ref),
        "source": blank_as_null(row.source), "at": row.at, "by": blank_as_null(row.by), "expiresAt": row.expires_at,
        "liftable": row.reason in LIFTABLE,
    }  # fmt: skip
