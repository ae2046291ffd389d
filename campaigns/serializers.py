"""What the campaign endpoints take."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from campaigns.models import (
    CampaignStatus,
    CampaignType,
    MessageClass,
    MessageState,
    Origin,
    Reason,
    SendMode,
    WinnerMetric,
    WinnerMode,
)
from campaigns.replies import CAMPAIGN_FIELDS, MESSAGE_FIELDS, RECIPIENT_FIELDS
from campaigns.services import CHANNELS, LONGEST_NAME, TEMPLATES, VARIANT_NAMES
from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter
from crm.rest.serializers import AnyOf, FreeMap, Moment, Query, Stretch, StrictSerializer, Text, Uuid, Whole
from customers.models.consent import Channel, Purpose

CAMPAIGNS = Ordering(
    "campaigns",
    {
        "createdAt": Column("created_at"),
        "updatedAt": Column("updated_at"),
        "name": Column("name"),
        "scheduledAt": Column("scheduled_at", nullable=True),
    },
    default="-createdAt",
)
RECIPIENTS = Ordering("recipients", {"id": Column("id")}, default="id")
MESSAGES = Ordering("messages", {"id": Column("id")}, default="-id")
MANY = 50  # segments of a campaign


def template_fields() -> dict[str, Any]:
    return {
        f"{channel.lower()}TemplateId": Uuid(required=False, allow_null=True, source=column)
        for channel, column in TEMPLATES.items()
    }


class VariantBody(StrictSerializer):
    """One way of saying it."""

    weight = Whole(required=False, min_value=1, max_value=1000)
    subject = Text(required=False, max_length=300, allow_blank=True, help_text="In place of the template’s.")

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | template_fields()


class CampaignWords(StrictSerializer):
    """What may change about a campaign; what is absent stays, null clears."""

    tenantId = serializers.CharField(required=False)
    name = Text(required=False, max_length=LONGEST_NAME)
    description = Text(required=False, max_length=2000, allow_blank=True, allow_null=True)
    clubId = Uuid(required=False, allow_null=True, source="club_id")
    type = serializers.ChoiceField(required=False, choices=CampaignType.choices)
    messageClass = serializers.ChoiceField(
        required=False, choices=MessageClass.choices, source="message_class",
        help_text="TRANSACTIONAL needs the scope crm:admin: it asks for no marketing consent and no caps.",
    )  # fmt: skip
    purpose = serializers.ChoiceField(required=False, choices=Purpose.choices)
    channels = serializers.ListField(
        required=False, child=serializers.ChoiceField(choices=[(one, one) for one in CHANNELS]), max_length=5
    )
    segmentId = Uuid(required=False, allow_null=True, help_text="The one segment, in short for segmentIds.")
    segmentIds = serializers.ListField(required=False, child=Uuid(), max_length=MANY, source="segment_ids")
    excludedSegmentIds = serializers.ListField(
        required=False, child=Uuid(), max_length=MANY, source="excluded_segment_ids"
    )
    social = FreeMap(required=False, help_text="What SOCIAL posts: {content, mediaUrls, connectionIds}.")
    scheduledAt = Moment(required=False, allow_null=True, source="scheduled_at")
    timezone = Text(required=False, max_length=64, allow_blank=True, allow_null=True)
    sendMode = serializers.ChoiceField(required=False, choices=SendMode.choices, source="send_mode")
    perMinute = Whole(
        required=False, allow_null=True, min_value=1, max_value=1_000_000, source="per_minute",
        help_text="At most so many messages a minute.",
    )  # fmt: skip
    batchSize = Whole(
        required=False, allow_null=True, min_value=1, max_value=10_000_000, source="batch_size",
        help_text="So many people at a time, batchMinutes apart.",
    )  # fmt: skip
    batchMinutes = Whole(
        required=False, allow_null=True, min_value=1, max_value=100_000, source="batch_minutes"
    )
    recurPattern = Text(
        required=False, max_length=100, allow_blank=True, allow_null=True, source="recur_pattern",
        help_text="Of RECURRING: a cron pattern of five fields, such as 0 9 * * 1.",
    )  # fmt: skip
    recurEndAt = Moment(required=False, allow_null=True, source="recur_end_at")
    trigger = FreeMap(required=False, help_text="Of TRIGGERED: {event, criteria, delayMinutes}.")
    holdoutPercent = Whole(required=False, min_value=0, max_value=20, source="holdout_percent")
    samplePercent = Whole(required=False, min_value=1, max_value=100, source="sample_percent")
    winnerMetric = serializers.ChoiceField(
        required=False, choices=WinnerMetric.choices, source="winner_metric"
    )
    winnerMode = serializers.ChoiceField(required=False, choices=WinnerMode.choices, source="winner_mode")
    winnerAfterMinutes = Whole(required=False, min_value=1, max_value=100_000, source="winner_after_minutes")
    winnerMinSample = Whole(required=False, min_value=0, max_value=10_000_000, source="winner_min_sample")
    goal = FreeMap(
        required=False, help_text="What counts as a conversion: {kinds: [BOOKING, ORDER, PAYMENT, ENTRY]}."
    )
    variants = VariantBody(required=False, many=True)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | template_fields()

    def validate_variants(self, value: list[Any]) -> list[Any]:
        if not 1 <= len(value) <= len(VARIANT_NAMES):
            raise ValidationError(f"must be 1 to {len(VARIANT_NAMES)}", code="INVALID_FIELD")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("description", "timezone", "recur_pattern"):
            if attrs.get(name, "") is None:
                attrs[name] = ""
        if "segmentId" in attrs:
            if "segment_ids" in attrs:
                raise ValidationError({"segmentId": "send segmentId or segmentIds"}, code="INVALID_FIELD")
            one = attrs.pop("segmentId")
            attrs["segment_ids"] = [one] if one else []
        attrs["templates"] = {column: attrs.pop(column) for column in TEMPLATES.values() if column in attrs}
        return attrs


class CampaignNew(CampaignWords):
    """A new campaign."""

    name = Text(max_length=LONGEST_NAME)


class CampaignQuery(PageQuery):
    """Filters of the list of campaigns."""

    sort = CAMPAIGNS.parameter()
    fields = fields_parameter(CAMPAIGN_FIELDS)  # type: ignore[assignment]
    status = AnyOf(choices=CampaignStatus.choices, required=False)
    type = AnyOf(choices=CampaignType.choices, required=False)
    clubId = Uuid(required=False)
    search = Text(required=False, max_length=200, help_text="A part of the name.")
    updatedSince = Moment(required=False)


class ScheduleBody(StrictSerializer):
    """When to send it; now, where nothing is said."""

    tenantId = serializers.CharField(required=False)
    scheduledAt = Moment(required=False, allow_null=True, source="scheduled_at")


class CopyOfCampaign(StrictSerializer):
    """A name for the copy."""

    tenantId = serializers.CharField(required=False)
    name = Text(required=False, max_length=LONGEST_NAME)


class WinnerBody(StrictSerializer):
    """The variant that goes to all who wait."""

    tenantId = serializers.CharField(required=False)
    variantId = Uuid(source="variant")
    runId = Uuid(required=False, source="run", help_text="The latest run, unless told.")


class RecipientQuery(PageQuery):
    """Filters of whom a campaign is for."""

    sort = RECIPIENTS.parameter()
    fields = fields_parameter(RECIPIENT_FIELDS)  # type: ignore[assignment]
    runId = Uuid(required=False)
    state = AnyOf(choices=MessageState.choices, required=False)
    reason = AnyOf(choices=Reason.choices, required=False)
    channel = AnyOf(choices=Channel.choices, required=False)
    customerId = Uuid(required=False)


class StatsQuery(Query):
    """One run, or all of them."""

    runId = Uuid(required=False)


class MessageQuery(Stretch, PageQuery):
    """Filters of the message log; `from` and `to` are of when a message was planned."""

    sort = MESSAGES.parameter()
    fields = fields_parameter(MESSAGE_FIELDS)  # type: ignore[assignment]
    customerId = Uuid(required=False)
    campaignId = Uuid(required=False)
    channel = AnyOf(choices=Channel.choices, required=False)
    state = AnyOf(choices=MessageState.choices, required=False)
    origin = AnyOf(choices=Origin.choices, required=False)


class MessageOutcomeBody(StrictSerializer):
    """What became of a message that nobody knows of."""

    tenantId = serializers.CharField(required=False)
    outcome = serializers.ChoiceField(
        choices=["SENT", "FAILED", "SEND_AGAIN"], help_text="SEND_AGAIN sends it, whether it went or not."
    )
