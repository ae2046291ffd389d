"""People > Duplicate candidates: pairs that may be one person, compared side by side."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.tenancy.access import record, record_look, require
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, badge, source_name
from crm.tenancy.permissions import Right
from customers.admin.html import person
from customers.admin.kinds import kind_words, reason_words
from customers.models import AliasHolder, CustomerProfile, DuplicateCandidate
from customers.visibility import of_visible_people

TONES = {"OPEN": "warn", "MERGED": "good", "DISMISSED": "grey"}
COMPARED = {
    "full_name": _("Name"),
    "email_display": _("E-mail"),
    "phone_number": _("Phone"),
    "date_of_birth": _("Born"),
    "gender": _("Gender"),
    "country": _("Country"),
    "home_club_name": _("Home club"),
    "membership_tier": _("Tier"),
    "membership_status": _("Membership"),
    "handicap": _("Handicap"),
    "scl_member_id": _("SCL member"),
    "teetime_player_id": _("TeeTime player"),
    "messaging_contact_id": _("Messaging contact"),
    "auth_user_id": _("Log-in"),
    "source": _("First heard from"),
    "created_at": _("Known since"),
}


@dataclass(frozen=True, slots=True)
class Line:
    label: Any
    first: Any
    second: Any

    @property
    def both(self) -> tuple[Any, Any]:
        return self.first, self.second

    @property
    def differs(self) -> bool:
        """Both say something, and not the same; when a profile was made says nothing about the person."""
        told = not isinstance(self.first, datetime)
        return told and bool(self.first and self.second and self.first != self.second)


@admin.register(DuplicateCandidate)
class DuplicateCandidateAdmin(ReadOnlyAdmin):
    view_right = Right.MERGE
    empty_hint = _("When two people share what only one can have, the pair waits here for a decision.")
    intro = _("Pairs that something says are one person. Compare them, and put aside those that are not.")
    list_display = ("one", "other", "why", "told_by", "found", "state")
    list_display_links = ("why",)
    list_filter = ("status",)
    list_select_related = ("first", "second")
    ordering = ("-created_at",)
    actions = ("dismiss",)

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/", view(self.compare_view), name="customers_duplicatecandidate_compare"),
            path(
                "<uuid:pk>/dismiss/",
                view(require_POST(self.dismiss_view)),
                name="customers_duplicatecandidate_dismiss",
            ),
            *super().get_urls(),
        ]

    def row_url(self, row: DuplicateCandidate) -> str:
        return reverse("admin:customers_duplicatecandidate_compare", args=[row.pk])

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return of_visible_people(request, rows, "first", "second")

    def pair_or_404(self, request: HttpRequest, pk: UUID) -> DuplicateCandidate:
        require(request, Right.MERGE)
        pair = (
            self.get_queryset(request)
            .select_related("first__metrics", "second__metrics")
            .filter(pk=pk)
            .first()
        )
        if pair is None:
            raise Http404
        return pair  # type: ignore[no-any-return]

    def compare_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        pair = self.pair_or_404(request, pk)
        for profile in (pair.first, pair.second):
            record_look(request, "customer.viewed", profile, after={"part": "comparison"})
        context = {
            **self.admin_site.each_context(request),
            "title": _t("The same person?"),
            "opts": self.opts,
            "pair": pair,
            "lines": lines(pair.first, pair.second),
            "shared": shared(pair),
            "reason": reason_words(pair.reason),
        }
        return TemplateResponse(request, "admin/customers/compare.html", context)

    def dismiss_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        pair = self.pair_or_404(request, pk)
        self._dismiss(request, DuplicateCandidate.objects.filter(pk=pair.pk))
        return HttpResponseRedirect(reverse("admin:customers_duplicatecandidate_changelist"))

    @admin.action(description=_("Put aside: not the same person"), permissions=["merge"])
    def dismiss(self, request: HttpRequest, queryset: Any) -> None:
        self._dismiss(request, queryset)

    def _dismiss(self, request: HttpRequest, pairs: Any) -> None:
        """Remember the decision: the same pair is not put forward again."""
        count = 0
        for pair in pairs.filter(status=DuplicateCandidate.Status.OPEN):
            count += DuplicateCandidate.objects.filter(
                pk=pair.pk, status=DuplicateCandidate.Status.OPEN
            ).update(status=DuplicateCandidate.Status.DISMISSED)
            record(
                request,
                "duplicatecandidate.dismissed",
                pair,
                after={"first": str(pair.first_id), "second": str(pair.second_id)},
            )
        messages.success(request, _t("%s pairs put aside.") % count)

    @admin.display(description=_("One"))
    def one(self, row: DuplicateCandidate) -> Any:
        return person(row.first)

    @admin.display(description=_("Other"))
    def other(self, row: DuplicateCandidate) -> Any:
        return person(row.second)

    @admin.display(description=_("Reason"))
    def why(self, row: DuplicateCandidate) -> str:
        return capfirst(reason_words(row.reason))

    @admin.display(description=_("Told by"))
    def told_by(self, row: DuplicateCandidate) -> str:
        return source_name(row.source) or "–"

    @admin.display(description=_("Found"), ordering="created_at")
    def found(self, row: DuplicateCandidate) -> Any:
        return ago(row.created_at)

    @admin.display(description=_("State"))
    def state(self, row: DuplicateCandidate) -> Any:
        return badge(row.get_status_display(), TONES[row.status])


def lines(first: CustomerProfile, second: CustomerProfile) -> list[Line]:
    """What the two say, attribute by attribute, where either says anything."""
    found = [Line(label, getattr(first, name), getattr(second, name)) for name, label in COMPARED.items()]
    return [line for line in found if line.first or line.second]


def shared(pair: DuplicateCandidate) -> list[str]:
    """The identifiers that both hold. One statement."""
    held = AliasHolder.objects.filter(customer__in=[pair.first_id, pair.second_id]).select_related("alias")
    count: dict[str, int] = {}
    for holder in held:
        said = f"{kind_words(holder.alias.kind)} {holder.alias.value}"
        count[said] = count.get(said, 0) + 1
    return sorted(alias for alias, times in count.items() if times > 1)
