"""The endpoints of the message log."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.models import Message
from campaigns.problems import MessageNotFound
from campaigns.reconciling import resolve_message
from campaigns.replies import MessageListed, MessageReply, message_payload, words_payload
from campaigns.serializers import MESSAGES, MessageOutcomeBody, MessageQuery
from crm.rest.paging import paginate
from crm.rest.schema import ETAG
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy.permissions import Scope
from customers.parts import family_ids
from customers.visibility import of_visible_people

MOST = 2**63 - 1


class MessageView(ApiView):
    tag = "Messages"

    def visible(self) -> Any:
        """The messages to people that the request may see."""
        return of_visible_people(self.request, Message.objects.select_related("variant", "run"))

    def message_of(self, pk: Any) -> Message:
        """Raises MessageNotFound."""
        text = str(pk)
        found = None
        if text.isascii() and text.isdecimal() and int(text) <= MOST:
            found = self.visible().filter(pk=int(text)).first()
        if found is None:
            raise MessageNotFound
        self.about = found.customer_id
        message: Message = found
        return message


class MessageList(MessageView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": MessageQuery}
    looks = "list"

    @extend_schema(operation_id="listMessages", responses={200: page_of(MessageListed)})
    def get(self, request: Request) -> Response:
        """List messages.

        The latest first; also those that were not sent, each with its reason.
        """
        query, rows = self.params, self.visible()
        if "customerId" in query:
            rows = rows.filter(customer__in=family_ids(query["customerId"]))
        lookups = {
            "campaignId": "run__campaign", "channel": "channel__in", "state": "state__in", "origin": "origin__in",
            "since": "created_at__gte", "until": "created_at__lt",
        }  # fmt: skip
        rows = rows.filter(**{lookup: query[name] for name, lookup in lookups.items() if name in query})
        return paginate(rows, query, MESSAGES, message_payload)


class MessageOne(MessageView):
    scopes = {"GET": Scope.READ}
    looks = "message"

    @extend_schema(operation_id="getMessage", responses={200: MessageReply}, parameters=[ETAG])
    def get(self, request: Request, pk: str) -> Response:
        """Read a message.

        With its words as they were sent; null where it never got any, or its person was erased.
        """
        found = self.message_of(pk)
        return Response(message_payload(found) | words_payload(found))


class MessageResolve(MessageView):
    scopes = {"POST": Scope.CAMPAIGNS}

    @extend_schema(
        operation_id="resolveMessage",
        request=MessageOutcomeBody,
        responses={200: MessageListed},
        examples=[OpenApiExample("It went", {"outcome": "SENT"}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Say what became of a message that nobody knows of.

        Of one whose outcome is known it is 409 `MESSAGE_SETTLED`.
        """
        sent = {"SENT": True, "FAILED": False, "SEND_AGAIN": None}[self.body(MessageOutcomeBody)["outcome"]]
        found = self.message_of(pk)
        resolve_message(found.pk, by=self.credential.actor, sent=sent)
        return Response(message_payload(self.message_of(pk)))
