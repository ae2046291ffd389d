"""People > Privacy requests: what people ask about their data, waiting for the club's decision."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.errors import CRMError
from crm.tenancy.access import actor, posted, require
from crm.tenancy.actors import actor_names
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, badge
from crm.tenancy.permissions import Right
from customers.admin.html import person
from customers.models import PrivacyRequest
from customers.requests import decide_request, due_at
from customers.visibility import of_visible_people

TONES = {"OPEN": "warn", "DONE": "good", "REFUSED": "grey"}


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(ReadOnlyAdmin):
    view_right = Right.DELETE
    empty_hint = _("When a member asks for their data or its erasure, the request waits here.")
    intro = _(
        "Requests about personal data, and people who came of age. Each is decided with words that stay with it."
    )
    list_display = ("who", "what", "reason", "asked", "due", "state")
    list_display_links = ("what",)
    list_filter = ("status", "kind")
    list_select_related = ("customer",)
    ordering = ("-requested_at", "-pk")

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view(self.decide_view)
        return [path("<int:pk>/decide/", view, name="customers_privacyrequest_decide"), *super().get_urls()]

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return of_visible_people(request, rows)

    def row_url(self, row: PrivacyRequest) -> str:
        return reverse("admin:customers_privacyrequest_decide", args=[row.pk])

    @admin.display(description=_("Customer"))
    def who(self, row: PrivacyRequest) -> Any:
        return person(row.customer)

    @admin.display(description=_("Asks for"))
    def what(self, row: PrivacyRequest) -> str:
        return str(row.get_kind_display())

    @admin.display(description=_("Asked"))
    def asked(self, row: PrivacyRequest) -> Any:
        return ago(row.requested_at)

    @admin.display(description=_("Due"))
    def due(self, row: PrivacyRequest) -> Any:
        at = due_at(row) if row.status == PrivacyRequest.Status.OPEN else None
        late = at is not None and at < timezone.now()
        return format_html("{} {}", ago(at), badge(_t("overdue"), "bad") if late else "")

    @admin.display(description=_("Status"))
    def state(self, row: PrivacyRequest) -> Any:
        return badge(row.get_status_display(), TONES[row.status])

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: the request, and what can be done about it. POST: done or refused, with words."""
        require(request, Right.DELETE)
        found = self.get_queryset(request).select_related("customer").filter(pk=pk).first()
        if found is None:
            raise Http404
        if request.method == "POST":
            return self._decide(request, found)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{found.get_kind_display()}: {found.customer or '–'}",
            "opts": self.opts,
            "asked": found,
            "person": found.customer,
            "due": due_at(found),
            "state": self.state(found),
            "by": actor_names([found.decided_by]).get(found.decided_by, found.decided_by),
        }
        return TemplateResponse(request, "admin/customers/privacy_request.html", context)

    def _decide(self, request: HttpRequest, found: PrivacyRequest) -> HttpResponse:
        status = "DONE" if "done" in request.POST else "REFUSED"
        try:
            decide_request(found.pk, status, by=actor(request), decision=posted(request, "decision"))
        except CRMError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self.row_url(found))
        messages.success(request, _t("The request is closed."))
        return HttpResponseRedirect(reverse("admin:customers_privacyrequest_changelist"))
