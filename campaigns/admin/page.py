"""A campaign's page: where it stands and what can be done now, its report, who gets it, what it says, what is amiss."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from campaigns import approval, services
from campaigns.admin.report import report
from campaigns.audience import people_meant
from campaigns.findings import Level
from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignStatus,
    CampaignType,
    Message,
    MessageState,
    MessageTemplate,
    Reason,
    RunState,
)
from campaigns.preflight import preflight
from campaigns.senders import sender_of
from crm.errors import ValidationFailed
from crm.rest.paging import Column, Ordering, Walk, walk
from crm.tenancy.access import actor, may, queried, record_look, require
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile
from customers.search import matching
from customers.visibility import of_visible_people
from segments.models import Segment

TAKE = 25
PEOPLE = Ordering("people", {"id": Column("pk")}, default="-id")
S = CampaignStatus


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    title: Any
    icon: str
    load: Callable[[HttpRequest, Campaign], dict[str, Any]]


class CampaignPages:
    """The pages that show a campaign, for the admin class of the list."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/", view(self.detail_view), name="campaigns_campaign_detail"),
            path("<uuid:pk>/live/", view(self.live_view), name="campaigns_campaign_live"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def campaign_or_404(self, request: HttpRequest, pk: Any) -> Campaign:
        try:
            wanted = pk if isinstance(pk, UUID) else UUID(str(pk))
        except ValueError:
            raise Http404 from None
        found: Campaign | None = self.get_queryset(request).filter(pk=wanted).first()  # type: ignore[attr-defined]
        if found is None:
            raise Http404
        return found

    def detail_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        require(request, Right.VIEW)
        campaign = self.campaign_or_404(request, pk)
        runs = runs_of(campaign)
        opened = TABS.get(queried(request, "tab"), TABS["report"] if runs else TABS["content"])
        record_look(request, "campaign.viewed", campaign, after={"part": opened.key})
        context = {
            "campaign": campaign, "tabs": list(TABS.values()), "opened": opened,
            "panel": opened.load(request, campaign), "may_edit": may(request, Right.MARKET),
        }  # fmt: skip
        if request.headers.get("X-Requested-With") == "fetch":
            return TemplateResponse(request, "admin/campaigns/main.html", context)
        context |= {
            **self.admin_site.each_context(request),
            "title": campaign.name,
            "opts": self.opts,
            **summary(request, campaign, runs),
            **plan(campaign),
        }
        return TemplateResponse(request, "admin/campaigns/campaign.html", context)

    def live_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The head of an open page, or 204 when nothing changed."""
        require(request, Right.VIEW)
        campaign = self.campaign_or_404(request, pk)
        head = summary(request, campaign, runs_of(campaign))
        if head["digest"] == queried(request, "digest", most=20_000):
            return HttpResponse(status=204)
        context = {"campaign": campaign, "may_edit": may(request, Right.MARKET), **head}
        return TemplateResponse(request, "admin/campaigns/live.html", context)


def runs_of(campaign: Campaign) -> list[CampaignRun]:
    """The latest first. One statement."""
    return list(CampaignRun.objects.filter(campaign=campaign).order_by("-scheduled_for"))


def summary(request: HttpRequest, campaign: Campaign, runs: list[CampaignRun]) -> dict[str, Any]:
    """What stands at the top, and changes while the page is open."""
    run = runs[0] if runs else None
    states = (run.counts if run else {}).get("states", {})
    target = (run.counts.get("target") or run.target_count) if run else 0
    waiting = states.get(MessageState.QUEUED, 0) + states.get(MessageState.SENDING, 0)
    to_approve = campaign.status == S.SCHEDULED and approval.needs_approval(campaign)
    parts = (campaign.version, campaign.status, campaign.pause_reason, campaign.error, run and run.state,
             run and run.target_count, run and run.counts, to_approve)  # fmt: skip
    return {
        "run": run,
        "is_building": run is not None and run.state == RunState.BUILDING,
        "is_sending": run is not None and run.state == RunState.SENDING,
        "target": target,
        "settled": max(target - waiting, 0) if states else 0,
        "progress": round(100 * (target - waiting) / target) if target and states else 0,
        "to_approve": to_approve,
        "is_own": actor(request) in (campaign.created_by, campaign.updated_by),
        "counts": run.counts if run else {},
        "currency": current_tenant().currency,
        "can": possible(campaign),
        "digest": hashlib.sha256(repr(parts).encode()).hexdigest()[:20],
    }


def possible(campaign: Campaign) -> set[str]:
    """What can be done with it in its state, by the names of the acts."""
    by_status: dict[str, set[str]] = {
        S.DRAFT: {"edit", "schedule", "send-now", "remove"},
        S.SCHEDULED: {"unschedule", "send-now", "edit"},
        S.ACTIVE: {"pause", "cancel", "edit"},
        S.PAUSED: {"resume", "cancel", "edit"},
    }
    return by_status.get(campaign.status, set()) | {"clone"}


def plan(campaign: Campaign) -> dict[str, Any]:
    """Whom it is for and by whose rules it goes. Three statements."""
    wanted = [*campaign.segment_ids, *campaign.excluded_segment_ids]
    names = {row.pk: row for row in Segment.objects.filter(pk__in=wanted)}
    return {
        "included": [names[pk] for pk in campaign.segment_ids if pk in names],
        "excluded": [names[pk] for pk in campaign.excluded_segment_ids if pk in names],
        "meant": people_meant(campaign) if campaign.status in (S.DRAFT, S.SCHEDULED) else None,
        "sender": sender_of(campaign.club_id),
        "zone": campaign.zone.key,
        "is_triggered": campaign.type == CampaignType.TRIGGERED,
    }


# --- tabs
def report_tab(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """How it went: of all its runs, or of the one that was chosen."""
    runs = runs_of(campaign)
    wanted = queried(request, "run")
    chosen = [run for run in runs if str(run.pk) == wanted] or runs
    return {**report(campaign, runs, chosen), "currency": current_tenant().currency}


def people_tab(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """Everybody it is or was for, with what became of each."""
    term, state, reason = (
        queried(request, "q", most=200),
        queried(request, "state"),
        queried(request, "reason"),
    )
    rows: Any = Message.objects.filter(run__campaign=campaign).select_related("customer")
    rows = of_visible_people(request, rows)
    if state in MessageState.values:
        rows = rows.filter(state=state)
    if reason in Reason.values:
        rows = rows.filter(reason=reason)
    if term:
        rows = rows.filter(customer__in=CustomerProfile.objects.filter(matching(term)).values("pk"))
    page = _walk(rows, request)
    known = {"tab": "people", "q": term, "state": state, "reason": reason, "cursor": page.next_cursor or ""}
    return {
        "rows": page.rows, "term": term, "state": state, "reason": reason,
        "reason_words": dict(Reason.choices).get(reason, ""), "states": MessageState.choices,
        "next": urlencode({name: value for name, value in known.items() if value}) if page.next_cursor else "",
    }  # fmt: skip


def content_tab(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """What it says, variant by variant and channel by channel. Two statements."""
    found = services.variants_of(campaign)
    wanted = {getattr(one, column) for one in found for column in services.TEMPLATES.values()}
    templates = {row.pk: row for row in MessageTemplate.objects.filter(pk__in=wanted - {None})}
    channels = [channel for channel in campaign.channels if channel != services.SOCIAL]
    shown = [
        (one, [(channel, templates.get(one.template_id_on(channel))) for channel in channels])
        for one in found
    ]
    return {"variants": shown, "is_test": len(found) > 1}


def checks_tab(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """What would go wrong, before it does."""
    found = preflight(campaign)
    return {
        "errors": [one for one in found if one.level == Level.ERROR],
        "warnings": [one for one in found if one.level != Level.ERROR],
    }


TABS = {
    tab.key: tab
    for tab in (
        Tab("report", _("Report"), "chart-column", report_tab),
        Tab("people", _("People"), "users", people_tab),
        Tab("content", _("Content"), "file-text", content_tab),
        Tab("checks", _("Checks"), "shield-check", checks_tab),
    )
}


def _walk(rows: Any, request: HttpRequest) -> Walk:
    try:
        return walk(rows, PEOPLE, cursor=queried(request, "cursor"), take=TAKE)
    except ValidationFailed:  # a cursor that somebody typed
        return Walk([], None)
