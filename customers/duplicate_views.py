"""The endpoints of pairs that may be one person."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.errors import NotFound
from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter, paginate
from crm.rest.serializers import StrictSerializer, Text
from crm.rest.shapes import page_of, shape
from crm.rest.views import ApiView
from crm.tenancy.permissions import Scope
from customers import duplicates
from customers.models import DuplicateCandidate
from customers.visibility import of_visible_people

QUEUE = Ordering(
    "duplicates",
    {
        "score": Column("score", nullable=True),
        "createdAt": Column("created_at"),
        "decidedAt": Column("decided_at", nullable=True),
    },
    default="-score,-createdAt",
)
REASON = shape(
    "DuplicateReason",
    {
        "name": serializers.CharField(help_text="given, surname, born, email, phone, home, place, postcode, gender"),
        "level": serializers.CharField(help_text="SAME, FORM (of the same name), ALIKE, SIMILAR, SWAPPED, OTHER"),
        "weight": serializers.FloatField(help_text="Bits: each doubles the odds; negative where it speaks against."),
    },
)  # fmt: skip
FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "customerIds": serializers.ListField(child=serializers.UUIDField(), help_text="The two, the older id first."),
    "status": serializers.ChoiceField(choices=DuplicateCandidate.Status.choices),
    "band": serializers.ChoiceField(choices=DuplicateCandidate.Band.choices),
    "score": serializers.FloatField(
        allow_null=True, min_value=0, max_value=100, help_text="Percent; null for what was never compared."
    ),
    "reasons": REASON(many=True),
    "vetoes": serializers.ListField(
        child=serializers.CharField(), help_text="Why they are never merged unasked."
    ),
    "told": serializers.CharField(allow_null=True, help_text="What a source said of them."),
    "source": serializers.CharField(allow_null=True, help_text="finder, or the source that told of them."),
    "createdAt": serializers.DateTimeField(),
    "decidedBy": serializers.CharField(allow_null=True),
    "decidedAt": serializers.DateTimeField(allow_null=True),
    "remark": serializers.CharField(allow_null=True),
}  # fmt: skip
Duplicate = shape("Duplicate", FIELDS, "Two customers who may be one.")
DuplicateListed = shape("DuplicateListed", FIELDS, "Two customers who may be one.", is_sparse=True)


class DuplicateQuery(PageQuery):
    """Filters of the pairs."""

    sort = QUEUE.parameter()
    fields = fields_parameter(FIELDS)  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=DuplicateCandidate.Status.choices, default="OPEN")
    band = serializers.ChoiceField(choices=DuplicateCandidate.Band.choices, required=False)
    minScore = serializers.FloatField(required=False, min_value=0, max_value=100, help_text="Percent.")


class DismissBody(StrictSerializer):
    """Why they are two people, in words."""

    tenantId = serializers.CharField(required=False)
    remark = Text(required=False, allow_blank=True, max_length=300)


class DuplicateList(ApiView):
    scopes = {"GET": Scope.ADMIN}
    queries = {"GET": DuplicateQuery}
    tag = "Duplicates"

    @extend_schema(operation_id="listDuplicates", responses={200: page_of(DuplicateListed)})
    def get(self, request: Request) -> Response:
        """List pairs of customers who may be one.

        The surest first, unless `sort` says otherwise; those that wait for a decision, unless `status` does. AUTO
        are those of which nothing speaks against it.
        """
        pairs = DuplicateCandidate.objects.filter(status=self.params["status"])
        if self.params["status"] == "OPEN":
            pairs = pairs.waiting()
        if "band" in self.params:
            pairs = pairs.filter(band=self.params["band"])
        if "minScore" in self.params:
            pairs = pairs.filter(score__gte=self.params["minScore"])
        seen = of_visible_people(request, pairs, "first", "second")
        return paginate(seen, self.params, QUEUE, duplicate_payload)


class DuplicateDismiss(ApiView):
    scopes = {"POST": Scope.ADMIN}
    tag = "Duplicates"

    @extend_schema(
        operation_id="dismissDuplicate",
        request=DismissBody,
        responses={200: Duplicate},
        examples=[OpenApiExample("With a word", {"remark": "Father and son"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Say that the two are two people.

        They are never put forward again. Repeating it changes nothing; a pair that was merged is a 409.
        """
        remark = self.body(DismissBody).get("remark", "")
        pair = _visible_pair(request, pk)
        duplicates.dismiss(
            DuplicateCandidate.objects.filter(pk=pair.pk), by=self.credential.actor, remark=remark
        )
        pair.refresh_from_db()
        if pair.status != "DISMISSED":
            raise duplicates.AlreadyDecided
        return Response(duplicate_payload(pair))


def _visible_pair(request: Request, pk: str) -> DuplicateCandidate:
    try:
        rows = DuplicateCandidate.objects.filter(pk=UUID(pk))
    except ValueError:
        rows = DuplicateCandidate.objects.none()
    pair = of_visible_people(request, rows, "first", "second").first()
    if pair is None:
        raise NotFound("There is no pair with this id.")
    return pair  # type: ignore[no-any-return]


def duplicate_payload(pair: DuplicateCandidate) -> dict[str, Any]:
    is_found = pair.source == DuplicateCandidate.FINDER
    return {
        "id": pair.pk,
        "customerIds": [pair.first_id, pair.second_id],
        "status": pair.status,
        "band": pair.band,
        "score": pair.score,
        "reasons": [{"name": name, "level": level, "weight": weight} for name, level, weight in pair.reasons],
        "vetoes": pair.vetoes,
        "told": None if is_found else pair.reason or None,
        "source": pair.source or None,
        "createdAt": pair.created_at,
        "decidedBy": pair.decided_by or None,
        "decidedAt": pair.decided_at,
        "remark": pair.remark or None,
    }
