"""Golf and Shop: the lists of what sources told about people, and those facts on a person's page. Read only."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import club_refs
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, badge, money
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

STATUS_TONES = {
    "BOOKED": "info", "COMPLETED": "good", "CANCELLED": "grey", "NO_SHOW": "bad", "PAID": "good", "RECEIVED": "good",
    "CREATED": "info", "REFUNDED": "warn", "FAILED": "bad", "OVERDUE": "bad", "SENT": "info", "WON": "good",
    "LOST": "grey", "OPEN": "warn", "RESOLVED": "good", "ACTIVE": "good", "ENTERED": "info", "WITHDRAWN": "grey",
    "PUBLISHED": "good", "FULL": "warn", "LAPSED": "warn", "SUSPENDED": "bad",
}  # fmt: skip


def status_badge(row: Any) -> Any:
    """The row's status in words, coloured by what it means."""
    status = row.status
    words = (
        row.get_status_display()
        if hasattr(row, "get_status_display")
        else status.replace("_", " ").capitalize()
    )
    return badge(words, STATUS_TONES.get(status.upper(), "grey"))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list of facts; `show` turns a row into what is displayed."""

    title: Any
    show: Any
    is_number: bool = False
    ordering: Any = None


def plain(title: Any, name: str) -> Column:
    return Column(title, lambda row: getattr(row, name) or "–")


def when(title: Any, name: str) -> Column:
    return Column(title, lambda row: ago(getattr(row, name)), ordering=name)


def amount(title: Any, name: str) -> Column:
    return Column(title, lambda row: money(getattr(row, name), row.currency) or "–", is_number=True)


def club_name(row: Any) -> str:
    return getattr(row, "club_name", "") or row.club_ref or "–"


STATUS = Column(_("Status"), status_badge)
KEY = Column(_("Source id"), lambda row: format_html('<span class="mono faint">{}</span>', row.key))
COLUMNS: dict[type[Model], list[Column]] = {
    Booking: [
        when(_("Tee time"), "tee_time"), Column(_("Club"), club_name), plain(_("Course"), "course_name"),
        plain(_("Holes"), "holes"), Column(_("Party"), lambda row: len(row.party) or "–", is_number=True),
        amount(_("Amount"), "amount_cents"), STATUS,
    ],
    Membership: [
        plain(_("Club"), "club_ref"), plain(_("Tier"), "tier"), plain(_("Type"), "type"),
        when(_("Since"), "joined_on"), when(_("Until"), "left_on"), STATUS,
    ],
    CompetitionEntry: [
        plain(_("Competition"), "competition_key"), plain(_("Club"), "club_ref"), when(_("Entered"), "entered_at"),
        plain(_("Place"), "position"), plain(_("Score"), "score"), STATUS,
    ],
    ClubEvent: [
        plain(_("Name"), "name"), plain(_("Kind"), "kind"), plain(_("Club"), "club_ref"),
        when(_("Starts"), "starts_on"), plain(_("Format"), "format"), plain(_("Places"), "max_entries"), STATUS,
    ],
    Order: [
        when(_("Placed"), "placed_at"), KEY, Column(_("Items"), lambda row: len(row.items) or "–", is_number=True),
        amount(_("Total"), "total_cents"), amount(_("Refunded"), "refunded_cents"), STATUS,
    ],
    Payment: [
        when(_("Paid"), "paid_at"), KEY, amount(_("Amount"), "amount_cents"), plain(_("Invoice"), "invoice_key"),
        plain(_("Failure"), "failure_reason"), STATUS,
    ],
    Invoice: [
        when(_("Due"), "due_at"), KEY, amount(_("Amount"), "amount_cents"),
        plain(_("Days overdue"), "days_overdue"), STATUS,
    ],
    Deal: [KEY, amount(_("Value"), "value_cents"), plain(_("Reason"), "reason"), STATUS],
    Ticket: [plain(_("Subject"), "subject"), plain(_("Mood"), "sentiment"), when(_("Opened"), "opened_at"),
             when(_("Resolved"), "resolved_at"), STATUS],
}  # fmt: skip


class StatusOfFact(admin.SimpleListFilter):
    """The statuses that a fact can have, without asking the table for them."""

    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        field = model_admin.model._meta.get_field("status")
        return field.choices or [
            (name, name.replace("_", " ").capitalize()) for name in WORDS[model_admin.model]
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(status=self.value()) if self.value() else queryset


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


class FactAdmin(ReadOnlyAdmin):
    """A list of facts, newest first; a row leads to its person."""

    about_people = True
    list_display_links = None
    list_filter = (StatusOfFact,)
    list_select_related: ClassVar[Any] = ("customer",)
    search_fields = ("key",)
    search_help_text = _("Id in the source system")

    def get_ordering(self, request: HttpRequest) -> Any:
        told = NEWEST_FIRST.get(self.model)
        return [F(told).desc(nulls_last=True), "-pk"] if told else ["-pk"]

    def __init__(self, model: type[Model], site: admin.AdminSite) -> None:
        super().__init__(model, site)
        columns: list[Any] = [_display(column) for column in COLUMNS[model]]
        self.list_display = [self.who, *columns] if self.about_people else columns

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


def _display(column: Column) -> Any:
    def show(row: Any) -> Any:
        return column.show(row)

    show.__name__ = str(column.title)
    return admin.display(description=column.title)(show)


class ClubEventAdmin(FactAdmin):
    about_people = False
    list_select_related = False


for model in COLUMNS:
    admin.site.register(model, ClubEventAdmin if model is ClubEvent else FactAdmin)
