"""Tasks of campaigns: each finds its work in rows, so one more or less does no harm."""

from django.utils import timezone

from campaigns import tracking
from crm.outbox.nudge import Policy, background_task


@background_task("campaigns.judge_interactions", Policy.HARMLESS_TO_LOSE)
def judge_interactions() -> int:
    """Decide which openings and clicks were people's."""
    return tracking.judge_due(timezone.now())
