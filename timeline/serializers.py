"""What the event and activity endpoints take and give."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm.rest.paging import PageQuery
from crm.rest.serializers import AnyOf, Flag, FreeMap, Moment, Query, Stretch, StrictSerializer, Text, Uuid
from crm.rest.shapes import shape
from customers.payloads import blank_as_null, wire_value
from timeline.inbox import PROCESSING
from timeline.models import Activity, Category, InboundEvent, SyncStatus

STATES = [*SyncStatus.values, PROCESSING]
AHEAD, EARLIEST = timedelta(days=1), 1970


# --- activities
class ActivityQuery(Stretch, PageQuery):
    """Filters of a timeline; `from` is inclusive, `to` exclusive."""

    category = AnyOf(choices=Category.choices, required=False)
    type = Text(required=False, max_length=60)
    source = Text(required=False, max_length=50)  # type: ignore[assignment]
    channel = Text(required=False, max_length=30)


class ActivityNew(StrictSerializer):
    """An entry by hand."""

    tenantId = serializers.CharField(required=False)
    type = serializers.RegexField(r"^[A-Z][A-Z0-9_]{1,59}\Z", help_text="In capitals, such as PHONE_CALL.")
    category = serializers.ChoiceField(choices=Category.choices, default=Category.NOTE)
    title = Text(required=False, max_length=300, help_text="Default: the type in words.")
    description = Text(default="", max_length=20_000, allow_blank=True)
    channel = Text(default="", max_length=30, allow_blank=True, help_text="EMAIL, SMS, IN_PERSON …")
    metadata = FreeMap(default=dict)
    occurredAt = Moment(source="occurred_at", required=False, help_text="Default: now.")
    byCustomer = Flag(
        source="counts", default=False, help_text="They did it themselves, so it counts as activity."
    )

    def validate_occurredAt(self, value: Any) -> Any:
        if value > timezone.now() + AHEAD or value.year < EARLIEST:
            raise ValidationError("must be from 1970 on and at most a day ahead", code="INVALID_FIELD")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("title", attrs["type"].replace("_", " ").capitalize())
        return attrs


ACTIVITY_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "customerId": serializers.UUIDField(),
    "type": serializers.CharField(),
    "category": serializers.ChoiceField(choices=Category.choices),
    "channel": serializers.CharField(allow_null=True),
    "title": serializers.CharField(),
    "description": serializers.CharField(allow_null=True),
    "metadata": serializers.DictField(),
    "context": serializers.DictField(help_text="Session, UTM, referrer, device and place, where known."),
    "sourceService": serializers.CharField(),
    "sourceId": serializers.CharField(allow_null=True),
    "sourceEventId": serializers.CharField(allow_null=True),
    "byCustomer": serializers.BooleanField(),
    "actor": serializers.CharField(allow_null=True),
    "occurredAt": serializers.DateTimeField(),
    "createdAt": serializers.DateTimeField(),
}
ACTIVITY_COLUMNS = {
    "customerId": "customer_id",
    "sourceService": "source",
    "sourceId": "source_id",
    "sourceEventId": "source_event_id",
    "byCustomer": "counts",
    "occurredAt": "occurred_at",
    "createdAt": "created_at",
}
ActivityReply = shape("Activity", ACTIVITY_FIELDS, "One entry of a customer's timeline.")


def activity_payload(entry: Activity) -> dict[str, Any]:
    return _payload(entry, ACTIVITY_FIELDS, ACTIVITY_COLUMNS)


# --- events
class EventFilter(Stretch):
    """Which events; `from` and `to` say when they were received."""

    source = Text(required=False, max_length=50)  # type: ignore[assignment]
    type = Text(required=False, max_length=100)
    status = AnyOf(choices=STATES, required=False)
    eventId = Text(required=False, max_length=200, help_text="The sender's id.")
    customerId = Uuid(required=False)
    errorCode = Text(required=False, max_length=50)
    dead = Flag(required=False, help_text="Dead letters only, or none of them.")


class EventListQuery(EventFilter, PageQuery):
    """Filters of the inbox."""


class StatsQuery(Stretch, Query):
    """The stretch of time; the last 24 hours unless told."""


class ReplayBody(StrictSerializer):
    """Which events to try again. Without a status or `dead`, dead letters only."""

    tenantId = serializers.CharField(required=False)
    filter = EventFilter(required=False)
    dryRun = Flag(default=False, help_text="Say what would happen, and do nothing.")


EVENT_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "eventId": serializers.CharField(help_text="The sender's id."),
    "source": serializers.CharField(),
    "type": serializers.CharField(),
    "status": serializers.ChoiceField(choices=STATES),
    "priority": serializers.IntegerField(help_text="1 high, 2 normal, 3 low."),
    "historical": serializers.BooleanField(),
    "occurredAt": serializers.DateTimeField(),
    "receivedAt": serializers.DateTimeField(),
    "processedAt": serializers.DateTimeField(allow_null=True),
    "attempts": serializers.IntegerField(),
    "nextAttemptAt": serializers.DateTimeField(allow_null=True),
    "deadAt": serializers.DateTimeField(allow_null=True, help_text="Set: a dead letter."),
    "duplicates": serializers.IntegerField(help_text="Times it came again."),
    "errorCode": serializers.CharField(allow_null=True),
    "error": serializers.CharField(allow_null=True),
    "customerId": serializers.UUIDField(allow_null=True),
    "activityId": serializers.UUIDField(allow_null=True),
}
EVENT_COLUMNS = {
    "eventId": "event_id",
    "status": "state",
    "occurredAt": "occurred_at",
    "receivedAt": "received_at",
    "processedAt": "processed_at",
    "nextAttemptAt": "next_attempt_at",
    "deadAt": "dead_at",
    "errorCode": "error_code",
    "customerId": "customer_id",
    "activityId": "activity_id",
}
EventReply = shape("InboundEvent", EVENT_FIELDS, "An event as received, and what became of it.")
EventDetail = shape(
    "InboundEventDetail",
    EVENT_FIELDS | {"body": serializers.JSONField(allow_null=True, help_text="As sent; null once purged.")},
    "An event with its body.",
)


def event_payload(event: InboundEvent) -> dict[str, Any]:
    return _payload(event, EVENT_FIELDS, EVENT_COLUMNS)


def event_detail(event: InboundEvent, raw: str | None) -> dict[str, Any]:
    return event_payload(event) | {"body": None if raw is None else json.loads(raw)}


def _payload(row: Any, fields: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: blank_as_null(wire_value(getattr(row, columns.get(name, name)))) for name in fields}


# --- receipts
class EventEnvelope(serializers.Serializer[Any]):
    """The common envelope. Payloads by type are in the event catalogue."""

    id = serializers.CharField(
        max_length=200, help_text="Unique per source; what makes the event count once."
    )
    type = serializers.CharField(max_length=200)
    version = serializers.CharField(required=False)
    timestamp = serializers.DateTimeField()
    tenantId = serializers.CharField(required=False)
    source = serializers.CharField(required=False)  # type: ignore[assignment]
    identity = serializers.DictField(required=False)
    payload = serializers.DictField(required=False)
    metadata = serializers.DictField(required=False)
    historical = serializers.BooleanField(
        required=False, help_text="Fills timeline and fields, triggers nothing."
    )


class ItemError(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.ListField(child=serializers.DictField())


class ItemReply(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=["ACCEPTED", "DUPLICATE", "REJECTED"])
    error = ItemError(required=False)


class ReceiptReply(serializers.Serializer[Any]):
    """What became of each item, in the order sent."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = ItemReply(many=True)


class Replayed(serializers.Serializer[Any]):
    replayed = serializers.IntegerField()


class ReplayGroup(serializers.Serializer[Any]):
    """Events of one source and type that failed in one way."""

    source = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    errorCode = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()
    firstSeen = serializers.DateTimeField()
    lastSeen = serializers.DateTimeField()


class ReplaySample(serializers.Serializer[Any]):
    """What became of up to 100 of them, tried and taken back."""

    tried = serializers.IntegerField()
    applied = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()
    errors = serializers.DictField(child=serializers.IntegerField())  # type: ignore[assignment]


class ReplayPreview(serializers.Serializer[Any]):
    """What a replay would do."""

    count = serializers.IntegerField()
    groups = ReplayGroup(many=True)
    sample = ReplaySample()


class EventCount(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=SyncStatus.choices)
    count = serializers.IntegerField()


STATS_FIELDS: dict[str, Any] = {
    "from": serializers.DateTimeField(),
    "to": serializers.DateTimeField(),
    "counts": EventCount(many=True),
    "waiting": serializers.IntegerField(help_text="For a worker, now."),
    "dead": serializers.IntegerField(help_text="Dead letters, now."),
}
StatsReply = shape("EventStats", STATS_FIELDS, "Events received in a stretch of time.")
