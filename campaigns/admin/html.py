"""Pieces of HTML about campaigns and messages: what state they are in, by which channel they go."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from campaigns.models import (
    Campaign,
    CampaignStatus,
    CampaignType,
    Message,
    MessageState,
    MessageTemplate,
)
from crm.tenancy.markup import badge, icon
from customers.models.consent import Channel

STATUSES = {
    CampaignStatus.DRAFT: ("grey", "pencil"),
    CampaignStatus.SCHEDULED: ("info", "calendar-clock"),
    CampaignStatus.ACTIVE: ("good", "play"),
    CampaignStatus.PAUSED: ("warn", "pause"),
    CampaignStatus.COMPLETED: ("violet", "check"),
    CampaignStatus.CANCELLED: ("grey", "x"),
}
TYPES = {
    CampaignType.ONE_TIME: "send",
    CampaignType.RECURRING: "refresh-cw",
    CampaignType.TRIGGERED: "zap",
    CampaignType.JOURNEY: "split",
}
CHANNELS = {
    "EMAIL": "mail",
    "SMS": "message-square",
    "PUSH": "bell-ring",
    "WHATSAPP": "message-circle",
    "SOCIAL": "megaphone",
}
STATES = {
    MessageState.QUEUED: ("grey", "clock"),
    MessageState.SENDING: ("info", "send"),
    MessageState.SENT: ("info", "send"),
    MessageState.DELIVERED: ("good", "mail-check"),
    MessageState.BOUNCED: ("bad", "rotate-ccw"),
    MessageState.COMPLAINED: ("bad", "triangle-alert"),
    MessageState.FAILED: ("bad", "circle-x"),
    MessageState.SKIPPED: ("grey", "ban"),
    MessageState.UNKNOWN: ("warn", "circle-help"),
    MessageState.CANCELLED: ("grey", "x"),
}
SOCIAL = "SOCIAL"


def campaign_url(pk: Any, query: str = "") -> str:
    return reverse("admin:campaigns_campaign_detail", args=[pk]) + query


def message_url(pk: Any) -> str:
    return reverse("admin:campaigns_message_detail", args=[pk])


def campaign_badge(campaign: Campaign) -> SafeString:
    tone, symbol = STATUSES[CampaignStatus(campaign.status)]
    return badge(campaign.get_status_display(), tone, symbol)


def message_badge(message: Message) -> SafeString:
    tone, symbol = STATES[MessageState(message.state)]
    return badge(message.get_state_display(), tone, symbol)


def channel_name(channel: str) -> str:
    return _("Social media") if channel == SOCIAL else str(Channel(channel).label)


def channel_icons(channels: list[str]) -> SafeString:
    """An icon a channel, each with its name for whoever can't see it."""
    shown = ((icon(CHANNELS[one]), channel_name(one)) for one in channels if one in CHANNELS)
    inner = format_html_join(
        "", '<span title="{1}">{0}<span class="visually-hidden">{1} </span></span>', shown
    )
    return format_html('<span class="channels">{}</span>', inner)


def channel_icon(channel: str) -> SafeString:
    return format_html(
        '<span class="channel-icon" title="{1}">{0}<span class="visually-hidden">{1}</span></span>',
        icon(CHANNELS[channel]), channel_name(channel),
    )  # fmt: skip


def template_url(template: MessageTemplate) -> str:
    return reverse("admin:campaigns_messagetemplate_change", args=[template.pk])
