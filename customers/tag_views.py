"""The endpoints of tags: those of a customer, and those there are."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter, paginate
from crm.rest.serializers import Query, StrictSerializer, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Scope
from customers.models import Tag
from customers.models.tags import LONGEST
from customers.serializers import MOST_TAGS
from customers.tags import tag_one, with_people
from customers.views import uuid
from customers.visibility import visible_customer

TAGS = Ordering("tags", {"name": Column("key"), "customers": Column("people")}, default="name")
TAG_FIELDS: dict[str, Any] = {
    "name": serializers.CharField(max_length=LONGEST),
    "customers": serializers.IntegerField(help_text="How many have it."),
}
TagListed = shape("Tag", TAG_FIELDS, "A tag, in the one spelling that it has here.", is_sparse=True)
TagsReply = shape("CustomerTags", {"tags": serializers.ListField(child=serializers.CharField())})


def some_tags() -> Any:
    child = Text(max_length=LONGEST)
    return serializers.ListField(child=child, max_length=MOST_TAGS, allow_empty=False)


class TagsBody(StrictSerializer):
    """Tags to give."""

    tenantId = serializers.CharField(required=False)
    tags = some_tags()


class TagsQuery(Query):
    """Tags to take away."""

    tags = some_tags()


class TagListQuery(PageQuery):
    """The list of tags."""

    sort = TAGS.parameter()
    fields = fields_parameter(TAG_FIELDS)  # type: ignore[assignment]


class CustomerTags(ApiView):
    scopes = {"POST": Scope.WRITE, "DELETE": Scope.WRITE}
    queries = {"DELETE": TagsQuery}
    tag = "Customers"

    @extend_schema(
        operation_id="tagCustomer",
        request=TagsBody,
        responses={200: TagsReply},
        examples=[OpenApiExample("Two tags", {"tags": ["Committee", "Winter league"]}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Tag a customer.

        A tag that they have stays as it is, so it can be repeated. “vip” is the same tag as “VIP”: it takes the
        spelling that the club group has for it.
        """
        names = self.body(TagsBody)["tags"]
        customer, _ = visible_customer(request, uuid(pk))
        return Response({"tags": tag_one(customer.pk, add=names, by=self.credential.actor)})

    @extend_schema(operation_id="untagCustomer", responses={200: TagsReply})
    def delete(self, request: Request, pk: str) -> Response:
        """Take tags away from a customer.

        One that they don't have is no error.
        """
        customer, _ = visible_customer(request, uuid(pk))
        return Response({"tags": tag_one(customer.pk, remove=self.params["tags"], by=self.credential.actor)})


class TagList(ApiView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": TagListQuery}
    tag = "Customers"

    @extend_schema(operation_id="listTags", responses={200: page_of(TagListed)})
    def get(self, request: Request) -> Response:
        """List the tags, and how many customers have each."""
        return paginate(with_people(), self.params, TAGS, tag_payload)


def tag_payload(tag: Tag) -> dict[str, Any]:
    return {"name": tag.name, "customers": tag.people}  # type: ignore[attr-defined]
