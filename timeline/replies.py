"""What the event and activity endpoints answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from crm.rest.schema import ErrorBody
from crm.rest.serializers import AnyJson
from crm.rest.shapes import shape
from customers.payloads import blank_as_null, wire_value
from timeline.envelope import readable
from timeline.listing import PROCESSING
from timeline.models import Activity, Category, InboundEvent, SyncStatus
from timeline.subjects import KINDS

STATES = [*SyncStatus.values, PROCESSING]
SubjectReply = shape(
    "Subject",
    {
        "kind": serializers.ChoiceField(choices=list(KINDS)),
        "id": serializers.CharField(help_text="As its source calls it."),
        "name": serializers.CharField(allow_null=True, help_text="Its last one, where it is gone."),
        "exists": serializers.BooleanField(),
    },
)
ACTIVITY_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "customerId": serializers.UUIDField(),
    "type": serializers.CharField(),
    "category": serializers.ChoiceField(choices=Category.choices),
    "channel": serializers.CharField(allow_null=True),
    "title": serializers.CharField(),
    "subject": SubjectReply(allow_null=True, help_text="What it is about, as it is called now."),
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
ActivityListed = shape(
    "ActivityListed", ACTIVITY_FIELDS, "An entry, or what `fields` asks for.", is_sparse=True
)


def activity_payload(entry: Activity) -> dict[str, Any]:
    about = entry.subject
    subject = about and {**about._asdict(), "name": about.name or None}
    return _payload(entry, ACTIVITY_FIELDS, ACTIVITY_COLUMNS) | {"subject": subject}


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
EventListed = shape(
    "InboundEventListed", EVENT_FIELDS, "An event, or what `fields` asks for.", is_sparse=True
)
EventDetail = shape(
    "InboundEventDetail",
    EVENT_FIELDS | {"body": AnyJson(help_text="As sent; null once purged.")},
    "An event with its body.",
)


def event_payload(event: InboundEvent) -> dict[str, Any]:
    return _payload(event, EVENT_FIELDS, EVENT_COLUMNS)


def event_detail(event: InboundEvent, raw: str | None) -> dict[str, Any]:
    return event_payload(event) | {"body": None if raw is None else readable(raw)}


def _payload(row: Any, fields: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: blank_as_null(wire_value(getattr(row, columns.get(name, name)))) for name in fields}


class ItemError(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.ListField(child=serializers.DictField())


class ItemReply(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    id = serializers.CharField(allow_null=True, allow_blank=True)
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


class EventKindCount(EventCount):
    """One type of a source in one status."""

    type = serializers.CharField()
    attempts = serializers.IntegerField(help_text="Failures of the events themselves.")
    duplicates = serializers.IntegerField(help_text="Times that one of them came again.")
    averageLagSeconds = serializers.FloatField(allow_null=True, help_text="From receipt until settled.")
    longestLagSeconds = serializers.FloatField(allow_null=True)


STATS_FIELDS: dict[str, Any] = {
    "from": serializers.DateTimeField(),
    "to": serializers.DateTimeField(),
    "counts": EventCount(many=True),
    "kinds": EventKindCount(many=True, help_text="By type too; the 1000 most frequent."),
    "waiting": serializers.IntegerField(help_text="For a worker, now."),
    "retrying": serializers.IntegerField(help_text="Those of them that failed before."),
    "oldestDueAt": serializers.DateTimeField(
        allow_null=True, help_text="When the oldest of those that are due became so."
    ),
    "oldestDueSeconds": serializers.FloatField(allow_null=True, help_text="For how long it has been due."),
    "dead": serializers.IntegerField(help_text="Dead letters, now."),
}


def stats_payload(
    kinds: Sequence[Mapping[str, Any]], backlog: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """The reply's numbers, from those of listing."""
    counts: Counter[tuple[str, str]] = Counter()
    for kind in kinds:
        counts[kind["source"], kind["status"]] += kind["count"]
    oldest = backlog["oldest"]
    return {
        "counts": [
            {"source": source, "status": status, "count": count}
            for (source, status), count in sorted(counts.items())
        ],
        "kinds": kinds,
        "waiting": backlog["waiting"],
        "retrying": backlog["retrying"],
        "oldestDueAt": oldest,
        "oldestDueSeconds": oldest and max((now - oldest).total_seconds(), 0.0),
        "dead": backlog["dead"],
    }


StatsReply = shape("EventStats", STATS_FIELDS, "Events received in a stretch of time.")


class RefusalReply(serializers.Serializer[Any]):
    """Nothing was taken: the error, and what was wrong with each item, where it came to that."""

    error = ErrorBody()
    accepted = serializers.IntegerField(required=False)
    duplicates = serializers.IntegerField(required=False)
    rejected = serializers.IntegerField(required=False)
    results = ItemReply(many=True, required=False)
