"""Activity > Timeline: the newest entries of all customers, and the customer filter for dead letters."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from crm.tenancy.admin.base import ReadOnlyAdmin, WhenFilter
from crm.tenancy.markup import SOURCES, ago, icon, source_name
from customers.admin.filters import filters_customers
from customers.admin.html import page_url, person
from customers.visibility import of_visible_people
from timeline.admin import activity_form
from timeline.admin.words import ICONS, type_words
from timeline.models import Activity, Category, InboundEvent
from timeline.subjects import with_subjects


class CategoryFilter(admin.SimpleListFilter):
    title, parameter_name = _("category"), "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Category.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(category=self.value()) if self.value() else queryset


class ActivitySourceFilter(admin.SimpleListFilter):
    title, parameter_name = _("source"), "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(SOURCES.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(source=self.value()) if self.value() else queryset


class OwnActFilter(admin.SimpleListFilter):
    title, parameter_name = _("whose act"), "own"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("1", _("The customer’s own")), ("0", _("Sent, changed or noted"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(counts=self.value() == "1") if self.value() in ("0", "1") else queryset


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_title = _("Timeline")
    intro = _("What happened last, of all customers. A person’s own timeline is on their page.")
    list_display = ("what", "who", "kind", "source_shown", "happened")
    list_display_links = None
    list_filter = (
        CategoryFilter,
        ActivitySourceFilter,
        OwnActFilter,
        ("occurred_at", WhenFilter),
    )
    list_select_related = ("customer",)
    sortable_by = ()
    ordering = ("-occurred_at", "-pk")

    def get_urls(self) -> Any:
        return [*activity_form.urls(self), *super().get_urls()]

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return of_visible_people(request, rows)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        entry = self.get_object(request, object_id)
        if entry is None:
            raise Http404
        return HttpResponseRedirect(page_url(entry.customer_id))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if rows := (getattr(response, "context_data", None) or {}).get("cl"):
            with_subjects(rows.result_list)
        return response

    @admin.display(description=_("What"))
    def what(self, entry: Activity) -> Any:
        symbol, tone = ICONS[Category(entry.category)]
        return format_html(
            '<span class="person"><span class="tone {}">{}</span>{}</span>', tone, icon(symbol), entry.title
        )

    @admin.display(description=_("Customer"))
    def who(self, entry: Activity) -> Any:
        return person(entry.customer)

    @admin.display(description=_("Type"))
    def kind(self, entry: Activity) -> str:
        return type_words(entry.type)

    @admin.display(description=_("Source"))
    def source_shown(self, entry: Activity) -> str:
        return source_name(entry.source)

    @admin.display(description=_("Happened"))
    def happened(self, entry: Activity) -> Any:
        return ago(entry.occurred_at)


@filters_customers
class DeadLettersFilter(admin.SimpleListFilter):
    """Of the customer list: people with events that failed for good."""

    title, parameter_name = _("sync"), "sync"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("dead", _("Has dead letters"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() != "dead":
            return queryset
        return queryset.filter(Exists(InboundEvent.objects.dead().filter(customer=OuterRef("pk"))))
