"""Templates > the list: what there is to say, on which channel, in which languages."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from campaigns import wordings
from campaigns.admin.template_acts import TemplateActs
from campaigns.admin.template_editing import TemplateEditing
from campaigns.models import MessageTemplate
from crm.tenancy.access import club_refs, may
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.markup import ago, badge, icon
from crm.tenancy.models import Club
from crm.tenancy.permissions import Right
from customers.models.consent import Channel

CHANNELS = {
    Channel.EMAIL: ("info", "mail"), Channel.SMS: ("good", "message-square-text"), Channel.PUSH: ("violet", "bell"),
    Channel.WHATSAPP: ("good", "message-circle"),
}  # fmt: skip


class ChannelFilter(admin.SimpleListFilter):
    title, parameter_name = _("channel"), "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(one.value, one.label) for one in CHANNELS]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(channel=self.value()) if self.value() in Channel.values else queryset


class OfClubFilter(admin.SimpleListFilter):
    title, parameter_name = _("club"), "club"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(str(club.pk), club.name) for club in Club.objects.order_by("name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = {value for value, _name in self.lookup_choices}
        return queryset.filter(club=self.value()) if self.value() in known else queryset


@admin.register(MessageTemplate)
class MessageTemplateAdmin(TemplateActs, TemplateEditing, StaffModelAdmin):
    view_right, add_right, change_right = Right.VIEW, Right.MARKET, Right.MARKET
    intro = _("What your messages say, on one channel each and in as many languages as you like.")
    item_name = _("template")
    list_title = _("Templates")
    list_display = ("called", "by_channel", "languages", "of_club", "changed", "tools")
    list_filter = (ChannelFilter, OfClubFilter)
    search_fields = ("name", "description")
    search_help_text = _("Part of a name")
    ordering = ("name", "pk")
    change_list_template = "admin/campaigns/template_list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.kept().select_related("club")

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        """Staff of some clubs see the templates of their clubs and those of none."""
        refs = club_refs(request)
        return rows if refs is None else rows.filter(Q(club=None) | Q(club__refs__overlap=refs))

    def row_url(self, row: MessageTemplate) -> str:
        return reverse("admin:campaigns_messagetemplate_change", args=[row.pk])

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {"may_edit": may(request, Right.MARKET), **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's rows with the languages that they have."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        contents = wordings.latest(row.pk for row in found.result_list)
        for row in found.result_list:
            row.tags, row.may_edit = sorted(contents[row.pk]), may(request, Right.MARKET)
        return found

    @admin.display(description=_("Template"), ordering="name")
    def called(self, row: MessageTemplate) -> Any:
        return format_html(
            '<span class="person-text"><span>{}</span><small>{}</small></span>', row.name, row.description
        )

    @admin.display(description=_("Channel"), ordering="channel")
    def by_channel(self, row: MessageTemplate) -> Any:
        tone, symbol = CHANNELS.get(Channel(row.channel), ("grey", "send"))
        return badge(row.get_channel_display(), tone, symbol)

    @admin.display(description=_("Languages"))
    def languages(self, row: Any) -> Any:
        return (
            format_html_join(" ", '<span class="badge grey">{}</span>', [(one,) for one in row.tags]) or "–"
        )

    @admin.display(description=_("Club"), ordering="club__name")
    def of_club(self, row: MessageTemplate) -> Any:
        return row.club or _t("All clubs")

    @admin.display(description=_("Changed"), ordering="-updated_at")
    def changed(self, row: MessageTemplate) -> Any:
        return ago(row.updated_at)

    @admin.display(description="", empty_value="")
    def tools(self, row: Any) -> Any:
        if not row.may_edit:
            return ""
        address = reverse("admin:campaigns_messagetemplate_clone", args=[row.pk])
        words = _t("Clone %s") % row.name
        return format_html(
            '<span class="row-tools"><button type="submit" formaction="{}" aria-label="{}">{}</button></span>',
            address, words, icon("copy"),
        )  # fmt: skip
