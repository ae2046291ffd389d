"""What the campaign endpoints answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from campaigns import statistics
from campaigns.findings import Finding, Level
from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignStatus,
    CampaignType,
    CampaignVariant,
    Message,
    MessageClass,
    MessageState,
    Origin,
    PauseReason,
    Reason,
    RunState,
    SendMode,
    WinnerMetric,
    WinnerMode,
)
from campaigns.outgoing import shown
from campaigns.previews import Preview
from campaigns.rendering import RenderFailed
from campaigns.services import CHANNELS, TEMPLATES
from crm.rest.shapes import shape
from crm.tenancy.scope import current_eyes
from customers.models.consent import Channel, Purpose
from customers.payloads import wire_value

COUNTS = {f"{name}Count": name for name in statistics.COUNTERS}
RATES = ("deliveryRate", "openRate", "clickRate", "conversionRate")
TEMPLATE_IDS = {f"{channel.lower()}TemplateId": column for channel, column in TEMPLATES.items()}

# --- a campaign
VariantShape = shape(
    "CampaignVariant",
    {
        "id": serializers.UUIDField(),
        "name": serializers.CharField(help_text="A to H."),
        "weight": serializers.IntegerField(),
        "subject": serializers.CharField(allow_null=True),
        **{name: serializers.UUIDField(allow_null=True) for name in TEMPLATE_IDS},
    },
    "One way of saying it.",
)
CAMPAIGN_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(),
    "description": serializers.CharField(allow_null=True),
    "type": serializers.ChoiceField(choices=CampaignType.choices),
    "status": serializers.ChoiceField(choices=CampaignStatus.choices),
    "pauseReason": serializers.ChoiceField(choices=PauseReason.choices, allow_null=True),
    "error": serializers.CharField(allow_null=True),
    "clubId": serializers.UUIDField(allow_null=True),
    "messageClass": serializers.ChoiceField(choices=MessageClass.choices),
    "purpose": serializers.ChoiceField(choices=Purpose.choices),
    "channels": serializers.ListField(
        child=serializers.ChoiceField(choices=[(one, one) for one in CHANNELS])
    ),
    "segmentId": serializers.UUIDField(allow_null=True, help_text="The first of segmentIds."),
    "segmentIds": serializers.ListField(child=serializers.UUIDField()),
    "excludedSegmentIds": serializers.ListField(child=serializers.UUIDField()),
    "social": serializers.DictField(),
    "scheduledAt": serializers.DateTimeField(allow_null=True),
    "timezone": serializers.CharField(help_text="Its own, else its club’s, else the club group’s."),
    "sendMode": serializers.ChoiceField(choices=SendMode.choices),
    "perMinute": serializers.IntegerField(allow_null=True),
    "batchSize": serializers.IntegerField(allow_null=True),
    "batchMinutes": serializers.IntegerField(allow_null=True),
    "recurPattern": serializers.CharField(allow_null=True),
    "recurEndAt": serializers.DateTimeField(allow_null=True),
    "nextRunAt": serializers.DateTimeField(allow_null=True),
    "trigger": serializers.DictField(),
    "holdoutPercent": serializers.IntegerField(),
    "samplePercent": serializers.IntegerField(),
    "winnerMetric": serializers.ChoiceField(choices=WinnerMetric.choices),
    "winnerMode": serializers.ChoiceField(choices=WinnerMode.choices),
    "winnerAfterMinutes": serializers.IntegerField(),
    "winnerMinSample": serializers.IntegerField(),
    "goal": serializers.DictField(),
    **{name: serializers.UUIDField(allow_null=True, help_text="Of variant A.") for name in TEMPLATE_IDS},
    "variants": VariantShape(many=True),
    "approvedAt": serializers.DateTimeField(allow_null=True),
    "approvedBy": serializers.CharField(allow_null=True),
    "startedAt": serializers.DateTimeField(allow_null=True),
    "completedAt": serializers.DateTimeField(allow_null=True),
    **{name: serializers.IntegerField() for name in COUNTS},
    **{name: serializers.FloatField(allow_null=True, help_text="In percent.") for name in RATES},
    "createdAt": serializers.DateTimeField(),
    "createdBy": serializers.CharField(allow_null=True),
    "updatedAt": serializers.DateTimeField(),
    "updatedBy": serializers.CharField(allow_null=True),
}
DETAIL = {
    "segmentName": serializers.CharField(allow_null=True),
    "approvalRequired": serializers.BooleanField(
        help_text="Whether a second person must agree before it begins."
    ),
}
CampaignListed = shape(
    "CampaignListed", CAMPAIGN_FIELDS, "A campaign, or what `fields` asks for.", is_sparse=True
)
CampaignReply = shape("Campaign", CAMPAIGN_FIELDS | DETAIL, "Something to be said to some people.")


def variant_payload(one: CampaignVariant) -> dict[str, Any]:
    return {
        "id": str(one.pk), "name": one.name, "weight": one.weight, "subject": one.subject or None,
        **{name: wire_value(getattr(one, column)) for name, column in TEMPLATE_IDS.items()},
    }  # fmt: skip


def campaign_payload(
    one: Campaign, variants: Sequence[CampaignVariant], runs: Sequence[CampaignRun]
) -> dict[str, Any]:
    """A campaign with its variants and runs, which whoever lists many loads at once."""
    counts = statistics.totals(runs)
    first = variants[0] if variants else CampaignVariant()
    ids = [str(pk) for pk in one.segment_ids]
    return {
        "id": str(one.pk), "name": one.name, "description": one.description or None, "type": one.type,
        "status": one.status, "pauseReason": one.pause_reason or None, "error": one.error or None,
        "clubId": wire_value(one.club_id), "messageClass": one.message_class, "purpose": one.purpose,
        "channels": one.channels, "segmentId": ids[0] if ids else None, "segmentIds": ids,
        "excludedSegmentIds": [str(pk) for pk in one.excluded_segment_ids], "social": one.social,
        "scheduledAt": wire_value(one.scheduled_at), "timezone": one.zone.key, "sendMode": one.send_mode,
        "perMinute": one.per_minute, "batchSize": one.batch_size, "batchMinutes": one.batch_minutes,
        "recurPattern": one.recur_pattern or None, "recurEndAt": wire_value(one.recur_end_at),
        "nextRunAt": wire_value(one.due_at), "trigger": one.trigger, "holdoutPercent": one.holdout_percent,
        "samplePercent": one.sample_percent, "winnerMetric": one.winner_metric, "winnerMode": one.winner_mode,
        "winnerAfterMinutes": one.winner_after_minutes, "winnerMinSample": one.winner_min_sample, "goal": one.goal,
        **{name: wire_value(getattr(first, column)) for name, column in TEMPLATE_IDS.items()},
        "variants": [variant_payload(variant) for variant in variants],
        "approvedAt": wire_value(one.approved_at), "approvedBy": one.approved_by or None,
        "startedAt": wire_value(one.started_at), "completedAt": wire_value(one.completed_at),
        **{name: counts[counter] for name, counter in COUNTS.items()}, **statistics.rates(counts),
        "createdAt": wire_value(one.created_at), "createdBy": one.created_by or None,
        "updatedAt": wire_value(one.updated_at), "updatedBy": one.updated_by or None,
    }  # fmt: skip


# --- what stands in its way
FindingShape = shape(
    "CampaignFinding",
    {
        "level": serializers.ChoiceField(choices=[(one.value, one.value) for one in Level]),
        "code": serializers.CharField(),
        "field": serializers.CharField(),
        "message": serializers.CharField(),
    },
)
PreflightReply = shape(
    "CampaignPreflight",
    {
        "ok": serializers.BooleanField(),
        "audience": serializers.IntegerField(),
        "findings": FindingShape(many=True),
    },
    "What would go wrong: errors keep it off the schedule.",
)


def finding_payload(one: Finding) -> dict[str, str]:
    return {"level": one.level.value, "code": one.code, "field": one.field, "message": one.message}


# --- what became of it
NUMBERS: dict[str, Any] = {
    **{name: serializers.IntegerField() for name in COUNTS},
    "complainedCount": serializers.IntegerField(),
    "openedByAnythingCount": serializers.IntegerField(help_text="Machines among them."),
    "clickedByAnythingCount": serializers.IntegerField(help_text="Machines among them."),
    "partsCount": serializers.IntegerField(help_text="SMS that were paid for."),
    "revenueCents": serializers.IntegerField(),
    **{name: serializers.FloatField(allow_null=True, help_text="In percent.") for name in RATES},
}
Numbers = shape("CampaignNumbers", NUMBERS)
INTERVALS = {
    f"{name}Interval": serializers.ListField(
        child=serializers.FloatField(), help_text="Between which two it lies, in percent, 95 % sure."
    )
    for name in ("openRate", "clickRate", "conversionRate")
}
VariantNumbers = shape(
    "CampaignVariantNumbers",
    {"id": serializers.UUIDField(), "name": serializers.CharField(), "isWinner": serializers.BooleanField(), **NUMBERS,
     **INTERVALS},
)  # fmt: skip
ChannelNumbers = shape(
    "CampaignChannelNumbers", {"channel": serializers.ChoiceField(choices=Channel.choices), **NUMBERS}
)
Counted = shape("CampaignCounted", {"key": serializers.CharField(), "count": serializers.IntegerField()})
GroupShape = shape(
    "CampaignGroup", {"people": serializers.IntegerField(), "converted": serializers.IntegerField()}
)
LiftShape = shape(
    "CampaignLift",
    {
        "sent": GroupShape(), "heldOut": GroupShape(),
        "lift": serializers.FloatField(help_text="Points of percent more of who was sent it did what it is for."),
        "interval": serializers.ListField(child=serializers.FloatField()),
        "days": serializers.IntegerField(),
    },
)  # fmt: skip
LinkShape = shape(
    "CampaignLink",
    {"url": serializers.CharField(), "clicks": serializers.IntegerField(), "human": serializers.IntegerField(),
     "people": serializers.IntegerField()},
)  # fmt: skip
HourShape = shape(
    "CampaignHour",
    {
        "hour": serializers.DateTimeField(),
        "opened": serializers.IntegerField(),
        "clicked": serializers.IntegerField(),
    },
)
RunShape = shape(
    "CampaignRun",
    {
        "id": serializers.UUIDField(), "scheduledFor": serializers.DateTimeField(),
        "state": serializers.ChoiceField(choices=RunState.choices), "startedAt": serializers.DateTimeField(),
        "builtAt": serializers.DateTimeField(allow_null=True), "doneAt": serializers.DateTimeField(allow_null=True),
        "targetCount": serializers.IntegerField(), "winnerId": serializers.UUIDField(allow_null=True),
    },
    "One time that a campaign is carried out.",
)  # fmt: skip
StatsReply = shape(
    "CampaignStats",
    {
        "campaignId": serializers.UUIDField(), "countedAt": serializers.DateTimeField(allow_null=True), **NUMBERS,
        "states": Counted(many=True), "reasons": Counted(many=True), "variants": VariantNumbers(many=True),
        "channels": ChannelNumbers(many=True), "links": LinkShape(many=True), "overTime": HourShape(many=True),
        "lift": LiftShape(allow_null=True), "runs": RunShape(many=True),
        "attribution": serializers.CharField(help_text="The model in words."),
    },
    "What became of a campaign. Opens and clicks are people’s; those of machines stand beside them.",
)  # fmt: skip
MODEL = "The last click by a person within the channel’s days, else the last open."


def numbers_payload(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: counts[counter] for name, counter in COUNTS.items()},
        **{f"{name}Count": counts[name] for name in ("complained", "openedByAnything", "clickedByAnything", "parts")},
        "revenueCents": counts["revenueCents"], **statistics.rates(counts),
    }  # fmt: skip


def run_payload(run: CampaignRun) -> dict[str, Any]:
    return {
        "id": str(run.pk), "scheduledFor": wire_value(run.scheduled_for), "state": run.state,
        "startedAt": wire_value(run.started_at), "builtAt": wire_value(run.built_at),
        "doneAt": wire_value(run.done_at), "targetCount": run.target_count, "winnerId": wire_value(run.winner_id),
    }  # fmt: skip


def stats_payload(
    campaign: Campaign, runs: Sequence[CampaignRun], variants: Sequence[CampaignVariant]
) -> dict[str, Any]:
    counts, ids = statistics.totals(runs), [run.pk for run in runs]
    winners = {run.winner_id for run in runs}
    return {
        "campaignId": str(campaign.pk), "countedAt": wire_value(statistics.as_of(runs)), **numbers_payload(counts),
        **{kind: [{"key": key, "count": count} for key, count in sorted(counts[kind].items())]
           for kind in ("states", "reasons")},
        "variants": [
            {"id": str(one.pk), "name": one.name, "isWinner": one.pk in winners,
             **_with_intervals(counts["variants"].get(str(one.pk), dict.fromkeys(statistics.ALL, 0)))}
            for one in variants
        ],
        "channels": [
            {"channel": channel, **numbers_payload(found)} for channel, found in sorted(counts["channels"].items())
        ],
        "links": statistics.links(ids),
        "overTime": [{**row, "hour": wire_value(row["hour"])} for row in statistics.over_time(ids)],
        "lift": statistics.lift(runs[-1]) if runs else None, "runs": [run_payload(run) for run in runs],
        "attribution": MODEL,
    }  # fmt: skip


def _with_intervals(counts: Mapping[str, Any]) -> dict[str, Any]:
    parts = {"openRate": "opened", "clickRate": "clicked", "conversionRate": "converted"}
    found = {
        f"{name}Interval": statistics.interval(counts[part], counts["delivered"])
        for name, part in parts.items()
    }
    return numbers_payload(counts) | found


# --- messages
STAMPS = {
    "dueAt": "due_at", "sentAt": "sent_at", "deliveredAt": "delivered_at", "openedAt": "opened_at",
    "clickedAt": "clicked_at", "bouncedAt": "bounced_at", "complainedAt": "complained_at",
    "unsubscribedAt": "unsubscribed_at", "convertedAt": "converted_at",
}  # fmt: skip
RECIPIENT_FIELDS: dict[str, Any] = {
    "id": serializers.IntegerField(help_text="Of the message."),
    "customerId": serializers.UUIDField(),
    "runId": serializers.UUIDField(allow_null=True),
    "variant": serializers.CharField(allow_null=True),
    "channel": serializers.ChoiceField(choices=Channel.choices),
    "address": serializers.CharField(allow_null=True),
    "state": serializers.ChoiceField(choices=MessageState.choices),
    "reason": serializers.ChoiceField(choices=Reason.choices, allow_null=True),
    "reasonText": serializers.CharField(allow_null=True),
    "error": serializers.CharField(allow_null=True),
    **{name: serializers.DateTimeField(allow_null=True) for name in STAMPS},
}
RecipientListed = shape("CampaignRecipient", RECIPIENT_FIELDS, "Somebody, on one channel, and what became of it.",
                        is_sparse=True)  # fmt: skip
MESSAGE_FIELDS: dict[str, Any] = {
    **RECIPIENT_FIELDS,
    "campaignId": serializers.UUIDField(allow_null=True),
    "origin": serializers.ChoiceField(choices=Origin.choices),
    "messageClass": serializers.ChoiceField(choices=MessageClass.choices),
    "purpose": serializers.ChoiceField(choices=Purpose.choices),
    "subject": serializers.CharField(allow_null=True),
    "language": serializers.CharField(allow_null=True),
    "parts": serializers.IntegerField(),
    "gateway": serializers.CharField(allow_null=True),
    "providerId": serializers.CharField(allow_null=True),
    "createdAt": serializers.DateTimeField(),
}
MessageListed = shape(
    "MessageListed", MESSAGE_FIELDS, "One message, or what `fields` asks for.", is_sparse=True
)


WORDS: dict[str, Any] = {
    "html": serializers.CharField(allow_null=True),
    "text": serializers.CharField(allow_null=True, help_text="Of an e-mail its plain part."),
}
MessageReply = shape(
    "Message",
    MESSAGE_FIELDS | WORDS,
    "One message with its words as they were sent; null where they are kept back.",
)
PreviewReply = shape(
    "CampaignPreview",
    {
        "channel": serializers.ChoiceField(choices=Channel.choices), "language": serializers.CharField(),
        "subject": serializers.CharField(allow_null=True), **WORDS, "parts": serializers.IntegerField(),
        "missing": serializers.ListField(child=serializers.CharField()),
    },
)  # fmt: skip


def words_payload(row: Message) -> dict[str, Any]:
    """What it said; nothing for eyes that something is kept from, for anything may stand in it."""
    try:
        found = None if current_eyes().masks else shown(row)
    except RenderFailed:
        found = None
    return {"html": (found.html or None) if found else None, "text": found.text if found else None}


def preview_payload(seen: Preview, channel: str) -> dict[str, Any]:
    said = seen.rendered
    return {
        "channel": channel, "language": seen.language, "subject": said.subject or None, "html": said.html or None,
        "text": said.text, "parts": said.parts, "missing": seen.missing,
    }  # fmt: skip


def recipient_payload(row: Message) -> dict[str, Any]:
    """A message with `variant`."""
    return {
        "id": row.pk, "customerId": str(row.customer_id), "runId": wire_value(row.run_id),
        "variant": row.variant.name if row.variant else None, "channel": row.channel, "address": row.address or None,
        "state": row.state, "reason": row.reason or None,
        "reasonText": str(Reason(row.reason).label) if row.reason else None, "error": row.error or None,
        **{name: wire_value(getattr(row, column)) for name, column in STAMPS.items()},
    }  # fmt: skip


def message_payload(row: Message) -> dict[str, Any]:
    """A message with `variant` and `run`."""
    return {
        **recipient_payload(row), "campaignId": wire_value(row.run.campaign_id) if row.run else None,
        "origin": row.origin, "messageClass": row.message_class, "purpose": row.purpose,
        "subject": row.subject or None, "language": row.language or None, "parts": row.parts,
        "gateway": row.gateway or None, "providerId": row.provider_id or None,
        "createdAt": wire_value(row.created_at),
    }  # fmt: skip
