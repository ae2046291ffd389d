"""The endpoints of tags: those of a customer, and those there are."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter, paginate
from crm.rest.schema import header
from crm.rest.serializers import Flag, Query, StrictSerializer, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Right, Scope
from customers.models import Tag
from customers.models.tags import LONGEST
from customers.serializers import MOST_TAGS
from customers.tags import TagInUse, find_tag, remove_tag, tag_one, with_people
from customers.views import uuid
from customers.visibility import visible_customer

CUSTOMERS_ETAG = header("ETag", "Version of the customer.", response=[200], required=True)
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


class TagRemovalQuery(Query):
    """How a tag goes."""

    untag = Flag(default=False, help_text="Take it from all who have it, too.")


class CustomerTags(ApiView):
    scopes = {"POST": Scope.WRITE, "DELETE": Scope.WRITE}
    queries = {"DELETE": TagsQuery}
    guards = ("POST", "DELETE")
    tag = "Customers"

    @extend_schema(
        operation_id="tagCustomer",
        request=TagsBody,
        responses={200: TagsReply},
        parameters=[CUSTOMERS_ETAG],
        examples=[OpenApiExample("Two tags", {"tags": ["Committee", "Winter league"]}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Tag a customer.

        A tag that they have stays as it is, so it can be repeated. “vip” is the same tag as “VIP”: it takes the
        spelling that the club group has for it.
        """
        names = self.body(TagsBody)["tags"]
        return self._retag(pk, add=names)

    @extend_schema(operation_id="untagCustomer", responses={200: TagsReply}, parameters=[CUSTOMERS_ETAG])
    def delete(self, request: Request, pk: str) -> Response:
        """Take tags away from a customer.

        One that they don't have is no error.
        """
        return self._retag(pk, remove=self.params["tags"])

    def _retag(self, pk: str, **edit: list[str]) -> Response:
        customer, _ = visible_customer(self.request, uuid(pk))
        tagged = tag_one(customer.pk, **edit, by=self.credential.actor, if_match=self.condition)
        return Response({"tags": tagged.tags}, headers={"ETag": tagged.etag})


class TagList(ApiView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": TagListQuery}
    tag = "Customers"

    @extend_schema(operation_id="listTags", responses={200: page_of(TagListed)})
    def get(self, request: Request) -> Response:
        """List the tags, and how many customers have each."""
        return paginate(with_people(), self.params, TAGS, tag_payload)


class TagOne(ApiView):
    scopes = {"DELETE": Scope.ADMIN}
    rights = {"DELETE": Right.ADMINISTER}
    queries = {"DELETE": TagRemovalQuery}
    tag = "Customers"

    @extend_schema(operation_id="deleteTag", responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Delete a tag.

        One that customers have is 409 `TAG_IN_USE`, unless `untag` is true: then it leaves the list at once, and
        everybody who has it within moments.
        """
        tag = find_tag(name)
        if tag.people and not self.params["untag"]:  # type: ignore[attr-defined]
            raise TagInUse
        remove_tag(tag, by=self.credential.actor)
        return Response(status=204)


def tag_payload(tag: Tag) -> dict[str, Any]:
    return {"name": tag.name, "customers": tag.people}  # type: ignore[attr-defined]
