"""The endpoint of what a customer agreed to."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter, paginate
from crm.rest.serializers import Moment, Name, StrictSerializer, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Scope
from customers.consent import MARKETING, Consent, State
from customers.consents import record_consents
from customers.ledger import entries_of
from customers.models import ConsentEntry
from customers.models.consent import Channel, ConsentState, LawfulBasis, Purpose
from customers.payloads import blank_as_null
from customers.views import uuid
from customers.visibility import visible_customer

CONSENTS = Ordering("consents", {"at": Column("at")}, default="-at")
CONSENT_FIELDS: dict[str, Any] = {
    "id": serializers.CharField(),
    "channel": serializers.ChoiceField(choices=Channel.values),
    "purpose": serializers.ChoiceField(choices=Purpose.values),
    "clubId": serializers.CharField(allow_null=True, help_text="Null: at every club."),
    "state": serializers.ChoiceField(choices=ConsentState.values),
    "lawfulBasis": serializers.ChoiceField(choices=LawfulBasis.values),
    "reason": serializers.CharField(
        help_text="How they said it: CONTACT, PREFERENCE, UNSUBSCRIBE, STOP_REPLY …"
    ),
    "identifier": serializers.DictField(
        child=serializers.CharField(), allow_null=True, help_text="What it was said of; null once erased."
    ),
    "givenAt": serializers.DateTimeField(help_text="When the person said so."),
    "expiresAt": serializers.DateTimeField(allow_null=True),
    "wordingVersion": serializers.CharField(allow_null=True),
    "locale": serializers.CharField(allow_null=True),
    "at": serializers.DateTimeField(help_text="The time by which the latest statement stands."),
    "recordedAt": serializers.DateTimeField(),
    "source": serializers.CharField(),
    "eventId": serializers.CharField(),
    "by": serializers.CharField(allow_null=True, help_text="Staff or key, where one of them recorded it."),
}
ConsentListed = shape(
    "Consent", CONSENT_FIELDS, "A statement about what the customer agrees to.", is_sparse=True
)


class ConsentQuery(PageQuery):
    """Filters of a customer's consents."""

    sort = CONSENTS.parameter()
    fields = fields_parameter(CONSENT_FIELDS)  # type: ignore[assignment]
    channel = Name(choices=Channel.values, required=False)
    purpose = Name(choices=Purpose.values, required=False)


class ConsentBody(StrictSerializer):
    """A statement to record."""

    tenantId = serializers.CharField(required=False)
    channel = serializers.ChoiceField(choices=Channel.values)
    state = serializers.ChoiceField(choices=[State.GRANTED, State.WITHDRAWN, State.PENDING])
    purpose = serializers.ChoiceField(choices=Purpose.values, required=False)
    clubId = Text(required=False, max_length=100)
    lawfulBasis = serializers.ChoiceField(choices=LawfulBasis.values, required=False)
    reason = Text(required=False, max_length=30, help_text="Such as FORM, CALL, IMPORT.")
    wordingVersion = Text(required=False, max_length=100)
    locale = Text(required=False, max_length=35)
    givenAt = Moment(required=False, help_text="Now, unless given.")
    expiresAt = Moment(required=False)

    def validate_givenAt(self, value: Any) -> Any:  # noqa: N802 - the field's name on the wire
        if value > timezone.now():
            raise serializers.ValidationError("must not be in the future", code="INVALID_FIELD")
        return value


class CustomerConsents(ApiView):
    scopes = {"GET": Scope.READ, "POST": Scope.WRITE}
    queries = {"GET": ConsentQuery}
    looks = "consents"
    tag = "Customers"

    @extend_schema(operation_id="listConsents", responses={200: page_of(ConsentListed)})
    def get(self, request: Request, pk: str) -> Response:
        """Read what a customer agreed to, statement by statement, with the proof of each.

        Newest first. For one channel and purpose the latest statement stands; the flags of the customer
        (`emailOptIn` …) are what stands for MARKETING at every club.
        """
        customer, _ = visible_customer(request, uuid(pk))
        asked = {name: self.params[name] for name in ("channel", "purpose") if name in self.params}
        return paginate(entries_of(customer.pk).filter(**asked), self.params, CONSENTS, consent_payload)

    @extend_schema(
        operation_id="recordConsent",
        request=ConsentBody,
        responses={200: ConsentListed},
        examples=[
            OpenApiExample(
                "Refused on the phone",
                {"channel": "EMAIL", "state": "WITHDRAWN", "reason": "CALL"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Record what a customer agrees to or refuses.

        A refusal counts at once. Where Messaging owns consent (the usual case) a grant is 409
        `CONSENT_OWNED_BY_MESSAGING`: it is given there and counts when its event comes back.
        """
        body = self.body(ConsentBody)
        refuses = body["state"] == State.WITHDRAWN
        customer, _ = visible_customer(request, uuid(pk), even_restricted=refuses)
        (entry,) = record_consents(customer.pk, [consent_of(body)], by=self.credential.actor)
        return Response(consent_payload(entry))


def consent_of(body: dict[str, Any]) -> Consent:
    return Consent(
        body["channel"], State(body["state"]), body.get("givenAt") or timezone.now(), body.get("reason") or "RECORDED",
        purpose=body.get("purpose", MARKETING), club_ref=body.get("clubId", ""),
        lawful_basis=body.get("lawfulBasis", "CONSENT"), wording=body.get("wordingVersion", ""),
        locale=body.get("locale", ""), expires_at=body.get("expiresAt"),
    )  # fmt: skip


def consent_payload(entry: ConsentEntry) -> dict[str, Any]:
    return {
        "id": str(entry.pk),
        "channel": entry.channel,
        "purpose": entry.purpose,
        "clubId": blank_as_null(entry.club_ref),
        "state": entry.state,
        "lawfulBasis": entry.lawful_basis,
        "reason": entry.reason,
        "identifier": {entry.kind: entry.value} if entry.value else None,
        "givenAt": entry.given_at,
        "expiresAt": entry.expires_at,
        "wordingVersion": blank_as_null(entry.wording),
        "locale": blank_as_null(entry.locale),
        "at": entry.at,
        "recordedAt": entry.recorded_at,
        "source": entry.source,
        "eventId": entry.event_id,
        "by": blank_as_null(entry.actor),
    }
