"""The endpoints of segments themselves."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.outbox.nudge import nudge_on_commit
from crm.rest.paging import paginate
from crm.rest.schema import ETAG
from crm.rest.serializers import Nothing
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy.access import club_refs
from crm.tenancy.permissions import Scope
from segments import services, sync
from segments.consumers import consumers_of
from segments.models import Segment
from segments.replies import ConsumersReply, SegmentListed, SegmentReply, consumer_payload, segment_payload
from segments.serializers import SEGMENTS, CopyBody, SegmentNew, SegmentQuery, SegmentWords
from segments.services import SWEEP, SegmentNotFound

LOW_HANDICAPS = {
    "combinator": "AND",
    "rules": [
        {"field": "handicap", "operator": "lte", "value": 12},
        {"field": "lifecycleStage", "operator": "in", "value": ["MEMBER", "ADVOCATE"]},
    ],
}


class SegmentView(ApiView):
    tag = "Segments"

    def visible(self) -> QuerySet[Segment]:
        """The segments that the request may see: staff of some clubs see those of their clubs and those of none."""
        rows: QuerySet[Segment] = Segment.objects.kept().select_related("club")
        refs = club_refs(self.request)
        return rows if refs is None else rows.filter(Q(club=None) | Q(club__refs__overlap=refs))

    def segment_of(self, pk: Any) -> Segment:
        """Raises SegmentNotFound."""
        found = self.visible().filter(pk=uuid(pk)).first()
        if found is None:
            raise SegmentNotFound("There is no segment with this id.")
        return found


class SegmentList(SegmentView):
    scopes = {"GET": Scope.READ, "POST": Scope.CAMPAIGNS}
    queries = {"GET": SegmentQuery}

    @extend_schema(operation_id="listSegments", responses={200: page_of(SegmentListed)})
    def get(self, request: Request) -> Response:
        """List segments.

        By name, unless `sort` says otherwise.
        """
        return paginate(listed(self.visible(), self.params), self.params, SEGMENTS, segment_payload)

    @extend_schema(
        operation_id="createSegment",
        request=SegmentNew,
        responses={201: SegmentReply},
        parameters=[ETAG],
        examples=[
            OpenApiExample(
                "By rules", {"name": "Good players", "criteria": LOW_HANDICAPS}, request_only=True
            ),
            OpenApiExample("A list", {"name": "Captain’s day", "type": "STATIC"}, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create a segment.

        A worker fills it in a moment; until then it is STALE. Rules that can't be used are 422
        `INVALID_SEGMENT_RULE`, with the path of each in `details`; a taken name is 409.
        """
        body = self.body(SegmentNew)
        return answer(services.create_segment(**body, by=self.credential.actor), status=201)


class SegmentOne(SegmentView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.CAMPAIGNS, "DELETE": Scope.CAMPAIGNS}

    @extend_schema(operation_id="getSegment", responses={200: SegmentReply}, parameters=[ETAG])
    def get(self, request: Request, pk: str) -> Response:
        """Read a segment."""
        return answer(self.segment_of(pk))

    @extend_schema(
        operation_id="changeSegment",
        request=SegmentWords,
        responses={200: SegmentReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Every night", {"refreshFrequency": "DAILY"}, request_only=True)],
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Change a segment.

        With other rules it keeps its members, and is STALE, until a worker has worked it out. Its type stays for ever,
        and so do the rules of a system segment (409 `SYSTEM_SEGMENT`).
        """
        body = self.body(SegmentWords)
        found = self.segment_of(pk)
        changed = services.change_segment(found.pk, body, by=self.credential.actor, if_match=self.condition)
        return answer(changed)

    @extend_schema(operation_id="deleteSegment", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Delete a segment.

        One that is used is 409 `SEGMENT_IN_USE`, with what uses it in `details`. Its log stays.
        """
        found = self.segment_of(pk)
        services.delete_segment(found.pk, by=self.credential.actor, if_match=self.condition)
        return Response(status=204)


class SegmentRefresh(SegmentView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(operation_id="refreshSegment", request=None, responses={202: SegmentReply})
    def post(self, request: Request, pk: str) -> Response:
        """Let a segment be worked out whole.

        As soon as a worker is free; asked again meanwhile, it is done once.
        """
        self.body(Nothing)
        segment = self.segment_of(pk)
        segment.ask_for_refresh()
        nudge_on_commit(SWEEP)
        return answer(self.segment_of(pk), status=202)


class SegmentToMessaging(SegmentView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(operation_id="syncSegmentToMessaging", request=None, responses={202: SegmentReply})
    def post(self, request: Request, pk: str) -> Response:
        """Send a segment to the Messaging service.

        All of it, as soon as a worker is free, and from then on whoever joins and leaves. `lastSyncedAt` and
        `syncError` tell how that went. Where no Messaging service is set up it is 409 `MESSAGING_NOT_CONNECTED`.
        """
        self.body(Nothing)
        sync.ask_for(self.segment_of(pk), by=self.credential.actor)
        return answer(self.segment_of(pk), status=202)


class SegmentClone(SegmentView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="cloneSegment",
        request=CopyBody,
        responses={201: SegmentReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Named", {"name": "Good players in winter"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Copy a segment.

        With its rules and whoever was put in or kept out by hand. Its name is the old one with “(Copy)” unless told.
        """
        body = self.body(CopyBody)
        copy = services.clone_segment(self.segment_of(pk).pk, by=self.credential.actor, **body)
        return made(copy)


class SegmentSnapshot(SegmentView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="snapshotSegment",
        request=CopyBody,
        responses={201: SegmentReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Named", {"name": "Good players in June"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Make a list of whoever is in a segment now.

        A STATIC segment, which stays as it is whatever becomes of this one.
        """
        body = self.body(CopyBody)
        copy = services.freeze_segment(self.segment_of(pk).pk, by=self.credential.actor, **body)
        return made(copy)


class SegmentConsumers(SegmentView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="listSegmentConsumers", responses={200: ConsumersReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read what uses a segment.

        While there is anything, it can't be deleted.
        """
        return Response({"data": [consumer_payload(one) for one in consumers_of(self.segment_of(pk))]})


def listed(rows: Any, query: Any) -> Any:
    """The segments that a validated SegmentQuery means."""
    lookups = {
        "type": "type__in", "category": "category__in", "isActive": "is_active", "clubId": "club",
        "search": "name__icontains", "updatedSince": "updated_at__gte",
    }  # fmt: skip
    rows = rows.filter(**{lookup: query[name] for name, lookup in lookups.items() if name in query})
    return rows.in_state(query["state"], timezone.now()) if "state" in query else rows


def uuid(text: str) -> UUID:
    """An id from an address. Raises SegmentNotFound for what can't be one."""
    try:
        return UUID(str(text))
    except ValueError:
        raise SegmentNotFound("There is no segment with this id.") from None


def answer(segment: Segment, *, status: int = 200) -> Response:
    return Response(segment_payload(segment), status=status, headers={"ETag": segment.etag})


def made(segment: Segment) -> Response:
    """A new segment that was made of another one: it lies beside it."""
    response = answer(segment, status=201)
    response["Location"] = f"/api/v1/segments/{segment.pk}"
    return response
