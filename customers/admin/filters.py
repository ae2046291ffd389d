"""Filters of the customer list. Apps above add theirs."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.tenancy.markup import SOURCES
from customers.models import Stage, Status, Tag
from customers.tags import looked_up

added_filters: list[type[admin.SimpleListFilter]] = []


def filters_customers(list_filter: type[admin.SimpleListFilter]) -> type[admin.SimpleListFilter]:
    """Register a filter of the customer list from an app above this one."""
    added_filters.append(list_filter)
    return list_filter


class StatusFilter(admin.SimpleListFilter):
    """Hides merged and deleted people until they are asked for."""

    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(status=self.value()) if self.value() else queryset.listed()


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
        asked = request.GET.get("tag")
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
        "full": (_("More than a name"), {"is_light": False}),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _condition) in self.flags.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.flags.get(self.value() or "")
        return queryset.filter(**chosen[1]) if chosen else queryset
