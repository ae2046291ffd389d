"""People > Duplicate candidates: the queue of pairs that may be one person."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import actor, client_ip
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, badge, source_name
from crm.tenancy.models import Club
from crm.tenancy.permissions import Right
from customers import duplicates
from customers.admin.html import person
from customers.admin.pair_words import ATTRIBUTES, in_short, score_words
from customers.admin.review import ReviewPages
from customers.models import CustomerProfile, DuplicateCandidate
from customers.visibility import of_visible_people

TONES = {"OPEN": "warn", "MERGED": "good", "DISMISSED": "grey"}


class StateFilter(admin.SimpleListFilter):
    """What waits for a decision, until something else is asked for."""

    title, parameter_name = _("state"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(value, words) for value, words in DuplicateCandidate.Status.choices if value != "OPEN"]

    def choices(self, changelist: Any) -> Any:
        waiting, *others = super().choices(changelist)
        yield {**waiting, "display": _("To be decided")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(status=self.value()) if self.value() else queryset.waiting()


class BandFilter(admin.SimpleListFilter):
    title, parameter_name = _("likeness"), "band"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return DuplicateCandidate.Band.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(band=self.value()) if self.value() else queryset


class WhyFilter(admin.SimpleListFilter):
    """By what is the same."""

    title, parameter_name = _("reason"), "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        same = [(name, _("Same %s") % words) for name, words in ATTRIBUTES.items()]
        return [*same, ("told", _("Told by a source"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "told":
            return queryset.exclude(source=DuplicateCandidate.FINDER)
        return queryset.filter(reasons__contains=[[self.value(), "SAME"]]) if self.value() else queryset


class ClubFilter(admin.SimpleListFilter):
    """Where either of the two has their home."""

    title, parameter_name = _("club"), "club"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        clubs = list(Club.objects.all())
        self.refs = {str(club.pk): club.refs for club in clubs}
        return [(str(club.pk), club.name) for club in clubs]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        refs = self.refs.get(self.value() or "")
        if refs is None:
            return queryset
        here = CustomerProfile.objects.filter(home_club_ref__in=refs).values("pk")
        return queryset.filter(first__in=here) | queryset.filter(second__in=here)


@admin.register(DuplicateCandidate)
class DuplicateCandidateAdmin(ReviewPages, ReadOnlyAdmin):
    view_right = Right.MERGE
    empty_hint = _("When two people are alike, or share what only one can have, the pair waits here.")
    intro = _(
        "Pairs that may be one person, the surest first. Open one and decide: the next follows by itself."
    )
    list_display = ("one", "other", "likeness", "why", "found", "state")
    list_display_links = ("why",)
    list_filter = (StateFilter, BandFilter, WhyFilter, ClubFilter)
    list_select_related = ("first", "second")
    ordering = (F("score").desc(nulls_last=True), "-created_at", "-id")
    actions = ("dismiss",)

    def row_url(self, row: DuplicateCandidate) -> str:
        return reverse("admin:customers_duplicatecandidate_compare", args=[row.pk])

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return of_visible_people(request, rows, "first", "second")

    @admin.action(description=_("Put aside: not the same person"), permissions=["merge"])
    def dismiss(self, request: HttpRequest, queryset: Any) -> None:
        chosen = DuplicateCandidate.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        count = duplicates.dismiss(chosen, by=actor(request), ip=client_ip(request))
        messages.success(request, _t("%s pairs put aside.") % count)

    @admin.display(description=_("One"))
    def one(self, row: DuplicateCandidate) -> Any:
        return person(row.first)

    @admin.display(description=_("Other"))
    def other(self, row: DuplicateCandidate) -> Any:
        return person(row.second)

    @admin.display(description=_("Likeness"))
    def likeness(self, row: DuplicateCandidate) -> Any:
        if row.band == DuplicateCandidate.Band.AUTO:
            return badge(_t("Certain"), "good")
        return format_html('<span class="number">{}</span>', score_words(row))

    @admin.display(description=_("Reason"))
    def why(self, row: DuplicateCandidate) -> str:
        words = capfirst(in_short(row)) or _t("Compare")
        by = "" if row.source in ("", DuplicateCandidate.FINDER) else source_name(row.source)
        return f"{words} ({by})" if by else words

    @admin.display(description=_("Found"))
    def found(self, row: DuplicateCandidate) -> Any:
        return ago(row.created_at)

    @admin.display(description=_("State"))
    def state(self, row: DuplicateCandidate) -> Any:
        return badge(row.get_status_display(), TONES[row.status])
