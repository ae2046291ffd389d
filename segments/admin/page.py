"""A segment's page: how many and how fresh, its rules in words, who is in it and why, who came and went."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from crm.errors import ValidationFailed
from crm.rest.paging import Column, Ordering, Walk, walk
from crm.tenancy.access import club_refs, may, queried, record_look, require
from crm.tenancy.actors import actor_names
from crm.tenancy.permissions import Right
from customers.models import CustomerProfile
from customers.search import find_people, matching
from customers.visibility import of_visible_people, within_clubs
from segments import entries, meaning
from segments.admin import saying, venn
from segments.admin.trend import trend
from segments.consumers import consumers_of
from segments.models import MembershipChange, Segment, SegmentEntry, SegmentMember, State
from segments.previews import overlap
from segments.rules import InvalidRules
from segments.sentences import sentence
from segments.trees import Group, leaves

TAKE, CANDIDATES, ENTRIES = 25, 6, 200
MEMBERS = Ordering("members", {"joinedAt": Column("joined_at")}, default="-joinedAt")
CHANGES = Ordering("changes", {"at": Column("at")}, default="-at")


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    title: Any
    icon: str
    load: Callable[[HttpRequest, Segment], dict[str, Any]]


class SegmentPages:
    """The pages that show a segment, for the admin class of the list."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/", view(self.detail_view), name="segments_segment_detail"),
            path("<uuid:pk>/live/", view(self.live_view), name="segments_segment_live"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def segment_or_404(self, request: HttpRequest, pk: Any) -> Segment:
        try:
            wanted = pk if isinstance(pk, UUID) else UUID(str(pk))
        except ValueError:
            raise Http404 from None
        found: Segment | None = self.get_queryset(request).filter(pk=wanted).first()  # type: ignore[attr-defined]
        if found is None:
            raise Http404
        return found

    def detail_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        require(request, Right.VIEW)
        segment = self.segment_or_404(request, pk)
        opened = TABS.get(queried(request, "tab"), TABS["members"])
        is_part = request.headers.get("X-Requested-With") == "fetch"
        record_look(request, "segment.viewed", segment, after={"part": opened.key})
        context = {
            "segment": segment,
            "tabs": [one for one in TABS.values() if not (segment.is_list and one.key == "why")],
            "opened": opened,
            "panel": opened.load(request, segment),
            "may_edit": may(request, Right.MARKET),
        }
        if is_part:
            return TemplateResponse(request, "admin/segments/main.html", context)
        context |= {
            **self.admin_site.each_context(request),
            "title": segment.name,
            "opts": self.opts,
            **summary(segment),
            "words": words_of(segment),
            "trend": trend(segment),
            "users": consumers_of(segment),
            "is_limited": club_refs(request) is not None,
        }
        return TemplateResponse(request, "admin/segments/segment.html", context)

    def live_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The head of an open page, or 204 when nothing changed."""
        require(request, Right.VIEW)
        segment = self.segment_or_404(request, pk)
        context = {"segment": segment, "may_edit": may(request, Right.MARKET), **summary(segment)}
        if context["digest"] == queried(request, "digest", most=20_000):
            return HttpResponse(status=204)
        return TemplateResponse(request, "admin/segments/live.html", context)


def summary(segment: Segment) -> dict[str, Any]:
    """What stands at the top, and changes while the page is open. No statement."""
    state = segment.state_at(timezone.now())
    parts = (
        segment.member_count, state, segment.refreshed_at, segment.refresh_error, segment.is_active, segment.due_at,
        segment.version, segment.synced_at, segment.sync_error,
    )  # fmt: skip
    is_waiting = segment.due_at is not None and segment.due_at <= timezone.now() and segment.is_active
    return {
        "state": state,
        "is_busy": is_waiting or state is State.REFRESHING,
        "has_messaging": bool(settings.MESSAGING_URL),
        "digest": hashlib.sha256(repr(parts).encode()).hexdigest()[:20],
    }


def tree_of(segment: Segment) -> Group | None:
    """Its rules; None of a list, and where they can't be read any more, which its error says. One statement."""
    try:
        return meaning.tree_of(segment)
    except InvalidRules:
        return None


def words_of(segment: Segment) -> str:
    """Its rules in plain English; nothing of a list."""
    tree = tree_of(segment)
    return sentence(tree, saying.names_in(tree)) if tree is not None else ""


# --- tabs
def members_tab(request: HttpRequest, segment: Segment) -> dict[str, Any]:
    """Whoever is in it, the latest to join first; of the clubs that the member of staff is limited to."""
    term = queried(request, "q", most=200)
    rows = SegmentMember.objects.filter(segment=segment).select_related("customer__metrics")
    rows = of_visible_people(request, rows)
    if term:
        rows = rows.filter(customer__in=CustomerProfile.objects.filter(matching(term)).values("pk"))
    page = _walk(rows, MEMBERS, request)
    known = entries.entries_of(segment, [row.customer_id for row in page.rows])
    for row in page.rows:
        row.entry = known.get(row.customer_id)
    return {"rows": page.rows, "term": term, **_next(page, tab="members", q=term)}


def log_tab(request: HttpRequest, segment: Segment) -> dict[str, Any]:
    """Who came and went, the latest first, with the rules that made the difference."""
    way = queried(request, "way")
    rows = MembershipChange.objects.filter(segment=segment).select_related("customer")
    rows = of_visible_people(request, rows)
    if way in ("in", "out"):
        rows = rows.filter(joined=way == "in")
    page = _walk(rows, CHANGES, request)
    tree = tree_of(segment)
    names = saying.names_in(tree) if tree is not None else {}
    phrases = {path: sentence(leaf, names) for path, leaf in leaves(tree)} if tree is not None else {}
    for row in page.rows:
        row.reasons = [phrases[path] for path in row.leaves or () if path in phrases]
    return {"rows": page.rows, "way": way, **_next(page, tab="log", way=way)}


def hand_tab(request: HttpRequest, segment: Segment) -> dict[str, Any]:
    """Who was put in or is kept out by hand, a file or a model, by whom and why."""
    rows = SegmentEntry.objects.filter(segment=segment).select_related("customer").order_by("-since", "-pk")
    found = list(of_visible_people(request, rows)[: ENTRIES + 1])
    names = actor_names(row.actor for row in found)
    for row in found:
        row.by = names.get(row.actor, "")
    return {"rows": found[:ENTRIES], "has_more": len(found) > ENTRIES, "now": timezone.now()}


def why_tab(request: HttpRequest, segment: Segment) -> dict[str, Any]:
    """Why somebody is in or not: each rule with what is known of them."""
    text = queried(request, "person", most=200)
    if not text:
        return {}
    found = [one.profile for one in find_people(text, take=CANDIDATES, within=within_clubs(request))]
    if len(found) != 1:
        return {"text": text, "candidates": found, "is_nobody": not found}
    record_look(request, "customer.viewed", found[0], after={"part": "segment"})
    return {"text": text, "person": found[0], "why": saying.why(segment, tree_of(segment), found[0].pk)}


def overlap_tab(request: HttpRequest, segment: Segment) -> dict[str, Any]:
    """How many people this segment and another one share. Two statements."""
    others = list(Segment.objects.kept().exclude(pk=segment.pk).order_by("name").only("pk", "name"))
    chosen = next((one for one in others if str(one.pk) == queried(request, "with")), None)
    if chosen is None:
        return {"others": others}
    found = overlap(segment, chosen)
    return {
        "others": others,
        "chosen": chosen,
        "found": found,
        "only": (found.one - found.both, found.other - found.both),
        "circles": venn.circles(found.one, found.other, found.both),
    }


TABS = {
    tab.key: tab
    for tab in (
        Tab("members", _("People"), "users", members_tab),
        Tab("log", _("Joined and left"), "history", log_tab),
        Tab("why", _("Why is somebody in?"), "circle-help", why_tab),
        Tab("hand", _("By hand"), "user-cog", hand_tab),
        Tab("overlap", _("Overlap"), "layers", overlap_tab),
    )
}


def _walk(rows: Any, ordering: Ordering, request: HttpRequest) -> Walk:
    try:
        return walk(rows, ordering, cursor=queried(request, "cursor"), take=TAKE)
    except ValidationFailed:  # a cursor that somebody typed
        return Walk([], None)


def _next(page: Walk, **query: str) -> dict[str, str]:
    """The query of the page that follows, nothing after the last."""
    if not page.next_cursor:
        return {"next": ""}
    kept = {name: value for name, value in query.items() if value}
    return {"next": urlencode({**kept, "cursor": page.next_cursor})}
