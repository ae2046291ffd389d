"""What the event and activity endpoints take and give."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm.rest.paging import PageQuery, fields_parameter
from crm.rest.serializers import AnyOf, Flag, FreeMap, Moment, Query, Stretch, StrictSerializer, Text, Uuid
from timeline.listing import INBOX, TIMELINE
from timeline.models import Category
from timeline.replies import ACTIVITY_FIELDS, EVENT_FIELDS, STATES

AHEAD, EARLIEST = timedelta(days=1), 1970


class ActivityQuery(Stretch, PageQuery):
    """Filters of a timeline; `from` is inclusive, `to` exclusive."""

    sort = TIMELINE.parameter()
    fields = fields_parameter(ACTIVITY_FIELDS)  # type: ignore[assignment]
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

    sort = INBOX.parameter()
    fields = fields_parameter(EVENT_FIELDS)  # type: ignore[assignment]


class StatsQuery(Stretch, Query):
    """The stretch of time; the last 24 hours unless told."""


class ReplayBody(StrictSerializer):
    """Which events to try again. Without a status or `dead`, dead letters only."""

    tenantId = serializers.CharField(required=False)
    filter = EventFilter(required=False)
    dryRun = Flag(default=False, help_text="Say what would happen, and do nothing.")


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
