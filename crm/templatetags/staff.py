"""Template tags of the staff pages."""

import json
from datetime import date, datetime
from typing import Any

from django import template
from django.forms import CheckboxInput, Textarea
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from campaigns.admin.html import campaign_badge, channel_icon, channel_icons, message_badge, template_url
from crm.tenancy import markup
from customers.admin.columns import status_badge
from customers.admin.html import consent_lights, flag_badges, stage_badge
from segments.admin.html import state_badge, type_badge
from timeline.admin.words import type_words

WIDE = {"data-chips", "data-wide"}

register = template.Library()

register.simple_tag(markup.icon, name="icon")
register.simple_tag(markup.badge, name="badge")
register.simple_tag(markup.avatar, name="avatar")
register.simple_tag(markup.ago, name="ago")
register.filter("money", markup.money)
register.filter("duration", markup.duration)
register.filter("source_name", markup.source_name)
register.filter("browser_words", markup.browser_words)
register.filter("stage_badge", stage_badge)
register.filter("consent_lights", consent_lights)
register.filter("flag_badges", flag_badges)
register.filter("status_badge", status_badge)
register.filter("type_words", type_words)
register.filter("segment_state", state_badge)
register.filter("segment_type", type_badge)
register.filter("campaign_badge", campaign_badge)
register.filter("message_badge", message_badge)
register.filter("channel_icon", channel_icon)
register.filter("channel_icons", channel_icons)
register.filter("template_url", template_url)


@register.filter
def pretty(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def flat(value: Any) -> str:
    """A value of any kind on one line: lists and maps as JSON, everything else as people write it."""
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return markup.moment(value)
    if isinstance(value, date):
        return markup.day(value)
    return (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
    )


@register.filter
def field(row: Any, name: str) -> Any:
    """row.name or row["name"], where the name is a variable."""
    return row.get(name) if isinstance(row, dict) else getattr(row, name, None)


@register.filter
def chosen_choice(choices: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The choice by which a list filter narrows; its first choice is everything."""
    return next((choice for choice in choices[1:] if choice["selected"]), None)


@register.filter
def first_word(person: object) -> str:
    """Of what the person is called, how one greets them."""
    return str(person).split("@")[0].split(" ")[0]


@register.filter
def initials(person: object) -> str:
    """Of what the person is called, the first letters of the first two words."""
    return markup.initials(str(person))


@register.filter
def unlocalized(value: float) -> str:
    """A number as SVG reads it, whatever the language."""
    return f"{value:g}"


@register.filter
def interval_width(interval: Any) -> str:
    """How wide an interval in percent is drawn; a narrow one is at least seen."""
    return unlocalized(max(interval.high - interval.low, 0.5))


@register.filter
def is_time(value: object) -> bool:
    """A date or a time, to be shown as how long ago."""
    return isinstance(value, date)


@register.filter
def breakable(address: str) -> SafeString:
    """An e-mail address that breaks before its @ rather than anywhere."""
    name, at, domain = str(address).partition("@")
    return format_html("{}<wbr>{}{}", name, at, domain) if at else format_html("{}", name)


@register.filter
def field_kind(field: Any) -> str:
    """How a form's field is laid out: tick, many (boxes under one legend), wide, or nothing in particular."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        return "tick"
    if widget.use_fieldset:
        return "many"
    return "wide" if isinstance(widget, Textarea) or WIDE & set(widget.attrs) else "plain"
