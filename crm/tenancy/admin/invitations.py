"""Settings > Invitations: who was asked to join by mail, and has not come yet."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.errors import DuplicateResource
from crm.tenancy import invitations
from crm.tenancy.access import actor, require
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.admin.staff import ROLE_TONES, RoleForm, with_club_names
from crm.tenancy.markup import ago, badge
from crm.tenancy.models import Invitation
from crm.tenancy.permissions import Right, Role


class InvitationForm(RoleForm):
    full_name = forms.CharField(label=_("Full name"), max_length=200)
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, help_text=_("They get a link that works once, for seven days.")
    )
    field_order = ("full_name", "email", "role", "club_ids")

    class Meta(RoleForm.Meta):
        model = Invitation  # type: ignore[assignment]
        fields = ("full_name", "email", "role", "club_ids")


class OpenFilter(admin.SimpleListFilter):
    """Open ones, until others are asked for."""

    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("accepted", _("Accepted")), ("revoked", _("Taken back")), ("all", _("Every state"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        conditions: dict[str | None, dict[str, Any]] = {
            "accepted": {"accepted_at__isnull": False},
            "revoked": {"revoked_at__isnull": False},
            "all": {},
        }
        return queryset.filter(**conditions.get(self.value(), {"accepted_at": None, "revoked_at": None}))


@admin.register(Invitation)
class InvitationAdmin(StaffModelAdmin):
    view_right = add_right = Right.ADMINISTER
    empty_hint = _("Invite colleagues under Staff: whoever has not answered yet is listed here.")
    intro = _("Who was invited by mail and is not staff yet. The mail itself is in the message log.")
    list_title, item_name = _("Invitations"), _("invitation")
    list_display = ("person", "role_badge", "clubs", "state", "good_until")
    list_display_links = None
    list_filter = (OpenFilter,)
    actions = ("resend", "revoke")
    form = InvitationForm

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """The service makes the row; what it refuses was checked by the form, but for two Admins at once."""
        return form.instance

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        made = invitations.invite(**form.cleaned_data, by=actor(request))
        obj.pk, obj.email = made.pk, made.email

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is related to an invitation."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """invite() has written it."""

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        try:
            return super().add_view(request, form_url, extra_context)
        except DuplicateResource as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:tenancy_invitation_changelist"))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, _t("The invitation to %s is on its way.") % obj.email)
        return HttpResponseRedirect(reverse("admin:tenancy_invitation_changelist"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """An invitation is not changed: it is taken back, and another one sent."""
        require(request, Right.ADMINISTER)
        if self.get_object(request, object_id) is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:tenancy_invitation_changelist"))

    @admin.action(description=_("Send a new link"), permissions=["administer"])
    def resend(self, request: HttpRequest, queryset: Any) -> None:
        self._act(request, queryset, invitations.resend, _t("A new link is on its way to %s."))

    @admin.action(description=_("Take back"), permissions=["administer"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        self._act(request, queryset, invitations.revoke, _t("The invitation to %s is taken back."))

    def _act(self, request: HttpRequest, chosen: Any, act: Any, words: str) -> None:
        for invitation in chosen:
            try:
                act(invitation, by=actor(request))
                messages.success(request, words % invitation.email)
            except invitations.InvitationGone:
                messages.warning(request, _t("%s has accepted already, or it was taken back.") % invitation)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return with_club_names(super().changelist_view(request, extra_context))

    @admin.display(description=_("Who"))
    def person(self, invitation: Invitation) -> Any:
        return format_html(
            '<span class="person"><span class="person-text"><span>{}</span><small>{}</small></span></span>',
            invitation, invitation.email,
        )  # fmt: skip

    @admin.display(description=_("Role"))
    def role_badge(self, invitation: Invitation) -> Any:
        return badge(invitation.get_role_display(), ROLE_TONES[Role(invitation.role)])

    @admin.display(description=_("Clubs"))
    def clubs(self, invitation: Invitation) -> str:
        return ", ".join(invitation.club_names) if invitation.club_ids else _t("All clubs")  # type: ignore[attr-defined]

    @admin.display(description=_("State"))
    def state(self, invitation: Invitation) -> Any:
        if invitation.accepted_at:
            return badge(_t("Accepted"), "good")
        if invitation.revoked_at:
            return badge(_t("Taken back"), "grey")
        return badge(_t("Waiting"), "info") if invitation.is_open else badge(_t("Expired"), "warn")

    @admin.display(description=_("Good until"))
    def good_until(self, invitation: Invitation) -> Any:
        return ago(invitation.expires_at)
