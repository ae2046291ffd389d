"""What can be wrong with an act on a campaign, by the codes that the API promises."""

from crm.errors import BusinessRule, Conflict, Forbidden, NotFound


class CampaignNotFound(NotFound):
    """There is no campaign with this id."""

    code = "CAMPAIGN_NOT_FOUND"


class MessageNotFound(NotFound):
    """There is no message with this id."""

    code = "MESSAGE_NOT_FOUND"


class CampaignAlreadyActive(Conflict):
    """It is no draft any more: only its name, its description and its pace may still change."""

    code = "CAMPAIGN_ALREADY_ACTIVE"


class CampaignNotScheduled(Conflict):
    """It is not scheduled."""

    code = "CAMPAIGN_NOT_SCHEDULED"


class CampaignNotActive(Conflict):
    """It is not being carried out."""

    code = "CAMPAIGN_NOT_ACTIVE"


class CampaignNotPaused(Conflict):
    """It is not paused."""

    code = "CAMPAIGN_NOT_PAUSED"


class CampaignOver(Conflict):
    """It is over."""

    code = "CAMPAIGN_OVER"


class CampaignNotDraft(Conflict):
    """Only a draft can be deleted: cancel it, or take it off the schedule first."""

    code = "CAMPAIGN_NOT_DRAFT"


class SegmentRequired(BusinessRule):
    """Say whom it is for: it needs a segment."""

    code = "SEGMENT_REQUIRED"


class InvalidSchedule(BusinessRule):
    """It can’t be carried out at that time."""

    code = "INVALID_SCHEDULE"


class PreflightFailed(BusinessRule):
    """Something would go wrong with it; `details` say what."""

    code = "PREFLIGHT_FAILED"


class ApprovalNotNeeded(Conflict):
    """There is nothing to approve: it is not scheduled, or small enough to go without."""

    code = "APPROVAL_NOT_NEEDED"


class OwnCampaign(Forbidden):
    """Whoever wrote or scheduled it can’t approve it: ask somebody else."""

    code = "SECOND_PERSON_REQUIRED"


class NothingToSay(NotFound):
    """The campaign says nothing on this channel, in this variant."""

    code = "NO_CONTENT"


class MessageSettled(Conflict):
    """It is known what became of this message."""

    code = "MESSAGE_SETTLED"
