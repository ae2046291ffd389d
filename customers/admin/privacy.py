"""People > Privacy requests: what people ask about their data, waiting for the club's decision."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import record
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, badge
from crm.tenancy.permissions import Right
from customers.admin.html import person
from customers.models import PrivacyRequest
from customers.visibility import of_visible_people

TONES = {"OPEN": "warn", "DONE": "good", "REFUSED": "grey"}


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(ReadOnlyAdmin):
    view_right = Right.DELETE
    empty_hint = _("When a member asks for their data or its erasure, the request waits here.")
    intro = _("Requests to see or erase personal data. The law gives a month to answer.")
    list_display = ("who", "kind", "reason", "asked", "state")
    list_display_links = None
    list_filter = ("status",)
    list_select_related = ("customer",)
    ordering = ("-requested_at", "-pk")
    actions = ("mark_done", "refuse")

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return of_visible_people(request, rows)

    @admin.display(description=_("Customer"))
    def who(self, row: PrivacyRequest) -> Any:
        return person(row.customer)

    @admin.display(description=_("Asked"))
    def asked(self, row: PrivacyRequest) -> Any:
        return ago(row.requested_at)

    @admin.display(description=_("Status"))
    def state(self, row: PrivacyRequest) -> Any:
        return badge(row.get_status_display(), TONES[row.status])

    @admin.action(description=_("Mark as done"), permissions=["administer"])
    def mark_done(self, request: HttpRequest, queryset: Any) -> None:
        self._close(request, queryset, PrivacyRequest.Status.DONE)

    @admin.action(description=_("Refuse"), permissions=["administer"])
    def refuse(self, request: HttpRequest, queryset: Any) -> None:
        self._close(request, queryset, PrivacyRequest.Status.REFUSED)

    def _close(self, request: HttpRequest, queryset: Any, status: str) -> None:
        closed = 0
        for row in queryset.filter(status=PrivacyRequest.Status.OPEN):
            if queryset.filter(pk=row.pk, status=PrivacyRequest.Status.OPEN).update(status=status):
                record(
                    request,
                    "privacyrequest.closed",
                    row,
                    before={"status": row.status},
                    after={"status": status},
                )
                closed += 1
        messages.success(request, _t("%s requests closed.") % closed)
