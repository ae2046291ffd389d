"""What the event, activity and note endpoints take."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm.rest.paging import PageQuery, fields_parameter
from crm.rest.serializers import (
    AnyOf,
    Day,
    Flag,
    FreeMap,
    Moment,
    Query,
    Stretch,
    StrictSerializer,
    Text,
    Uuid,
)
from timeline.listing import INBOX, NOTES, REVISIONS, TIMELINE
from timeline.models import Category, NoteType, Visibility
from timeline.models.notes import LONGEST
from timeline.note_replies import NOTE_FIELDS
from timeline.replies import ACTIVITY_FIELDS, EVENT_FIELDS, STATES

TYPE = r"^[A-Z][A-Z0-9_]{1,59}\Z"
AHEAD, EARLIEST = timedelta(days=1), 1970
DEFAULT_STRETCH = timedelta(days=1)


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
    type = serializers.RegexField(TYPE, help_text="In capitals, such as PHONE_CALL.")
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


class ActivityChange(StrictSerializer):
    """Changes to an entry by hand; what is absent stays, null clears."""

    tenantId = serializers.CharField(required=False)
    type = serializers.RegexField(TYPE, required=False)
    category = serializers.ChoiceField(choices=Category.choices, required=False)
    title = Text(required=False, max_length=300)
    description = Text(required=False, max_length=20_000, allow_blank=True, allow_null=True)
    channel = Text(required=False, max_length=30, allow_blank=True, allow_null=True)
    metadata = FreeMap(required=False)
    occurredAt = Moment(source="occurred_at", required=False)
    byCustomer = Flag(source="counts", required=False)

    validate_occurredAt = ActivityNew.validate_occurredAt

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {name: "" if value is None else value for name, value in attrs.items()}


class NoteQuery(PageQuery):
    """Filters of a customer's notes."""

    sort = NOTES.parameter()
    fields = fields_parameter(NOTE_FIELDS)  # type: ignore[assignment]
    type = AnyOf(choices=NoteType.choices, required=False)
    pinned = Flag(required=False)
    author = Text(required=False, max_length=300, help_text="user:…, key:… or token:…; “me” = your own.")


class NoteHistoryQuery(PageQuery):
    """The versions of a note."""

    sort = REVISIONS.parameter()


class NoteNew(StrictSerializer):
    """A note about a customer."""

    tenantId = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=NoteType.choices, default=NoteType.GENERAL)
    body = Text(max_length=LONGEST, help_text="Markdown. @[name], @[e-mail] or @[id] mentions staff.")
    visibility = serializers.ChoiceField(choices=Visibility.choices, default=Visibility.ALL)
    pinned = Flag(source="is_pinned", default=False)
    dueOn = Day(source="due_on", required=False, allow_null=True, help_text="Of a FOLLOW_UP only.")


class NoteChange(StrictSerializer):
    """Changes to a note; what is absent stays."""

    tenantId = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=NoteType.choices, required=False)
    body = Text(max_length=LONGEST, required=False)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)
    pinned = Flag(source="is_pinned", required=False)
    dueOn = Day(source="due_on", required=False, allow_null=True)


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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("until", timezone.now())
        attrs.setdefault("since", attrs["until"] - DEFAULT_STRETCH)
        return super().validate(attrs)


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
