"""The endpoint of a customer's devices."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.serializers import Query, StrictSerializer, Text
from crm.rest.shapes import shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Scope
from customers.devices import forget, register
from customers.models.device import Platform
from customers.views import uuid
from customers.visibility import visible_customer

DeviceReply = shape(
    "Device",
    {
        "platform": serializers.ChoiceField(choices=Platform.values),
        "lastSeenAt": serializers.DateTimeField(),
        "createdAt": serializers.DateTimeField(),
    },
    "An app or browser that takes push messages. Its token is not told again.",
)


class DeviceBody(StrictSerializer):
    """A device that somebody is logged in on."""

    tenantId = serializers.CharField(required=False)
    platform = serializers.ChoiceField(choices=Platform.values)
    token = Text(max_length=500, help_text="By which the push provider knows the device.")


class DeviceQuery(Query):
    """Which device."""

    token = Text(max_length=500)


class CustomerDevices(ApiView):
    scopes = {"PUT": Scope.WRITE, "DELETE": Scope.WRITE}
    queries = {"DELETE": DeviceQuery}
    tag = "Customers"

    @extend_schema(
        operation_id="registerDevice",
        request=DeviceBody,
        responses={200: DeviceReply},
        examples=[
            OpenApiExample(
                "At log-in", {"platform": "IOS", "token": "dG9rZW4tb2YtYS1waG9uZQ"}, request_only=True
            )
        ],
    )
    def put(self, request: Request, pk: str) -> Response:
        """Register a device that a customer is logged in on.

        Repeat it at every start of the app: that is when the device was seen last. A device that was somebody else's
        is this customer's from now on.
        """
        body = self.body(DeviceBody)
        customer, _ = visible_customer(request, uuid(pk))
        found = register(customer.pk, body["platform"], body["token"], by=self.credential.actor)
        told: dict[str, Any] = {"lastSeenAt": found.last_seen_at, "createdAt": found.created_at}
        return Response({"platform": found.platform, **told})

    @extend_schema(operation_id="forgetDevice", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Take a device from a customer who logged out on it.

        One that is not theirs is no error.
        """
        customer, _ = visible_customer(request, uuid(pk))
        forget(customer.pk, self.params["token"], by=self.credential.actor)
        return Response(status=204)
