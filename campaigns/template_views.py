"""The endpoints of templates."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import previews, ready_made, templates, variables, wordings
from campaigns.gallery import GALLERY
from campaigns.models import MessageTemplate
from campaigns.personalisation import EVENT_EXAMPLE, OWN, OWN_EXAMPLE, VARIABLES
from campaigns.template_replies import (
    GalleryReply,
    PreviewReply,
    TemplateListed,
    TemplateReply,
    VariablesReply,
    preview_payload,
    ready_payload,
    template_payload,
    variable_payload,
)
from campaigns.template_serializers import (
    TEMPLATES,
    LookQuery,
    TemplateCopy,
    TemplateNew,
    TemplateQuery,
    TemplateWords,
    TryBody,
    wording,
)
from campaigns.templates import TemplateNotFound
from crm.rest.paging import paginate
from crm.rest.schema import ETAG
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy import audit
from crm.tenancy.access import client_ip, club_refs
from crm.tenancy.models import Club
from crm.tenancy.permissions import Scope
from crm.tenancy.scope import current_tenant
from customers.visibility import visible_customer

SMS = {
    "name": "Booking reminder", "channel": "SMS",
    "contents": [
        {"language": "en", "body": "Hi {{ firstName }}, see you at {{ nextBooking | time }}."},
        {"language": "af", "body": "Hallo {{ firstName }}, sien u om {{ nextBooking | time }}."},
    ],
}  # fmt: skip
READY = {"gallery": "welcome"}
NEW_WORDS = {
    "contents": [
        {
            "language": "en",
            "subject": "See you soon",
            "body": "Hi {{ firstName | default: 'golfer' }}, see you soon.",
        }
    ]
}
TRIED = {"channel": "SMS", "content": {"language": "en", "body": "Hi {{ firstName }}"}}


class TemplateView(ApiView):
    tag = "Templates"

    def visible(self) -> QuerySet[MessageTemplate]:
        """The templates that the request may see: staff of some clubs see those of their clubs and those of none."""
        rows: QuerySet[MessageTemplate] = MessageTemplate.objects.kept().select_related("club")
        refs = club_refs(self.request)
        return rows if refs is None else rows.filter(Q(club=None) | Q(club__refs__overlap=refs))

    def template_of(self, pk: Any) -> MessageTemplate:
        """Raises TemplateNotFound."""
        try:
            found = self.visible().filter(pk=UUID(str(pk))).first()
        except ValueError:
            found = None
        if found is None:
            raise TemplateNotFound("There is no template with this id.")
        return found

    def person(self, customer_id: UUID | None) -> UUID | None:
        """The customer that a message is tried out with, as one that the request may see; the look is on record."""
        if customer_id is None:
            return None
        profile, _merged_from = visible_customer(self.request, customer_id, even_restricted=True)
        audit.record_look(
            "customer.viewed", by=self.credential.actor, object_type="customer", object_id=profile.pk,
            after={"part": "template"}, ip=client_ip(self.request),
        )  # fmt: skip
        return profile.pk


class TemplateList(TemplateView):
    scopes = {"GET": Scope.READ, "POST": Scope.CAMPAIGNS}
    queries = {"GET": TemplateQuery}

    @extend_schema(operation_id="listTemplates", responses={200: page_of(TemplateListed)})
    def get(self, request: Request) -> Response:
        """List templates.

        By name, unless `sort` says otherwise.
        """
        query = self.params
        lookups = {
            "channel": "channel__in", "clubId": "club", "search": "name__icontains", "updatedSince": "updated_at__gte",
        }  # fmt: skip
        rows = self.visible().filter(
            **{lookup: query[name] for name, lookup in lookups.items() if name in query}
        )
        return paginate(rows, query, TEMPLATES, _listed, prepare=_with_contents)

    @extend_schema(
        operation_id="createTemplate",
        request=TemplateNew,
        responses={201: TemplateReply},
        parameters=[ETAG],
        examples=[
            OpenApiExample("With its words", SMS, request_only=True),
            OpenApiExample("Of a ready-made one", READY, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create a template.

        Words that can't be used are 422 `INVALID_TEMPLATE`, with the part, the line and the column of each problem in
        `details`; a taken name is 409.
        """
        body = self.body(TemplateNew)
        by = self.credential.actor
        if "gallery" in body:
            made = ready_made.take(
                body["gallery"], by=by, name=body.get("name", ""), club_id=body.get("club_id")
            )
        else:
            made = templates.create_template(**body, by=by)
        return answer(made, status=201)


class TemplateOne(TemplateView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.CAMPAIGNS, "DELETE": Scope.CAMPAIGNS}

    @extend_schema(operation_id="getTemplate", responses={200: TemplateReply}, parameters=[ETAG])
    def get(self, request: Request, pk: str) -> Response:
        """Read a template with its words."""
        return answer(self.template_of(pk))

    @extend_schema(
        operation_id="changeTemplate",
        request=TemplateWords,
        responses={200: TemplateReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Other words", NEW_WORDS, request_only=True)],
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Change a template.

        Words that differ become the next revision of their language; messages that were sent keep theirs.
        """
        body = self.body(TemplateWords)
        found = self.template_of(pk)
        changed = templates.change_template(found.pk, body, by=self.credential.actor, if_match=self.condition)
        return answer(changed)

    @extend_schema(operation_id="archiveTemplate", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Take a template out of use.

        One that a campaign on the schedule or under way needs is 409 `TEMPLATE_IN_USE`, naming them in `details`.
        """
        found = self.template_of(pk)
        templates.archive_template(found.pk, by=self.credential.actor, if_match=self.condition)
        return Response(status=204)


class TemplateClone(TemplateView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="cloneTemplate",
        request=TemplateCopy,
        responses={201: TemplateReply},
        parameters=[ETAG],
        examples=[OpenApiExample("Named", {"name": "Winter newsletter"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Copy a template.

        With the words that count. Its name is the old one with “(Copy)” unless told.
        """
        body = self.body(TemplateCopy)
        copy = templates.clone_template(self.template_of(pk).pk, by=self.credential.actor, **body)
        response = answer(copy, status=201)
        response["Location"] = f"/api/v1/templates/{copy.pk}"
        return response


class TemplatePreview(TemplateView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": LookQuery}

    @extend_schema(operation_id="previewTemplate", responses={200: PreviewReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read what somebody would get.

        What masks keep from who asks is masked here too. Without a customer, example values stand in.
        """
        template = self.template_of(pk)
        person = self.person(self.params.get("customerId"))
        found = previews.preview(template, language=self.params.get("language", ""), customer_id=person)
        return Response(preview_payload(found))


class WordsPreview(TemplateView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="previewTemplateWords",
        request=TryBody,
        responses={200: PreviewReply},
        examples=[OpenApiExample("An SMS", TRIED, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Try words out.

        Nothing is saved. Words that can't be used are 422 `INVALID_TEMPLATE`.
        """
        body = self.body(TryBody)
        club = Club.objects.filter(pk=body["club_id"]).first() if body.get("club_id") else None
        template = MessageTemplate(tenant=current_tenant(), channel=body["channel"], club=club)
        person = self.person(body.get("customer_id"))
        words = wording(body["content"])
        found = previews.try_out(template, words, customer_id=person, event=body.get("event"))
        return Response(preview_payload(found))


class TemplateVariables(TemplateView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="listTemplateVariables", responses={200: VariablesReply})
    def get(self, request: Request) -> Response:
        """List what can stand in a message.

        With the custom fields of your club group.
        """
        own = (variables.registry().own or {}).items()
        named = [OWN_EXAMPLE._replace(name=f"{OWN}{key}", kind=kind) for key, kind in own]
        every = [*VARIABLES.values(), *named, EVENT_EXAMPLE]
        return Response({"data": [variable_payload(one) for one in every]})


class TemplateGallery(TemplateView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="listTemplateGallery", responses={200: GalleryReply})
    def get(self, request: Request) -> Response:
        """List the ready-made templates."""
        return Response({"data": [ready_payload(one) for one in GALLERY.values()]})


def _with_contents(rows: Sequence[Any]) -> None:
    found = wordings.latest(row.pk for row in rows)
    for row in rows:
        row.contents = found[row.pk]


def _listed(template: Any) -> dict[str, Any]:
    return template_payload(template, template.contents)


def answer(template: MessageTemplate, *, status: int = 200) -> Response:
    contents = wordings.latest([template.pk])[template.pk]
    return Response(template_payload(template, contents), status=status, headers={"ETag": template.etag})
