"""Activity > Events: the sync log. Every event as received, and what became of it."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm.tenancy.access import actor, may, record_look, require
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, source_name
from crm.tenancy.permissions import Right
from customers.admin.html import person
from customers.admin.kinds import kind_words
from customers.admin.page import demotion_words
from customers.models import Demotion
from customers.visibility import of_visible_people
from timeline import replay
from timeline.admin import dead_letters
from timeline.admin.words import error_words, state_badge
from timeline.catalogue import ALIASES
from timeline.envelope import readable
from timeline.models import EventBody, InboundEvent, SyncStatus
from timeline.sources import TYPES

PLAIN_KEYS = {"id", "eventId", "type", "version", "timestamp", "source", "tenantId", "historical", "name"}


class StateFilter(admin.SimpleListFilter):
    """The states as people read them; each one is a range of an index or the newest rows that have it."""

    title, parameter_name = _("state"), "state"
    states: dict[str, tuple[Any, Q]] = {
        "waiting": (_("Waiting"), Q(is_waiting=True)),
        "pending": (_("Pending"), Q(is_waiting=True, status=SyncStatus.PENDING, claimed_at=None)),
        "processing": (
            _("Processing"),
            Q(is_waiting=True, status=SyncStatus.PENDING, claimed_at__isnull=False),
        ),
        "success": (_("Success"), Q(status=SyncStatus.SUCCESS)),
        "retry": (_("Failed, will retry"), Q(is_waiting=True, status=SyncStatus.FAILED)),
        "dead": (_("Dead letter"), Q(status=SyncStatus.FAILED, dead_at__isnull=False)),
        "skipped": (_("Skipped"), Q(status=SyncStatus.SKIPPED)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _condition) in self.states.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.states.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


class SourceFilter(admin.SimpleListFilter):
    title, parameter_name = _("source"), "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        names = sorted({kind.source for kind in TYPES.values()} | {self.value() or "scl"})
        return [(name, source_name(name)) for name in names]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(source=self.value()) if self.value() else queryset


class TypeFilter(admin.SimpleListFilter):
    title, parameter_name = _("type"), "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, name) for name in sorted(set(TYPES) | ({self.value()} - {None}))]  # type: ignore[type-var]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Events keep the type as sent, so the aliases of a type are meant too."""
        if not self.value():
            return queryset
        spellings = [alias for alias, name in ALIASES.items() if name == self.value()]
        return queryset.filter(type__in=[self.value(), *spellings])


class HistoryFilter(admin.SimpleListFilter):
    title, parameter_name = _("kind"), "historical"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("0", _("Live")), ("1", _("History"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(historical=self.value() == "1") if self.value() in ("0", "1") else queryset


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnlyAdmin):
    list_title = _("Events")
    intro = _("Everything that arrived, newest first, and what became of it.")
    list_display = (
        "state",
        "type_shown",
        "source_shown",
        "who",
        "error_shown",
        "tries",
        "received",
        "processed",
    )
    list_display_links = ("type_shown",)
    list_filter = (StateFilter, SourceFilter, TypeFilter, HistoryFilter)
    list_select_related = ("customer",)
    search_fields = ("event_id",)
    search_help_text = _("Event id")
    sortable_by = ()
    ordering = ("-received_at", "-pk")
    actions = ("replay_chosen",)

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            *dead_letters.urls(self),
            path("<uuid:pk>/", view(self.detail_view), name="timeline_inboundevent_detail"),
            path(
                "<uuid:pk>/replay/", view(require_POST(self.replay_view)), name="timeline_inboundevent_replay"
            ),
            *super().get_urls(),
        ]

    def row_url(self, row: InboundEvent) -> str:
        return reverse("admin:timeline_inboundevent_detail", args=[row.pk])

    def visible(self, request: HttpRequest, rows: Any) -> Any:
        return of_visible_people(request, rows)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the id that the sender gave, which the inbox key has once for each source."""
        term = search_term.strip()
        if not term:
            return queryset, False
        sources = {kind.source for kind in TYPES.values()}
        return queryset.filter(source__in=sources, event_id=term), False

    # --- one event
    def event_or_404(self, request: HttpRequest, pk: UUID) -> InboundEvent:
        require(request, Right.VIEW)
        event = self.get_queryset(request).select_related("customer").filter(pk=pk).first()
        if event is None:
            raise Http404
        return event  # type: ignore[no-any-return]

    def detail_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The body is shown to those who administer or market; others see its shape without what it says."""
        event = self.event_or_404(request, pk)
        raw = EventBody.objects.filter(event=event.pk).values_list("raw", flat=True).first()
        is_open = may(request, Right.ADMINISTER) or may(request, Right.MARKET)
        if raw is not None and is_open:
            record_look(request, "event.viewed", event)
        context = {
            **self.admin_site.each_context(request),
            "title": event.type,
            "opts": self.opts,
            "event": event,
            "set_aside": [
                (kind_words(row.kind), row.value, demotion_words(row.reason))
                for row in Demotion.objects.filter(source=event.source, source_event_id=event.event_id)[:20]
            ],
            "state": state_badge(event),
            "error_words": error_words(event.error_code) if event.error_code else "",
            "body": pretty(raw, is_open=is_open),
            "is_masked": raw is not None and not is_open,
            "may_replay": may(request, Right.ADMINISTER)
            and event.status in (SyncStatus.FAILED, SyncStatus.SKIPPED),
        }
        return TemplateResponse(request, "admin/timeline/event.html", context)

    def replay_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        require(request, Right.ADMINISTER)
        event = self.event_or_404(request, pk)
        self._replay(request, InboundEvent.objects.filter(pk=event.pk))
        return HttpResponseRedirect(self.row_url(event))

    @admin.action(description=_("Try again"), permissions=["administer"])
    def replay_chosen(self, request: HttpRequest, queryset: Any) -> None:
        self._replay(request, InboundEvent.objects.filter(pk__in=queryset.values("pk")))

    def _replay(self, request: HttpRequest, events: Any) -> None:
        count = replay.replay(events, by=actor(request))
        if count:
            words = ngettext("%s event is queued again.", "%s events are queued again.", count)
            messages.success(request, words % count)
        else:
            messages.warning(request, _t("Nothing to try again: only failed and skipped events can be."))

    # --- columns
    @admin.display(description=_("State"))
    def state(self, event: InboundEvent) -> Any:
        return state_badge(event)

    @admin.display(description=_("Type"))
    def type_shown(self, event: InboundEvent) -> str:
        return Truncator(event.type).chars(44)

    @admin.display(description=_("Source"))
    def source_shown(self, event: InboundEvent) -> str:
        return source_name(event.source)

    @admin.display(description=_("Customer"))
    def who(self, event: InboundEvent) -> Any:
        return person(event.customer)

    @admin.display(description=_("Error"), empty_value="")
    def error_shown(self, event: InboundEvent) -> Any:
        if not event.error_code:
            return ""
        return format_html(
            '<span class="truncate" title="{}">{}</span>', event.error, error_words(event.error_code)
        )

    @admin.display(description=_("Tries"), empty_value="")
    def tries(self, event: InboundEvent) -> str:
        return str(event.attempts) if event.attempts else ""

    @admin.display(description=_("Received"))
    def received(self, event: InboundEvent) -> Any:
        return ago(event.received_at)

    @admin.display(description=_("Processed"))
    def processed(self, event: InboundEvent) -> Any:
        return ago(event.processed_at)


def pretty(raw: str | None, *, is_open: bool) -> str:
    """The body for reading: indented JSON, its values hidden from those who may not see them."""
    if raw is None:
        return ""
    try:
        body = readable(raw)
    except ValueError:
        return raw if is_open else "•••"
    return json.dumps(body if is_open else masked(body), indent=2, ensure_ascii=False)


def masked(value: Any, name: str = "") -> Any:
    """The same shape without what it says, but for the envelope's own keys."""
    if isinstance(value, dict):
        return {key: masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return value if name in PLAIN_KEYS and isinstance(value, str | bool) else "•••"
