"""Merging on staff pages: whom with, what it comes to field by field, and undoing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.database import retrying
from crm.errors import CRMError, CustomerNotFound
from crm.rest.paging import walk
from crm.tenancy.access import actor, may, posted, queried, record_look, require
from crm.tenancy.actors import actor_names
from crm.tenancy.markup import source_name
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_tenant
from customers.admin.history import label, shown
from customers.admin.html import page_url
from customers.admin.tabs import Panel, banner, tab
from customers.merge_preview import Line, preview_merge
from customers.merges import MERGES, merges_of, seen_value
from customers.merging import Pair, merge_customers, merge_many
from customers.models import CustomerProfile, MergeRecord, MergeRule
from customers.payloads import wire_value
from customers.search import find_people
from customers.survivorship import CONSENTS
from customers.unmerging import may_undo, undo_until, unmerge
from customers.visibility import visible_customer, within_clubs

SHOWN, MOST = 10, 20
LATELY = timedelta(days=1)  # that the way back stands above a person's page
CHOOSE = "choose."


@dataclass(frozen=True, slots=True)
class Row:
    """A field on the page: both values in words, with who said them and when."""

    line: Line
    label: str
    winner: str
    loser: str
    result: str
    sources: tuple[str, str]
    is_consent: bool

    @property
    def name(self) -> str:
        return CHOOSE + self.line.field


# --- one pair
def merge_page(request: HttpRequest, model_admin: Any, pk: UUID) -> HttpResponse:
    """GET: a box to find the other; with `with`, the two compared. POST: the merge."""
    require(request, Right.MERGE)
    winner = person_or_404(request, pk)
    context = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, "winner": winner}
    other = posted(request, "with") or queried(request, "with")
    if not other:
        return TemplateResponse(request, "admin/customers/merge_with.html", context | _found(request, winner))
    try:
        loser = person_or_404(request, UUID(other))
        if request.method == "POST" and (done := _merge(request, winner, loser)):
            return done
        for profile in (winner, loser):
            record_look(request, "customer.viewed", profile, after={"part": "merge"})
        return TemplateResponse(request, "admin/customers/merge.html", context | _compared(winner, loser))
    except ValueError:
        raise Http404 from None
    except CRMError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(page_url(winner.pk))


def person_or_404(request: HttpRequest, pk: UUID) -> CustomerProfile:
    try:
        return visible_customer(request, pk)[0]
    except CustomerNotFound:
        raise Http404 from None


def _found(request: HttpRequest, winner: CustomerProfile) -> dict[str, Any]:
    term = queried(request, "q", most=200)
    found = find_people(term, take=SHOWN + 1, within=within_clubs(request)) if term else []
    people = [one.profile for one in found if one.profile.pk != winner.pk][:SHOWN]
    return {"title": _t("Merge with whom?"), "term": term, "people": people}


def _compared(winner: CustomerProfile, loser: CustomerProfile) -> dict[str, Any]:
    preview = preview_merge(winner.pk, loser.pk)
    rows = [_row(line) for line in preview.lines]
    return {
        "title": _t("Merge into one person"),
        "loser": loser,
        "preview": preview,
        "rows": [row for row in rows if not row.is_consent],
        "consents": [row for row in rows if row.is_consent],
        "moves": moved_words(preview.moves),
        "days": current_tenant().unmerge_days,
        "swap": f"{merge_url(loser.pk)}?{urlencode({'with': str(winner.pk)})}",
    }


def _row(line: Line) -> Row:
    said = [
        shown(line.field, wire_value(value)).strip("“”") or "–"
        for value in (line.winner.value, line.loser.value, line.result)
    ]
    sources = [source_name(told.source) if told.source else "" for told in (line.winner, line.loser)]
    return Row(
        line, label(line.field), said[0], said[1], said[2], (sources[0], sources[1]), line.field in CONSENTS
    )


def _merge(request: HttpRequest, winner: CustomerProfile, loser: CustomerProfile) -> HttpResponse | None:
    stood = {line.field: line.stands for line in preview_merge(winner.pk, loser.pk).lines if line.may_choose}
    chosen = {
        field: side
        for field, stands in stood.items()
        if (side := posted(request, CHOOSE + field)) in ("winner", "loser") and side != stands
    }
    made = merge_customers(
        winner.pk,
        loser.pk,
        by=actor(request),
        reason=posted(request, "reason", most=300),
        chosen=chosen,
    )
    if made is None:
        messages.info(request, _t("They are one person already."))
    else:
        messages.success(
            request, _t("%(loser)s is one with %(winner)s now.") % {"loser": loser, "winner": winner}
        )
    return HttpResponseRedirect(page_url(winner.pk))


def undo_view(request: HttpRequest, pk: UUID, merge: UUID) -> HttpResponse:
    """POST: undo a merge of this person."""
    require(request, Right.MERGE)
    profile = person_or_404(request, pk)
    if not merges_of(profile.pk).filter(pk=merge).exists():
        raise Http404
    try:
        undone = unmerge(merge, by=actor(request), reason=posted(request, "reason", most=300))
    except CRMError as error:
        messages.error(request, error.message)
    else:
        other = CustomerProfile.objects.get(pk=undone.loser_id)
        messages.success(
            request,
            _t("The merge is undone: %s is a person of their own again. No event will merge the two.")
            % other,
        )
    return HttpResponseRedirect(page_url(profile.pk))


# --- several chosen in the list
def merge_chosen(model_admin: Any, request: HttpRequest, queryset: Any) -> HttpResponse | None:
    """Two are compared; of more, first who stays, then, with `apply`, the merges, all or none."""
    require(request, Right.MERGE)
    people = list(queryset.order_by("created_at", "pk")[: MOST + 1])
    if not 2 <= len(people) <= MOST:
        messages.error(request, _t("Choose two people or more, up to %d.") % MOST)
        return None
    if len(people) == 2:
        return HttpResponseRedirect(f"{merge_url(people[0].pk)}?{urlencode({'with': str(people[1].pk)})}")
    winner = next((one for one in people if str(one.pk) == posted(request, "winner")), None)
    if "apply" in request.POST and winner is not None:
        return _merge_all(request, winner, [one for one in people if one is not winner])
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _t("Merge into one person"),
        "opts": model_admin.opts,
        "people": people,
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "days": current_tenant().unmerge_days,
    }
    return TemplateResponse(request, "admin/customers/merge_many.html", context)


def _merge_all(
    request: HttpRequest, winner: CustomerProfile, losers: list[CustomerProfile]
) -> HttpResponse | None:
    reason = posted(request, "reason", most=300)
    pairs = [Pair(winner.pk, loser.pk, reason) for loser in losers]
    try:
        made = retrying(lambda: merge_many(pairs, by=actor(request), rule=MergeRule.BULK))
    except CRMError as error:
        messages.error(request, error.message)
        return None
    count = sum(one is not None for one in made)
    messages.success(
        request, _t("%(count)d profiles are one with %(winner)s now.") % {"count": count, "winner": winner}
    )
    return HttpResponseRedirect(page_url(winner.pk))


# --- on the person's page
@dataclass(frozen=True, slots=True)
class Told:
    """A merge as the page tells it."""

    record: MergeRecord
    loser: CustomerProfile | None
    who: str
    changes: list[tuple[str, str, str]]
    moved: str
    may_undo: bool
    until: Any


@tab("merges", _("Merges"), icon="git-compare", position=60)
def merges_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """The merges that made this person. Five statements at most."""
    page = walk(merges_of(profile.pk), MERGES, cursor="", take=MOST)
    return Panel("admin/customers/merges.html", {"profile": profile, "merges": _told(request, page.rows)})


@banner
def merged_lately(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """The way back from the latest merge, for a day. One statement, three where there was one."""
    found: list[MergeRecord] = []
    if may(request, Right.MERGE):
        lately = MergeRecord.objects.live().filter(winner=profile, at__gt=timezone.now() - LATELY)
        found = list(lately.order_by("-at")[:1])
    told = _told(request, found)
    return Panel(
        "admin/customers/merged.html",
        {"profile": profile, "merges": told},
        str([one.record.pk for one in told]),
    )


def _told(request: HttpRequest, records: list[MergeRecord]) -> list[Told]:
    if not records:
        return []
    names = actor_names(record.actor for record in records)
    losers = CustomerProfile.objects.in_bulk([record.loser_id for record in records])
    can, now = may(request, Right.MERGE), timezone.now()
    return [
        Told(
            record,
            losers.get(record.loser_id),
            names.get(record.actor, "" if record.actor.startswith("job:") else record.actor),
            _changes(record.before),
            moved_words(record.moved),
            can and may_undo(record, now),
            undo_until(record),
        )
        for record in records
    ]


def _changes(before: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Field, before, after: in words, and under the masks of who looks."""
    from_to = [(name, told["before"][0], told["after"][0]) for name, told in sorted(before.items())]
    return [(label(name), *(seen(name, value) for value in (was, now))) for name, was, now in from_to]  # type: ignore[misc]


def seen(name: str, value: Any) -> str:
    return shown(name, seen_value(name, value)).strip("“”") or "–"


def moved_words(moved: Mapping[str, int]) -> str:
    """“12 activities, 2 notes”."""
    words = []
    for name, count in moved.items():
        meta = apps.get_model(name)._meta
        words.append(f"{count} {meta.verbose_name if count == 1 else meta.verbose_name_plural}")
    return ", ".join(words)


def merge_url(pk: UUID) -> str:
    return reverse("admin:customers_customerprofile_merge", args=[pk])
