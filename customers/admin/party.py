"""Who plays with whom: the others of a booking, and whose guest somebody was."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest

from customers.admin.html import page_url
from customers.models import Booking, BookingPlayer, CustomerProfile
from customers.visibility import visible_people


@dataclass(frozen=True, slots=True)
class Companion:
    """Somebody in a party; `url` is blank where there is no page that the reader may see."""

    name: str
    url: str = ""
    is_light: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """A booking that somebody was in without having made it."""

    host: Companion
    tee_time: datetime | None


def parties(request: HttpRequest, keys: Collection[str]) -> dict[str, list[Companion]]:
    """Booking -> who else is in it, each once, in the order of the party. Two statements where there are bookings."""
    if not keys:
        return {}
    rows = BookingPlayer.objects.filter(booking_key__in=keys, is_booker=False).order_by("position", "id")
    players = list(rows)
    seen = _seen(request, {row.customer_id for row in players if row.customer_id})
    found: dict[str, dict[object, Companion]] = defaultdict(dict)
    for row in players:
        name = f"{row.first_name} {row.last_name}".strip()
        if (companion := _companion(seen.get(row.customer_id), name)).name:
            found[row.booking_key].setdefault(row.customer_id or name, companion)
    return {key: list(companions.values()) for key, companions in found.items()}


def rounds_as_guest(request: HttpRequest, customer: UUID, *, most: int = 3) -> list[Round]:
    """The latest bookings that somebody came along to. Three statements."""
    keys = BookingPlayer.objects.filter(customer=customer, is_booker=False).values("booking_key")
    bookings = list(
        Booking.objects.filter(key__in=keys).exclude(customer=None).order_by("-tee_time", "-id")[:most]
    )
    seen = _seen(request, {one.customer_id for one in bookings})
    return [
        Round(_companion(seen[one.customer_id], ""), one.tee_time)
        for one in bookings
        if one.customer_id in seen
    ]


def _seen(request: HttpRequest, people: Collection[UUID]) -> Mapping[UUID, CustomerProfile]:
    """Those of the people whom the reader may see."""
    return {one.pk: one for one in visible_people(request).current().filter(pk__in=people)} if people else {}


def _companion(profile: CustomerProfile | None, name: str) -> Companion:
    return Companion(str(profile), page_url(profile.pk), profile.is_light) if profile else Companion(name)
