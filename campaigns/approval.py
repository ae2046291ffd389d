"""The second person: when one must agree, to what exactly, and who that may be."""

import hashlib
import json
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from campaigns.audience import people_meant
from campaigns.models import Campaign, CampaignStatus, TemplateContent
from campaigns.problems import ApprovalNotNeeded, OwnCampaign
from campaigns.senders import sender_of
from campaigns.services import DRAFTED, TEMPLATES, find_campaign, told, variants_of
from crm.tenancy import audit
from crm.versions import ANY, Condition
from segments.models import Segment


def content_hash(campaign: Campaign) -> str:
    """Of what is said, to whom and when, as it is now. Three statements."""
    variants = variants_of(campaign)
    templates = {pk for one in variants for column in TEMPLATES.values() if (pk := getattr(one, column))}
    latest = TemplateContent.objects.filter(template__in=templates).values("template", "language")
    revisions = latest.annotate(last=Max("revision")).order_by("template", "language")
    segments = {*campaign.segment_ids, *campaign.excluded_segment_ids}
    rules = Segment.objects.filter(pk__in=segments).order_by("pk").values_list("pk", "criteria_version")
    said = [
        {name: getattr(one, name) for name in ("name", "weight", "subject", *TEMPLATES.values())}
        for one in variants
    ]
    parts: list[Any] = [
        {name: getattr(campaign, name) for name in DRAFTED}, campaign.recur_end_at, said,
        [tuple(row.values()) for row in revisions], list(rules),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def needs_approval(campaign: Campaign) -> bool:
    """Whether a second person must agree before it begins, and has not, or to something else."""
    limit = sender_of(campaign.club_id).approval_from
    if limit is None or campaign.status not in (CampaignStatus.SCHEDULED, CampaignStatus.PAUSED):
        return False
    if campaign.approved_hash and campaign.approved_hash == content_hash(campaign):
        return False
    return people_meant(campaign) >= limit


@transaction.atomic
def approve_campaign(pk: UUID, *, by: str, if_match: Condition = ANY) -> Campaign:
    """Agree to a scheduled campaign as it is now; whatever is changed about it afterwards takes that back.

    Raises CampaignNotFound, PreconditionFailed, ApprovalNotNeeded, OwnCampaign.
    """
    campaign = find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    if by in (campaign.created_by, campaign.updated_by):
        raise OwnCampaign
    if not needs_approval(campaign):
        raise ApprovalNotNeeded
    campaign.approved_at, campaign.approved_by = timezone.now(), by
    campaign.approved_hash = content_hash(campaign)
    campaign.save(update_fields=["approved_at", "approved_by", "approved_hash"])
    audit.record(
        "campaign.approved", by=by, object_type="campaign", object_id=pk,
        after={"hash": campaign.approved_hash, **told(campaign, [])},
    )  # fmt: skip
    return campaign
