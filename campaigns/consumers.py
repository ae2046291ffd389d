"""Campaigns as what uses segments."""

from collections.abc import Collection, Iterator
from uuid import UUID

from django.db.models import Q

from campaigns.models import Campaign, CampaignStatus
from segments.consumers import Consumer, consumes

OVER = (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)


@consumes
def campaigns(segments: Collection[UUID]) -> Iterator[tuple[UUID, Consumer]]:
    """Those that still go by a segment: what is over has its audience frozen."""
    wanted = set(segments)
    uses = Q(segment_ids__overlap=list(wanted)) | Q(excluded_segment_ids__overlap=list(wanted))
    for row in Campaign.objects.kept().exclude(status__in=OVER).filter(uses).order_by("name"):
        for pk in wanted & {*row.segment_ids, *row.excluded_segment_ids}:
            yield pk, Consumer("campaign", row.pk, row.name)
