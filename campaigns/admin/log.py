"""Marketing > Messages: every message that was planned or sent, what it said, and what became of it."""

from typing import Any

from csp.decorators import csp
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from campaigns import outgoing
from campaigns.admin.html import CHANNELS, channel_name, message_badge, message_url
from campaigns.admin.template_editing import FRAME
from campaigns.models import Interaction, Message, MessageState
from campaigns.reconciling import resolve_message
from campaigns.rendering import Rendered, RenderFailed
from crm.errors import CRMError, ValidationFailed
from crm.tenancy.access import actor, may, posted, record_look, require
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, avatar, icon
from crm.tenancy.permissions import Right
from customers.models import CustomerProfile
from customers.search import matching
from customers.visibility import of_visible_people

STAMPS = (
    ("created_at", _("Planned")), ("sent_at", _("Sent")), ("delivered_at", _("Delivered")),
    ("first_open_at", _("Opened by anything")), ("opened_at", _("Opened by a person")),
    ("first_click_at", _("Clicked by anything")), ("clicked_at", _("Clicked by a person")),
    ("converted_at", _("Brought something")), ("bounced_at", _("Bounced")), ("complained_at", _("Reported as spam")),
    ("unsubscribed_at", _("Unsubscribed")),
)  # fmt: skip
MOST = 200  # interactions shown
OUTCOMES = {"sent": True, "failed": False, "again": None}


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_title, item_name = _("Messages"), _("message")
    intro = _("Every message to a customer, planned or sent: to whom, what it said, what became of it.")
    empty_hint = _("As soon as a campaign begins, its messages show here.")
    list_display = ("person", "says", "channel_shown", "state_shown", "reason_shown", "when")
    list_filter = ("channel", "state", "origin")
    search_fields = ("address",)
    search_help_text = _("Name, e-mail or phone of a customer")
    ordering = ("-pk",)
    sortable_by = ()

    def get_urls(self) -> Any:
        view, name = self.admin_site.admin_view, "campaigns_message"
        return [
            path("<str:pk>/look/", view(self.detail_view), name=f"{name}_detail"),
            path("<str:pk>/look/body/", view(self.body_view), name=f"{name}_body"),
            path("<str:pk>/settle/", view(require_POST(self.settle_view)), name=f"{name}_settle"),
            *super().get_urls(),
        ]

    def message_or_404(self, request: HttpRequest, pk: str) -> Message:
        row: Message | None = self.get_queryset(request).filter(pk=int(pk)).first() if is_id(pk) else None
        if row is None:
            raise Http404
        return row

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("customer", "run__campaign")

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return of_visible_people(request, rows)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        people = CustomerProfile.objects.filter(matching(search_term)).values("pk")
        return queryset.filter(customer__in=people), False

    def row_url(self, row: Message) -> str:
        return message_url(row.pk)

    def detail_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """What it said and what became of it. Noted as a look at the person."""
        require(request, Right.VIEW)
        row = self.message_or_404(request, pk)
        record_look(request, "message.viewed", row, after={"customer": str(row.customer_id)})
        done = Interaction.objects.filter(message=row).select_related("link").order_by("at", "pk")
        context = {
            **self.admin_site.each_context(request),
            "title": row.subject or channel_name(row.channel),
            "opts": self.opts,
            "message": row,
            "stamps": [(words, getattr(row, name)) for name, words in STAMPS if getattr(row, name)],
            "interactions": list(done[:MOST]),
            "said": said(row),
            "is_unknown": row.state == MessageState.UNKNOWN and may(request, Right.MARKET),
        }
        return TemplateResponse(request, "admin/campaigns/message.html", context)

    @method_decorator([xframe_options_sameorigin, csp(FRAME)])
    def body_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The HTML of an e-mail as it was sent, for a frame in which nothing runs."""
        require(request, Right.VIEW)
        found = said(self.message_or_404(request, pk))
        return HttpResponse(found.html if found else "")

    def settle_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Say what became of a message of which the provider never told."""
        require(request, Right.MARKET)
        row, outcome = self.message_or_404(request, pk), posted(request, "outcome")
        try:
            if outcome not in OUTCOMES:  # nobody's guess marks a message as failed
                raise ValidationFailed(_t("Say whether it went."))
            resolve_message(row.pk, by=actor(request), sent=OUTCOMES[outcome])
            messages.success(request, _("It is written down."))
        except CRMError as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(message_url(row.pk))

    @admin.display(description=_("To"))
    def person(self, row: Message) -> Any:
        return format_html(
            '<span class="person-cell">{}<span class="person-text"><span>{}</span><small>{}</small></span></span>',
            avatar(row.customer.initials, row.customer_id), row.customer, row.address,
        )  # fmt: skip

    @admin.display(description=_("Message"))
    def says(self, row: Message) -> Any:
        of = row.run.campaign.name if row.run else row.get_origin_display()
        return format_html(
            '<span class="person-text"><span>{}</span><small>{}</small></span>', row.subject or "–", of
        )

    @admin.display(description=_("Channel"))
    def channel_shown(self, row: Message) -> Any:
        return format_html("{} {}", icon(CHANNELS[row.channel], "icon-small"), channel_name(row.channel))

    @admin.display(description=_("State"))
    def state_shown(self, row: Message) -> Any:
        return message_badge(row)

    @admin.display(description=_("Why"))
    def reason_shown(self, row: Message) -> Any:
        return row.get_reason_display() if row.reason else "–"

    @admin.display(description=_("When"))
    def when(self, row: Message) -> Any:
        return ago(row.sent_at or row.due_at or row.created_at)


def said(message: Message) -> Rendered | None:
    """Its words as they were; None where it never got any, or they can't be made any more."""
    try:
        return outgoing.shown(message)
    except RenderFailed:
        return None


def is_id(text: str) -> bool:
    """Whether a message may have this id: digits that fit the column."""
    return text.isascii() and text.isdecimal() and int(text[:20]) < 2**63 and len(text) < 20
