"""Settings > Staff: who may log in to this tenant, with which role and for which clubs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.encoding import force_bytes
from django.utils.html import format_html
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import actor, membership_of, record, require
from crm.tenancy.admin.base import PlainLabels, StaffModelAdmin
from crm.tenancy.markup import ago, avatar, badge, initials
from crm.tenancy.models import Club, StaffMembership
from crm.tenancy.permissions import Right, Role
from crm.tenancy.scope import scopes_disabled
from crm.tenancy.setup import hire

ROLE_TONES = {Role.ADMIN: "violet", Role.MARKETING: "info", Role.STAFF: "good", Role.VIEWER: "grey"}
ROLE_WORDS = {
    Role.ADMIN: _("everything: staff, settings, keys, deleting"),
    Role.MARKETING: _("edits customers, segments, campaigns, journeys, merges, exports"),
    Role.STAFF: _("looks people up and adds notes"),
    Role.VIEWER: _("looks people up"),
}


class RoleForm(PlainLabels, forms.ModelForm[StaffMembership]):
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


class InvitationForm(RoleForm):
    full_name = forms.CharField(label=_("Full name"), max_length=200)
    email = forms.EmailField(label=_("E-mail"), max_length=254)

    field_order = ("full_name", "email", "role", "club_ids")

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if StaffMembership.objects.filter(user__email=email).exists():
            raise ValidationError(
                _t("There is an account with this e-mail here already; reactivate it if need be.")
            )
        return email


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
    view_right = add_right = change_right = Right.ADMINISTER
    intro = _(
        "Who may log in, what they may do, and for which clubs. A change counts from their next page on."
    )
    list_title, item_name = _("Staff"), _("staff")
    list_display = ("person", "role_badge", "clubs", "state", "last_login")
    list_filter = ("role", ActiveFilter)
    list_select_related = ("user",)
    ordering = ("-is_active", "user__full_name", "user__email")
    add_form, form = InvitationForm, MembershipForm
    change_form_template = "admin/tenancy/staffmembership/change_form.html"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else self.add_form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = self.form if obj else self.add_form
        return [(None, {"fields": [*fields.base_fields]})]

    def get_urls(self) -> Any:
        invite = path(
            "<uuid:pk>/invite/",
            self.admin_site.admin_view(self.invite_view),
            name="tenancy_staffmembership_invite",
        )
        return [invite, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: StaffMembership, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        answers = form.cleaned_data
        clubs = Club.objects.filter(pk__in=answers["club_ids"]).values_list("name", flat=True)
        hired, is_new = hire(
            answers["email"],
            answers["role"],
            by=actor(request),
            full_name=answers["full_name"],
            clubs=list(clubs),
        )
        obj.pk, obj.user, obj.is_new_account = hired.pk, hired.user, is_new  # type: ignore[attr-defined]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """hire() has written it."""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if obj.is_new_account:
            return self.invitation_page(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def invite_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """A new link to set a password: for accounts of this tenant alone, so that no tenant's admin can take
        over an account of another."""
        require(request, Right.ADMINISTER)
        membership = self.get_object(request, str(pk))
        if membership is None or request.method != "POST" or not is_ours_alone(membership):
            raise Http404
        record(request, "staffmembership.invited", membership)
        return self.invitation_page(request, membership)

    def invitation_page(self, request: HttpRequest, membership: StaffMembership) -> HttpResponse:
        user = membership.user
        link = reverse(
            "admin:welcome",
            args=[urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)],
        )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Invite %s") % user,
            "opts": self.opts,
            "membership": membership,
            "link": request.build_absolute_uri(link),
        }
        response = TemplateResponse(request, "admin/tenancy/staffmembership/invitation.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if rows := (getattr(response, "context_data", None) or {}).get("cl"):
            names = dict(Club.objects.values_list("pk", "name"))
            for row in rows.result_list:
                row.club_names = [names[pk] for pk in row.club_ids if pk in names]
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        membership = self.get_object(request, object_id)
        own = membership_of(request)
        extra = {
            "title": str(membership.user) if membership else "",
            "can_invite": membership is not None and is_ours_alone(membership),
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


def is_ours_alone(membership: StaffMembership) -> bool:
    """Is the account a member of this tenant and of no other, and no platform operator's?"""
    if membership.user.is_superuser:
        return False
    with scopes_disabled():  # the question is about other tenants; only yes or no comes out
        return not StaffMembership.objects.filter(user=membership.user_id).exclude(pk=membership.pk).exists()
