"""The page of a pair that may be one person: side by side, decided with a key, and the next one follows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.errors import CRMError
from crm.tenancy.access import actor, client_ip, record_look, require
from crm.tenancy.permissions import Right
from customers import duplicates, moving
from customers.admin import pair_words
from customers.admin.kinds import kind_words, reason_words
from customers.models import AliasHolder, CustomerProfile, DuplicateCandidate
from customers.stamps import EPOCH, Stamp
from customers.words import SAID

COMPARED = {
    "full_name": (_("Name"), ("display_name", "last_name", "first_name")),
    "email_display": (_("E-mail"), ("email_display", "email")),
    "phone_number": (_("Phone"), ("phone_number",)),
    "date_of_birth": (_("Born"), ("date_of_birth",)),
    "gender": (_("Gender"), ("gender",)),
    "country": (_("Country"), ("country",)),
    "language": (_("Language"), ("language",)),
    "home_club_name": (_("Home club"), ("home_club_name", "home_club_ref")),
    "membership_tier": (_("Tier"), ("membership_tier",)),
    "membership_status": (_("Membership"), ("membership_status",)),
    "handicap": (_("Handicap"), ("handicap",)),
    "scl_member_id": (_("SCL member"), ()),
    "teetime_player_id": (_("TeeTime player"), ()),
    "messaging_contact_id": (_("Messaging contact"), ()),
    "auth_user_id": (_("Log-in"), ()),
    "source": (_("First heard from"), ()),
    "created_at": (_("Known since"), ()),
}  # fmt: skip
# What hangs on each of the two, which would go over in a merge.
COUNTED = {
    "customers.Booking": _("Bookings"),
    "customers.Payment": _("Payments"),
    "timeline.Note": _("Notes"),
}
FILTERS = ("band", "why", "club")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one of the two says; where it is from and since when, as far as that is known."""

    value: Any
    source: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    label: Any
    cells: tuple[Cell, Cell]

    @property
    def differs(self) -> bool:
        """Both say something, and not the same; when a profile was made says nothing about the person."""
        one, other = self.cells
        told = not isinstance(one.value, datetime)
        return told and bool(one.value and other.value and one.value != other.value)


class ReviewPages:
    """The pages of a pair, for the admin class of the queue."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view, name = self.admin_site.admin_view, "customers_duplicatecandidate"
        return [
            path("undo/", view(require_POST(self.undo_view)), name=f"{name}_undo"),
            path("<uuid:pk>/", view(self.compare_view), name=f"{name}_compare"),
            path("<uuid:pk>/merge/<uuid:winner>/", view(require_POST(self.merge_view)), name=f"{name}_merge"),
            path("<uuid:pk>/dismiss/", view(require_POST(self.dismiss_view)), name=f"{name}_dismiss"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def pair_or_404(self, request: HttpRequest, pk: UUID) -> DuplicateCandidate:
        require(request, Right.MERGE)
        rows = self.get_queryset(request).select_related("first__metrics", "second__metrics")  # type: ignore[attr-defined]
        pair = rows.filter(pk=pk).first()
        if pair is None:
            raise Http404
        return pair  # type: ignore[no-any-return]

    def queue(self, request: HttpRequest) -> Any:
        """What waits for a decision, narrowed as the list was from which somebody came."""
        rows = self.get_queryset(request).waiting()  # type: ignore[attr-defined]
        for narrow in self.list_filter[1:]:  # type: ignore[attr-defined]
            params = {name: [value] for name, value in request.GET.items() if name == narrow.parameter_name}
            chosen = narrow(request, params, DuplicateCandidate, self)
            rows = chosen.queryset(request, rows)
        return rows

    def compare_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        pair = self.pair_or_404(request, pk)
        people = (pair.second, pair.first) if "swap" in request.GET else (pair.first, pair.second)
        for profile in people:
            record_look(request, "customer.viewed", profile, after={"part": "comparison"})
        waiting = self.queue(request)
        before, after = duplicates.neighbours(waiting, pair)
        context = {
            **self.admin_site.each_context(request),
            "title": _t("The same person?"),
            "opts": self.opts,
            "pair": pair,
            "people": people,
            "lines": lines(*people),
            "counts": counts(*people),
            "shared": shared(pair),
            "told": capfirst(reason_words(pair.reason)) if pair.source != DuplicateCandidate.FINDER else "",
            "score": pair_words.score_words(pair),
            "whys": pair_words.whys(pair),
            "against": pair_words.against(pair),
            "before": address(request, before) if before else "",
            "after": address(request, after) if after else "",
            "swapped": address(request, pair.pk, swap="swap" not in request.GET),
            "query": narrowed(request),
            "left": waiting.count(),
            "undoable": duplicates.last_decision(self.get_queryset(request), actor(request)),  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/customers/compare.html", context)

    def dismiss_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        pair = self.pair_or_404(request, pk)
        chosen = DuplicateCandidate.objects.filter(pk=pair.pk)
        if duplicates.dismiss(chosen, by=actor(request), ip=client_ip(request)):
            messages.success(request, _t("Put aside: %(one)s and %(other)s are two people.") % names(pair))
        else:
            messages.warning(request, _t("Somebody has decided about this pair meanwhile."))
        return self.go_on(request, pair)

    def merge_view(self, request: HttpRequest, pk: UUID, winner: UUID) -> HttpResponse:
        pair = self.pair_or_404(request, pk)
        if winner not in (pair.first_id, pair.second_id):
            raise Http404
        try:
            duplicates.merge(pair, winner=winner, by=actor(request))
        except CRMError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(address(request, pair.pk))
        messages.success(request, _t("Merged: %(one)s and %(other)s are one person.") % names(pair))
        return self.go_on(request, pair)

    def undo_view(self, request: HttpRequest) -> HttpResponse:
        """Take back what this member of staff decided last, and ask it again."""
        require(request, Right.MERGE)
        pair = duplicates.last_decision(self.get_queryset(request), actor(request))  # type: ignore[attr-defined]
        if pair is None:
            messages.warning(request, _t("There is nothing of yours to undo."))
            return HttpResponseRedirect(reverse("admin:customers_duplicatecandidate_changelist"))
        try:
            duplicates.undo(pair, by=actor(request), ip=client_ip(request))
        except CRMError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(address(request, pair.pk))
        messages.success(request, _t("Undone: this is a question again."))
        return HttpResponseRedirect(address(request, pair.pk))

    def go_on(self, request: HttpRequest, pair: DuplicateCandidate) -> HttpResponse:
        """To the next pair, from the last one to the first, else to the list."""
        waiting = self.queue(request)
        _before, after = duplicates.neighbours(waiting, pair)
        following = after or waiting.in_queue_order().values_list("pk", flat=True).first()
        if following:
            return HttpResponseRedirect(address(request, following))
        messages.info(request, _t("That was the last pair of this list."))
        query = narrowed(request)
        return HttpResponseRedirect(reverse("admin:customers_duplicatecandidate_changelist") + query)


def narrowed(request: HttpRequest) -> str:
    """The query of an address that keeps what the list was narrowed to."""
    query = request.GET.copy()
    for name in set(query) - set(FILTERS):
        del query[name]
    return f"?{query.urlencode()}" if query else ""


def address(request: HttpRequest, pk: UUID, *, swap: bool = False) -> str:
    query = narrowed(request)
    more = f"{query}{'&' if query else '?'}swap" if swap else query
    return reverse("admin:customers_duplicatecandidate_compare", args=[pk]) + more


def names(pair: DuplicateCandidate) -> dict[str, str]:
    return {"one": str(pair.first), "other": str(pair.second)}


def lines(one: CustomerProfile, other: CustomerProfile) -> list[Line]:
    """What the two say, attribute by attribute, where either says anything."""
    found = [
        Line(label, (cell(one, name, columns), cell(other, name, columns)))
        for name, (label, columns) in COMPARED.items()
    ]
    return [line for line in found if any(cell.value for cell in line.cells)]


def counts(one: CustomerProfile, other: CustomerProfile) -> list[tuple[Any, tuple[int, int]]]:
    """How much of each kind hangs on each of the two. One statement."""
    found = moving.counted_each([one.pk, other.pk], COUNTED)
    return [
        (words, (found[label].get(one.pk, 0), found[label].get(other.pk, 0)))
        for label, words in COUNTED.items()
    ]


def cell(profile: CustomerProfile, name: str, columns: tuple[str, ...]) -> Cell:
    value = getattr(profile, name)
    if value and name in SAID:
        value = SAID[name](value)
    stamp = next((profile.provenance[column] for column in columns if column in profile.provenance), None)
    if not value or stamp is None:
        return Cell(value)
    read = Stamp(*stamp)
    return Cell(value, read.source, EPOCH + timedelta(microseconds=read.at))


def shared(pair: DuplicateCandidate) -> list[str]:
    """The identifiers that both hold. One statement."""
    held = AliasHolder.objects.filter(customer__in=[pair.first_id, pair.second_id]).select_related("alias")
    count: dict[str, int] = {}
    for holder in held:
        said = f"{kind_words(holder.alias.kind)} {holder.alias.value}"
        count[said] = count.get(said, 0) + 1
    return sorted(alias for alias, times in count.items() if times > 1)
