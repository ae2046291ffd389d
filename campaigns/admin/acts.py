"""What is done with a campaign from its page. All are POST and come back to it, with what was refused in words."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from campaigns import approval, lifecycle, services, variants
from campaigns.admin.html import campaign_url
from campaigns.models import Campaign, CampaignRun
from crm.errors import CRMError, ValidationFailed
from crm.tenancy.access import actor, posted, require
from crm.tenancy.permissions import Right
from crm.versions import ANY, Condition

Act = Callable[[HttpRequest, Campaign, Condition], HttpResponse | None]


class Acts:
    """The addresses that change a campaign, for the admin class of the list."""

    admin_site: Any

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            *(
                path(
                    f"<uuid:pk>/{name}/",
                    view(require_POST(self._act(act))),
                    name=f"campaigns_campaign_{name}",
                )
                for name, act in ACTS.items()
            ),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def _act(self, act: Act) -> Callable[..., HttpResponse]:
        def inner(request: HttpRequest, pk: UUID) -> HttpResponse:
            require(request, Right.MARKET)
            campaign = self.campaign_or_404(request, pk)  # type: ignore[attr-defined]
            etag = posted(request, "etag")
            try:
                answer = act(request, campaign, Condition.of(etag) if etag else ANY)
            except CRMError as error:
                said = [one.message for one in error.details if one.message not in error.message]
                messages.error(request, " ".join([error.message, *said]))
                answer = None
            return answer or HttpResponseRedirect(campaign_url(campaign.pk))

        return inner


def schedule(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    done = lifecycle.schedule_campaign(campaign.pk, by=actor(request), if_match=unchanged)
    if approval.needs_approval(done):
        messages.warning(
            request, _t("It is on the schedule. Somebody else must approve it before it begins.")
        )
    else:
        messages.success(request, _t("It is on the schedule."))


def send_now(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    lifecycle.execute_campaign(campaign.pk, by=actor(request), if_match=unchanged)
    messages.success(request, _t("It begins now."))


def unschedule(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    lifecycle.unschedule_campaign(campaign.pk, by=actor(request), if_match=unchanged)
    messages.success(request, _t("It is off the schedule, and a draft again."))


def approve(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    approval.approve_campaign(campaign.pk, by=actor(request), if_match=unchanged)
    messages.success(request, _t("Approved as it is now. Whoever changes it must ask again."))


def pause(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    lifecycle.pause_campaign(campaign.pk, by=actor(request))
    messages.success(request, _t("Paused: nothing more leaves until somebody resumes it."))


def resume(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    lifecycle.resume_campaign(campaign.pk, by=actor(request))
    messages.success(request, _t("It goes on where it stopped."))


def cancel(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    lifecycle.cancel_campaign(campaign.pk, by=actor(request))
    messages.success(request, _t("Cancelled. What has left can’t be called back; nothing more leaves."))


def clone(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> HttpResponse:
    copy = services.clone_campaign(campaign.pk, by=actor(request))
    messages.success(request, _t("This is the copy, a draft without a time."))
    return HttpResponseRedirect(campaign_url(copy.pk))


def remove(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> HttpResponse:
    services.delete_campaign(campaign.pk, by=actor(request), if_match=unchanged)
    messages.success(request, _t("%s is deleted.") % campaign.name)
    return HttpResponseRedirect(reverse("admin:campaigns_campaign_changelist"))


def winner(request: HttpRequest, campaign: Campaign, unchanged: Condition) -> None:
    try:
        variant = UUID(posted(request, "variant"))
    except ValueError:
        raise ValidationFailed(_t("Choose a variant.")) from None
    run = CampaignRun.objects.filter(campaign=campaign).order_by("-scheduled_for").first()
    if run is not None:
        variants.choose_winner(run, variant, by=actor(request), now=timezone.now())
        messages.success(request, _t("The rest of the audience gets this one."))


ACTS: dict[str, Act] = {
    "schedule": schedule, "send-now": send_now, "unschedule": unschedule, "approve": approve, "pause": pause,
    "resume": resume, "cancel": cancel, "clone": clone, "remove": remove, "winner": winner,
}  # fmt: skip
