"""People > Households: who shares an e-mail or phone, and who belongs together."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.errors import CRMError, CustomerNotFound
from crm.tenancy.access import actor, may, posted, record_look, require
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago
from crm.tenancy.permissions import Right
from customers import households
from customers.admin.page import member_row, visible_members
from customers.models import Household
from customers.services import look_up
from customers.visibility import visible_customer, visible_people

DETAIL = "customers_household_detail"


@admin.register(Household)
class HouseholdAdmin(ReadOnlyAdmin):
    empty_hint = _("When people with different names share an e-mail or a phone, they become a household.")
    intro = _("People who share an e-mail or phone, or were put together by staff.")
    list_display = ("called", "people", "made")
    ordering = ("-created_at",)
    list_display_links = ("called",)

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/", view(self.detail_view), name=DETAIL),
            path("<uuid:pk>/edit/", view(require_POST(self.edit_view)), name="customers_household_edit"),
            *super().get_urls(),
        ]

    def row_url(self, row: Household) -> str:
        return reverse(f"admin:{DETAIL}", args=[row.pk])

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return rows.filter(pk__in=households.visible(visible_people(request)).values("pk"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's rows with their members. Two statements for all of them."""
        page = super().get_changelist_instance(request)
        page.result_list = list(page.result_list)
        who = households.people_of([row.pk for row in page.result_list], visible_people(request))
        for row in page.result_list:
            row.people_in = who.get(row.pk, [])
        return page

    @admin.display(description=_("Household"))
    def called(self, row: Any) -> str:
        return households.titled(row, row.people_in)

    @admin.display(description=_("Who is in it"))
    def people(self, row: Any) -> str:
        return ", ".join(str(person) for person in row.people_in)

    @admin.display(description=_("Since"), ordering="created_at")
    def made(self, row: Household) -> Any:
        return ago(row.created_at)

    def detail_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        household = self.household_or_404(request, pk)
        members = visible_members(request, households.members_of(household.pk))
        for one in members:
            record_look(request, "customer.viewed", one.profile, after={"part": "household"})
        context = {
            **self.admin_site.each_context(request),
            "title": households.title(household, members),
            "opts": self.opts,
            "household": household,
            "members": [member_row(one) for one in members],
            "may_change": may(request, Right.EDIT),
        }
        return TemplateResponse(request, "admin/customers/household_page.html", context)

    def edit_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        require(request, Right.EDIT)
        household = self.household_or_404(request, pk)
        name = posted(request, "name", most=200) if "name" in request.POST else None
        try:
            add, remove = self._who(request, "add"), self._who(request, "remove")
            households.change(pk, name=name, add=add, remove=remove, by=actor(request))
        except CRMError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _t("Saved."))
        is_left = households.visible(visible_people(request)).filter(pk=household.pk).exists()
        return HttpResponseRedirect(
            self.row_url(household) if is_left else reverse("admin:customers_household_changelist")
        )

    def _who(self, request: HttpRequest, field: str) -> list[UUID]:
        """The customer whom a field names by id or e-mail. Raises CustomerNotFound, ValidationFailed."""
        text = posted(request, field)
        if not text:
            return []
        try:
            pk = UUID(text)
        except ValueError:
            if "@" not in text:
                raise CustomerNotFound(_t("Give an e-mail address or the id of a customer.")) from None
            pk = look_up({"email": text}).profile.pk
        return [visible_customer(request, pk)[0].pk]

    def household_or_404(self, request: HttpRequest, pk: UUID) -> Household:
        require(request, Right.VIEW)
        household: Household | None = self.get_queryset(request).filter(pk=pk).first()
        if household is None:
            raise Http404
        return household
