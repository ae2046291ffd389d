"""The endpoints of merging: look first, merge, merge many, read, undo."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.errors import CRMError
from crm.rest.paging import PageQuery, fields_parameter, paginate
from crm.rest.schema import ETAG, IF_MATCH
from crm.rest.serializers import AnyJson, Query, StrictSerializer, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Right, Scope
from customers.families import lock_families
from customers.merge_preview import Line, Told, preview_merge
from customers.merges import MERGES, live_merge_of, merge_payload, merges_of, moved_payload
from customers.merging import merge_customers
from customers.models import MergeRecord, MergeRule
from customers.payloads import WIRE, blank_as_null, profile_payload, wire_name, wire_value
from customers.replies import Customer
from customers.services import get_customer
from customers.unmerging import MergeNotFound, unmerge
from customers.views import uuid
from customers.visibility import visible_customer

MOST_MERGES = 100
ATTRIBUTE = {wire_name(name): name for name in WIRE}
SIDES = serializers.ChoiceField(choices=["winner", "loser"])
CHOICES_WORDS = "Whose value stands, where not the latest shall: field -> winner or loser."
Change = shape(
    "MergeChange",
    {
        "field": serializers.CharField(),
        "from": AnyJson(),
        "to": AnyJson(),
        "source": serializers.CharField(allow_null=True),
    },
    "A field of the winner that a merge changed.",
)
MERGE_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "winnerId": serializers.UUIDField(),
    "loserId": serializers.UUIDField(),
    "rule": serializers.ChoiceField(choices=MergeRule.choices),
    "reason": serializers.CharField(allow_null=True),
    "score": serializers.IntegerField(allow_null=True),
    "mergedBy": serializers.CharField(help_text="user:…, key:…, token:… or job:…"),
    "mergedAt": serializers.DateTimeField(),
    "changes": Change(many=True),
    "moved": serializers.DictField(child=serializers.IntegerField(), help_text="Kind of row -> how many."),
    "canUndo": serializers.BooleanField(),
    "undoUntil": serializers.DateTimeField(),
    "undoneAt": serializers.DateTimeField(allow_null=True),
    "undoneBy": serializers.CharField(allow_null=True),
    "undoneReason": serializers.CharField(allow_null=True),
}
MergeListed = shape("Merge", MERGE_FIELDS, "One merge of two profiles.", is_sparse=True)
MergeDone = shape("MergeDone", MERGE_FIELDS, "One merge of two profiles.")
MergeReply = shape(
    "MergeReply",
    {"merged": serializers.BooleanField(help_text="false: they were one person already."),
     "merge": MergeDone(allow_null=True), "profile": Customer()},
)  # fmt: skip
UnmergeReply = shape("UnmergeReply", {"merge": MergeDone(), "winner": Customer(), "loser": Customer()})
ToldShape = shape(
    "MergeTold",
    {"value": AnyJson(), "source": serializers.CharField(allow_null=True),
     "at": serializers.DateTimeField(allow_null=True)},
)  # fmt: skip
PreviewReply = shape(
    "MergePreview",
    {
        "winnerId": serializers.UUIDField(),
        "loserId": serializers.UUIDField(),
        "alreadyOne": serializers.BooleanField(),
        "conflict": serializers.CharField(allow_null=True, help_text="Why it would not happen by itself."),
        "fields": shape(
            "MergePreviewField",
            {
                "field": serializers.CharField(),
                "winner": ToldShape(),
                "loser": ToldShape(),
                "result": AnyJson(),
                "stands": serializers.ChoiceField(choices=["winner", "loser", "both"]),
                "canChoose": serializers.BooleanField(),
            },
        )(many=True),
        "moves": serializers.DictField(
            child=serializers.IntegerField(), help_text="Kind of row -> how many go over."
        ),
    },
)
ResultShape = shape(
    "MergeResult",
    {
        "index": serializers.IntegerField(),
        "key": serializers.CharField(allow_null=True),
        "status": serializers.ChoiceField(choices=["MERGED", "ALREADY_ONE", "REJECTED"]),
        "mergeId": serializers.UUIDField(allow_null=True),
        "error": shape("MergeError", {"code": serializers.CharField(), "message": serializers.CharField()})(
            allow_null=True
        ),
    },
)
BulkReply = shape(
    "MergeResults",
    {
        "merged": serializers.IntegerField(),
        "rejected": serializers.IntegerField(),
        "results": ResultShape(many=True),
    },
)


class Choices(serializers.DictField):
    """field -> winner or loser; read as the profile's attributes."""

    child = SIDES

    def to_internal_value(self, data: Any) -> dict[str, str]:
        found = super().to_internal_value(data)
        unknown = {name: ["is not a field of a customer"] for name in found if _attribute(name) is None}
        if unknown:
            raise serializers.ValidationError(unknown, code="INVALID_FIELD")
        return {_attribute(name) or "": side for name, side in found.items()}


def _attribute(name: str) -> str | None:
    head, dot, key = name.partition(".")
    return f"custom_fields.{key}" if head == "customFields" and key else None if dot else ATTRIBUTE.get(name)


class MergeBody(StrictSerializer):
    """Whom to merge into the customer of the address."""

    tenantId = serializers.CharField(required=False)
    loserId = serializers.UUIDField()
    reason = Text(max_length=300, required=False, allow_blank=True)
    fields = Choices(required=False, help_text=CHOICES_WORDS)  # type: ignore[assignment]


class BulkItem(StrictSerializer):
    """One pair."""

    key = Text(max_length=200, required=False, help_text="Yours; it comes back with the result.")
    winnerId = serializers.UUIDField()
    loserId = serializers.UUIDField()
    reason = Text(max_length=300, required=False, allow_blank=True)
    fields = Choices(required=False, help_text=CHOICES_WORDS)  # type: ignore[assignment]


class BulkBody(StrictSerializer):
    """Pairs, merged one after the other."""

    tenantId = serializers.CharField(required=False)
    merges = serializers.ListField(child=BulkItem(), allow_empty=False, max_length=MOST_MERGES)


class UnmergeBody(StrictSerializer):
    """Which merge to undo: by default the one that this id was merged away by."""

    tenantId = serializers.CharField(required=False)
    mergeId = serializers.UUIDField(required=False)
    reason = Text(max_length=300, required=False, allow_blank=True)


class PreviewQuery(Query):
    """Whom the customer would be merged with."""


PreviewQuery._declared_fields["with"] = serializers.UUIDField()  # no name that Python lets be written


class MergeListQuery(PageQuery):
    """The merges of a customer."""

    sort = MERGES.parameter()
    fields = fields_parameter(MERGE_FIELDS)  # type: ignore[assignment]


class CustomerMerge(ApiView):
    scopes = {"POST": Scope.ADMIN}
    rights = {"POST": Right.MERGE}
    more_errors = {"POST": ("404", "409", "412", "422")}
    tag = "Merging"

    @extend_schema(
        operation_id="mergeCustomers",
        request=MergeBody,
        responses={200: MergeReply},
        parameters=[IF_MATCH, ETAG],
        examples=[
            OpenApiExample(
                "The same person twice",
                {"loserId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c91", "reason": "Same phone and birth date",
                 "fields": {"lastName": "winner"}},
                request_only=True,
            )
        ],
    )  # fmt: skip
    def post(self, request: Request, pk: str) -> Response:
        """Merge another customer into this one.

        All that hangs on the loser goes over; their id answers with the winner from now on. The latest write of each
        field stands unless `fields` says otherwise, tags come together, the narrower consent wins. Two who are one
        person already are no error: `merged` is false then.
        """
        body = self.body(MergeBody)
        winner, _ = visible_customer(request, uuid(pk), include_deleted=True)
        visible_customer(request, body["loserId"], include_deleted=True)
        made = merge_customers(
            winner.pk, body["loserId"], by=self.credential.actor, rule=MergeRule.API, reason=body.get("reason", ""),
            chosen=body.get("fields", {}), if_match=self.condition,
        )  # fmt: skip
        profile, _ = get_customer(winner.pk)
        reply = {
            "merged": made is not None,
            "merge": made and merge_payload(made),
            "profile": profile_payload(profile),
        }
        return Response(reply, headers={"ETag": profile.etag})


class MergePreview(ApiView):
    scopes = {"GET": Scope.ADMIN}
    rights = {"GET": Right.MERGE}
    queries = {"GET": PreviewQuery}
    looks = "profile"
    more_errors = {"GET": ("404", "422")}
    tag = "Merging"

    @extend_schema(operation_id="previewMerge", responses={200: PreviewReply})
    def get(self, request: Request, pk: str) -> Response:
        """Look at what a merge would come to, field by field, each value with its source and time."""
        winner, _ = visible_customer(request, uuid(pk))
        loser, _ = visible_customer(request, self.params["with"])
        found = preview_merge(winner.pk, self.params["with"])
        return Response(
            {
                "winnerId": str(winner.pk),
                "loserId": str(loser.pk),
                "alreadyOne": found.is_one,
                "conflict": found.conflict or None,
                "fields": [_line(line) for line in found.lines],
                "moves": moved_payload(found.moves),
            }
        )


class CustomerMerges(ApiView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": MergeListQuery}
    looks = "merges"
    tag = "Merging"

    @extend_schema(operation_id="listMerges", responses={200: page_of(MergeListed)})
    def get(self, request: Request, pk: str) -> Response:
        """List the merges that made this customer who they are, those that were undone too."""
        customer, _ = visible_customer(request, uuid(pk))
        return paginate(merges_of(customer.pk), self.params, MERGES, merge_payload)


class CustomerUnmerge(ApiView):
    scopes = {"POST": Scope.ADMIN}
    rights = {"POST": Right.MERGE}
    more_errors = {"POST": ("404", "409")}
    tag = "Merging"

    @extend_schema(
        operation_id="unmergeCustomer",
        request=UnmergeBody,
        responses={200: UnmergeReply},
        examples=[OpenApiExample("Two people after all", {"reason": "Father and son"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Undo a merge.

        Of the id that was merged away, or of the winner's with `mergeId`. Each gets back what was told of them, before
        the merge and since, by the identifiers that it was told with; the two are not merged automatically again.
        """
        body, asked = self.body(UnmergeBody), uuid(pk)
        customer, _ = visible_customer(request, asked, include_deleted=True)
        record = _record(customer.pk, asked, body.get("mergeId"))
        undone = unmerge(record.pk, by=self.credential.actor, reason=body.get("reason", ""))
        winner, loser = (get_customer(one, include_deleted=True)[0] for one in (customer.pk, record.loser_id))
        return Response(
            {
                "merge": merge_payload(undone),
                "winner": profile_payload(winner),
                "loser": profile_payload(loser),
            }
        )


class CustomerMergeMany(ApiView):
    scopes = {"POST": Scope.ADMIN}
    rights = {"POST": Right.MERGE}
    tag = "Merging"

    @extend_schema(
        operation_id="mergeManyCustomers",
        request=BulkBody,
        responses={200: BulkReply},
        examples=[
            OpenApiExample(
                "One pair",
                {"merges": [{"key": "1", "winnerId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90",
                             "loserId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c91"}]},
                request_only=True,
            )
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Merge many pairs.

        In the order given, so that a winner may be a loser further on. What can't be merged is rejected alone.
        """
        items = self.body(BulkBody)["merges"]
        lock_families({pk for item in items for pk in (item["winnerId"], item["loserId"])})
        results = [
            {"index": index, "key": item.get("key"), **self._merge(request, item)}
            for index, item in enumerate(items)
        ]
        count = {status: sum(one["status"] == status for one in results) for status in ("MERGED", "REJECTED")}
        return Response({"merged": count["MERGED"], "rejected": count["REJECTED"], "results": results})

    def _merge(self, request: Request, item: Mapping[str, Any]) -> dict[str, Any]:
        try:
            with transaction.atomic():
                for pk in (item["winnerId"], item["loserId"]):
                    visible_customer(request, pk, include_deleted=True)
                made = merge_customers(
                    item["winnerId"], item["loserId"], by=self.credential.actor, rule=MergeRule.BULK,
                    reason=item.get("reason", ""), chosen=item.get("fields", {}),
                )  # fmt: skip
        except CRMError as error:
            said = {"code": error.code, "message": error.message}
            return {"status": "REJECTED", "mergeId": None, "error": said}
        status = "MERGED" if made else "ALREADY_ONE"
        return {"status": status, "mergeId": str(made.pk) if made else None, "error": None}


def _record(customer: UUID, asked: UUID, merge: UUID | None) -> MergeRecord:
    """The merge to undo. Raises MergeNotFound, also for one of other people."""
    found = live_merge_of(asked) if merge is None else merges_of(customer).filter(pk=merge).first()
    if found is None:
        raise MergeNotFound("There is no merge of this customer to undo.")
    return found


def _line(line: Line) -> dict[str, Any]:
    head, dot, key = line.field.partition(".")
    return {
        "field": f"customFields.{key}" if dot else wire_name(head),
        "winner": _told(line.winner),
        "loser": _told(line.loser),
        "result": blank_as_null(wire_value(line.result)),
        "stands": line.stands,
        "canChoose": line.may_choose,
    }


def _told(told: Told) -> dict[str, Any]:
    return {
        "value": blank_as_null(wire_value(told.value)),
        "source": told.source or None,
        "at": wire_value(told.at),
    }
