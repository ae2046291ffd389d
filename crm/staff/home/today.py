"""Today at the clubs: who tees off, and whom the front desk should greet by name."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.tenancy.access import club_refs
from crm.tenancy.markup import clock
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from customers.models import Booking, CustomerProfile

MOST_READ = 500
SHOWN = 8
GRACE = timedelta(minutes=30)  # after which a tee time is over for those who greet


@dataclass(frozen=True, slots=True)
class Arrival:
    """A tee time as the front desk sees it: at the club's own clock, with what is special about its customer."""

    at: datetime
    club: str
    party: int
    customer: CustomerProfile
    notes: list[tuple[str, str, str]]

    @property
    def clock(self) -> str:
        """In words here: a template would turn the club's time into the tenant's."""
        return date_format(self.at, "H:i")


def today(request: HttpRequest) -> dict[str, Any]:
    """Counts of the day and the next arrivals, the special ones before all others. Two statements."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = list(_bookings(request, midnight, midnight + timedelta(days=1)))
    clubs = {ref: club for club in Club.objects.all() for ref in club.refs} if rows else {}
    drawn = [_arrival(row, clubs.get(row.club_ref)) for row in rows if row.customer]
    coming = [one for one in drawn if one.at > timezone.now() - GRACE]
    chosen = sorted(coming, key=lambda one: not one.notes)[:SHOWN]
    return {
        "count": len(rows),
        "is_cut": len(rows) == MOST_READ,
        "coming": len(coming),
        "special": sum(bool(one.notes) for one in coming),
        "shown": sorted(chosen, key=lambda one: one.at),
    }


def _bookings(request: HttpRequest, since: datetime, until: datetime) -> Any:
    """The day's tee times with their people: one range of the index by tee time."""
    kept = Q(status__in=[Booking.Status.BOOKED, Booking.Status.COMPLETED])
    earlier = Booking.objects.filter(kept, customer=OuterRef("customer"), tee_time__lt=OuterRef("tee_time"))
    rows = Booking.objects.filter(kept, tee_time__gte=since, tee_time__lt=until)
    if (refs := club_refs(request)) is not None:
        rows = rows.filter(club_ref__in=refs)
    known = rows.select_related("customer__metrics").annotate(has_played=Exists(earlier))
    return known.order_by("tee_time", "pk")[:MOST_READ]


def _arrival(row: Any, club: Club | None) -> Arrival:
    at = clock(row.tee_time, club.timezone if club else "")
    notes = notes_of(row.customer, at.date(), is_first=not row.has_played)
    return Arrival(
        at, row.club_name or (club.name if club else row.club_ref), len(row.party), row.customer, notes
    )


def notes_of(customer: CustomerProfile, day: date, *, is_first: bool) -> list[tuple[str, str, str]]:
    """What is special about somebody who comes on a day: words, tone, icon."""
    born, metrics = customer.date_of_birth, customer.metrics
    has_birthday = born is not None and (born.month, born.day) == (day.month, day.day)
    is_at_risk = (
        metrics.churn_risk_score_at and metrics.churn_risk_score >= current_tenant().at_risk_threshold
    )
    marks = (
        (customer.is_blocked, _("Blocked"), "bad", "ban"),
        (customer.is_vip, _("VIP"), "warn", "star"),
        (has_birthday, _("Birthday"), "violet", "cake"),
        (is_first, _("First visit"), "info", "flag"),
        (is_at_risk, _("At risk"), "bad", "triangle-alert"),
    )
    return [(words, tone, symbol) for is_so, words, tone, symbol in marks if is_so]
