"""People > Customers: the list, a person's page, adding, editing, deleting."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.errors import Conflict, CustomerNotFound
from crm.tenancy.access import LATELY, actor, may, posted, queried, record, record_look, require
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.audit import ONE_LOOK
from crm.tenancy.markup import ago, avatar, money
from crm.tenancy.masks import Personal
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_eyes, current_tenant
from customers.admin import consents, merging, page, saved, tagging
from customers.admin.custom_values import own_columns
from customers.admin.editing import edit_page
from customers.admin.export import export_page, export_url
from customers.admin.filters import (
    ActiveFilter,
    ConsentFilter,
    FlagFilter,
    HomeClubFilter,
    ScoreFilter,
    SourceFilter,
    StageFilter,
    StatusFilter,
    TagFilter,
    TypeFilter,
    added_filters,
    added_links,
)
from customers.admin.finder import find_view
from customers.admin.html import consent_lights, flag_badges, page_url, row_tools, stage_badge
from customers.admin.inline import field_view
from customers.admin.own_filters import own_filters
from customers.models import CustomerProfile
from customers.search import exactly, matching
from customers.services import delete_customer, restore_customer
from customers.visibility import visible_customer, visible_people


@admin.register(CustomerProfile)
class CustomerAdmin(StaffModelAdmin):
    view_right, add_right, change_right = Right.VIEW, Right.EDIT, Right.EDIT
    list_display = ("name", "phone", "stage", "membership", "consent", "value", "active", "created", "tools")
    list_filter = (
        StatusFilter, StageFilter, ActiveFilter, ScoreFilter, ConsentFilter, HomeClubFilter, FlagFilter, TypeFilter,
        TagFilter, SourceFilter,
    )  # fmt: skip
    search_fields = ("last_name",)  # turns search on; customers.search does it
    change_list_template = "admin/customers/list.html"
    actions = ("tag_chosen", "merge_chosen")

    def get_urls(self) -> Any:
        def at(name: str, view: Any, address: str = "", *, posted: bool = True) -> Any:
            wrapped = self.admin_site.admin_view(require_POST(view) if posted else view)
            return path(address or f"<uuid:pk>/{name}/", wrapped, name=f"customers_customerprofile_{name}")

        return [
            at("export", self.export_view, "export/", posted=False),
            at("find", find_view, "find/", posted=False),
            at("save_view", self.save_view, "views/"),
            at("change_view", saved.change, "views/<uuid:pk>/"),
            at("remove_view", saved.remove, "views/<uuid:pk>/remove/"),
            at("detail", self.detail_view, "<uuid:pk>/", posted=False),
            at("live", self.live_view, posted=False),
            at("field", self.field_view, posted=False),
            at("remove", self.remove_view),
            at("restore", self.restore_view),
            at("tags", self.tags_view),
            at("mark", self.mark_view),
            at("merge", self.merge_view, posted=False),
            at("unmerge", merging.undo_view, "<uuid:pk>/merges/<uuid:merge>/undo/"),
            at("erase", self.erase_view, posted=False),
            at("data", self.data_view),
            at("lock", self.lock_view),
            at("request", self.request_view),
            at("guardian", self.guardian_view),
            at("objection", self.objection_view),
            at("lift", self.lift_view, "<uuid:pk>/lift-suppression/"),
            *super().get_urls(),
        ]

    # --- the list
    def get_queryset(self, request: HttpRequest) -> Any:
        return visible_people(request).select_related("metrics").order_by(*self.get_ordering(request))

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns, with those of the tenant's own fields last. One statement, once a request."""
        masks = current_eyes().masks
        columns = [name for name in self.list_display if not (name == "value" and Personal.SCORES in masks)]
        if Personal.CUSTOM_FIELDS in masks:
            return columns
        at = columns.index("created")
        return [*columns[:at], *own_columns(request), *columns[at:]]

    def get_ordering(self, request: HttpRequest) -> Any:
        return [F("metrics__last_activity_at").desc(nulls_last=True), "-pk"]

    def get_list_filter(self, request: HttpRequest) -> Any:
        return (*self.list_filter, *added_filters, *own_filters(request))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The tenant is named for the metrics too, so that their index gives the order."""
        queryset = queryset.filter(metrics__tenant=current_tenant())
        return (queryset.filter(matching(search_term)) if search_term.strip() else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """An identifier in full opens its owner's page at once."""
        term = queried(request, "q")
        if term.strip() and set(request.GET) == {"q"} and self.has_view_permission(request):
            found = exactly(term)
            if len(found) == 1 and self.get_queryset(request).filter(pk=found[0]).exists():
                return HttpResponseRedirect(page_url(found[0]))
        response = super().changelist_view(request, extra_context)
        if rows := (getattr(response, "context_data", None) or {}).get("cl"):
            filters = sorted(set(request.GET) - {"q", "p", "o", "e"})
            looked_at = {"shown": len(rows.result_list), "page": rows.page_num, "filters": filters}
            query = (
                rows.get_query_string(remove=["p", "o", "e", "all"])
                if rows.has_active_filters or term
                else ""
            )
            response.context_data["links"] = [link for make in added_links if (link := make(request, query))]
            response.context_data["views"] = saved.above(request, rows)
            response.context_data["export_url"] = export_url(rows) if may(request, Right.EXPORT) else ""
            record_look(
                request, "customer.listed", CustomerProfile, after={**looked_at, "searched": bool(term)}
            )
        return response

    @admin.action(description=_("Tag…"), permissions=["change"])
    def tag_chosen(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return tagging.tag_chosen(self, request, queryset.filter(processing_restricted_at=None))

    @admin.action(description=_("Merge…"), permissions=["merge"])
    def merge_chosen(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return merging.merge_chosen(self, request, queryset)

    def merge_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return merging.merge_page(request, self, pk)

    def save_view(self, request: HttpRequest) -> HttpResponse:
        return saved.save(request, self)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        return export_page(request, self)

    @admin.display(description=_("Name and e-mail"), ordering="last_name")
    def name(self, profile: CustomerProfile) -> Any:
        return format_html(
            '<span class="person">{}<span class="person-text"><span>{} {}</span><small>{}</small></span></span>',
            avatar(profile.initials, profile.pk), profile, flag_badges(profile),
            profile.email_display or profile.email or _t("no e-mail"),
        )  # fmt: skip

    @admin.display(description=_("Phone"))
    def phone(self, profile: CustomerProfile) -> str:
        return profile.phone_number or "–"

    @admin.display(description=_("Stage"), ordering="lifecycle_stage")
    def stage(self, profile: CustomerProfile) -> Any:
        return stage_badge(profile)

    @admin.display(description=_("Membership"), ordering="membership_tier")
    def membership(self, profile: CustomerProfile) -> str:
        return " · ".join(word for word in (profile.membership_tier, profile.home_club_name) if word) or "–"

    @admin.display(description=_("Consent"))
    def consent(self, profile: CustomerProfile) -> Any:
        return consent_lights(profile)

    @admin.display(description=_("Lifetime value"), ordering="metrics__lifetime_value_cents")
    def value(self, profile: CustomerProfile) -> str:
        return money(profile.metrics.lifetime_value_cents or None, current_tenant().currency) or "–"

    @admin.display(description="", empty_value="")
    def tools(self, profile: CustomerProfile) -> Any:
        return row_tools(profile)

    @admin.display(
        description=_("Last active"), ordering=F("metrics__last_activity_at").desc(nulls_last=True)
    )
    def active(self, profile: CustomerProfile) -> Any:
        return ago(profile.metrics.last_activity_at)

    @admin.display(description=_("Known since"), ordering="created_at")
    def created(self, profile: CustomerProfile) -> Any:
        return ago(profile.created_at)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        return ("name",)

    # --- a person's page
    def profile_or_404(
        self, request: HttpRequest, pk: UUID, *, even_restricted: bool = False
    ) -> tuple[CustomerProfile, UUID | None]:
        """The visible customer, or the one they were merged into; Admins see deleted people too."""
        require(request, Right.VIEW)
        try:
            return visible_customer(
                request, pk, include_deleted=may(request, Right.DELETE), even_restricted=even_restricted
            )
        except CustomerNotFound:
            raise Http404 from None

    def detail_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        profile, merged_from = self.profile_or_404(request, pk)
        if merged_from:
            messages.info(request, _t("The profile you asked for was merged into this one."))
            return HttpResponseRedirect(page_url(profile.pk))
        is_part = request.headers.get("X-Requested-With") == "fetch"
        self.note_view(request, profile, is_part=is_part)
        if is_part:
            tab = page.opened_tab(request, profile)
            return TemplateResponse(request, "admin/customers/main.html", {**tab, **self.rights(request)})
        middle = page.middle(request, profile)  # first, because it settles what the bar counts
        context = {
            **self.admin_site.each_context(request),
            **middle,
            **page.around(request, profile),
            **self.rights(request),
            "suggested": tagging.suggested() if may(request, Right.EDIT) else [],
            "title": str(profile),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/customers/customer.html", context)

    def live_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """What changed on an open page, or 204 when nothing did."""
        profile, _merged_from = self.profile_or_404(request, pk)
        middle = page.middle(request, profile)
        if middle["digest"] == queried(request, "digest", most=20_000):
            return HttpResponse(status=204)
        self.note_view(request, profile, is_part=True)
        context = {**middle, **page.around(request, profile), **self.rights(request)}
        return TemplateResponse(request, "admin/customers/live.html", context)

    def note_view(self, request: HttpRequest, profile: CustomerProfile, *, is_part: bool) -> None:
        """Every opening of the page is in the audit log; its refreshes are the same view going on."""
        record_look(request, "customer.viewed", profile, within=LATELY if is_part else ONE_LOOK)

    def rights(self, request: HttpRequest) -> dict[str, bool]:
        return {
            "may_note": may(request, Right.NOTE),
            "may_edit": may(request, Right.EDIT),
            "may_delete": may(request, Right.DELETE),
            "may_merge": may(request, Right.MERGE),
        }

    # --- writing, through the services
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        require(request, Right.EDIT)
        try:
            profile, _merged_from = self.profile_or_404(request, UUID(object_id))
        except ValueError:
            raise Http404 from None
        return edit_page(request, self, profile)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        require(request, Right.EDIT)
        return edit_page(request, self, None)

    def field_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return field_view(request, self.profile_or_404(request, pk)[0])

    def tags_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return tagging.tag_person(request, self.profile_or_404(request, pk)[0])

    def mark_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return tagging.mark_person(request, self.profile_or_404(request, pk)[0])

    def erase_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return consents.rights.erase_page(
            request, self, self.profile_or_404(request, pk, even_restricted=True)[0]
        )

    def data_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return consents.rights.data_view(request, self.profile_or_404(request, pk, even_restricted=True)[0])

    def lock_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return consents.rights.lock_view(request, self.profile_or_404(request, pk, even_restricted=True)[0])

    def request_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return consents.rights.request_view(
            request, self.profile_or_404(request, pk, even_restricted=True)[0]
        )

    def guardian_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return consents.rights.guardian_view(request, self.profile_or_404(request, pk)[0])

    def objection_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return consents.objection_view(request, self.profile_or_404(request, pk, even_restricted=True)[0])

    def lift_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return consents.lift_view(request, self.profile_or_404(request, pk)[0])

    def remove_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        require(request, Right.DELETE)
        profile, _merged_from = self.profile_or_404(request, pk)
        delete_customer(profile.pk, by=actor(request), reason=posted(request, "reason", most=200))
        record(request, "customer.deleted", profile, after={"reason": posted(request, "reason", most=200)})
        messages.success(
            request, _t("%s is deleted and out of every list. The page stays, to restore them.") % profile
        )
        return HttpResponseRedirect(page_url(profile.pk))

    def restore_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        require(request, Right.DELETE)
        profile, _merged_from = self.profile_or_404(request, pk)
        try:
            restore_customer(profile.pk, by=actor(request))
        except Conflict as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(page_url(profile.pk))
        record(request, "customer.restored", profile)
        messages.success(request, _t("%s is back.") % profile)
        return HttpResponseRedirect(page_url(profile.pk))

    def row_url(self, profile: CustomerProfile) -> str:
        return page_url(profile.pk)
