"""Whom a run is for: one row a person and channel, made set-based in chunks, with the outcome of whom it is not for.

The audience is frozen then. A chunk and the place that it reached are one transaction, so a builder who dies leaves
nothing half done; one builder a run, by an advisory lock. What may still change about a person, the gate asks again
at the moment of sending.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from campaigns import schedules
from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignVariant,
    MessageClass,
    Origin,
    RunState,
    SendMode,
)
from campaigns.senders import sender_of, senders_by_ref
from campaigns.splitting import turns
from campaigns.statements import PEOPLE_MEANT, PLAN
from campaigns.zones import zones_of_countries
from crm.database import retrying
from crm.tenancy.models import Club
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.models.consent import Channel, Purpose
from segments import membership
from segments.models import Segment, State

CHUNK = 5_000  # people; about a quarter of a second
FIRST = UUID(int=0)
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('run:' || %s::uuid, 0)) AS is_mine"


def people_meant(campaign: Campaign) -> int:
    """How many are in its segments now, less those who are kept out. One statement."""
    if not campaign.segment_ids:
        return 0
    (row,) = select(PEOPLE_MEANT, {
        "tenant": current_tenant().pk, "segments": campaign.segment_ids, "excluded": campaign.excluded_segment_ids,
    })  # fmt: skip
    return int(row["people"])


def refresh_segments(campaign: Campaign) -> None:
    """Work out those of its segments that are out of date, waiting for whoever is at it. Raises membership.Broken."""
    rows = Segment.objects.in_use().filter(pk__in=[*campaign.segment_ids, *campaign.excluded_segment_ids])
    for segment in rows.order_by("pk"):
        if segment.state in (State.STALE, State.REFRESHING):
            membership.refresh(segment.pk, wait=True)


def build(run: CampaignRun, *, chunks: int | None = None) -> bool:
    """Make the rows of a run, or so many chunks of them; whether all are made. Raises membership.Broken."""
    campaign = Campaign.objects.select_related("club").get(pk=run.campaign_id)
    if run.built_to is None:
        refresh_segments(campaign)
    plan = _plan(campaign, run)
    while chunks is None or chunks > 0:
        done = retrying(lambda: _build_chunk(run.pk, plan))
        if done is None or done:
            return bool(done)
        chunks = None if chunks is None else chunks - 1
    return False


@transaction.atomic
def _build_chunk(pk: UUID, plan: dict[str, Any]) -> bool | None:
    """Make the rows of the next people; whether those were the last. None where another is at it, or it is over."""
    (lock,) = select(TRY_LOCK, [pk])
    run = CampaignRun.objects.filter(pk=pk, state=RunState.BUILDING, campaign__status="ACTIVE").first()
    if not lock["is_mine"] or run is None:
        return None
    (made,) = select(
        PLAN, {**plan, "after": run.built_to or FIRST, "numbered": run.split_count, "most": CHUNK}
    )
    row, now = CampaignRun.objects.filter(pk=pk), timezone.now()
    if made["people"] < CHUNK:
        row.update(
            target_count=F("target_count") + made["rows"], split_count=F("split_count") + made["numbered"],
            built_to=None, built_at=now, changed_at=now, state=RunState.SENDING,
        )  # fmt: skip
        return True
    row.update(
        target_count=F("target_count") + made["rows"], split_count=F("split_count") + made["numbered"],
        built_to=made["last"], changed_at=now,
    )  # fmt: skip
    return False


def _plan(campaign: Campaign, run: CampaignRun) -> dict[str, Any]:
    """What the statement of a chunk needs to know, whoever is in it. A few statements."""
    sender, is_marketing = sender_of(campaign.club_id), campaign.message_class == MessageClass.MARKETING
    weights = dict(
        CampaignVariant.objects.filter(campaign=campaign).order_by("name").values_list("pk", "weight")
    )
    controls = {ref: one.control_percent for ref, one in senders_by_ref().items()} if is_marketing else {}
    dues = _dues(campaign, run) if campaign.send_mode == SendMode.LOCAL_TIME else {}
    club = campaign.club
    return {
        "tenant": current_tenant().pk, "run": run.pk, "campaign": campaign.pk, "segments": campaign.segment_ids,
        "excluded": campaign.excluded_segment_ids, "is_marketing": is_marketing,
        # what the profile's flags say is the last word on marketing at large; of all else the gate knows
        "flags_decide": is_marketing and campaign.purpose == Purpose.MARKETING and club is None,
        "channels": [one for one in campaign.channels if one in Channel.values],
        "holdout": campaign.holdout_percent * 100 if is_marketing else 0,
        "refs": list(controls), "controls": [percent * 100 for percent in controls.values()],
        "turns": turns(weights) if weights else [],
        "sample": campaign.sample_percent if len(weights) > 1 else 100,
        "origin": Origin.CAMPAIGN.value, "class": campaign.message_class, "purpose": campaign.purpose,
        "club_ref": club.refs[0] if club and club.refs else "",
        "starts": max(run.scheduled_for, run.started_at),
        "size": campaign.batch_size or 0, "minutes": campaign.batch_minutes or 0,
        "lasts": timedelta(hours=sender.drop_after_hours), "places": list(dues), "dues": list(dues.values()),
    }  # fmt: skip


def _dues(campaign: Campaign, run: CampaignRun) -> dict[str, datetime]:
    """When the clock shows the run's time where people are, by what tells where that is: their country, or their club.

    Where it has shown it already when the run begins, that is at once.
    """
    zones = {f"country:{code}": zone for code, zone in zones_of_countries().items()}
    for club in Club.objects.all():
        zones |= {f"club:{ref}": club.timezone or current_tenant().timezone for ref in club.refs}
    home = campaign.zone
    dues = {
        there: schedules.at_wall(run.scheduled_for, home, ZoneInfo(there)) for there in set(zones.values())
    }
    return {place: max(dues[zone], run.started_at) for place, zone in zones.items()}
