"""The life of a campaign: scheduled, begun, paused, resumed, cancelled, done. Each move is refereed by the database."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from campaigns import schedules
from campaigns.approval import needs_approval
from campaigns.findings import Level
from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignStatus,
    CampaignType,
    Message,
    MessageState,
    PauseReason,
    Reason,
    RunState,
    SendMode,
)
from campaigns.models.campaign import MOVES
from campaigns.preflight import preflight
from campaigns.problems import (
    CampaignAlreadyActive,
    CampaignNotActive,
    CampaignNotPaused,
    CampaignNotScheduled,
    CampaignOver,
    InvalidSchedule,
    PreflightFailed,
    SegmentRequired,
)
from campaigns.senders import sender_of
from campaigns.services import OVER, find_campaign
from crm.errors import Detail
from crm.outbox.nudge import nudge_on_commit
from crm.outbox.services import emit
from crm.states import transition
from crm.tenancy import audit
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition
from customers.payloads import wire_value

S = CampaignStatus
LATE = timedelta(minutes=5)  # a time so far past still means now
TICK, QUEUE = "campaigns.tick", "sends"
CANCEL_AT_ONCE = 10_000  # messages; the rest is cancelled by beat, and no worker takes them meanwhile


@transaction.atomic
def schedule_campaign(
    pk: UUID, *, by: str, scheduled_at: datetime | None = None, if_match: Condition = ANY
) -> Campaign:
    """Put a draft on the schedule; without a time, and none in the draft, that is now.

    Raises CampaignNotFound, PreconditionFailed, CampaignAlreadyActive, SegmentRequired, InvalidSchedule, and
    PreflightFailed with what would go wrong.
    """
    now, campaign = timezone.now(), find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    if campaign.status != S.DRAFT:
        raise CampaignOver if campaign.status in OVER else CampaignAlreadyActive
    wanted = scheduled_at or campaign.scheduled_at
    if wanted is not None and wanted < now - LATE:
        raise InvalidSchedule(
            "That time is past.", details=[Detail("scheduledAt", "INVALID_SCHEDULE", "It is past.")]
        )
    campaign.scheduled_at = max(wanted, now) if wanted else now
    _refuse_what_would_go_wrong(campaign)
    _move(
        campaign, S.SCHEDULED, by=by, scheduled_at=campaign.scheduled_at, due_at=first_due(campaign), updated_by=by,
        approved_hash="", approved_at=None, approved_by="", version=campaign.version + 1, updated_at=now,
    )  # fmt: skip
    emit("crm.campaign.scheduled", key=campaign.pk, payload=news(campaign))
    nudge_on_commit(TICK, queue=QUEUE)
    return campaign


def _refuse_what_would_go_wrong(campaign: Campaign) -> None:
    errors = [one for one in preflight(campaign) if one.level == Level.ERROR]
    if not errors:
        return
    details = [Detail(one.field, one.code, one.message) for one in errors]
    kind = {"SEGMENT_REQUIRED": SegmentRequired, "INVALID_SCHEDULE": InvalidSchedule}.get(
        errors[0].code, PreflightFailed
    )
    raise kind(" ".join(one.message for one in errors)[:1000], details=details)


def first_due(campaign: Campaign) -> datetime | None:
    """When it begins, and beat has to look at it. Raises InvalidSchedule where a pattern has no more occurrences."""
    at = campaign.scheduled_at or timezone.now()
    if campaign.type != CampaignType.RECURRING:
        return begins_at(campaign, at)
    found = schedules.next_occurrence(
        campaign.recur_pattern, campaign.zone, at - timedelta(seconds=1), campaign.recur_end_at
    )
    if found is None:
        raise InvalidSchedule("It would never come: its pattern begins after its end.")
    return begins_at(campaign, found)


def begins_at(campaign: Campaign, occurrence: datetime) -> datetime:
    """When the work for an occurrence begins: earlier, where each gets it at that time where they are."""
    if campaign.send_mode == SendMode.LOCAL_TIME:
        return schedules.first_anywhere(occurrence, campaign.zone)
    return occurrence


def occurrence_of(campaign: Campaign, begin: datetime) -> datetime:
    """The occurrence whose work begins then."""
    if campaign.send_mode == SendMode.LOCAL_TIME:
        return schedules.from_first(begin, campaign.zone)
    return begin


@transaction.atomic
def unschedule_campaign(pk: UUID, *, by: str, if_match: Condition = ANY) -> Campaign:
    """Take a campaign that has not begun off the schedule; it is a draft again. Raises CampaignNotScheduled."""
    campaign = find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    if campaign.status != S.SCHEDULED:
        raise CampaignNotScheduled
    _move(campaign, S.DRAFT, by=by, due_at=None, approved_hash="", approved_at=None, approved_by="")
    return campaign


@transaction.atomic
def execute_campaign(pk: UUID, *, by: str, if_match: Condition = ANY) -> Campaign:
    """Begin now, whatever time was set. Raises as schedule_campaign, and CampaignAlreadyActive."""
    campaign = find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    if campaign.status == S.DRAFT:
        campaign.scheduled_at = None
        Campaign.objects.filter(pk=pk).update(scheduled_at=None)
        campaign = schedule_campaign(pk, by=by)
    elif campaign.status != S.SCHEDULED:
        raise CampaignOver if campaign.status in OVER else CampaignAlreadyActive
    now = timezone.now()
    Campaign.objects.filter(pk=pk).update(due_at=now, scheduled_at=now)
    campaign.due_at = campaign.scheduled_at = now
    if not needs_approval(campaign):
        begin(campaign, now)
    nudge_on_commit(TICK, queue=QUEUE)
    return campaign


@transaction.atomic
def pause_campaign(pk: UUID, *, by: str, if_match: Condition = ANY) -> Campaign:
    """Let nothing more leave until somebody resumes it. Raises CampaignNotActive."""
    campaign = find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    if campaign.status != S.ACTIVE:
        raise CampaignNotActive
    _move(campaign, S.PAUSED, by=by, pause_reason=PauseReason.USER)
    return campaign


@transaction.atomic
def resume_campaign(pk: UUID, *, by: str, if_match: Condition = ANY) -> Campaign:
    """Go on where it was paused; one that was never begun begins. Raises CampaignNotPaused.

    Occurrences that passed meanwhile do not come back.
    """
    now, campaign = timezone.now(), find_campaign(pk, locked=True)
    if_match.check(campaign.etag)
    if campaign.status != S.PAUSED:
        raise CampaignNotPaused
    was_overdue = campaign.pause_reason == PauseReason.OVERDUE
    fields: dict[str, Any] = {"pause_reason": "", "error": ""}
    if was_overdue and needs_approval(campaign):
        raise CampaignNotPaused("Somebody else must approve it before it can begin.")
    if campaign.type == CampaignType.RECURRING:
        found = schedules.next_occurrence(campaign.recur_pattern, campaign.zone, now, campaign.recur_end_at)
        fields["due_at"] = begins_at(campaign, found) if found else None
    _move(campaign, S.ACTIVE, by=by, **fields)
    if was_overdue and campaign.type != CampaignType.RECURRING:
        start_run(campaign, campaign.scheduled_at or now, now)
    nudge_on_commit(TICK, queue=QUEUE)
    return campaign


@transaction.atomic
def cancel_campaign(pk: UUID, *, by: str, if_match: Condition = ANY) -> Campaign:
    """Stop a campaign for good; a scheduled one is a draft again. Raises CampaignNotActive, CampaignOver."""
    campaign = find_campaign(pk, locked=True)
    if campaign.status == S.SCHEDULED:
        return unschedule_campaign(pk, by=by, if_match=if_match)
    if_match.check(campaign.etag)
    if campaign.status in OVER:
        raise CampaignOver
    if campaign.status == S.DRAFT:
        raise CampaignNotActive
    now = timezone.now()
    _move(campaign, S.CANCELLED, by=by, due_at=None, completed_at=now, pause_reason="")
    runs = CampaignRun.objects.filter(campaign=campaign, state__in=[RunState.BUILDING, RunState.SENDING])
    runs.update(state=RunState.CANCELLED, done_at=now, changed_at=now)
    cancel_messages(campaign)
    return campaign


def cancel_messages(campaign: Campaign, *, most: int = CANCEL_AT_ONCE) -> int:
    """Cancel what of a cancelled campaign still waits; how many that were. One statement."""
    waiting = Message.objects.filter(run__campaign=campaign, state=MessageState.QUEUED)
    some = waiting.order_by("pk").values_list("pk", flat=True)[:most]
    count: int = Message.objects.filter(pk__in=list(some), state=MessageState.QUEUED).update(
        state=MessageState.CANCELLED, reason=Reason.CANCELLED, due_at=None
    )
    return count


# --- what time does
def begin(campaign: Campaign, now: datetime) -> CampaignRun | None:
    """Carry out a scheduled campaign that is due, in the caller's transaction; None where it can't begin."""
    transition(
        campaign,
        S.ACTIVE,
        moves=MOVES,
        started_at=campaign.started_at or now,
        due_at=_due_after(campaign, now),
    )
    audit.record("campaign.begun", by="system", object_type="campaign", object_id=campaign.pk)
    return start_run(campaign, campaign.scheduled_at or now, now)


def start_run(campaign: Campaign, occurrence: datetime, now: datetime) -> CampaignRun | None:
    """The run of an occurrence, once. A journey has none: what happens to people is its own affair."""
    if campaign.type == CampaignType.JOURNEY:
        return None
    if campaign.started_at is None:
        campaign.started_at = now
        Campaign.objects.filter(pk=campaign.pk, started_at=None).update(started_at=now)
    standing = campaign.type == CampaignType.TRIGGERED
    run: CampaignRun
    run, _ = CampaignRun.objects.get_or_create(
        tenant=current_tenant(), campaign=campaign, scheduled_for=occurrence,
        defaults={
            "state": RunState.SENDING if standing else RunState.BUILDING, "started_at": now,
            "built_at": now if standing else None, "changed_at": now,
        },
    )  # fmt: skip
    return run


def _due_after(campaign: Campaign, now: datetime) -> datetime | None:
    """When the next occurrence of a recurring campaign begins; None of any other, and after the last."""
    if campaign.type != CampaignType.RECURRING:
        return None
    found = schedules.next_occurrence(
        campaign.recur_pattern, campaign.zone, _latest(campaign, now), campaign.recur_end_at
    )
    return begins_at(campaign, found) if found else None


def _latest(campaign: Campaign, now: datetime) -> datetime:
    """The latest occurrence whose work has begun by now; those before it are past."""
    latest = occurrence_of(campaign, campaign.due_at or now)
    for coming in schedules.occurrences(campaign.recur_pattern, campaign.zone, latest):
        over = campaign.recur_end_at is not None and coming > campaign.recur_end_at
        if over or begins_at(campaign, coming) > now:
            break
        latest = coming
    return latest


@transaction.atomic
def look_at(pk: UUID, now: datetime) -> None:
    """Do what a campaign is due for: begin, or begin its next occurrence; or pause it where that is too late.

    A paused or cancelled one is left alone, whatever was due.
    """
    campaign = Campaign.objects.kept().select_related("club").select_for_update(of=["self"], skip_locked=True).filter(
        pk=pk, status__in=[S.SCHEDULED, S.ACTIVE], due_at__lte=now
    ).first()  # fmt: skip
    if campaign is None:
        return
    recurring = campaign.type == CampaignType.RECURRING
    occurrence = _latest(campaign, now) if recurring else (campaign.scheduled_at or now)
    if now - occurrence > timedelta(minutes=sender_of(campaign.club_id).overdue_minutes):
        _move(campaign, S.PAUSED, by="system", pause_reason=PauseReason.OVERDUE, due_at=None)
    elif campaign.status == S.SCHEDULED:
        if not needs_approval(campaign):
            campaign.scheduled_at = occurrence
            begin(campaign, now)
    elif recurring:
        Campaign.objects.filter(pk=pk).update(due_at=_due_after(campaign, now))
        start_run(campaign, occurrence, now)


@transaction.atomic
def finish_run(run: CampaignRun, now: datetime) -> bool:
    """Say that a run is done once nothing of it waits or is under way. What nobody knows of may still be told."""
    if Message.objects.filter(run=run, state__in=[MessageState.QUEUED, MessageState.SENDING]).exists():
        return False
    campaign = Campaign.objects.select_for_update().get(pk=run.campaign_id)
    if campaign.type == CampaignType.TRIGGERED and (
        campaign.recur_end_at is None or campaign.recur_end_at > now
    ):
        return False
    if not CampaignRun.objects.filter(pk=run.pk, state=RunState.SENDING).update(
        state=RunState.DONE, done_at=now, changed_at=now
    ):
        return False
    emit("crm.campaign.sent", key=campaign.pk, payload={**news(campaign), "runId": str(run.pk)})
    under_way = CampaignRun.objects.filter(campaign=campaign, state__in=[RunState.BUILDING, RunState.SENDING])
    if campaign.status == S.ACTIVE and campaign.due_at is None and not under_way.exists():
        transition(campaign, S.COMPLETED, moves=MOVES, completed_at=now)
        audit.record("campaign.completed", by="system", object_type="campaign", object_id=campaign.pk)
    return True


def pause_for(campaign: Campaign, reason: str, words: str) -> None:
    """Pause an active campaign because of what became of its messages. Somebody must look at it."""
    _move(campaign, S.PAUSED, by="system", pause_reason=reason, error=words[:500])


def news(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": str(campaign.pk), "name": campaign.name, "type": campaign.type, "status": campaign.status,
        "channels": campaign.channels, "clubId": wire_value(campaign.club_id),
        "scheduledAt": wire_value(campaign.scheduled_at),
    }  # fmt: skip


def _move(campaign: Campaign, to: str, *, by: str, **fields: Any) -> None:
    before = campaign.status
    transition(campaign, to, moves=MOVES, **fields)
    told = {"status": to} | ({"pause_reason": fields["pause_reason"]} if fields.get("pause_reason") else {})
    audit.record(
        f"campaign.{'unscheduled' if to == S.DRAFT else to.lower()}", by=by, object_type="campaign",
        object_id=campaign.pk, before={"status": before}, after=told,
    )  # fmt: skip
