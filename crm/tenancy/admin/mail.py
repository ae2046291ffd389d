"""Settings > Message log: mail to staff, what it said, and what became of it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import record
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.mail import home_of
from crm.tenancy.markup import ago, badge
from crm.tenancy.models import StaffMail, User
from crm.tenancy.models.mail import LINK
from crm.tenancy.permissions import Right

TONES = {"QUEUED": "info", "SENT": "good", "FAILED": "bad"}


@admin.register(StaffMail)
class StaffMailAdmin(ReadOnlyAdmin):
    view_right = Right.ADMINISTER
    list_title, item_name = _("Message log"), _("message")
    empty_hint = _("Nothing was mailed yet. Invitations and links for new passwords show here.")
    intro = _("Mail to staff: invitations, new passwords, security notices. Kept for 90 days.")
    list_display = ("subject", "to", "kind", "state_badge", "via", "written")
    list_display_links = ("subject",)
    list_filter = ("kind", "state")
    search_fields = ("to",)
    search_help_text = _("E-mail address in full")
    ordering = ("-created_at", "-pk")
    sortable_by = ()
    change_form_template = "admin/tenancy/staffmail/change_form.html"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip().lower()
        return (queryset.filter(to=term) if term else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        mail = self.get_object(request, object_id)
        extra = {}
        if mail is not None:
            may_open = bool(mail.link) and opens_nothing_else(mail)
            record(request, "staffmail.viewed", mail)
            extra = {
                "letter": mail.letter if may_open else mail.text.replace(LINK, "•••"),
                "is_link_hidden": LINK in mail.text and not may_open,
                "tone": TONES[mail.state],
            }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @admin.display(description=_("State"))
    def state_badge(self, mail: StaffMail) -> Any:
        return badge(mail.get_state_display(), TONES[mail.state])

    @admin.display(description=_("By"))
    def via(self, mail: StaffMail) -> str:
        return {"smtp": "SMTP", "local": str(_("this log only"))}.get(mail.gateway, "–")

    @admin.display(description=_("Written"))
    def written(self, mail: StaffMail) -> Any:
        return ago(mail.created_at)


def opens_nothing_else(mail: StaffMail) -> bool:
    """May an Admin read the link? Only where no mail server delivers, and the account is this tenant's alone."""
    if mail.gateway not in ("", "local"):
        return False
    user = User.objects.filter(email=mail.to).first()
    if user is None:
        return mail.kind == StaffMail.Kind.INVITATION
    home = home_of(user)
    return home is not None and home.pk == mail.tenant_id
