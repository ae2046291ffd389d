"""Which way of saying it wins, and what becomes of those who were left to wait for it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignVariant,
    Message,
    MessageState,
    RunState,
    WinnerMode,
)
from campaigns.problems import CampaignNotActive
from campaigns.senders import sender_of
from campaigns.statistics import recount
from crm.errors import Detail, ValidationFailed
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy import audit
from crm.tenancy.rows import run as execute
from crm.tenancy.scope import current_tenant

METRICS = {"CLICKS": "clicked", "CONVERSIONS": "converted", "REVENUE": "revenueCents", "OPENS": "opened"}
NOT_ENOUGH = 7  # times the time that was set, after which a winner is named on what there is
RELEASE = """
    UPDATE campaigns_message SET variant_id = %(variant)s, due_at = %(now)s, deadline_at = %(now)s + %(lasts)s
    WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND state = 'QUEUED' AND variant_id IS NULL AND due_at IS NULL
"""


def best(counts: Mapping[str, Mapping[str, int]], names: Mapping[str, str], metric: str) -> str:
    """The variant that did best for each message that arrived; of several that did as well the first by name."""

    def score(key: str) -> float:
        found = counts.get(key, {})
        return found.get(METRICS[metric], 0) / max(found.get("delivered", 0), 1)

    return max(sorted(names, key=lambda key: names[key]), key=score)


def choose_winner_if_due(run: CampaignRun, now: datetime) -> bool:
    """Name the winner of a sample once its time is over, and enough people had it; it goes to all who wait."""
    campaign = Campaign.objects.get(pk=run.campaign_id)
    if run.winner_id or campaign.sample_percent == 100 or campaign.winner_mode != WinnerMode.AUTO:
        return False
    since, wait = run.built_at or now, timedelta(minutes=campaign.winner_after_minutes)
    if now < since + wait or not _waits(run):
        return False
    counts, names = recount(run), _names(campaign)
    least = min((counts["variants"].get(key, {}).get("delivered", 0) for key in names), default=0)
    if least * len(names) < campaign.winner_min_sample and now < since + NOT_ENOUGH * wait:
        return False
    _name_winner(run, UUID(best(counts["variants"], names, campaign.winner_metric)), now, by="system")
    return True


@transaction.atomic
def choose_winner(run: CampaignRun, variant: UUID, *, by: str, now: datetime) -> None:
    """Name the winner by hand. Raises CampaignNotActive, ValidationFailed."""
    if run.state != RunState.SENDING or run.winner_id:
        raise CampaignNotActive("It has a winner, or is not being sent.")
    if not CampaignVariant.objects.filter(pk=variant, campaign=run.campaign_id).exists():
        words = "The campaign has no such variant."
        raise ValidationFailed(words, details=[Detail("variantId", "INVALID_FIELD", words)])
    _name_winner(run, variant, now, by=by)


@transaction.atomic
def _name_winner(run: CampaignRun, variant: UUID, now: datetime, *, by: str) -> None:
    named = {"winner": variant, "winner_at": now, "winner_by": by}
    if not CampaignRun.objects.filter(pk=run.pk, winner=None).update(**named):
        return
    campaign = Campaign.objects.get(pk=run.campaign_id)
    lasts: Any = timedelta(hours=sender_of(campaign.club_id).drop_after_hours)
    asked = {"tenant": current_tenant().pk, "run": run.pk, "variant": variant, "now": now, "lasts": lasts}
    execute(RELEASE, asked)
    audit.record(
        "campaign.winner_chosen",
        by=by,
        object_type="campaign",
        object_id=campaign.pk,
        after={"variant": str(variant)},
    )
    nudge_on_commit("campaigns.sweep", queue="sends")


def _waits(run: CampaignRun) -> bool:
    waiting = Message.objects.filter(run=run, state=MessageState.QUEUED, variant=None, due_at=None)
    return bool(waiting.exists())


def _names(campaign: Campaign) -> dict[str, str]:
    rows = CampaignVariant.objects.filter(campaign=campaign).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}
