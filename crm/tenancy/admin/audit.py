"""Settings > Audit log: who did what, read only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from crm.tenancy.actors import actor_names
from crm.tenancy.admin.base import ReadOnlyAdmin, WhenFilter
from crm.tenancy.markup import ago, badge
from crm.tenancy.models import ApiKey, AuditEntry, StaffMembership
from crm.tenancy.permissions import Right

ACTIONS = (
    "customer.viewed", "customer.listed", "customer.searched", "customer.exported", "customer.created",
    "customer.updated", "customer.tagged", "customer.deleted", "customer.restored",
    "customer.erased", "customer.erasure_failed", "customer.data_exported",
    "customer.restricted", "customer.unrestricted",
    "customer.hold_placed", "customer.hold_lifted", "customer.guardian_set",
    "retention.changed", "retention.applied",
    "consent.recorded", "consent.suppression_lifted", "consent.rebuilt",
    "tag.renamed", "tag.merged", "tag.removed", "customfield.added", "customfield.changed", "customfield.deleted",
    "note.listed", "note.added", "note.changed", "note.deleted", "note.restored",
    "activity.added", "activity.changed", "activity.deleted",
    "event.viewed", "events.replayed", "events.discarded",
    "duplicatecandidate.dismissed", "duplicatecandidate.reopened", "privacyrequest.closed",
    "apikey.issued", "apikey.rotated", "apikey.revoked", "apikey.changed",
    "staffmembership.created", "staffmembership.changed", "staffmembership.password_link",
    "staffmembership.second_factor_reset", "staffmembership.unlocked",
    "account.logged_in", "account.locked_out", "account.password_changed", "account.address_changed",
    "account.second_factor_on", "account.second_factor_off", "account.recovery_codes_made", "account.sessions_ended",
    "invitation.created", "invitation.resent", "invitation.revoked", "invitation.accepted", "staffmail.viewed",
    "club.added", "club.changed", "tenant.changed",
)  # fmt: skip
THINGS = {
    "customer": _("customer"),
    "tag": _("tag"),
    "customfield": _("custom field"),
    "event": _("event"),
    "note": _("note"),
    "activity": _("activity"),
    "apikey": _("API key"),
    "staffmembership": _("staff"),
    "account": _("account"),
    "invitation": _("invitation"),
    "staffmail": _("message"),
    "duplicatecandidate": _("duplicate"),
    "privacyrequest": _("privacy request"),
    "club": _("club"),
    "tenant": _("club group"),
}


class ActionFilter(admin.SimpleListFilter):
    title, parameter_name = _("action"), "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, name) for name in ACTIONS]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(action=self.value()) if self.value() else queryset


class ActorFilter(admin.SimpleListFilter):
    title, parameter_name = _("who"), "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The kinds of actors, then the staff and keys of the club group, who left included. Two statements."""
        kinds = [
            ("user:", _("All staff")),
            ("key:", _("All API keys")),
            ("token:", _("Tokens")),
            ("job:", _("Jobs")),
        ]
        staff = StaffMembership.objects.select_related("user")
        people = sorted(
            ((f"user:{one.user_id}", str(one.user)) for one in staff), key=lambda one: one[1].lower()
        )
        return [
            *kinds,
            *people,
            *((f"key:{key.prefix}", str(key)) for key in ApiKey.objects.order_by("name")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        actor = self.value()
        if not actor:
            return queryset
        return (
            queryset.filter(actor__startswith=actor) if actor.endswith(":") else queryset.filter(actor=actor)
        )


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    view_right = Right.ADMINISTER
    list_title = _("Audit log")
    intro = _("Who looked at, exported or changed what: staff, keys and jobs. Nobody can edit it.")
    list_display = ("when", "who", "what", "about", "changes", "ip")
    list_display_links = ("when",)
    list_filter = (ActionFilter, ActorFilter, ("at", WhenFilter))
    search_fields = ("object_id",)
    search_help_text = _("Id of the thing it was done to")
    change_form_template = "admin/tenancy/auditentry/change_form.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        if entry := self.get_object(request, object_id):
            before, after = entry.before or {}, entry.after or {}
            extra_context = {
                "name": names_of([entry]).get(entry.actor, entry.actor),
                "thing": THINGS.get(entry.object_type, entry.object_type),
                "values": [
                    (field, before.get(field), after.get(field)) for field in sorted({*before, *after})
                ],
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Exact, because only the whole id is indexed."""
        term = search_term.strip()
        return (queryset.filter(object_id=term) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if rows := (getattr(response, "context_data", None) or {}).get("cl"):
            names = names_of(rows.result_list)
            for entry in rows.result_list:
                entry.name = names.get(entry.actor, entry.actor)
        return response

    @admin.display(description=_("When"), ordering="at")
    def when(self, entry: AuditEntry) -> Any:
        return ago(entry.at)

    @admin.display(description=_("Who"))
    def who(self, entry: AuditEntry) -> Any:
        name = getattr(entry, "name", None) or names_of([entry]).get(entry.actor, entry.actor)
        return format_html('<span title="{}">{}</span>', entry.actor, name)

    @admin.display(description=_("What"))
    def what(self, entry: AuditEntry) -> Any:
        return badge(entry.action, "info" if entry.action.endswith((".viewed", ".listed")) else "violet")

    @admin.display(description=_("About"))
    def about(self, entry: AuditEntry) -> Any:
        if not entry.object_id:
            return "–"
        words = THINGS.get(entry.object_type, entry.object_type)
        return format_html(
            '<a href="?q={}" title="{}">{} <span class="mono faint">…{}</span></a>',
            entry.object_id, _("Everything done to it"), words, entry.object_id[-8:],
        )  # fmt: skip

    @admin.display(description=_("Changes"))
    def changes(self, entry: AuditEntry) -> str:
        return ", ".join(sorted(entry.after or {})) or "–"


def names_of(entries: Any) -> dict[str, str]:
    """Actor -> name, for the entries' staff and keys."""
    return actor_names(entry.actor for entry in entries)
