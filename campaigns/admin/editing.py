"""The page on which a campaign is made or changed, with how many it would reach beside it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from campaigns import services
from campaigns.admin.form import PATTERNS, CampaignForm, initial_of
from campaigns.admin.html import campaign_url, channel_name
from campaigns.models import Campaign, CampaignStatus, CampaignType
from campaigns.reach import reach
from crm.errors import CRMError, Detail, PreconditionFailed
from crm.tenancy.access import actor, queried, require
from crm.tenancy.permissions import Right
from crm.versions import Condition

FIELDS = {  # what the services call by the API's names
    "segmentIds": "segment_ids", "excludedSegmentIds": "excluded_segment_ids", "holdoutPercent": "holdout_percent",
    "trigger.event": "event", "batchMinutes": "batch_minutes", "batchSize": "batch_size", "clubId": "club",
    "recurPattern": "recur_pattern", "recurEndAt": "recur_end_at", "scheduledAt": "scheduled_at",
    "samplePercent": "sample_percent", "winnerMetric": "winner_metric",
}  # fmt: skip


class Editing:
    """The pages that write a campaign, for the admin class of the list."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("reach/", view(require_POST(self.reach_view)), name="campaigns_campaign_reach"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        require(request, Right.MARKET)
        return self.edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        require(request, Right.MARKET)
        return self.edit(request, self.campaign_or_404(request, object_id))  # type: ignore[attr-defined]

    def edit(self, request: HttpRequest, campaign: Campaign | None) -> HttpResponse:
        """Show the form of a campaign or of a new one; on success, its page."""
        first = initial_of(campaign) if campaign else _usual(request)
        form = CampaignForm(request.POST or None, campaign=campaign, initial=first)
        if request.method == "POST" and form.is_valid():
            saved = save(request, form, campaign)
            if saved is not None:
                messages.success(request, _t("%s is saved.") % saved.name)
                return HttpResponseRedirect(campaign_url(saved.pk, "?tab=checks"))
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Edit %s") % campaign.name if campaign else _t("New campaign"),
            "opts": self.opts,
            "campaign": campaign,
            "form": form,
            "errors": form.errors,
            "patterns": PATTERNS[1:],
            "is_locked": campaign is not None and campaign.status != CampaignStatus.DRAFT,
        }
        return TemplateResponse(request, "admin/campaigns/edit.html", context)

    def reach_view(self, request: HttpRequest) -> HttpResponse:
        """How many the form means, and on its channels may be written to: HTML, as the rule builder's count."""
        require(request, Right.MARKET)
        form = CampaignForm(request.POST)
        form.is_valid()  # only what was sent for segments and channels counts here
        data = form.cleaned_data
        found = reach(data.get("segment_ids", []), data.get("excluded_segment_ids", []))
        channels = [
            (channel_name(one), found.get(f"{one}_AGREED", 0), found.get(one))
            for one in data.get("channels", [])
        ]
        context = {
            "people": found["people"],
            "channels": channels,
            "has_segment": bool(data.get("segment_ids")),
        }
        html = render_to_string("admin/campaigns/reach.html", context, request)
        return JsonResponse({"html": html, "problems": []})


def save(request: HttpRequest, form: CampaignForm, campaign: Campaign | None) -> Campaign | None:
    """Write it; what the services refuse goes beside its field."""
    by = actor(request)
    try:
        if campaign is None:
            return services.create_campaign(by=by, variants=form.said(), **form.writes())
        if campaign.status != CampaignStatus.DRAFT:
            changes = {name: form.writes()[name] for name in services.ALWAYS}
            return services.change_campaign(campaign.pk, changes, by=by, if_match=_unchanged(form, campaign))
        return services.change_campaign(
            campaign.pk, form.writes(), by=by, variants=form.said(), if_match=_unchanged(form, campaign)
        )
    except PreconditionFailed:
        words = _t("This campaign changed since you opened the form. Look at its page, then change it again.")
        form.add_error(None, words)
    except CRMError as error:
        for detail in error.details or [Detail("", "", error.message)]:
            name = FIELDS.get(detail.field, detail.field)
            form.add_error(name if name in form.fields else None, detail.message)
    return None


def _unchanged(form: CampaignForm, campaign: Campaign) -> Condition:
    return Condition.of(form.cleaned_data["etag"] or campaign.etag)


def _usual(request: HttpRequest) -> dict[str, Any]:
    """What a new one starts from: for the segment that the address names, at the day that the calendar names."""
    found: dict[str, Any] = {"type": CampaignType.ONE_TIME, "channels": ["EMAIL"]}
    if segment := queried(request, "segment", most=36):
        found["segment_ids"] = [segment]
    day = queried(request, "day", most=10)
    return found | ({"scheduled_at": f"{day}T09:00"} if len(day) == 10 else {})
