"""The endpoints that look before anything is saved."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.errors import Detail, ValidationFailed
from crm.rest.views import ApiView
from crm.tenancy import audit
from crm.tenancy.access import client_ip
from crm.tenancy.models import Club
from crm.tenancy.permissions import Scope
from customers.visibility import within_clubs
from segments import meaning, previews
from segments.models import Segment
from segments.previews import Preview
from segments.replies import (
    OverlapReply,
    PreviewReply,
    overlap_payload,
    preview_payload,
)
from segments.serializers import OverlapQuery, PreviewBody
from segments.views import LOW_HANDICAPS, SegmentView


class RulesPreview(SegmentView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="previewSegmentRules",
        request=PreviewBody,
        responses={200: PreviewReply},
        examples=[OpenApiExample("Good players", {"criteria": LOW_HANDICAPS}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Try rules out.

        How many they mean, some of them, and what looks odd; nothing is saved. Counting may take two seconds.
        """
        body = self.body(PreviewBody)
        tree, _ = meaning.read(body["criteria"])
        segment = Segment(club=club_of(body.get("club_id")))
        return answer(self, previews.preview(tree, zone=segment.zone, within=within_clubs(request)))


class SegmentPreview(SegmentView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="previewSegment", responses={200: PreviewReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read whom a segment would mean, were it worked out now.

        By its rules alone, of a list whoever is in it.
        """
        segment, within = self.segment_of(pk), within_clubs(request)
        tree = meaning.tree_of(segment)
        if tree is None:
            people = previews.members_sample(segment, within)
            return answer(self, Preview(segment.member_count, people, []))
        return answer(self, previews.preview(tree, zone=segment.zone, within=within))


class SegmentOverlap(SegmentView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": OverlapQuery}

    @extend_schema(operation_id="overlapSegments", responses={200: OverlapReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read how two segments overlap.

        By who is in each as it was last worked out.
        """
        one, other = self.segment_of(pk), self.segment_of(self.params["with"])
        return Response(overlap_payload(one, other, previews.overlap(one, other)))


def answer(view: ApiView, found: Preview) -> Response:
    """A preview, once the audit log has that somebody looked at people."""
    shown: dict[str, Any] = {"shown": len(found.sample), "filters": ["criteria"], "searched": False}
    audit.record_look(
        "customer.listed", by=view.credential.actor, object_type="customer", after=shown, ip=client_ip(view.request)
    )  # fmt: skip
    return Response(preview_payload(found))


def club_of(pk: Any) -> Club | None:
    """Raises ValidationFailed where there is no such club."""
    if pk is None:
        return None
    found: Club | None = Club.objects.filter(pk=pk).first()
    if found is None:
        problem = Detail("clubId", "INVALID_FIELD", "There is no club with this id.")
        raise ValidationFailed(details=[problem])
    return found
