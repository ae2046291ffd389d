"""The event and activity endpoints."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.errors import (
    BusinessRule,
    Conflict,
    Detail,
    MalformedBody,
    PayloadTooLarge,
    UnknownField,
    ValidationFailed,
)
from crm.rest.errors import envelope
from crm.rest.paging import paginate
from crm.rest.schema import ETAG
from crm.rest.serializers import Nothing, check_tenant
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy import audit
from crm.tenancy.access import client_ip
from crm.tenancy.permissions import Right, Scope
from customers.views import uuid
from customers.visibility import visible_customer
from timeline import listing
from timeline.ingestion import ItemResult, Receipt, receive
from timeline.models import Activity
from timeline.readers import api_reader
from timeline.replay import preview, replay
from timeline.replies import (
    ActivityListed,
    ActivityReply,
    EventDetail,
    EventListed,
    EventReply,
    ReceiptReply,
    RefusalReply,
    Replayed,
    ReplayPreview,
    StatsReply,
    activity_payload,
    event_detail,
    event_payload,
    stats_payload,
)
from timeline.serializers import (
    ActivityChange,
    ActivityNew,
    ActivityQuery,
    EventEnvelope,
    EventListQuery,
    ReplayBody,
    StatsQuery,
)
from timeline.services import (
    ActivityNotFound,
    add_activity,
    delete_activity,
    edit_activity,
    get_activity,
)
from timeline.subjects import with_subjects

MEMBER = {
    "id": "c66f511b-3784-41fa-b502-b6a0256d0495",
    "type": "scl.member.created",
    "timestamp": "2026-11-01T07:46:23Z",
    "source": "scl",
    "identity": {"sclMemberId": 48490, "email": "thabo.nkosi@example.com"},
    "payload": {"id": 48490, "firstName": "Thabo", "lastName": "Nkosi", "status": "ACTIVE"},
}
MOST_DETAILS = 20


class CustomerActivities(ApiView):
    scopes = {"GET": Scope.READ, "POST": Scope.WRITE}
    rights = {"POST": Right.NOTE}
    queries = {"GET": ActivityQuery}
    looks = "timeline"
    tag = "Customers"

    @extend_schema(
        operation_id="listActivities",
        responses={200: page_of(ActivityListed)},
    )
    def get(self, request: Request, pk: str) -> Response:
        """Read a customer's timeline.

        Newest first.
        """
        customer, _ = visible_customer(request, uuid(pk))
        entries = listing.entries_of(customer.pk, self.params)
        return paginate(entries, self.params, listing.TIMELINE, activity_payload, prepare=with_subjects)

    @extend_schema(
        operation_id="addActivity",
        request=ActivityNew,
        responses={201: ActivityReply},
        parameters=[ETAG],
        examples=[OpenApiExample("A call", {"type": "PHONE_CALL", "title": "On lessons"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Add an entry by hand."""
        fields = self.body(ActivityNew)
        customer, _ = visible_customer(request, uuid(pk))
        entry = add_activity(customer, by=self.credential.actor, **fields)
        return entry_reply(entry, status=201)


class CustomerActivity(ApiView):
    looks = "timeline"
    scopes = {"GET": Scope.READ, "PATCH": Scope.WRITE, "DELETE": Scope.WRITE}
    rights = {"PATCH": Right.NOTE, "DELETE": Right.NOTE}
    tag = "Customers"

    @extend_schema(operation_id="getActivity", responses={200: ActivityReply}, parameters=[ETAG])
    def get(self, request: Request, pk: str, activityId: str) -> Response:
        """Read an entry of a customer's timeline."""
        customer, _ = visible_customer(request, uuid(pk))
        entry = get_activity(customer.pk, activity_id(activityId))
        with_subjects([entry])
        return entry_reply(entry)

    @extend_schema(
        operation_id="changeActivity",
        request=ActivityChange,
        responses={200: ActivityReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Longer", {"metadata": {"minutes": 25}}, request_only=True)],
    )
    def patch(self, request: Request, pk: str, activityId: str) -> Response:
        """Change an entry by hand.

        Your own, or with `crm:admin` anybody's. What another system reported is 409 `ACTIVITY_NOT_MANUAL`.
        """
        changes = self.body(ActivityChange)
        customer, _ = visible_customer(request, uuid(pk))
        entry = edit_activity(
            customer.pk,
            activity_id(activityId),
            changes,
            by=api_reader(self.credential),
            if_match=self.condition,
        )
        return entry_reply(entry)

    @extend_schema(operation_id="deleteActivity", responses={204: None})
    def delete(self, request: Request, pk: str, activityId: str) -> Response:
        """Delete an entry by hand.

        Your own, or with `crm:admin` anybody's. What another system reported is 409 `ACTIVITY_NOT_MANUAL`.
        """
        customer, _ = visible_customer(request, uuid(pk))
        delete_activity(
            customer.pk, activity_id(activityId), by=api_reader(self.credential), if_match=self.condition
        )
        return Response(status=204)


def entry_reply(entry: Activity, *, status: int = 200) -> Response:
    return Response(activity_payload(entry), status=status, headers={"ETag": entry.etag})


def activity_id(text: str) -> UUID:
    """An id from an address. Raises ActivityNotFound for what can't be one."""
    try:
        return UUID(text)
    except ValueError:
        raise ActivityNotFound("There is no activity with this id.") from None


class EventList(ApiView):
    scopes = {"GET": Scope.EVENTS, "POST": Scope.EVENTS}
    queries = {"GET": EventListQuery}
    tag = "Events"
    bucket = "events"
    body_limit = settings.EVENTS_BODY_LIMIT
    body_depth = 100  # deeper than one event may be, so that it costs that event only
    body_is_many = True

    @extend_schema(
        operation_id="listEvents",
        responses={200: page_of(EventListed)},
    )
    def get(self, request: Request) -> Response:
        """List received events.

        Newest arrival first.
        """
        events = listing.chosen(listing.visible(self.credential.sources), self.params)
        return paginate(events, self.params, listing.INBOX, event_payload)

    @extend_schema(
        operation_id="sendEvents",
        request=EventEnvelope,
        responses={202: ReceiptReply, 422: RefusalReply},
        examples=[OpenApiExample("One event", MEMBER, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Send events.

        One event, an array of them, or `{"events": […]}`; at most 1000, 4 MB.

        202 means they are stored for good. An id that was sent before is a DUPLICATE, harmless. What can't be
        read is REJECTED by itself; when nothing else is left, the status is 422.
        """
        if not request.body:
            raise MalformedBody("The body is empty.")
        receipt = receive(_items(request.data), sources=self.credential.sources)
        shape = {
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "rejected": receipt.rejected,
            "results": [_result(result) for result in receipt.results],
        }
        if receipt.rejected < len(receipt.results):
            return Response(shape, status=202)
        return Response(_refusal(receipt, request) | shape, status=422)


class EventOne(ApiView):
    scopes = {"GET": Scope.EVENTS}
    tag = "Events"

    @extend_schema(
        operation_id="getEvent",
        responses={200: EventDetail},
    )
    def get(self, request: Request, pk: str) -> Response:
        """Read an event, by our id or the sender's."""
        event = listing.find_event(listing.visible(self.credential.sources).select_related("body"), pk)
        by, ip = self.credential.actor, client_ip(request)
        audit.record_look("event.viewed", by=by, object_type="event", object_id=event.pk, ip=ip)
        return Response(event_detail(event, event.body.raw if hasattr(event, "body") else None))


class EventReplay(ApiView):
    scopes = {"POST": Scope.EVENTS}
    tag = "Events"

    @extend_schema(
        operation_id="replayEvent",
        request=None,
        responses={202: EventReply},
    )
    def post(self, request: Request, pk: str) -> Response:
        """Try a failed or skipped event again."""
        self.body(Nothing)
        events = listing.visible(self.credential.sources)
        event = listing.find_event(events, pk)
        if not replay(events.filter(pk=event.pk), by=self.credential.actor):
            raise Conflict("Only failed and skipped events can be replayed.")
        event.refresh_from_db()
        return Response(event_payload(event), status=202)


class EventsReplay(ApiView):
    scopes = {"POST": Scope.EVENTS}
    tag = "Events"

    @extend_schema(
        operation_id="replayEvents",
        request=ReplayBody,
        responses={
            200: ReplayPreview,
            202: Replayed,
        },
        examples=[
            OpenApiExample("A trial", {"filter": {"source": "scl"}, "dryRun": True}, request_only=True)
        ],
    )
    def post(self, request: Request) -> Response:
        """Try failed or skipped events again.

        Events that were applied are left out, so no effect happens twice. A dry run answers 200.
        """
        body = self.body(ReplayBody)
        wanted = dict(body.get("filter", {}))
        if "status" not in wanted:
            wanted.setdefault("dead", True)
        events = listing.chosen(listing.visible(self.credential.sources), wanted)
        if body["dryRun"]:
            return Response(_camel(preview(events)))
        return Response({"replayed": replay(events, by=self.credential.actor)}, status=202)


class EventStats(ApiView):
    scopes = {"GET": Scope.EVENTS}
    queries = {"GET": StatsQuery}
    tag = "Events"

    @extend_schema(operation_id="countEvents", responses={200: StatsReply})
    def get(self, request: Request) -> Response:
        """Count events by source, type and status.

        By when they were received; the last 24 hours unless told. With failed attempts, repetitions, how long it
        took to settle them, and what waits now.
        """
        now = timezone.now()
        since, until = self.params["since"], self.params["until"]
        events = listing.visible(self.credential.sources)
        kinds = listing.counts(events, since=since, until=until)
        numbers = stats_payload(kinds, listing.backlog(events, now=now), now=now)
        return Response({"from": since, "to": until, **numbers})


def _items(data: Any) -> list[Any]:
    """The events of a body in any of its three forms."""
    items = data
    if isinstance(data, dict):
        check_tenant(data.get("tenantId"))
        items = [data]
        if "events" in data:
            items = data["events"]
            unknown = [
                Detail(name, "UNKNOWN_FIELD", "is not known here")
                for name in data.keys() - {"events", "tenantId"}
            ]
            if unknown:
                raise UnknownField(details=unknown)
    if not isinstance(items, list):
        raise MalformedBody("Send an event, an array of events, or {“events”: […]}.")
    if not items:
        raise ValidationFailed(details=[Detail("events", "MISSING_FIELD", "holds no event")])
    if len(items) > settings.EVENTS_PER_CALL:
        raise PayloadTooLarge(f"Send at most {settings.EVENTS_PER_CALL} events in one request.")
    return items


def _result(result: ItemResult) -> dict[str, Any]:
    shape = {"index": result.index, "id": result.id, "status": result.status}
    return shape if result.error is None else shape | {"error": result.error}


class EventsRejected(BusinessRule):
    """None of the events can be accepted."""

    code = "EVENTS_REJECTED"


def _refusal(receipt: Receipt, request: Request) -> dict[str, Any]:
    """The error envelope that stands beside the results when nothing was taken."""
    details = []
    for result in receipt.results[:MOST_DETAILS]:
        error = result.error or {}
        found = error.get("details") or [{"field": "", "code": error["code"], "message": error["message"]}]
        details += [
            Detail(f"[{result.index}].{d['field']}".rstrip("."), d["code"], d["message"]) for d in found
        ]
    return envelope(EventsRejected(details=details), request)


def _camel(summary: dict[str, Any]) -> dict[str, Any]:
    names = {"error_code": "errorCode", "first_seen": "firstSeen", "last_seen": "lastSeen"}
    groups = [{names.get(name, name): value for name, value in group.items()} for group in summary["groups"]]
    return summary | {"groups": groups}
