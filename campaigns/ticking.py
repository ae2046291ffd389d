"""What time and progress do to campaigns: begin them, make their audiences, say that they are done."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from campaigns import audience, lifecycle, statistics, variants
from campaigns.models import Campaign, CampaignRun, CampaignStatus, PauseReason, RunState
from crm.database import is_away
from segments.membership import Broken

log = structlog.get_logger(__name__)

S = CampaignStatus
CANCELLED_LATELY = timedelta(days=7)


def tick(now: datetime) -> int:
    """Do what the open tenant's campaigns are due for; how many things those were.

    Each is a transaction of its own, found by its row: one that breaks stops no other and is tried again.
    """
    done = 0
    due = Campaign.objects.kept().filter(status__in=[S.SCHEDULED, S.ACTIVE], due_at__lte=now)
    for pk in list(due.order_by("due_at").values_list("pk", flat=True)):
        done += _tried(lambda pk=pk: lifecycle.look_at(pk, now), campaign=pk)
    for run in _runs(RunState.BUILDING):
        done += _tried(lambda run=run: _build(run), campaign=run.campaign_id)
    for run in _runs(RunState.SENDING):
        done += _tried(lambda run=run: _move_on(run, now), campaign=run.campaign_id)
    cancelled = CampaignRun.objects.filter(state=RunState.CANCELLED, done_at__gt=now - CANCELLED_LATELY)
    for campaign in Campaign.objects.filter(pk__in=cancelled.values("campaign")):
        lifecycle.cancel_messages(campaign)
    return done + statistics.recount_dirty()


def _runs(state: str) -> Any:
    """Those under way of campaigns that go on."""
    return CampaignRun.objects.filter(state=state, campaign__status=S.ACTIVE).order_by("started_at")


def _build(run: CampaignRun) -> None:
    try:
        audience.build(run)
    except Broken as broken:
        campaign = Campaign.objects.get(pk=run.campaign_id)
        lifecycle.pause_for(campaign, PauseReason.ERROR, str(broken))


def _move_on(run: CampaignRun, now: datetime) -> None:
    variants.choose_winner_if_due(run, now)
    lifecycle.finish_run(run, now)


def _tried(work: Any, *, campaign: UUID) -> int:
    try:
        work()
    except Exception as error:
        if is_away(error):
            raise
        log.exception("campaign.not_moved", campaign=str(campaign))
        return 0
    return 1
