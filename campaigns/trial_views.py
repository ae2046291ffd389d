"""The endpoints that try a campaign out: as one customer would get it, and as a message to staff."""

from typing import Any
from uuid import UUID, uuid4

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import planning, previews, wordings
from campaigns.models import Campaign, CampaignVariant, MessageTemplate
from campaigns.outgoing import with_subject
from campaigns.problems import NothingToSay
from campaigns.replies import PreviewReply, preview_payload
from campaigns.senders import sender_of
from campaigns.services import variants_of
from campaigns.views import CampaignView
from crm.errors import CustomerNotFound
from crm.rest.serializers import Query, StrictSerializer, Text, Uuid
from crm.tenancy import audit
from crm.tenancy.permissions import Scope
from customers.models import CustomerProfile
from customers.models.consent import Channel
from customers.visibility import visible_people


class PreviewQuery(Query):
    """As whom, and which of the ways of saying it."""

    customerId = Uuid()
    channel = serializers.ChoiceField(
        choices=Channel.choices, required=False, help_text="Its first, unless told."
    )
    variant = serializers.ChoiceField(choices=[(one, one) for one in "ABCDEFGH"], required=False)


class TestBody(StrictSerializer):
    """As whom, to whom, and which of the ways of saying it."""

    tenantId = serializers.CharField(required=False)
    customerId = Uuid()
    to = Text(max_length=254, help_text="The address or number of who tries it.")
    channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    variant = serializers.ChoiceField(choices=[(one, one) for one in "ABCDEFGH"], required=False)


class TestReply(serializers.Serializer[Any]):
    """The test waits to be sent."""

    queued = serializers.BooleanField()


class TrialView(CampaignView):
    def customer_of(self, pk: UUID) -> CustomerProfile:
        """Raises CustomerNotFound."""
        found: CustomerProfile | None = visible_people(self.request).filter(pk=pk).first()
        if found is None:
            raise CustomerNotFound("There is no customer with this id.")
        self.about = found.pk
        return found

    def words_of(self, campaign: Campaign, asked: Any) -> tuple[CampaignVariant, MessageTemplate]:
        """The variant and template that are asked for. Raises NothingToSay."""
        channel = asked.get("channel") or next(
            (one for one in campaign.channels if one in Channel.values), "EMAIL"
        )
        wanted = asked.get("variant", "A")
        for variant in variants_of(campaign):
            pk = variant.template_id_on(channel) if variant.name == wanted else None
            if pk is not None:
                return variant, MessageTemplate.objects.select_related("club").get(pk=pk)
        raise NothingToSay


class CampaignPreview(TrialView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": PreviewQuery}
    looks = "preview"

    @extend_schema(operation_id="previewCampaign", responses={200: PreviewReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read a campaign as one customer would get it.

        In the language they would get it in; `missing` names what is printed with nothing in its place.
        """
        found, query = self.campaign_of(pk), self.params
        person = self.customer_of(query["customerId"])
        variant, template = self.words_of(found, query)
        seen = previews.preview(template, customer_id=person.pk)
        if variant.subject:
            values = previews.values_for(template, person.pk)
            seen = previews.look_at(with_subject(seen.words, variant.subject), values)
        return Response(preview_payload(seen, template.channel))


class CampaignTestSend(TrialView):
    scopes = {"POST": Scope.CAMPAIGNS}
    bucket = "campaigns"

    @extend_schema(
        operation_id="testSendCampaign",
        request=TestBody,
        responses={202: TestReply},
        examples=[
            OpenApiExample(
                "To me",
                {"customerId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c91", "to": "me@club.example"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Send a campaign to yourself.

        As that customer would get it. It asks for no consent and counts for nothing, but a suppressed address gets
        nothing.
        """
        body = self.body(TestBody)
        found = self.campaign_of(pk)
        person = self.customer_of(body["customerId"])
        _variant, template = self.words_of(found, body)
        contents = wordings.latest([template.pk])[template.pk]
        others = wordings.fallbacks(sender_of(found.club_id), found.club)
        content = wordings.choose(contents, person.language, others)
        if content is None:
            raise NothingToSay
        planning.plan_test(person, content, to=body["to"].strip(), key=str(uuid4()))
        audit.record("campaign.tested", by=self.credential.actor, object_type="campaign", object_id=found.pk)
        return Response({"queued": True}, status=202)
