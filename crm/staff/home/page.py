"""What the home page shows, for the role and the clubs of who looks."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.staff.home.arrivals import arrivals
from crm.staff.home.chart import chart
from crm.staff.home.remember import remembered
from crm.staff.home.today import today
from crm.tenancy.access import club_refs, may
from crm.tenancy.permissions import Right
from customers.visibility import of_visible_people, visible_people
from timeline.models import Activity, InboundEvent
from timeline.subjects import with_subjects

MOST_COUNTED = 100_000
ARRIVALS_SECONDS = 5
SHOWN = 7


def page(request: HttpRequest) -> dict[str, Any]:
    """Everything but who the people are, which the page asks for when it stands."""
    return {**live(request), "chart": chart(request), "greeting": greeting()}


def live(request: HttpRequest) -> dict[str, Any]:
    """The part that is asked for every few seconds: at most thirteen statements, each over a bounded range.

    Staff limited to clubs see their people; the events of the whole group are not theirs to watch.
    """
    now = timezone.now()
    people = visible_people(request).listed()
    past = Activity.objects.filter(occurred_at__lte=now)
    latest = of_visible_people(request, past.select_related("customer"))
    newest_entries = list(latest.order_by("-occurred_at", "-pk")[:SHOWN])
    with_subjects(newest_entries)
    shown = {
        "is_limited": club_refs(request) is not None,
        "new_people": capped(people.filter(created_at__gte=now - timedelta(days=7))),
        "newest": list(people.order_by("-created_at", "-pk")[:SHOWN]),
        "latest": newest_entries,
        "today": today(request),
    }
    if shown["is_limited"]:
        return {**shown, "is_empty": False}
    events = InboundEvent.objects.all()
    arrived = remembered(request, "arrivals", ARRIVALS_SECONDS, arrivals)
    may_act = may(request, Right.ADMINISTER)  # what failed for good is an alarm for those who can see to it
    return {
        **shown,
        "arrived": arrived,
        "waiting": capped(events.filter(is_waiting=True)),
        "may_act": may_act,
        "dead": capped(events.dead()) if may_act else "",
        "is_empty": not arrived.sources and not shown["newest"],
    }


def capped(rows: Any) -> str:
    """A count for people, by its index, which stops where nobody reads on."""
    count = rows.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return _("over %s") % f"{MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"


def greeting() -> str:
    hour = timezone.localtime().hour
    return _("Good morning") if hour < 12 else _("Good afternoon") if hour < 18 else _("Good evening")
