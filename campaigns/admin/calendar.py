"""The month: what goes out when, what went out, and occurrences of what comes again and again."""

import calendar as months
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _t

from campaigns import schedules
from campaigns.admin.html import campaign_url
from campaigns.models import Campaign, CampaignRun, CampaignStatus, CampaignType
from crm.tenancy.access import may, queried, require
from crm.tenancy.permissions import Right

MOST = 200  # campaigns, and occurrences of one
PLANNED = (CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.DRAFT)


class Entry(NamedTuple):
    """Something on a day. is_past: it was carried out; else it is planned."""

    at: datetime
    campaign: Campaign
    url: str
    is_past: bool


class Day(NamedTuple):
    day: date
    is_of_month: bool
    is_today: bool
    entries: list[Entry]


class Calendar:
    """The calendar, for the admin class of the list."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view(self.calendar_view)
        return [path("calendar/", view, name="campaigns_campaign_calendar"), *super().get_urls()]  # type: ignore[misc]

    def calendar_view(self, request: HttpRequest) -> HttpResponse:
        require(request, Right.VIEW)
        first = month_of(queried(request, "month"))
        weeks = list(grid(first))
        rows = self.get_queryset(request)  # type: ignore[attr-defined]
        found: dict[date, list[Entry]] = {}
        for entry in sorted(entries(rows, weeks[0][0], weeks[-1][-1]), key=lambda one: one.at):
            found.setdefault(timezone.localdate(entry.at), []).append(entry)
        today = timezone.localdate()
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Calendar"),
            "opts": self.opts,
            "first": first,
            "before": f"{first - timedelta(days=1):%Y-%m}",
            "after": f"{(first + timedelta(days=32)).replace(day=1):%Y-%m}",
            "weekdays": weeks[0],
            "weeks": [
                [Day(day, day.month == first.month, day == today, found.get(day, [])) for day in week]
                for week in weeks
            ],
            "is_empty": not found,
            "may_edit": may(request, Right.MARKET),
        }
        return TemplateResponse(request, "admin/campaigns/calendar.html", context)


def month_of(text: str) -> date:
    """The first day of a month such as 2026-11; of this one where the text names none."""
    try:
        found = datetime.strptime(text, "%Y-%m").replace(tzinfo=timezone.get_current_timezone()).date()
    except ValueError:
        return timezone.localdate().replace(day=1)
    return found if 2000 <= found.year <= 2100 else timezone.localdate().replace(day=1)


def grid(first: date) -> Iterator[list[date]]:
    """The weeks of a month, Monday first, whole."""
    yield from months.Calendar().monthdatescalendar(first.year, first.month)


def entries(rows: Any, start: date, end: date) -> Iterator[Entry]:
    """What was carried out in these days, and what is planned for them. Two statements."""
    since, until = _midnight(start), _midnight(end + timedelta(days=1))
    runs = CampaignRun.objects.filter(
        campaign__in=rows.exclude(type=CampaignType.TRIGGERED),
        scheduled_for__gte=since,
        scheduled_for__lt=until,
    )
    carried_out = set()
    for run in runs.select_related("campaign").order_by("scheduled_for")[: MOST * 5]:
        carried_out.add((run.campaign_id, run.scheduled_for))
        yield Entry(run.scheduled_for, run.campaign, campaign_url(run.campaign_id, f"?run={run.pk}"), True)
    planned = rows.filter(status__in=PLANNED).filter(
        Q(scheduled_at__gte=since, scheduled_at__lt=until)
        | Q(type=CampaignType.RECURRING, scheduled_at__lt=until)
    )
    for campaign in planned.exclude(type=CampaignType.TRIGGERED).order_by("scheduled_at")[:MOST]:
        for at in moments(campaign, since, until):
            if (campaign.pk, at) not in carried_out and (at >= timezone.now() or campaign.started_at is None):
                yield Entry(at, campaign, campaign_url(campaign.pk), False)


def moments(campaign: Campaign, since: datetime, until: datetime) -> Iterator[datetime]:
    """When a campaign is due within a time."""
    if campaign.type != CampaignType.RECURRING:
        if campaign.scheduled_at and since <= campaign.scheduled_at < until:
            yield campaign.scheduled_at
        return
    after = max(since, campaign.scheduled_at or since) - timedelta(seconds=1)
    try:
        for count, at in enumerate(schedules.occurrences(campaign.recur_pattern, campaign.zone, after)):
            if at >= until or count >= MOST or (campaign.recur_end_at and at > campaign.recur_end_at):
                return
            yield at
    except schedules.InvalidPattern:
        return


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
