"""Golf and Shop: the lists of what sources told about people. Read only."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, Model, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import club_refs
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import money
from crm.tenancy.models import Club
from customers.admin.columns import COLUMNS, SUMMED, Column, name_places, said
from customers.admin.html import person
from customers.models import (
    Booking,
    ClubEvent,
    CompetitionEntry,
    Deal,
    Invoice,
    Membership,
    Order,
    Payment,
    Ticket,
)
from customers.visibility import visible_people

NEWEST_FIRST: dict[Any, str] = {
    Booking: "tee_time",
    Membership: "joined_on",
    CompetitionEntry: "entered_at",
    ClubEvent: "starts_on",
    Order: "placed_at",
    Payment: "paid_at",
    Invoice: "due_at",
    Ticket: "opened_at",
}
WORDS: dict[type[Model], tuple[str, ...]] = {
    Membership: ("ACTIVE", "SUSPENDED", "LAPSED", "RESIGNED"),
    CompetitionEntry: ("ENTERED", "WITHDRAWN", "COMPLETED"),
    ClubEvent: ("PUBLISHED", "FULL", "CANCELLED"),
    Payment: ("RECEIVED", "FAILED"),
    Invoice: ("SENT", "OVERDUE", "PAID"),
    Deal: ("WON", "LOST"),
    Ticket: ("OPEN", "RESOLVED"),
}
TITLES: dict[type[Model], Any] = {Ticket: _("Support tickets")}


class StatusOfFact(admin.SimpleListFilter):
    """The statuses that a fact can have, without asking the table for them."""

    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        field = model_admin.model._meta.get_field("status")
        return field.choices or [(name, said(name)) for name in WORDS[model_admin.model]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(status=self.value()) if self.value() else queryset


class ClubOfFact(admin.SimpleListFilter):
    """The clubs of the tenant, each with all the ids that sources use for it. One statement."""

    title, parameter_name = _("club"), "club"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        clubs = list(Club.objects.order_by("name"))
        self.refs = {str(club.pk): club.refs for club in clubs}
        return [(str(club.pk), club.name) for club in clubs]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        return queryset.filter(club_ref__in=self.refs.get(chosen, [])) if chosen else queryset


class DayOfFact(admin.SimpleListFilter):
    """Days around today by the tenant's clock, on the time that the list is ordered by: a range of its index."""

    title, parameter_name = _("when"), "when"
    spans: ClassVar[dict[str, tuple[Any, int, int]]] = {
        "today": (_("Today"), 0, 1),
        "tomorrow": (_("Tomorrow"), 1, 2),
        "week": (_("Next 7 days"), 0, 7),
        "past-week": (_("Past 7 days"), -7, 1),
        "past-month": (_("Past 30 days"), -30, 1),
        "past-year": (_("Past 365 days"), -365, 1),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _first, _last) in self.spans.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if (span := self.spans.get(self.value() or "")) is None:
            return queryset
        field = queryset.model._meta.get_field(NEWEST_FIRST[queryset.model])
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        first, end = (midnight + timedelta(days=days) for days in span[1:])
        if field.get_internal_type() == "DateField":
            first, end = first.date(), end.date()  # type: ignore[assignment]
        return queryset.filter(**{f"{field.name}__gte": first, f"{field.name}__lt": end})


class FactAdmin(ReadOnlyAdmin):
    """A list of facts, newest first; a row leads to its person."""

    about_people = True
    list_display_links = None
    list_select_related: ClassVar[Any] = ("customer",)
    search_fields = ("key",)
    search_help_text = _("Id in the source system")

    def __init__(self, model: type[Model], site: admin.AdminSite) -> None:
        super().__init__(model, site)
        columns: list[Any] = [display(column, model) for column in COLUMNS[model]]
        self.list_display = [self.who, *columns] if self.about_people else columns
        self.list_title = TITLES.get(model, "")

    def get_list_filter(self, request: HttpRequest) -> Any:
        has_club = any(field.name == "club_ref" for field in self.model._meta.fields)
        when = (DayOfFact,) if self.model in NEWEST_FIRST else ()
        return (*when, *((ClubOfFact,) if has_club else ()), StatusOfFact)

    def get_ordering(self, request: HttpRequest) -> Any:
        told = NEWEST_FIRST.get(self.model)
        return [F(told).desc(nulls_last=True), "-pk"] if told else ["-pk"]

    @admin.display(description=_("Customer"))
    def who(self, row: Any) -> Any:
        return person(row.customer)

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        refs = club_refs(request)
        if refs is None:
            return rows
        if not self.about_people:
            return rows.filter(club_ref__in=refs)
        return rows.filter(customer__in=visible_people(request).values("pk"))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(key=term) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if rows := (getattr(response, "context_data", None) or {}).get("cl"):
            name_places(rows.result_list)
            rows.totals = totals(rows)
        return response


def totals(rows: Any) -> list[str]:
    """What the whole list comes to in each currency; nothing where it is too long to be counted. One statement."""
    column = SUMMED.get(rows.model)
    if column is None or rows.is_capped:
        return []
    sums = rows.queryset.order_by().values("currency").annotate(sum=Sum(column)).order_by("currency")
    return [money(row["sum"], row["currency"]) for row in sums if row["sum"]]


def display(column: Column, model: type[Model]) -> Any:
    """A column as Django's list wants it: its function's name becomes the cells' classes. Sorted by what is indexed."""

    def show(row: Any) -> Any:
        return column.show(row)

    show.__name__ = f"{column.name} number" if column.is_number else column.name
    is_indexed = NEWEST_FIRST.get(model) == column.name
    ordering = F(column.name).desc(nulls_last=True) if is_indexed else None
    return admin.display(description=column.title, ordering=ordering)(show)


class ClubEventAdmin(FactAdmin):
    about_people = False
    list_select_related = False


for model in (Booking, Membership, CompetitionEntry, ClubEvent, Order, Payment, Invoice, Deal, Ticket):
    admin.site.register(model, ClubEventAdmin if model is ClubEvent else FactAdmin)
