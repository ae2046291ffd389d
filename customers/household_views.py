"""The endpoints of households."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter, paginate
from crm.rest.serializers import StrictSerializer, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy import audit
from crm.tenancy.access import client_ip
from crm.tenancy.permissions import Scope
from customers import households
from customers.households import HouseholdNotFound, Member
from customers.models import Household
from customers.models.household import HouseholdRole
from customers.normalise import WEAK_KINDS
from customers.payloads import wire_value
from customers.views import uuid as customer_id
from customers.visibility import visible_customer, visible_people

MEMBER = {
    "customerId": serializers.UUIDField(),
    "displayName": serializers.CharField(),
    "role": serializers.ChoiceField(
        choices=HouseholdRole.choices, help_text="How they came in: a shared contact, or put in."
    ),
    "since": serializers.DateTimeField(),
    "shares": serializers.ListField(
        child=serializers.ChoiceField(choices=WEAK_KINDS), help_text="The contacts shared with others of it."
    ),
    "owns": serializers.ListField(
        child=serializers.ChoiceField(choices=WEAK_KINDS), help_text="Those of them whose owner they are."
    ),
}
SHAPE = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(help_text="Its own, else the last names of its members."),
    "members": shape("HouseholdMember", MEMBER)(many=True),
    "createdAt": serializers.DateTimeField(),
}
HouseholdReply = shape("Household", SHAPE, "People sharing an e-mail or phone, or put together.")
LISTED = {name: field for name, field in SHAPE.items() if name != "members"}
HouseholdListed = shape("HouseholdListed", LISTED, "Without its members.", is_sparse=True)
ORDERING = Ordering(
    "households", {"createdAt": Column("created_at"), "name": Column("name")}, default="-createdAt"
)


def some_people(**more: Any) -> Any:
    return serializers.ListField(child=serializers.UUIDField(), max_length=households.MOST_MEMBERS, **more)


class HouseholdNew(StrictSerializer):
    """Two people or more; whoever is in another household leaves it."""

    tenantId = serializers.CharField(required=False)
    name = Text(max_length=200, required=False, allow_blank=True)
    customerIds = some_people(min_length=2)


class HouseholdChange(StrictSerializer):
    """A new name, people to take in, people to take out."""

    tenantId = serializers.CharField(required=False)
    name = Text(max_length=200, required=False, allow_blank=True)
    add = some_people(required=False)
    remove = some_people(required=False)


class HouseholdQuery(PageQuery):
    """The list of households."""

    sort = ORDERING.parameter()
    fields = fields_parameter(LISTED)  # type: ignore[assignment]


class HouseholdList(ApiView):
    scopes = {"GET": Scope.READ, "POST": Scope.WRITE}
    looks = "list"
    more_errors = {"POST": ("404", "422")}
    queries = {"GET": HouseholdQuery}
    tag = "Households"

    @extend_schema(operation_id="listHouseholds", responses={200: page_of(HouseholdListed)})
    def get(self, request: Request) -> Response:
        """List households.

        Of at least two people, the latest first.
        """
        return paginate(households.visible(visible_people(request)), self.params, ORDERING, listed_payload)

    @extend_schema(
        operation_id="createHousehold",
        request=HouseholdNew,
        responses={201: HouseholdReply},
        examples=[
            OpenApiExample(
                "Two people",
                {"name": "The Nels", "customerIds": ["0190d1c0-0000-7000-8000-000000000001",
                                                      "0190d1c0-0000-7000-8000-000000000002"]},
                request_only=True,
            )
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Put people into one household.

        Who shares an e-mail or phone is in one by themselves.
        """
        body = self.body(HouseholdNew)
        people = [visible_customer(request, pk)[0].pk for pk in body["customerIds"]]
        made = households.create(people, name=body.get("name", ""), by=self.credential.actor)
        return answer(request, made, status=201)


class HouseholdOne(ApiView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.WRITE}
    tag = "Households"

    @extend_schema(operation_id="getHousehold", responses={200: HouseholdReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read a household and who is in it."""
        reply = answer(request, seen(request, household_id(pk)))
        for member in reply.data["members"]:
            audit.record_look(
                "customer.viewed", by=self.credential.actor, object_type="customer", object_id=member["customerId"],
                after={"part": "household"}, ip=client_ip(request),
            )  # fmt: skip
        return reply

    @extend_schema(
        operation_id="changeHousehold",
        request=HouseholdChange,
        responses={200: HouseholdReply},
        examples=[OpenApiExample("Rename", {"name": "The Nels of Fynbos"}, request_only=True)],
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Rename a household, take people in or out.

        Who was taken out is not put back by a shared contact. With one person left it is a household no more.
        """
        household, body = seen(request, household_id(pk)), self.body(HouseholdChange)
        add, remove = (
            [visible_customer(request, one)[0].pk for one in body.get(side, ())] for side in ("add", "remove")
        )
        changed = households.change(
            household.pk, name=body.get("name"), add=add, remove=remove, by=self.credential.actor,
            if_match=self.condition,
        )  # fmt: skip
        return answer(request, changed)


class CustomerHousehold(ApiView):
    scopes = {"GET": Scope.READ}
    looks = "household"
    more_errors = {"GET": ("404",)}
    tag = "Households"

    @extend_schema(operation_id="getHouseholdOfCustomer", responses={200: HouseholdReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read the household of a customer.

        404 `HOUSEHOLD_NOT_FOUND` for somebody who is in none.
        """
        customer, _ = visible_customer(request, customer_id(pk))
        household = households.household_of(customer.pk)
        if household is None:
            raise HouseholdNotFound("This customer is in no household.")
        return answer(request, household)


def answer(request: Request, household: Household, *, status: int = 200) -> Response:
    return Response(
        payload(request, household), status=status, headers={"ETag": households.etag_of(household)}
    )


def household_id(text: str) -> UUID:
    """An id from an address. Raises HouseholdNotFound for what can't be one."""
    try:
        return UUID(text)
    except ValueError:
        raise HouseholdNotFound("There is no household with this id.") from None


def seen(request: Request, pk: UUID) -> Household:
    """The household, if the request may see somebody in it. Raises HouseholdNotFound."""
    found: Household | None = (
        households.visible(visible_people(request), inhabited=False).filter(pk=pk).first()
    )
    if found is None:
        raise HouseholdNotFound("There is no household with this id.")
    return found


def payload(request: Request, household: Household) -> dict[str, Any]:
    """With those of its members whom the request may see."""
    members = households.members_of(household.pk)
    visible = set(
        visible_people(request)
        .filter(pk__in=[one.profile.pk for one in members])
        .values_list("pk", flat=True)
    )
    members = [one for one in members if one.profile.pk in visible]
    return {
        **listed_payload(household),
        "name": households.title(household, members),
        "members": [member_payload(one) for one in members],
    }


def listed_payload(household: Household) -> dict[str, Any]:
    return {
        "id": str(household.pk),
        "name": str(household),
        "createdAt": wire_value(household.created_at),
    }


def member_payload(member: Member) -> Mapping[str, Any]:
    return {
        "customerId": str(member.profile.pk),
        "displayName": str(member.profile),
        "role": member.role,
        "since": wire_value(member.since),
        "shares": list(member.shares),
        "owns": list(member.owns),
    }
