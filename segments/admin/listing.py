"""Segments > the list: what there is, how many people, how fresh, and what uses it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.errors import CRMError
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy.access import actor, club_refs, may
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.markup import ago, icon
from crm.tenancy.models import Club
from crm.tenancy.permissions import Right
from segments import services
from segments.admin import acts, editing, page
from segments.admin.html import page_url, state_badge, type_badge
from segments.consumers import consumers_of_many
from segments.models import Category, Segment, SegmentType, State


class StateFilter(admin.SimpleListFilter):
    """By how fresh they are; those that are switched off are a state of their own."""

    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [*State.choices, ("OFF", _("Switched off"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "OFF":
            return queryset.filter(is_active=False)
        return (
            queryset.filter(is_active=True).in_state(self.value(), timezone.now())
            if self.value()
            else queryset
        )


class TypeFilter(admin.SimpleListFilter):
    title, parameter_name = _("type"), "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return SegmentType.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(type=self.value()) if self.value() else queryset


class CategoryFilter(admin.SimpleListFilter):
    title, parameter_name = _("category"), "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Category.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(category=self.value()) if self.value() else queryset


class ClubFilter(admin.SimpleListFilter):
    title, parameter_name = _("club"), "club"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(str(club.pk), club.name) for club in Club.objects.order_by("name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        known = {value for value, _name in self.lookup_choices}
        return queryset.filter(club=self.value()) if self.value() in known else queryset


@admin.register(Segment)
class SegmentAdmin(page.SegmentPages, acts.Acts, editing.Editing, StaffModelAdmin):
    view_right, add_right, change_right = Right.VIEW, Right.MARKET, Right.MARKET
    intro = _(
        "Groups of people by what is known of them: by rules that keep themselves up to date, or as lists."
    )
    item_name = _("segment")
    list_display = ("called", "kind", "category", "people", "freshness", "frequency", "used_by", "tools")
    list_filter = (StateFilter, TypeFilter, CategoryFilter, ClubFilter)
    search_fields = ("name", "description")
    search_help_text = _("Part of a name")
    ordering = ("name", "pk")
    actions = ("refresh_chosen", "switch_off", "switch_on")
    change_list_template = "admin/segments/list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.kept().select_related("club")

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        """Staff of some clubs see the segments of their clubs and those of none."""
        refs = club_refs(request)
        return rows if refs is None else rows.filter(Q(club=None) | Q(club__refs__overlap=refs))

    def has_market_permission(self, request: HttpRequest) -> bool:
        return may(request, Right.MARKET)

    def row_url(self, row: Segment) -> str:
        return page_url(row.pk)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(
            request, {"may_edit": may(request, Right.MARKET), **(extra_context or {})}
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's rows with what uses them."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        users = consumers_of_many([row.pk for row in found.result_list])
        for row in found.result_list:
            row.users, row.may_edit = users.get(row.pk, []), may(request, Right.MARKET)
        return found

    @admin.display(description=_("Segment"), ordering="name")
    def called(self, row: Segment) -> Any:
        more = row.description or row.club or ""
        return format_html(
            '<span class="person-text"><span>{}</span><small>{}</small></span>', row.name, more
        )

    @admin.display(description=_("Type"), ordering="type")
    def kind(self, row: Segment) -> Any:
        return type_badge(row)

    @admin.display(description=_("Category"), ordering="category")
    def category(self, row: Segment) -> Any:
        return row.get_category_display()

    @admin.display(description=_("People"), ordering="member_count")
    def people(self, row: Segment) -> Any:
        return format_html('<span class="number">{}</span>', f"{row.member_count:,}")

    @admin.display(description=_("Freshness"), ordering=F("refreshed_at").desc(nulls_last=True))
    def freshness(self, row: Segment) -> Any:
        """In words and colour, with the error of one that is broken, else since when."""
        said: Any = Truncator(row.refresh_error).chars(32) or ago(row.refreshed_at, _t("never"))
        return format_html(
            '{} <span class="small faint" title="{}">{}</span>', state_badge(row), row.refresh_error, said
        )

    @admin.display(description=_("Worked out"), ordering="refresh_frequency")
    def frequency(self, row: Segment) -> Any:
        return "–" if row.is_list else row.get_refresh_frequency_display()

    @admin.display(description=_("Used by"))
    def used_by(self, row: Any) -> Any:
        if not row.users:
            return format_html('<span class="faint">{}</span>', "–")
        names = ", ".join(user.name for user in row.users)
        return format_html(
            '<span title="{}">{}</span>', names, names if len(names) < 40 else f"{names[:38]}…"
        )

    @admin.display(description="", empty_value="")
    def tools(self, row: Any) -> Any:
        """What is done with a segment most often: buttons of the list's form that send it elsewhere."""
        if not row.may_edit:
            return ""
        done = (("refresh", _t("Refresh %s"), "refresh-cw"), ("clone", _t("Clone %s"), "copy"))
        buttons = [
            (reverse(f"admin:segments_segment_{act}", args=[row.pk]), words % row.name, icon(symbol))
            for act, words, symbol in done
            if not (act == "refresh" and row.is_list)
        ]
        shown = format_html_join(
            "", '<button type="submit" formaction="{}" aria-label="{}">{}</button>', buttons
        )
        return format_html('<span class="row-tools">{}</span>', shown)

    # --- several at once
    @admin.action(description=_("Refresh"), permissions=["market"])
    def refresh_chosen(self, request: HttpRequest, queryset: Any) -> None:
        for segment in queryset.in_use():
            segment.ask_for_refresh()
        nudge_on_commit(services.SWEEP)
        messages.success(request, _t("They are being worked out."))

    @admin.action(description=_("Switch off"), permissions=["market"])
    def switch_off(self, request: HttpRequest, queryset: Any) -> None:
        self._switch(request, queryset, is_active=False)

    @admin.action(description=_("Switch on"), permissions=["market"])
    def switch_on(self, request: HttpRequest, queryset: Any) -> None:
        self._switch(request, queryset, is_active=True)

    def _switch(self, request: HttpRequest, queryset: Any, *, is_active: bool) -> None:
        for segment in queryset:
            try:
                services.change_segment(segment.pk, {"is_active": is_active}, by=actor(request))
            except CRMError as error:
                messages.error(request, f"{segment.name}: {error.message}")
        messages.success(request, _t("Switched on.") if is_active else _t("Switched off."))
