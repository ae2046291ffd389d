"""The form of a campaign: what it is, whom it is for, what it says, when it goes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from campaigns.models import (
    Campaign,
    CampaignStatus,
    CampaignType,
    CampaignVariant,
    MessageClass,
    MessageTemplate,
    SendMode,
    WinnerMetric,
    WinnerMode,
)
from campaigns.services import TEMPLATES, VARIANT_NAMES
from crm.tenancy.forms import PlainLabels, zone_choices
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from customers.models.consent import Channel, Purpose
from segments.models import Segment
from timeline.catalogue import TYPES

KINDS = (CampaignType.ONE_TIME, CampaignType.RECURRING)
PLAIN = (
    "name", "description", "type", "message_class", "purpose", "channels", "segment_ids", "excluded_segment_ids",
    "holdout_percent", "timezone", "send_mode", "per_minute", "batch_size", "batch_minutes", "recur_pattern",
    "sample_percent", "winner_metric", "winner_mode", "winner_after_minutes", "winner_min_sample",
)  # fmt: skip
LOCKED = ("name", "description", "per_minute", "batch_size", "batch_minutes", "recur_end_at")  # but for these
PATTERNS = (
    ("", _("Choose…")), ("0 9 * * 1", _("Mondays at 9:00")), ("0 9 * * 4", _("Thursdays at 9:00")),
    ("0 9 * * 5", _("Fridays at 9:00")), ("0 9 1 * *", _("The first of the month at 9:00")),
    ("0 9 * * *", _("Every day at 9:00")),
)  # fmt: skip


class Moment(forms.DateTimeField):
    """A day and a time of a wall clock; which clock, the form says."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]

    def to_python(self, value: Any) -> Any:
        """Without a zone, which Django would add."""
        for pattern in self.input_formats:
            try:
                return datetime.strptime(str(value), pattern) if value else None  # noqa: DTZ007 - the form adds it
            except ValueError:
                continue
        raise forms.ValidationError(_t("Give a day and a time."))

    def prepare_value(self, value: Any) -> Any:
        return value


class CampaignForm(PlainLabels, forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("For staff; nobody else reads it."))
    description = forms.CharField(
        label=_("Description"),
        max_length=2000,
        required=False,
        widget=forms.TextInput(attrs={"data-wide": ""}),
    )
    type = forms.ChoiceField(
        label=_("Kind"), choices=[(kind.value, kind.label) for kind in KINDS], widget=forms.RadioSelect
    )
    club: Any = forms.ModelChoiceField(
        label=_("Club"), queryset=None, required=False, empty_label=_("All clubs"),
        help_text=_("Whose name it carries, and by whose rules it goes."),
    )  # fmt: skip
    message_class = forms.ChoiceField(
        label=_("Class"), choices=MessageClass.choices,
        help_text=_("A service message needs no consent. It must not advertise anything."),
    )  # fmt: skip
    purpose = forms.ChoiceField(
        label=_("Purpose"), choices=Purpose.choices, help_text=_("What people must have agreed to.")
    )
    channels = forms.MultipleChoiceField(
        label=_("Channels"), choices=Channel.choices, widget=forms.CheckboxSelectMultiple, required=False
    )
    segment_ids = forms.MultipleChoiceField(
        label=_("Everybody who is in any of these"), widget=forms.CheckboxSelectMultiple, required=False
    )
    excluded_segment_ids = forms.MultipleChoiceField(
        label=_("but nobody who is in any of these"), widget=forms.CheckboxSelectMultiple, required=False
    )
    holdout_percent = forms.IntegerField(
        label=_("Held out, in percent"), min_value=0, max_value=20, initial=0,
        help_text=_("So many get nothing, by chance, so that the report can tell what the campaign brought."),
    )  # fmt: skip
    sample_percent = forms.IntegerField(
        label=_("Try on, in percent"), min_value=1, max_value=100, initial=100,
        help_text=_("100: everybody gets one of them. Less: the rest waits for the winner."),
    )  # fmt: skip
    winner_metric = forms.ChoiceField(label=_("The winner has most"), choices=WinnerMetric.choices)
    winner_mode = forms.ChoiceField(label=_("Chosen"), choices=WinnerMode.choices)
    winner_after_minutes = forms.IntegerField(label=_("After minutes"), min_value=1, initial=240)
    winner_min_sample = forms.IntegerField(label=_("From deliveries"), min_value=0, initial=100)
    scheduled_at = Moment(
        label=_("Day and time"), required=False, help_text=_("Empty: as soon as it is scheduled.")
    )
    timezone: Any = forms.ChoiceField(label=_("By the clock of"), required=False)
    send_mode = forms.ChoiceField(label=_("Goes out"), choices=SendMode.choices)
    recur_pattern = forms.CharField(
        label=_("Comes again"), max_length=100, required=False,
        widget=forms.TextInput(attrs={"list": "patterns", "autocomplete": "off"}),
        help_text=_("Choose from the list, or write a cron pattern: minute, hour, day, month, day of the week."),
    )  # fmt: skip
    recur_end_at = Moment(label=_("Until"), required=False)
    event = forms.ChoiceField(label=_("Sent when this happens"), required=False)
    per_minute = forms.IntegerField(label=_("At most a minute"), min_value=1, required=False)
    batch_size = forms.IntegerField(label=_("People in a batch"), min_value=1, required=False)
    batch_minutes = forms.IntegerField(label=_("Minutes between batches"), min_value=1, required=False)
    etag = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, campaign: Campaign | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["club"].queryset = Club.objects.order_by("name")
        fields["timezone"].choices = [("", _("the club, else the club group")), *zone_choices()]
        fields["event"].choices = [("", _("Choose…")), *((name, name) for name in sorted(TYPES))]
        if campaign is not None and campaign.type not in KINDS:  # made over the API
            fields["type"].choices = [(campaign.type, campaign.get_type_display())]
        segments = Segment.objects.kept().order_by("name").only("pk", "name", "member_count")
        choices = [(str(one.pk), f"{one.name} ({one.member_count:,})") for one in segments]
        fields["segment_ids"].choices = fields["excluded_segment_ids"].choices = choices
        self.variants = [VariantForm(*args, prefix=name, initial=one, templates=self._templates()) for name, one in
                         zip(VARIANT_NAMES, _variants(campaign), strict=True)]  # fmt: skip
        if campaign is not None and campaign.status != CampaignStatus.DRAFT:
            for name, one in fields.items():
                one.disabled = name not in (*LOCKED, "etag")
            for variant in self.variants:
                variant.lock()

    def _templates(self) -> dict[str, list[tuple[str, str]]]:
        """The choices of each channel. One statement for all variants."""
        if not hasattr(self, "_known"):
            found: dict[str, list[tuple[str, str]]] = {channel: [] for channel in Channel.values}
            for row in MessageTemplate.objects.kept().order_by("name").only("pk", "name", "channel"):
                found[row.channel].append((str(row.pk), row.name))
            self._known = found
        return self._known

    def is_valid(self) -> bool:
        mine, theirs = super().is_valid(), [one.is_valid() for one in self.variants]
        return mine and all(theirs)

    def zone(self) -> ZoneInfo:
        """Whose clock the times of the form are of."""
        club = self.cleaned_data.get("club")
        name = self.cleaned_data.get("timezone") or (club.timezone if club else "")
        return ZoneInfo(name or current_tenant().timezone)

    def writes(self) -> dict[str, Any]:
        """What goes to the services, by their names."""
        data, club = self.cleaned_data, self.cleaned_data["club"]
        found = {name: data[name] for name in PLAIN} | {"club_id": club.pk if club else None}
        for name in ("scheduled_at", "recur_end_at"):
            at = data[name]
            found[name] = at.replace(tzinfo=self.zone()).astimezone(UTC) if at and not at.tzinfo else at
        found["segment_ids"] = [UUID(one) for one in data["segment_ids"]]
        found["excluded_segment_ids"] = [UUID(one) for one in data["excluded_segment_ids"]]
        if data["type"] != CampaignType.RECURRING:
            found["recur_pattern"], found["recur_end_at"] = "", None
        found["trigger"] = (
            {"event": data["event"]} if data["type"] == CampaignType.TRIGGERED and data["event"] else {}
        )
        return found

    def said(self) -> list[dict[str, Any]]:
        """The variants that say something; the first in any case."""
        first, *rest = self.variants
        return [first.writes(), *(one.writes() for one in rest if one.says_something())]


class VariantForm(PlainLabels, forms.Form):
    """One way of saying it: a template a channel, and another subject where only that is tried out."""

    subject = forms.CharField(
        label=_("Subject instead of the template’s"), max_length=300, required=False,
        widget=forms.TextInput(attrs={"data-wide": ""}),
    )  # fmt: skip
    weight = forms.IntegerField(label=_("Share"), min_value=1, max_value=100, required=False)

    def __init__(self, *args: Any, templates: dict[str, list[tuple[str, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for channel, column in TEMPLATES.items():
            self.fields[column] = forms.ChoiceField(
                label=Channel(channel).label,
                required=False,
                choices=[("", _("Nothing")), *templates[channel]],
            )

    def lock(self) -> None:
        for one in self.fields.values():
            one.disabled = True

    def by_channel(self) -> Iterator[tuple[str, Any]]:
        for channel, column in TEMPLATES.items():
            yield channel, self[column]

    @property
    def is_used(self) -> bool:
        """Whether it says something, as it is shown."""
        return any(self[name].value() for name in (*TEMPLATES.values(), "subject"))

    def says_something(self) -> bool:
        return any(self.cleaned_data.get(name) for name in (*TEMPLATES.values(), "subject"))

    def writes(self) -> dict[str, Any]:
        data = self.cleaned_data
        chosen = {column: UUID(data[column]) if data[column] else None for column in TEMPLATES.values()}
        return {"subject": data["subject"], "weight": data["weight"] or 1, **chosen}


def initial_of(campaign: Campaign) -> dict[str, Any]:
    """A campaign as its form shows it, times by its own clock."""
    found: dict[str, Any] = {name: getattr(campaign, name) for name in PLAIN}
    for name in ("scheduled_at", "recur_end_at"):
        at = getattr(campaign, name)
        found[name] = at.astimezone(campaign.zone).strftime("%Y-%m-%dT%H:%M") if at else None
    return {
        **found, "club": campaign.club_id, "event": campaign.trigger.get("event", ""), "etag": campaign.etag,
        "segment_ids": [str(pk) for pk in campaign.segment_ids],
        "excluded_segment_ids": [str(pk) for pk in campaign.excluded_segment_ids],
    }  # fmt: skip


def _variants(campaign: Campaign | None) -> list[dict[str, Any]]:
    """What is there, and nothing up to the most that there may be. One statement."""
    rows = CampaignVariant.objects.filter(campaign=campaign).order_by("name") if campaign else []
    known = [
        {
            "subject": one.subject,
            "weight": one.weight,
            **{name: getattr(one, name) for name in TEMPLATES.values()},
        }
        for one in rows
    ]
    return [*known, *({} for _name in VARIANT_NAMES[len(known) :])]
