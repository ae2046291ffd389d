"""Filters of the customer list, and where it leads to. Apps above add theirs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import queried
from crm.tenancy.markup import SOURCES
from crm.tenancy.masks import Personal
from crm.tenancy.models import Club
from crm.tenancy.scope import current_eyes, current_tenant
from customers.models import CustomerType, Stage, Status, Tag
from customers.tags import looked_up

added_filters: list[type[admin.SimpleListFilter]] = []


def filters_customers(list_filter: type[admin.SimpleListFilter]) -> type[admin.SimpleListFilter]:
    """Register a filter of the customer list from an app above this one."""
    added_filters.append(list_filter)
    return list_filter


class Link(NamedTuple):
    """A button above the list."""

    label: str
    url: str
    icon: str


LinkMaker = Callable[[HttpRequest, str], Link | None]
added_links: list[LinkMaker] = []


def links_customers(make: LinkMaker) -> LinkMaker:
    """Register what makes a link of the query by which the list is narrowed, which is "" where it is not."""
    added_links.append(make)
    return make


class StatusFilter(admin.SimpleListFilter):
    """Hides merged and deleted people until they are asked for; the flags hide guests known by name only."""

    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(status=self.value()) if self.value() else queryset.current()


class StageFilter(admin.SimpleListFilter):
    title, parameter_name = _("stage"), "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Stage.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(lifecycle_stage=self.value()) if self.value() else queryset


class SourceFilter(admin.SimpleListFilter):
    title, parameter_name = _("source"), "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(SOURCES.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(source=self.value()) if self.value() else queryset


class TagFilter(admin.SimpleListFilter):
    """The tags there are, or one that the address names. One statement."""

    title, parameter_name = _("tag"), "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        names = list(Tag.objects.order_by("key").values_list("name", flat=True)[:200])
        asked = queried(request, "tag")
        return [(name, name) for name in (names if not asked or asked in names else [*names, asked])]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(tags__contains=looked_up([asked])) if (asked := self.value()) else queryset


class ConsentFilter(admin.SimpleListFilter):
    """One list for all channels: channel and answer."""

    title, parameter_name = _("consent"), "consent"
    answers = {"yes": (True, _("opted in")), "no": (False, _("opted out")), "unknown": (None, _("unknown"))}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        channels = (("email", _("E-mail")), ("sms", "SMS"), ("push", _("Push")), ("whatsapp", "WhatsApp"))
        return [
            (f"{channel}-{answer}", f"{name}: {words}")
            for channel, name in channels
            for answer, (_value, words) in self.answers.items()
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        channel, _sep, answer = (self.value() or "").partition("-")
        if channel not in ("email", "sms", "push", "whatsapp") or answer not in self.answers:
            return queryset
        return queryset.filter(**{f"{channel}_opt_in": self.answers[answer][0]})


class FlagFilter(admin.SimpleListFilter):
    title, parameter_name = _("marked"), "marked"
    flags = {
        "vip": (_("VIP"), {"is_vip": True}),
        "blocked": (_("Blocked"), {"is_blocked": True}),
        "pending": (_("Pending"), {"is_pending": True}),
        "light": (_("Name only"), {"is_light": True}),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _condition) in self.flags.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        _words, chosen = self.flags.get(self.value() or "", ("", {}))
        return queryset.filter(**{"is_light": False} | chosen)


class TypeFilter(admin.SimpleListFilter):
    title, parameter_name = _("type"), "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return CustomerType.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(customer_type=self.value()) if self.value() else queryset


class HomeClubFilter(admin.SimpleListFilter):
    title, parameter_name = _("home club"), "club"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        clubs = list(Club.objects.all())
        self.refs = {str(club.pk): club.refs for club in clubs}
        return [(str(club.pk), club.name) for club in clubs]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        refs = self.refs.get(self.value() or "")
        return queryset if refs is None else queryset.filter(home_club_ref__in=refs)


class ActiveFilter(admin.SimpleListFilter):
    """When somebody last did something themselves."""

    title, parameter_name = _("last active"), "active"
    days = {"7": _("In the last 7 days"), "30": _("In the last 30 days"), "90": _("In the last 90 days")}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [*self.days.items(), ("older", _("Over 90 days ago")), ("never", _("Never"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value() or ""
        if chosen == "never":
            return queryset.filter(metrics__last_activity_at=None)
        if chosen not in self.days and chosen != "older":
            return queryset
        since = timezone.now() - timedelta(days=int(chosen) if chosen in self.days else 90)
        bound = "gte" if chosen in self.days else "lt"
        return queryset.filter(**{f"metrics__last_activity_at__{bound}": since})


class ScoreFilter(admin.SimpleListFilter):
    """Not for those from whom scores are kept: nobody filters by what they do not see."""

    title, parameter_name = _("score"), "score"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        if Personal.SCORES in current_eyes().masks:
            return []
        return [
            ("at-risk", _("At risk of leaving")),
            ("engaged", _("Engaged, 50 or more")),
            ("value", _("High value")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        tenant = current_tenant()
        conditions = {
            "at-risk": {"metrics__churn_risk_score__gte": tenant.at_risk_threshold},
            "engaged": {"metrics__engagement_score__gte": 50},
            "value": {"metrics__lifetime_value_cents__gte": tenant.high_value_cents},
        }
        is_offered = self.value() in {name for name, _words in self.lookup_choices}
        return queryset.filter(**conditions[self.value() or ""]) if is_offered else queryset
