"""Pieces of HTML about people: who they are, their stage, their state."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.tenancy.markup import avatar, badge
from customers.models import CustomerProfile, Stage, Status

STAGE_TONES = {
    Stage.SUBSCRIBER: "grey",
    Stage.LEAD: "info",
    Stage.PROSPECT: "violet",
    Stage.CUSTOMER: "info",
    Stage.MEMBER: "good",
    Stage.ADVOCATE: "warn",
    Stage.CHURNED: "bad",
}


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
    ]
    return format_html_join(
        " ", "{}", ((badge(words, tone, symbol),) for on, words, tone, symbol in flags if on)
    )


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
