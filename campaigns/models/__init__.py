"""Say it: what is to be said, to whom, by whom, and what became of each message."""

from campaigns.models.allowance import Allowance
from campaigns.models.campaign import (
    Campaign,
    CampaignRun,
    CampaignStatus,
    CampaignType,
    CampaignVariant,
    MessageClass,
    PauseReason,
    RunState,
    SendMode,
    WinnerMetric,
    WinnerMode,
)
from campaigns.models.interaction import Conversion, Interaction, InteractionKind, Link
from campaigns.models.message import Message, MessageState, Origin, Reason
from campaigns.models.sender import Sender
from campaigns.models.template import MessageTemplate, TemplateContent

__all__ = [
    "Allowance",
    "Campaign",
    "CampaignRun",
    "CampaignStatus",
    "CampaignType",
    "CampaignVariant",
    "Conversion",
    "Interaction",
    "InteractionKind",
    "Link",
    "Message",
    "MessageClass",
    "MessageState",
    "MessageTemplate",
    "Origin",
    "PauseReason",
    "Reason",
    "RunState",
    "SendMode",
    "Sender",
    "TemplateContent",
    "WinnerMetric",
    "WinnerMode",
]
