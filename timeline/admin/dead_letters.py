"""Activity > Dead letters: what failed for good, by reason; try it out, replay it, or let it go."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm.errors import Conflict
from crm.tenancy.access import actor, may, posted, queried, require
from crm.tenancy.markup import source_name
from crm.tenancy.permissions import Right
from timeline import replay
from timeline.admin.words import error_words
from timeline.models import InboundEvent

FILTERS = {"source": "source", "type": "type", "error": "error_code"}
GROUPS_SHOWN = 200
SAMPLE_SHOWN = 10


def urls(model_admin: Any) -> list[Any]:
    view = model_admin.admin_site.admin_view

    def page(request: HttpRequest) -> HttpResponse:
        return dead_letters_view(request, model_admin)

    return [
        path("dead-letters/", view(page), name="timeline_inboundevent_dead"),
        path(
            "dead-letters/replay/", view(require_POST(replay_view)), name="timeline_inboundevent_dead_replay"
        ),
        path(
            "dead-letters/discard/",
            view(require_POST(discard_view)),
            name="timeline_inboundevent_dead_discard",
        ),
    ]


def chosen(request: HttpRequest, read: Any) -> dict[str, str]:
    """The filters of the page's address or form."""
    return {name: value for name in FILTERS if (value := read(request, name))}


def narrowed(filters: dict[str, str], events: Any) -> Any:
    return events.dead().filter(**{FILTERS[name]: value for name, value in filters.items()})


def dead_letters_view(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Dead letters by error, type and source. With ?try=1 also what a replay of the shown ones would do."""
    require(request, Right.VIEW)
    filters = chosen(request, queried)
    dead = narrowed(filters, model_admin.get_queryset(request))
    groups = [
        {**row, "words": error_words(row["error_code"]), "source_words": source_name(row["source"]),
         "query": urlencode({"error": row["error_code"], "type": row["type"], "source": row["source"]})}
        for row in by_reason(dead)
    ]  # fmt: skip
    may_act = may(request, Right.ADMINISTER)
    trial = (
        replay.preview(narrowed(filters, InboundEvent.objects.all()))
        if may_act and "try" in request.GET
        else None
    )
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _t("Dead letters"),
        "opts": model_admin.opts,
        "groups": groups,
        "total": sum(group["count"] for group in groups),
        "filters": filters,
        "query": urlencode(filters),
        "sample": list(dead.select_related("customer").order_by("-dead_at")[:SAMPLE_SHOWN])
        if filters
        else [],
        "may_act": may_act,
        "trial": trial and with_words(trial),
        "waiting": model_admin.get_queryset(request).filter(is_waiting=True).values("pk")[:1000].count(),
    }
    return TemplateResponse(request, "admin/timeline/dead_letters.html", context)


def by_reason(dead: Any) -> list[dict[str, Any]]:
    rows = dead.order_by().values("error_code", "source", "type")
    counted = rows.annotate(count=Count("pk"), first=Min("dead_at"), last=Max("dead_at"))
    return list(counted.order_by("-count", "error_code")[:GROUPS_SHOWN])


def with_words(trial: dict[str, Any]) -> dict[str, Any]:
    errors = trial["sample"]["errors"]
    return {**trial, "errors": [(error_words(code), count) for code, count in errors.items()]}


def replay_view(request: HttpRequest) -> HttpResponse:
    require(request, Right.ADMINISTER)
    filters = chosen(request, posted)
    count = replay.replay(narrowed(filters, InboundEvent.objects.all()), by=actor(request))
    words = ngettext("%s event is queued again.", "%s events are queued again.", count)
    messages.success(request, words % f"{count:,}")
    return HttpResponseRedirect(reverse("admin:timeline_inboundevent_dead"))


def discard_view(request: HttpRequest) -> HttpResponse:
    require(request, Right.ADMINISTER)
    filters = chosen(request, posted)
    back = reverse("admin:timeline_inboundevent_dead")
    try:
        count = replay.discard(
            narrowed(filters, InboundEvent.objects.all()),
            reason=posted(request, "reason"),
            by=actor(request),
        )
    except Conflict as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(f"{back}?{urlencode(filters)}")
    words = ngettext("%s event is discarded.", "%s events are discarded.", count)
    messages.success(request, words % f"{count:,}")
    return HttpResponseRedirect(back)
