"""Settings > API keys: issue, rotate with overlap, revoke. A key is shown by the page that made it, never again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import actor, record, require
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.forms import PlainLabels
from crm.tenancy.markup import ago, badge
from crm.tenancy.models import ApiKey
from crm.tenancy.permissions import Right, Scope
from crm.tenancy.setup import issue_key

SCOPE_WORDS = {
    Scope.READ: _("read profiles, timelines, events"),
    Scope.WRITE: _("write profiles, notes, activities"),
    Scope.ADMIN: _("merge, delete, export, erase, webhooks"),
    Scope.CAMPAIGNS: _("segments, campaigns, journeys, promotions"),
    Scope.SOCIAL: _("social posts and connections"),
    Scope.EVENTS: _("send and replay events"),
}
OVERLAPS = [(0, _("none: the old key stops at once")), (1, _("1 hour")), (24, _("1 day")), (168, _("7 days"))]


class KeyForm(PlainLabels, forms.ModelForm[ApiKey]):
    scopes = forms.MultipleChoiceField(
        label=_("May"),
        widget=forms.CheckboxSelectMultiple,
        choices=[(s.value, format_html("<code>{}</code> {}", s.value, SCOPE_WORDS[s])) for s in Scope],
    )
    expires_at = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Empty = never. Keys that expire and are rotated are safer."),
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "sources", "sees_as", "limits", "expires_at")
        labels = {"sources": _("Event sources"), "sees_as": _("Sees people as"), "limits": _("Limits")}
        widgets = {"limits": forms.Textarea(attrs={"rows": 2})}
        help_texts = {
            "name": _("Who uses it: “TeeTime production”."),
            "sees_as": _(
                "Keeps back what the role may not see; such a key only reads. Empty = it sees everything."
            ),
            "sources": _("Sources it may send events of, separated by commas: scl, teetime. Empty = all."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("sees_as") and set(cleaned.get("scopes", ())) - {Scope.READ}:
            self.add_error(
                "sees_as", _t("A key that sees people as a role can only read: tick crm:read alone.")
            )
        return cleaned


class RotateForm(PlainLabels, forms.Form):
    overlap = forms.TypedChoiceField(label=_("Old key goes on for"), coerce=int, choices=OVERLAPS, initial=24)


@admin.register(ApiKey)
class ApiKeyAdmin(StaffModelAdmin):
    view_right = add_right = change_right = Right.ADMINISTER
    empty_hint = _("Other systems need a key each to send events and read profiles. Add the first one.")
    intro = _(
        "Keys of the systems that send events or read profiles. Fairway keeps only a fingerprint of each."
    )
    list_title, item_name = _("API keys"), _("API key")
    form = KeyForm
    list_display = ("label", "scope_list", "state", "used", "created")
    list_display_links = ("label",)
    change_form_template = "admin/tenancy/apikey/change_form.html"
    fieldsets = (
        (None, {"fields": ("name", "scopes", "expires_at")}),
        (_("Narrower"), {"fields": ("sources", "sees_as", "limits")}),
    )

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/rotate/", view(self.rotate_view), name="tenancy_apikey_rotate"),
            path("<uuid:pk>/revoke/", view(self.revoke_view), name="tenancy_apikey_revoke"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        fields = {name: form.cleaned_data[name] for name in KeyForm.Meta.fields}
        key, secret = issue_key(**fields, by=actor(request))
        obj.pk, obj.prefix = key.pk, key.prefix
        obj.secret = secret  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is related to a key."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """issue_key() has written it."""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.once_page(request, obj, obj.secret)

    def once_page(self, request: HttpRequest, key: ApiKey, secret: str) -> HttpResponse:
        """The only page that ever shows the key: the reply itself, kept nowhere."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Your new key"),
            "opts": self.opts,
            "key": key,
            "secret": secret,
            "events_url": request.build_absolute_uri("/api/v1/events"),
        }
        response = TemplateResponse(request, "admin/tenancy/apikey/once.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def rotate_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        key = self.live_key(request, pk)
        form = RotateForm(request.POST)
        if request.method != "POST" or not form.is_valid():
            raise Http404
        hours = form.cleaned_data["overlap"]
        successor, secret = key.rotate(overlap=timedelta(hours=hours), by=actor(request))
        record(request, "apikey.rotated", key, after={"successor": successor.prefix, "overlapHours": hours})
        return self.once_page(request, successor, secret)

    def revoke_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        key = self.live_key(request, pk)
        if request.method != "POST":
            raise Http404
        key.revoke()
        record(request, "apikey.revoked", key)
        messages.success(request, _t("The key “%s” is revoked: it stopped working just now.") % key.name)
        return HttpResponseRedirect(reverse("admin:tenancy_apikey_changelist"))

    def live_key(self, request: HttpRequest, pk: UUID) -> ApiKey:
        require(request, Right.ADMINISTER)
        key = self.get_queryset(request).filter(pk=pk, revoked_at=None).first()
        if key is None:
            raise Http404
        return key  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        extra = {"rotate_form": RotateForm(), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked_at is None)

    @admin.display(description=_("Key"), ordering="name")
    def label(self, key: ApiKey) -> Any:
        return format_html('{} <span class="mono faint">fw_{}_…</span>', key.name, key.prefix)

    @admin.display(description=_("May"))
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(scope.removeprefix("crm:") for scope in key.scopes)

    @admin.display(description=_("State"))
    def state(self, key: ApiKey) -> Any:
        if key.revoked_at:
            return badge(_t("Revoked"), "grey")
        if key.expires_at and key.expires_at <= timezone.now():
            return badge(_t("Expired"), "warn")
        return badge(_t("Active"), "good")

    @admin.display(description=_("Last used"), ordering="last_used_at")
    def used(self, key: ApiKey) -> Any:
        return ago(key.last_used_at, _t("never"))

    @admin.display(description=_("Made"), ordering="created_at")
    def created(self, key: ApiKey) -> Any:
        return ago(key.created_at)
