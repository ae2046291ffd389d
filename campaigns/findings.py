"""What a look at a campaign may find, and what all of its checks need to know."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from campaigns.models import Campaign, CampaignVariant, MessageClass, Sender, TemplateContent
from campaigns.services import SOCIAL
from segments.models import Segment


class Level(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A campaign and what the checks ask about it."""

    campaign: Campaign
    variants: list[CampaignVariant]
    contents: dict[Any, list[TemplateContent]]  # by template, the latest wording of each language
    segments: dict[Any, Segment]
    sender: Sender
    audience: int

    @property
    def channels(self) -> list[str]:
        return [one for one in self.campaign.channels if one != SOCIAL]

    @property
    def is_marketing(self) -> bool:
        return self.campaign.message_class == MessageClass.MARKETING


def error(code: str, field: str, message: str) -> Finding:
    return Finding(Level.ERROR, code, field, message)


def warning(code: str, field: str, message: str) -> Finding:
    return Finding(Level.WARNING, code, field, message)
