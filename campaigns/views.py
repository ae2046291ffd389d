"""The endpoints of campaigns themselves."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import lifecycle, services, variants
from campaigns.approval import approve_campaign, needs_approval
from campaigns.audience import people_meant
from campaigns.findings import Level
from campaigns.models import Campaign, CampaignRun, CampaignVariant, Message, MessageClass
from campaigns.preflight import preflight
from campaigns.problems import CampaignNotActive, CampaignNotFound
from campaigns.replies import (
    CampaignListed,
    CampaignReply,
    PreflightReply,
    RecipientListed,
    StatsReply,
    campaign_payload,
    finding_payload,
    recipient_payload,
    stats_payload,
)
from campaigns.serializers import (
    CAMPAIGNS,
    RECIPIENTS,
    CampaignNew,
    CampaignQuery,
    CampaignWords,
    CopyOfCampaign,
    RecipientQuery,
    ScheduleBody,
    StatsQuery,
    WinnerBody,
)
from crm.errors import ScopeRequired
from crm.rest.paging import paginate
from crm.rest.schema import ETAG
from crm.rest.serializers import Nothing
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy.access import club_refs
from crm.tenancy.permissions import Scope
from customers.parts import family_ids
from customers.visibility import of_visible_people
from segments.models import Segment

NEW = {
    "name": "Winter offer", "channels": ["EMAIL"], "segmentId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c92",
    "emailTemplateId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c94",
}  # fmt: skip
WEEKLY = {
    **NEW,
    "name": "Newsletter",
    "type": "RECURRING",
    "recurPattern": "0 9 * * 1",
    "purpose": "NEWSLETTER",
}


class CampaignView(ApiView):
    tag = "Campaigns"

    def visible(self) -> QuerySet[Campaign]:
        """The campaigns that the request may see: staff of some clubs see those of their clubs and those of none."""
        rows: QuerySet[Campaign] = Campaign.objects.kept().select_related("club")
        refs = club_refs(self.request)
        return rows if refs is None else rows.filter(Q(club=None) | Q(club__refs__overlap=refs))

    def campaign_of(self, pk: Any) -> Campaign:
        """Raises CampaignNotFound."""
        try:
            found = self.visible().filter(pk=UUID(str(pk))).first()
        except ValueError:
            found = None
        if found is None:
            raise CampaignNotFound
        return found

    def may_be(self, body: dict[str, Any], found: Campaign | None = None) -> None:
        """Raise ScopeRequired where somebody without the right would send past consent and caps."""
        is_service = body.get("message_class") == MessageClass.TRANSACTIONAL
        was = found is not None and found.message_class == MessageClass.TRANSACTIONAL
        if (is_service or (was and body)) and Scope.ADMIN not in self.credential.scopes:
            raise ScopeRequired(f"A service message needs the scope {Scope.ADMIN}.")


class CampaignList(CampaignView):
    scopes = {"GET": Scope.READ, "POST": Scope.CAMPAIGNS}
    queries = {"GET": CampaignQuery}

    @extend_schema(operation_id="listCampaigns", responses={200: page_of(CampaignListed)})
    def get(self, request: Request) -> Response:
        """List campaigns.

        The latest first, unless `sort` says otherwise.
        """
        return paginate(listed(self.visible(), self.params), self.params, CAMPAIGNS, told, prepare=with_parts)

    @extend_schema(
        operation_id="createCampaign",
        request=CampaignNew,
        responses={201: CampaignReply},
        parameters=[ETAG],
        examples=[
            OpenApiExample("Once", NEW, request_only=True),
            OpenApiExample("Every Monday", WEEKLY, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create a campaign.

        A draft; nothing is sent before it is scheduled.
        """
        body = self.body(CampaignNew)
        self.may_be(body)
        return answer(services.create_campaign(**body, by=self.credential.actor), status=201)


class CampaignOne(CampaignView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.CAMPAIGNS, "DELETE": Scope.CAMPAIGNS}

    @extend_schema(operation_id="getCampaign", responses={200: CampaignReply}, parameters=[ETAG])
    def get(self, request: Request, pk: str) -> Response:
        """Read a campaign."""
        return answer(self.campaign_of(pk))

    @extend_schema(
        operation_id="changeCampaign",
        request=CampaignWords,
        responses={200: CampaignReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Slower", {"perMinute": 600}, request_only=True)],
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Change a campaign.

        A draft altogether; of any other only `name`, `description`, `perMinute`, `batchSize`, `batchMinutes` and
        `recurEndAt` (else 409 `CAMPAIGN_ALREADY_ACTIVE`). A change takes an approval back.
        """
        body = self.body(CampaignWords)
        found = self.campaign_of(pk)
        said, templates = body.pop("variants", None), body.pop("templates")
        self.may_be(body | templates, found)
        changed = services.change_campaign(
            found.pk,
            body,
            by=self.credential.actor,
            variants=said,
            templates=templates,
            if_match=self.condition,
        )
        return answer(changed)

    @extend_schema(operation_id="deleteCampaign", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Delete a draft.

        Any other campaign is 409 `CAMPAIGN_NOT_DRAFT`.
        """
        found = self.campaign_of(pk)
        services.delete_campaign(found.pk, by=self.credential.actor, if_match=self.condition)
        return Response(status=204)


class CampaignMove(CampaignView):
    """What moves a campaign on; each needs no body."""

    scopes = {"POST": Scope.CAMPAIGNS}
    guards = ("POST",)
    bucket = "campaigns"

    def moved(self, pk: str, act: Callable[..., Campaign], **fields: Any) -> Response:
        found = self.campaign_of(pk)
        self.may_be({"act": True}, found)
        act(found.pk, by=self.credential.actor, if_match=self.condition, **fields)
        return answer(self.campaign_of(pk))


class CampaignSchedule(CampaignMove):
    @extend_schema(
        operation_id="scheduleCampaign",
        request=ScheduleBody,
        responses={200: CampaignReply},
        parameters=[ETAG],
        examples=[
            OpenApiExample("In summer", {"scheduledAt": "2027-06-01T09:00:00+02:00"}, request_only=True)
        ],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Put a draft on the schedule.

        Without a time, or with one up to five minutes past, that is now; an older one is 422 `INVALID_SCHEDULE`. What
        would go wrong is 422, with the code of the first thing and each of them in `details`.
        """
        return self.moved(pk, lifecycle.schedule_campaign, **self.body(ScheduleBody))


class CampaignUnschedule(CampaignMove):
    @extend_schema(
        operation_id="unscheduleCampaign", request=None, responses={200: CampaignReply}, parameters=[ETAG]
    )
    def post(self, request: Request, pk: str) -> Response:
        """Take a campaign off the schedule.

        It is a draft again. One that is not scheduled is 409 `CAMPAIGN_NOT_SCHEDULED`.
        """
        self.body(Nothing)
        return self.moved(pk, lifecycle.unschedule_campaign)


class CampaignExecute(CampaignMove):
    @extend_schema(
        operation_id="executeCampaign", request=None, responses={200: CampaignReply}, parameters=[ETAG]
    )
    def post(self, request: Request, pk: str) -> Response:
        """Begin a campaign now.

        A draft is checked as it is for the schedule; of a scheduled one the time is not waited for.
        """
        self.body(Nothing)
        return self.moved(pk, lifecycle.execute_campaign)


class CampaignPause(CampaignMove):
    @extend_schema(
        operation_id="pauseCampaign", request=None, responses={200: CampaignReply}, parameters=[ETAG]
    )
    def post(self, request: Request, pk: str) -> Response:
        """Pause a campaign.

        Nothing more leaves, but for what was being handed over at that moment.
        """
        self.body(Nothing)
        return self.moved(pk, lifecycle.pause_campaign)


class CampaignResume(CampaignMove):
    @extend_schema(
        operation_id="resumeCampaign", request=None, responses={200: CampaignReply}, parameters=[ETAG]
    )
    def post(self, request: Request, pk: str) -> Response:
        """Resume a paused campaign.

        One that was OVERDUE begins now. Nobody gets it twice.
        """
        self.body(Nothing)
        return self.moved(pk, lifecycle.resume_campaign)


class CampaignCancel(CampaignMove):
    @extend_schema(
        operation_id="cancelCampaign", request=None, responses={200: CampaignReply}, parameters=[ETAG]
    )
    def post(self, request: Request, pk: str) -> Response:
        """Cancel a campaign.

        For good; one that has not begun is a draft again.
        """
        self.body(Nothing)
        return self.moved(pk, lifecycle.cancel_campaign)


class CampaignApprove(CampaignMove):
    @extend_schema(
        operation_id="approveCampaign", request=None, responses={200: CampaignReply}, parameters=[ETAG]
    )
    def post(self, request: Request, pk: str) -> Response:
        """Approve a scheduled campaign.

        By somebody else than who wrote or scheduled it (403 `SECOND_PERSON_REQUIRED`), where its audience is as large
        as needs that (else 409 `APPROVAL_NOT_NEEDED`). Other words, rules or times take the approval back.
        """
        self.body(Nothing)
        return self.moved(pk, approve_campaign)


class CampaignClone(CampaignView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="cloneCampaign",
        request=CopyOfCampaign,
        responses={201: CampaignReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Named", {"name": "Spring offer"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Copy a campaign.

        As a draft, with no time set.
        """
        body = self.body(CopyOfCampaign)
        found = self.campaign_of(pk)
        self.may_be({"act": True}, found)
        copy = services.clone_campaign(found.pk, by=self.credential.actor, **body)
        response = answer(copy, status=201)
        response["Location"] = f"/api/v1/campaigns/{copy.pk}"
        return response


class CampaignPreflight(CampaignView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="checkCampaign", responses={200: PreflightReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read what would go wrong with a campaign.

        Errors keep it off the schedule; warnings do not.
        """
        found = self.campaign_of(pk)
        findings = preflight(found)
        ok = all(one.level != Level.ERROR for one in findings)
        told_of = [finding_payload(one) for one in findings]
        return Response({"ok": ok, "audience": people_meant(found), "findings": told_of})


class CampaignWinner(CampaignView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="chooseCampaignWinner",
        request=WinnerBody,
        responses={200: CampaignReply},
        examples=[
            OpenApiExample("B", {"variantId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c93"}, request_only=True)
        ],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Choose the winning variant.

        It goes to all who wait for it.
        """
        body = self.body(WinnerBody)
        found = self.campaign_of(pk)
        runs = CampaignRun.objects.filter(campaign=found).order_by("scheduled_for")
        run = (runs.filter(pk=body["run"]) if "run" in body else runs).last()
        if run is None:
            raise CampaignNotActive
        variants.choose_winner(run, body["variant"], by=self.credential.actor, now=timezone.now())
        return answer(self.campaign_of(pk))


class CampaignStats(CampaignView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": StatsQuery}

    @extend_schema(operation_id="getCampaignStats", responses={200: StatsReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read what became of a campaign.

        All runs together, or the one of `runId`. Counted a few seconds ago at most.
        """
        found = self.campaign_of(pk)
        runs = CampaignRun.objects.filter(campaign=found).order_by("scheduled_for")
        if "runId" in self.params:
            runs = runs.filter(pk=self.params["runId"])
        return Response(stats_payload(found, list(runs), services.variants_of(found)))


class CampaignRecipients(CampaignView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": RecipientQuery}
    looks = "list"

    @extend_schema(operation_id="listCampaignRecipients", responses={200: page_of(RecipientListed)})
    def get(self, request: Request, pk: str) -> Response:
        """List whom a campaign is for, and what became of each.

        One entry for a person and channel, each with its outcome and its reason.
        """
        found, query = self.campaign_of(pk), self.params
        rows = of_visible_people(
            request, Message.objects.filter(run__campaign=found).select_related("variant")
        )
        if "customerId" in query:
            rows = rows.filter(customer__in=family_ids(query["customerId"]))
        lookups = {"runId": "run", "state": "state__in", "reason": "reason__in", "channel": "channel__in"}
        rows = rows.filter(**{lookup: query[name] for name, lookup in lookups.items() if name in query})
        return paginate(rows, query, RECIPIENTS, recipient_payload)


def listed(rows: Any, query: Any) -> Any:
    """The campaigns that a validated CampaignQuery means."""
    lookups = {
        "status": "status__in", "type": "type__in", "clubId": "club", "search": "name__icontains",
        "updatedSince": "updated_at__gte",
    }  # fmt: skip
    return rows.filter(**{lookup: query[name] for name, lookup in lookups.items() if name in query})


def with_parts(campaigns: Sequence[Any]) -> None:
    """Give campaigns their variants and runs, as `parts`. Two statements."""
    found: dict[Any, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for variant in CampaignVariant.objects.filter(campaign__in=campaigns).order_by("name"):
        found[variant.campaign_id][0].append(variant)
    for run in CampaignRun.objects.filter(campaign__in=campaigns).order_by("scheduled_for"):
        found[run.campaign_id][1].append(run)
    for one in campaigns:
        one.parts = found[one.pk]


def told(campaign: Any) -> dict[str, Any]:
    return campaign_payload(campaign, *campaign.parts)


def answer(campaign: Campaign, *, status: int = 200) -> Response:
    with_parts([campaign])
    segments = Segment.objects.filter(pk__in=campaign.segment_ids[:1])
    detail = {
        "segmentName": segments.values_list("name", flat=True).first(),
        "approvalRequired": needs_approval(campaign),
    }
    return Response(told(campaign) | detail, status=status, headers={"ETag": campaign.etag})
