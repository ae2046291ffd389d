"""Pieces of HTML about people: who they are, their stage, their state."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.tenancy.markup import avatar, badge, icon
from crm.tenancy.scope import current_tenant
from customers.marketing import is_minor
from customers.models import CustomerProfile, Stage, Status
from customers.words import ANSWERS, CHANNELS, STAGE_TONES


def stage_badge(profile: CustomerProfile) -> SafeString:
    return badge(profile.get_lifecycle_stage_display(), STAGE_TONES[Stage(profile.lifecycle_stage)])


def flag_badges(profile: CustomerProfile) -> SafeString:
    """Everything out of the ordinary about a person."""
    flags = [
        (profile.status == Status.INACTIVE, _("Inactive"), "grey", ""),
        (profile.status == Status.MERGED, _("Merged"), "grey", ""),
        (profile.status == Status.DELETED, _("Deleted"), "bad", ""),
        (profile.is_vip, _("VIP"), "warn", "star"),
        (profile.is_blocked, _("Blocked"), "bad", "ban"),
        (profile.is_pending, _("Pending"), "warn", ""),
        (profile.is_light, _("Name only"), "grey", "ghost"),
        (profile.processing_restricted_at is not None, _("Restricted"), "bad", "ban"),
        (profile.legal_hold_at is not None, _("Legal hold"), "warn", ""),
        (is_known_minor(profile), _("Minor"), "info", ""),
    ]
    return format_html_join(
        " ", "{}", ((badge(words, tone, symbol),) for on, words, tone, symbol in flags if on)
    )


def is_known_minor(profile: CustomerProfile) -> bool:
    return is_minor(profile.date_of_birth, timezone.localdate(), current_tenant().majority_age)


def consent_lights(profile: CustomerProfile) -> SafeString:
    """An icon a channel: filled green where they said yes, struck through where no, faint where nobody asked."""
    lights = []
    for channel, name, symbol in CHANNELS:
        words, tone = ANSWERS[getattr(profile, f"{channel}_opt_in")]
        lights.append((tone, f"{name}: {words}", icon(symbol), f"{name}: {words}"))
    return format_html(
        '<span class="channels">{}</span>',
        format_html_join(
            "", '<span class="channel {}" title="{}">{}<span class="visually-hidden">{}</span></span>', lights
        ),
    )


def row_tools(profile: CustomerProfile) -> SafeString:
    """What is done with a person most often, on their row of a list."""
    links = []
    if profile.mailto:
        links.append((f"mailto:{profile.mailto}", _("Write an e-mail to %s") % profile, icon("mail")))
    if profile.dialled:
        links.append((f"tel:{profile.dialled}", _("Call %s") % profile, icon("phone")))
    tools = format_html_join("", '<a href="{}" aria-label="{}">{}</a>', links)
    return format_html('<span class="row-tools">{}</span>', tools)


def page_url(pk: Any) -> str:
    return reverse("admin:customers_customerprofile_detail", args=[pk])


def person(profile: CustomerProfile | None, *, missing: str = "–") -> SafeString:
    """Avatar and name, linked to the person's page."""
    if profile is None:
        return format_html('<span class="faint">{}</span>', missing)
    return format_html(
        '<a class="person" href="{}">{}<span>{}</span></a>',
        page_url(profile.pk), avatar(profile.initials, profile.pk, "small"), profile,
    )  # fmt: skip
