"""Marketing > Campaigns: what is planned, under way and over, with how it went."""

from typing import Any

from django.contrib import admin
from django.db.models import Case, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from campaigns import statistics
from campaigns.admin import acts, calendar, editing, page
from campaigns.admin.html import campaign_badge, campaign_url, channel_icons
from campaigns.models import Campaign, CampaignRun, CampaignStatus, CampaignType
from crm.tenancy.access import club_refs, may
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.markup import ago, icon
from crm.tenancy.models import Club
from crm.tenancy.permissions import Right

SHELVES = {  # what staff call a group of states
    "planned": (_("Drafts and planned"), (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED)),
    "running": (_("Under way"), (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)),
    "sent": (_("Sent"), (CampaignStatus.COMPLETED,)),
    "cancelled": (_("Cancelled"), (CampaignStatus.CANCELLED,)),
}
FIRST = Case(  # what wants somebody's eye comes first
    When(status=CampaignStatus.PAUSED, then=Value(0)),
    When(status=CampaignStatus.ACTIVE, then=Value(1)),
    When(status=CampaignStatus.SCHEDULED, then=Value(2)),
    When(status=CampaignStatus.DRAFT, then=Value(3)),
    default=Value(4),
    output_field=IntegerField(),
)


class ShelfFilter(admin.SimpleListFilter):
    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(key, words) for key, (words, _statuses) in SHELVES.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        shelf = SHELVES.get(self.value() or "")
        return queryset.filter(status__in=shelf[1]) if shelf else queryset


class TypeFilter(admin.SimpleListFilter):
    title, parameter_name = _("type"), "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return CampaignType.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(type=self.value()) if self.value() else queryset


class ClubFilter(admin.SimpleListFilter):
    title, parameter_name = _("club"), "club"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(str(club.pk), club.name) for club in Club.objects.order_by("name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = {value for value, _name in self.lookup_choices}
        return queryset.filter(club=self.value()) if self.value() in known else queryset


@admin.register(Campaign)
class CampaignAdmin(page.CampaignPages, acts.Acts, editing.Editing, calendar.Calendar, StaffModelAdmin):
    view_right, add_right, change_right = Right.VIEW, Right.MARKET, Right.MARKET
    intro = _("Something to say to some people: once, again and again, or whenever something happens.")
    item_name = _("campaign")
    list_display = ("called", "state", "channels_shown", "when", "audience", "results", "tools")
    list_filter = (ShelfFilter, TypeFilter, ClubFilter)
    search_fields = ("name", "description")
    search_help_text = _("Part of a name")
    change_list_template = "admin/campaigns/list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.kept().select_related("club")

    def get_ordering(self, request: HttpRequest) -> Any:
        return (FIRST, Coalesce("started_at", "scheduled_at", "updated_at").desc(), "pk")

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        """Staff of some clubs see the campaigns of their clubs and those of none."""
        refs = club_refs(request)
        return rows if refs is None else rows.filter(Q(club=None) | Q(club__refs__overlap=refs))

    def row_url(self, row: Campaign) -> str:
        return campaign_url(row.pk)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        words = {"may_edit": may(request, Right.MARKET), **(extra_context or {})}
        return super().changelist_view(request, words)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's rows with their numbers. One statement more."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        runs: dict[Any, list[CampaignRun]] = {}
        for run in CampaignRun.objects.filter(campaign__in=[row.pk for row in found.result_list]):
            runs.setdefault(run.campaign_id, []).append(run)
        for row in found.result_list:
            row.totals = statistics.totals(runs.get(row.pk, []))
            row.may_edit = may(request, Right.MARKET)
        return found

    @admin.display(description=_("Campaign"), ordering="name")
    def called(self, row: Campaign) -> Any:
        parts = [str(row.get_type_display()), str(row.club) if row.club else "", row.description]
        more = " · ".join(part for part in parts if part)
        return format_html(
            '<span class="person-text"><span>{}</span><small>{}</small></span>', row.name, more
        )

    @admin.display(description=_("State"), ordering="status")
    def state(self, row: Campaign) -> Any:
        why = row.get_pause_reason_display() if row.status == CampaignStatus.PAUSED else ""
        return format_html('{} <span class="small faint">{}</span>', campaign_badge(row), why)

    @admin.display(description=_("Channels"))
    def channels_shown(self, row: Campaign) -> Any:
        return channel_icons(row.channels)

    @admin.display(description=_("When"), ordering=Coalesce("started_at", "scheduled_at"))
    def when(self, row: Campaign) -> Any:
        if row.started_at:
            return ago(row.started_at)
        return (
            ago(row.scheduled_at, _t("no time yet")) if row.type != CampaignType.TRIGGERED else _t("by event")
        )

    @admin.display(description=_("People"))
    def audience(self, row: Any) -> Any:
        target = row.totals["target"]
        return format_html('<span class="number">{}</span>', f"{target:,}" if target else "–")

    @admin.display(description=_("Sent, opened, clicked"))
    def results(self, row: Any) -> Any:
        """Shares of what was delivered, by people; nothing before anything was sent."""
        totals, rates = row.totals, statistics.rates(row.totals)
        if not totals["sent"]:
            return "–"
        shown = [(f"{totals['sent']:,}", _t("sent"))]
        shown += [
            (f"{rates[name]:.0f} %", words)
            for name, words in (("openRate", _t("opened")), ("clickRate", _t("clicked")))
            if rates[name] is not None
        ]
        parts = format_html_join("", "<span><b>{}</b> {}</span>", shown)
        return format_html('<span class="results">{}</span>', parts)

    @admin.display(description="", empty_value="")
    def tools(self, row: Any) -> Any:
        if not row.may_edit:
            return ""
        url = reverse("admin:campaigns_campaign_clone", args=[row.pk])
        return format_html(
            '<span class="row-tools"><button type="submit" formaction="{}" aria-label="{}">{}</button></span>',
            url, _t("Clone %s") % row.name, icon("copy"),
        )  # fmt: skip
