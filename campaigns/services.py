"""Making campaigns, changing, copying and deleting them: each in one transaction with its audit entry."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from campaigns import schedules
from campaigns.models import (
    Campaign,
    CampaignStatus,
    CampaignType,
    CampaignVariant,
    MessageTemplate,
)
from campaigns.problems import CampaignAlreadyActive, CampaignNotDraft, CampaignNotFound, CampaignOver
from crm.errors import Detail, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.models import Club
from crm.tenancy.models.tenant import valid_zone
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition
from customers.models.consent import Channel
from segments.models import Segment

SOCIAL = "SOCIAL"
CHANNELS = (*Channel.values, SOCIAL)
TEMPLATES = {channel: f"{channel.lower()}_template_id" for channel in Channel.values}
VARIANT_NAMES = "ABCDEFGH"
ALWAYS = ("name", "description", "per_minute", "batch_size", "batch_minutes", "recur_end_at")
DRAFTED = (
    "club_id", "type", "message_class", "purpose", "channels", "segment_ids", "excluded_segment_ids", "social",
    "scheduled_at", "timezone", "send_mode", "recur_pattern", "trigger", "holdout_percent", "sample_percent",
    "winner_metric", "winner_mode", "winner_after_minutes", "winner_min_sample", "goal",
)  # fmt: skip
WRITTEN = (*ALWAYS, *DRAFTED)
OF_VARIANT = ("weight", "subject", *TEMPLATES.values())
LONGEST_NAME = 200
COPY = " (Copy)"
OVER = (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)
Variant = Mapping[str, Any]


def find_campaign(pk: UUID, *, locked: bool = False) -> Campaign:
    """A campaign that nobody deleted. Raises CampaignNotFound."""
    rows = Campaign.objects.kept().select_related("club")
    found: Campaign | None = (rows.select_for_update(of=["self"]) if locked else rows).filter(pk=pk).first()
    if found is None:
        raise CampaignNotFound
    return found


def variants_of(campaign: Campaign) -> list[CampaignVariant]:
    return list(CampaignVariant.objects.filter(campaign=campaign).order_by("name"))


@transaction.atomic
def create_campaign(
    name: str,
    *,
    by: str,
    variants: Sequence[Variant] = (),
    templates: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Campaign:
    """Make a draft.

    variants:  ways of saying it, in their order: weight, subject, and a template a channel. At most eight.
    templates: of the first variant, by column, as email_template_id.
    fields:    columns of WRITTEN. Raises ValidationFailed.
    """
    now = timezone.now()
    campaign = Campaign(
        tenant=current_tenant(), name=name.strip(), created_at=now, created_by=by, updated_at=now, updated_by=by,
        **fields,
    )  # fmt: skip
    said = _merged([dict(one) for one in variants], templates)
    _check(campaign, said)
    campaign.save(force_insert=True)
    _write_variants(campaign, said)
    audit.record(
        "campaign.created", by=by, object_type="campaign", object_id=campaign.pk, after=told(campaign, said)
    )
    return campaign


@transaction.atomic
def change_campaign(
    pk: UUID,
    changes: Mapping[str, Any],
    *,
    by: str,
    variants: Sequence[Variant] | None = None,
    templates: Mapping[str, Any] | None = None,
    if_match: Condition = ANY,
) -> Campaign:
    """Change a campaign: a draft altogether, one under way in its name, its words about it and its pace.

    Raises CampaignNotFound, PreconditionFailed, CampaignAlreadyActive, CampaignOver, ValidationFailed.
    """
    campaign = find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    old = [_said(one) for one in variants_of(campaign)]
    before = told(campaign, old)
    for name in WRITTEN:
        if name in changes:
            setattr(campaign, name, changes[name])
    said = _merged(old if variants is None else [dict(one) for one in variants], templates)
    after = told(campaign, said)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return campaign
    if campaign.status in OVER and set(changed) - {"name", "description"}:
        raise CampaignOver
    if campaign.status != CampaignStatus.DRAFT and set(changed) - set(ALWAYS):
        raise CampaignAlreadyActive
    _check(campaign, said)
    campaign.version += 1
    campaign.updated_at, campaign.updated_by = timezone.now(), by
    campaign.save(update_fields=[*WRITTEN, "version", "updated_at", "updated_by"])
    if "variants" in changed:
        _write_variants(campaign, said)
    audit.record(
        "campaign.changed", by=by, object_type="campaign", object_id=pk,
        before={name: before[name] for name in changed}, after={name: after[name] for name in changed},
    )  # fmt: skip
    return campaign


@transaction.atomic
def delete_campaign(pk: UUID, *, by: str, if_match: Condition = ANY) -> None:
    """Take a draft away. Raises CampaignNotFound, PreconditionFailed, CampaignNotDraft."""
    campaign = find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    if campaign.status != CampaignStatus.DRAFT:
        raise CampaignNotDraft
    campaign.deleted_at, campaign.updated_by = timezone.now(), by
    campaign.save(update_fields=["deleted_at", "updated_by"])
    audit.record(
        "campaign.deleted", by=by, object_type="campaign", object_id=pk, before={"name": campaign.name}
    )


@transaction.atomic
def clone_campaign(pk: UUID, *, by: str, name: str = "") -> Campaign:
    """Make a draft like a campaign, with no time set. Raises CampaignNotFound."""
    found = find_campaign(pk)
    fields = {one: getattr(found, one) for one in WRITTEN if one not in ("name", "scheduled_at")}
    new_name = name or found.name[: LONGEST_NAME - len(COPY)] + COPY
    return create_campaign(new_name, by=by, variants=[_said(one) for one in variants_of(found)], **fields)


def told(campaign: Campaign, said: Sequence[Variant]) -> dict[str, Any]:
    """A campaign as the audit log tells it."""
    plain = {name: _plain(getattr(campaign, name)) for name in WRITTEN}
    variants = [{name: _plain(value) for name, value in one.items() if value} for one in said]
    return plain | {"variants": variants}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | dict) else str(value)


def _said(variant: CampaignVariant) -> dict[str, Any]:
    return {name: getattr(variant, name) for name in OF_VARIANT}


def _merged(said: list[dict[str, Any]], templates: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The variants as they are to be: the first with the templates that were named for the campaign."""
    first, *rest = said or [{}]
    empty: dict[str, Any] = {"weight": 1, "subject": "", **dict.fromkeys(TEMPLATES.values())}
    return [empty | first | dict(templates or {}), *(empty | one for one in rest)]


def _write_variants(campaign: Campaign, said: Sequence[Variant]) -> None:
    """Those that stay keep their ids: what was counted by them goes on."""
    known = {one.name: one for one in variants_of(campaign)}
    for name, values in zip(VARIANT_NAMES, said, strict=False):
        row = known.pop(name, None) or CampaignVariant(tenant=current_tenant(), campaign=campaign, name=name)
        for attribute, value in values.items():
            setattr(row, attribute, value)
        row.save()
    CampaignVariant.objects.filter(pk__in=[one.pk for one in known.values()]).delete()


def _check(campaign: Campaign, said: Sequence[Variant]) -> None:
    problems = [
        *_problems_of_fields(campaign),
        *_problems_of_time(campaign),
        *_problems_of_variants(campaign, said),
    ]
    if problems:
        raise ValidationFailed(" ".join(one.message for one in problems), details=problems)


def _problems_of_fields(campaign: Campaign) -> list[Detail]:
    found = []
    if not campaign.name:
        found.append(Detail("name", "MISSING_FIELD", "Give it a name."))
    if unknown := set(campaign.channels) - set(CHANNELS):
        words = f"There is no channel {', '.join(sorted(unknown))}."
        found.append(Detail("channels", "INVALID_FIELD", words))
    if len(set(campaign.channels)) != len(campaign.channels):
        found.append(Detail("channels", "INVALID_FIELD", "Name each channel once."))
    if campaign.club_id and not Club.objects.filter(pk=campaign.club_id).exists():
        found.append(Detail("clubId", "INVALID_FIELD", "There is no club with this id."))
    named = {"segmentIds": campaign.segment_ids, "excludedSegmentIds": campaign.excluded_segment_ids}
    wanted = {pk for ids in named.values() for pk in ids}
    known = (
        set(Segment.objects.kept().filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
    )
    found += [
        Detail(field, "SEGMENT_NOT_FOUND", f"There is no segment {pk}.")
        for field, ids in named.items() for pk in ids if pk not in known
    ]  # fmt: skip
    if campaign.holdout_percent and campaign.message_class == "TRANSACTIONAL":
        words = "A service message is for everybody: nobody is held out."
        found.append(Detail("holdoutPercent", "INVALID_FIELD", words))
    if campaign.type == CampaignType.TRIGGERED and not isinstance(campaign.trigger.get("event", ""), str):
        found.append(Detail("trigger.event", "INVALID_FIELD", "Name the type of an event."))
    return found


def _problems_of_time(campaign: Campaign) -> list[Detail]:
    found = []
    if campaign.timezone:
        try:
            valid_zone(campaign.timezone)
        except ValidationError as error:
            return [Detail("timezone", "INVALID_FIELD", " ".join(error.messages))]
    if bool(campaign.batch_size) != bool(campaign.batch_minutes):
        words = "Batches need both: how many at a time, and minutes between them."
        found.append(Detail("batchMinutes" if campaign.batch_size else "batchSize", "MISSING_FIELD", words))
    if campaign.recur_pattern:
        club = campaign.club_id and Club.objects.filter(pk=campaign.club_id).first()
        campaign.club = club or None
        try:
            schedules.check_pattern(campaign.recur_pattern, campaign.zone, timezone.now())
        except schedules.InvalidPattern as error:
            found.append(Detail("recurPattern", "INVALID_SCHEDULE", str(error)))
    return found


def _problems_of_variants(campaign: Campaign, said: Sequence[Variant]) -> list[Detail]:
    if len(said) > len(VARIANT_NAMES):
        return [Detail("variants", "INVALID_FIELD", f"At most {len(VARIANT_NAMES)} variants.")]
    wanted = {one[column] for one in said for column in TEMPLATES.values() if one[column]}
    rows = MessageTemplate.objects.kept().filter(pk__in=wanted) if wanted else []
    channel_of = {row.pk: row.channel for row in rows}
    found = []
    for index, one in enumerate(said):
        for channel, column in TEMPLATES.items():
            pk = one[column]
            if pk and channel_of.get(pk) != channel:
                field = f"{'' if len(said) == 1 else f'variants[{index}].'}{channel.lower()}TemplateId"
                found.append(Detail(field, "TEMPLATE_NOT_FOUND", f"There is no template {pk} for {channel}."))
    return found
