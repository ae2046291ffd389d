"""The navigation: pages by the job they are for. Who sees what follows from each page's own permission."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import club_refs, may, membership_of
from crm.tenancy.permissions import Right
from timeline.models import InboundEvent

MENU: tuple[tuple[Any, tuple[tuple[str, Any, str], ...]], ...] = (
    (_("People"), (
        ("customers.CustomerProfile", _("Customers"), "users"),
        ("customers.Household", _("Households"), "users-round"),
        ("customers.DuplicateCandidate", _("Duplicate candidates"), "git-compare"),
        ("customers.Tag", _("Tags"), "tag"),
        ("customers.PrivacyRequest", _("Privacy requests"), "shield-check"),
    )),
    (_("Marketing"), (
        ("segments.Segment", _("Segments"), "chart-pie"),
        ("campaigns.Campaign", _("Campaigns"), "send"),
        ("campaigns.MessageTemplate", _("Templates"), "mail-open"),
        ("campaigns.Message", _("Messages"), "mail-check"),
    )),
    (_("Activity"), (
        ("timeline.Activity", _("Timeline"), "activity"),
        ("timeline.Note", _("Notes"), "sticky-note"),
        ("timeline.InboundEvent", _("Events"), "inbox"),
        ("dead letters", _("Dead letters"), "mail-warning"),
    )),
    (_("Golf"), (
        ("customers.Booking", _("Bookings"), "calendar-days"),
        ("customers.Membership", _("Memberships"), "id-card"),
        ("customers.CompetitionEntry", _("Competition entries"), "trophy"),
        ("customers.ClubEvent", _("Club events"), "flag"),
    )),
    (_("Shop and service"), (
        ("customers.Order", _("Orders"), "shopping-bag"),
        ("customers.Payment", _("Payments"), "credit-card"),
        ("customers.Invoice", _("Invoices"), "receipt"),
        ("customers.Deal", _("Deals"), "handshake"),
        ("customers.Ticket", _("Support tickets"), "life-buoy"),
    )),
    (_("Settings"), (
        ("general", _("General"), "settings"),
        ("retention", _("Retention"), "history"),
        ("tenancy.Club", _("Clubs"), "map-pin"),
        ("customers.CustomField", _("Custom fields"), "list-filter"),
        ("customers.IdentityRule", _("Identity"), "badge-check"),
        ("tenancy.StaffMembership", _("Staff"), "user-cog"),
        ("tenancy.StaffMail", _("Message log"), "mail"),
        ("tenancy.ApiKey", _("API keys"), "key-round"),
        ("tenancy.AuditEntry", _("Audit log"), "scroll-text"),
    )),
)  # fmt: skip
PLAIN = {"general": "admin:settings", "retention": "admin:retention"}  # for whoever may administer
DEAD = "admin:timeline_inboundevent_dead"
KEYS = {  # pressed after g
    "customers.CustomerProfile": "c", "customers.DuplicateCandidate": "u", "timeline.Activity": "t",
    "timeline.InboundEvent": "e", "dead letters": "d", "customers.Booking": "b", "customers.Order": "o",
    "segments.Segment": "s", "campaigns.Campaign": "m",
}  # fmt: skip
MOST_SHOWN = 99


@dataclass(frozen=True, slots=True)
class Item:
    label: Any
    url: str
    icon: str
    is_current: bool
    count: str = ""
    key: str = ""


def menu(site: AdminSite, request: HttpRequest) -> list[tuple[Any, list[Item]]]:
    """The groups of the navigation with what the request may open. One query, for the dead letters."""
    if membership_of(request) is None:
        return []
    home = Item(_("Home"), reverse("admin:index"), "house", request.path == reverse("admin:index"), key="g h")
    admins = {model._meta.label: model_admin for model, model_admin in site._registry.items()}
    groups: list[tuple[Any, list[Item]]] = [("", [home])]
    for title, pages in MENU:
        items = [_item(request, admins, *page) for page in pages]
        if shown := [item for item in items if item]:
            groups.append((title, shown))
    return groups


def _item(request: HttpRequest, admins: dict[str, Any], label: str, words: Any, icon: str) -> Item | None:
    dead_url = reverse(DEAD)
    if label in PLAIN:
        url = reverse(PLAIN[label])
        return Item(words, url, icon, request.path == url) if may(request, Right.ADMINISTER) else None
    if label == "dead letters":
        if not admins["timeline.InboundEvent"].has_module_permission(request):
            return None
        here = request.path.startswith(dead_url)
        return Item(words, dead_url, icon, here, _dead_count(request), key_of(label))
    if label not in admins or not admins[label].has_module_permission(request):
        return None
    app, model = label.lower().split(".")
    url = reverse(f"admin:{app}_{model}_changelist")
    here = request.path.startswith(url) and not request.path.startswith(dead_url)
    return Item(words, url, icon, here, key=key_of(label))


def key_of(label: str) -> str:
    """The keys that open a page of the navigation from anywhere."""
    return f"g {KEYS[label]}" if label in KEYS else ""


def _dead_count(request: HttpRequest) -> str:
    """An alarm, so only for those who can see to it."""
    if club_refs(request) is not None or not may(request, Right.ADMINISTER):
        return ""
    count = InboundEvent.objects.dead().values("pk")[: MOST_SHOWN + 1].count()
    return f"{MOST_SHOWN}+" if count > MOST_SHOWN else str(count or "")
