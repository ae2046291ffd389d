"""Settings > Staff: who may log in to this tenant, with which role and for which clubs."""

from typing import Any
from uuid import UUID

from axes.utils import reset
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.tenancy import second_factor
from crm.tenancy.access import membership_of, record, require
from crm.tenancy.accounts import send_password_link, tell
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.forms import PlainLabels
from crm.tenancy.lockout import is_locked
from crm.tenancy.markup import ago, avatar, badge, initials
from crm.tenancy.models import Club, StaffMembership
from crm.tenancy.permissions import Right, Role
from crm.tenancy.scope import scopes_disabled

ROLE_TONES = {Role.ADMIN: "violet", Role.MARKETING: "info", Role.STAFF: "good", Role.VIEWER: "grey"}
ROLE_WORDS = {
    Role.ADMIN: _("everything: staff, settings, keys, deleting"),
    Role.MARKETING: _("edits customers, segments, campaigns, journeys, merges, exports"),
    Role.STAFF: _("looks people up and adds notes"),
    Role.VIEWER: _("looks people up"),
}


class RoleForm(PlainLabels, forms.ModelForm[Any]):
    role = forms.ChoiceField(
        label=_("Role"),
        widget=forms.RadioSelect,
        choices=[(role.value, format_html("<b>{}</b> {}", role.label, ROLE_WORDS[role])) for role in Role],
    )
    club_ids = forms.MultipleChoiceField(
        label=_("Clubs"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "None ticked = every club. Otherwise they see the people with a home club, membership or booking there."
        ),
    )

    class Meta:
        model = StaffMembership
        fields: tuple[str, ...] = ("role", "club_ids")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clubs = self.fields["club_ids"]
        assert isinstance(clubs, forms.MultipleChoiceField)  # noqa: S101 - declared above
        clubs.choices = [(str(club.pk), club.name) for club in Club.objects.all()]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        stays = cleaned.get("role") == Role.ADMIN and cleaned.get("is_active", True)
        stays = stays and not cleaned.get("club_ids")
        if self.instance.pk and not self.instance._state.adding and not stays:
            keep_an_admin(self.instance)
        return cleaned


class MembershipForm(RoleForm):
    class Meta(RoleForm.Meta):
        fields = ("role", "club_ids", "is_active")
        labels = {"is_active": _("May log in")}


def keep_an_admin(leaving: StaffMembership) -> None:
    """Refuse when nobody could administer the tenant without `leaving`. Locks the admins until the commit."""
    admins = StaffMembership.objects.filter(
        role=Role.ADMIN, club_ids=[], is_active=True, user__is_active=True
    )
    if not [one for one in admins.select_for_update(of=("self",)) if one.pk != leaving.pk]:
        raise ValidationError(_t("This is the last active Admin of all clubs. Make somebody else one first."))


class ActiveFilter(admin.SimpleListFilter):
    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("active", _("Active")), ("left", _("Deactivated"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(is_active=self.value() == "active") if self.value() else queryset


@admin.register(StaffMembership)
class StaffMembershipAdmin(StaffModelAdmin):
    view_right = change_right = Right.ADMINISTER
    intro = _(
        "Who may log in, what they may do, and for which clubs. A change counts from their next page on."
    )
    list_title, item_name = _("Staff"), _("staff")
    list_display = ("person", "role_badge", "clubs", "state", "last_login")
    list_filter = ("role", ActiveFilter)
    list_select_related = ("user",)
    ordering = ("-is_active", "user__full_name", "user__email")
    form = MembershipForm
    change_form_template = "admin/tenancy/staffmembership/change_form.html"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [(None, {"fields": [*self.form.base_fields]})]

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        acts = {
            "password": self.password_view,
            "second-factor": self.second_factor_view,
            "unlock": self.unlock_view,
        }
        return [
            *(
                path(
                    f"<uuid:pk>/{name}/",
                    view(require_POST(act)),
                    name=f"tenancy_staffmembership_{name.replace('-', '_')}",
                )
                for name, act in acts.items()
            ),
            *super().get_urls(),
        ]

    def account_or_404(self, request: HttpRequest, pk: UUID) -> StaffMembership:
        """A member whose account is this tenant's alone: no tenant's Admin gets at an account of another."""
        require(request, Right.ADMINISTER)
        membership = self.get_object(request, str(pk))
        if membership is None or not is_ours_alone(membership):
            raise Http404
        return membership  # type: ignore[no-any-return]

    def password_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Mail somebody who lost their password a link to set a new one."""
        membership = self.account_or_404(request, pk)
        send_password_link(membership.user)
        record(request, "staffmembership.password_link", membership)
        messages.success(request, _t("A link is on its way to %s.") % membership.user.email)
        return self._back_to(membership)

    def second_factor_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Take the second factor off an account whose owner has lost phone and recovery codes."""
        membership = self.account_or_404(request, pk)
        second_factor.turn_off(membership.user)
        record(request, "staffmembership.second_factor_reset", membership)
        subject = _t("Your second factor at Fairway was reset")
        tell(
            membership.user,
            subject,
            _t("An Admin of your club group took it off, so that you can set up another."),
        )
        messages.success(
            request, _t("The second factor is off: %s logs in with the password alone.") % membership.user
        )
        return self._back_to(membership)

    def unlock_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Forget the failed log-ins of an account."""
        require(request, Right.ADMINISTER)
        membership = self.get_object(request, str(pk))
        if membership is None:
            raise Http404
        reset(username=membership.user.email)
        record(request, "staffmembership.unlocked", membership)
        messages.success(request, _t("%s can log in again.") % membership.user)
        return self._back_to(membership)

    def _back_to(self, membership: StaffMembership) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:tenancy_staffmembership_change", args=[membership.pk]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return with_club_names(super().changelist_view(request, extra_context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        membership = self.get_object(request, object_id)
        own = membership_of(request)
        extra = {
            "title": str(membership.user) if membership else "",
            "is_ours_alone": membership is not None and is_ours_alone(membership),
            "has_second_factor": membership is not None and second_factor.is_on(membership.user),
            "is_locked": membership is not None and is_locked(membership.user.email),
            "is_self": membership is not None and own is not None and membership.pk == own.pk,
        }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @admin.display(description=_("Name"), ordering="user__full_name")
    def person(self, membership: StaffMembership) -> Any:
        user = membership.user
        return format_html(
            '<span class="person">{}<span class="person-text"><span>{}</span><small>{}</small></span></span>',
            avatar(initials(str(user)), user.pk), user, user.email,
        )  # fmt: skip

    @admin.display(description=_("Role"), ordering="role")
    def role_badge(self, membership: StaffMembership) -> Any:
        return badge(membership.get_role_display(), ROLE_TONES[Role(membership.role)])

    @admin.display(description=_("Clubs"))
    def clubs(self, membership: StaffMembership) -> str:
        return ", ".join(membership.club_names) if membership.club_ids else _t("All clubs")  # type: ignore[attr-defined]

    @admin.display(description=_("State"), ordering="is_active")
    def state(self, membership: StaffMembership) -> Any:
        return badge(_t("Active"), "good") if membership.is_active else badge(_t("Deactivated"), "grey")

    @admin.display(description=_("Last log-in"), ordering="user__last_login")
    def last_login(self, membership: StaffMembership) -> Any:
        return ago(membership.user.last_login, _t("never"))


def with_club_names(response: Any) -> Any:
    """A list's rows with the names of the clubs that they are limited to. One statement."""
    if rows := (getattr(response, "context_data", None) or {}).get("cl"):
        names = dict(Club.objects.values_list("pk", "name"))
        for row in rows.result_list:
            row.club_names = [names[pk] for pk in row.club_ids if pk in names]
    return response


def is_ours_alone(membership: StaffMembership) -> bool:
    """Is the account a member of this tenant and of no other, and no platform operator's?"""
    if membership.user.is_superuser:
        return False
    with scopes_disabled():  # the question is about other tenants; only yes or no comes out
        return not StaffMembership.objects.filter(user=membership.user_id).exclude(pk=membership.pk).exists()
