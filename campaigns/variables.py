"""What is known of the people of a batch, as messages may say it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from campaigns.models import CampaignRun, MessageClass, Sender
from campaigns.personalisation import Kind, Registry, Values
from campaigns.rendering import COLOR
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from customers.custom_fields import definitions
from customers.models import Booking, CustomerProfile
from customers.models.custom import CustomField
from customers.payloads import blank_as_null, wire_value

USUAL_COLOR = "#14532d"
T = CustomField.Type
KINDS = {
    T.INT: Kind.NUMBER, T.DECIMAL: Kind.NUMBER, T.BOOL: Kind.FLAG, T.DATE: Kind.DATE, T.DATETIME: Kind.TIME,
    T.MULTI_ENUM: Kind.LIST,
}  # fmt: skip
COLUMNS = {
    "firstName": "first_name", "lastName": "last_name", "displayName": "display_name", "fullName": "full_name",
    "email": "email", "phoneNumber": "phone_number", "language": "language", "lifecycleStage": "lifecycle_stage",
    "isVip": "is_vip", "tags": "tags", "membershipTier": "membership_tier", "membershipStatus": "membership_status",
    "memberSince": "member_since", "membershipExpiry": "membership_expiry", "handicap": "handicap",
    "homeClubName": "home_club_name",
}  # fmt: skip


def registry() -> Registry:
    """The variables of the open tenant. One statement."""
    return Registry({key: KINDS.get(T(field.type), Kind.TEXT) for key, field in definitions().items()})


def load(
    customer_ids: Iterable[UUID], *, run: CampaignRun | None = None, sender: Sender | None = None,
    club: Club | None = None, message_class: str = MessageClass.MARKETING, campaign_name: str = "",
    events: Mapping[UUID, Mapping[str, Any]] | None = None, now: datetime | None = None,
) -> dict[UUID, Values]:  # fmt: skip
    """What is known of each, by id; whoever is not there any more is not in it. Three statements, and two of the run.

    club:   that writes, where there is no run; else the sender's.
    events: the payload of what set a triggered message off, by customer.
    """
    ids, now = list(customer_ids), now or timezone.now()
    if run is not None:
        campaign = run.campaign
        club, message_class, campaign_name = campaign.club, campaign.message_class, campaign.name
    club = club or (sender.club if sender is not None else None)
    shared = shared_values(club, sender, message_class=message_class, campaign_name=campaign_name, now=now)
    last, following = _last_bookings(ids, now), _next_bookings(ids, now)
    people = CustomerProfile.objects.filter(pk__in=ids).select_related("metrics")
    return {
        person.pk: Values(
            {
                **_own(person), **_booked(last.get(person.pk), following.get(person.pk), shared),
                "event": dict((events or {}).get(person.pk, {})),
            },
            shared,
        )
        for person in people
    }  # fmt: skip


def shared_values(
    club: Club | None, sender: Sender | None, *, message_class: str, campaign_name: str, now: datetime
) -> dict[str, Any]:
    """What is the same for everybody that one club writes to."""
    tenant = current_tenant()
    zone = (club.timezone if club else "") or tenant.timezone
    color = sender.brand_color if sender is not None else ""
    return {
        "club": {
            "name": club.name if club else (sender.from_name if sender else "") or tenant.name,
            "phone": blank_as_null(club.phone) if club else None,
            "email": blank_as_null((club.email if club else "") or (sender.reply_to if sender else "")),
            "address": blank_as_null(sender.postal_address) if sender else None,
            "website": blank_as_null(sender.website) if sender else None,
            "logo": blank_as_null(sender.logo_url) if sender else None,
            "color": color if COLOR.match(color) else USUAL_COLOR,
        },
        "campaignName": blank_as_null(campaign_name),
        "today": now.astimezone(_zone(zone)).date().isoformat(),
        "currency": (club.currency if club else "") or tenant.currency,
        "isService": message_class == MessageClass.TRANSACTIONAL,
        "_zone": zone,
        "_dateFormat": tenant.date_format,
    }


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _own(person: CustomerProfile) -> dict[str, Any]:
    found = {name: blank_as_null(wire_value(getattr(person, column))) for name, column in COLUMNS.items()}
    metrics = person.metrics
    return found | {
        "customFields": {key: blank_as_null(value) for key, value in (person.custom_fields or {}).items()},
        "lifetimeValue": metrics.lifetime_value_cents,
    }


def _booked(last: Booking | None, following: Booking | None, shared: Mapping[str, Any]) -> dict[str, Any]:
    zone = _zone(shared["_zone"])
    played = last.tee_time.astimezone(zone).date().isoformat() if last and last.tee_time else None
    coming = following.tee_time.astimezone(zone).isoformat() if following and following.tee_time else None
    return {
        "lastBookingDate": played,
        "nextBooking": coming,
        "nextBookingClub": blank_as_null(following.club_name) if following else None,
        "nextBookingCourse": blank_as_null(following.course_name) if following else None,
    }


def _bookings(ids: list[UUID], *order: str, **when: datetime) -> dict[UUID, Booking]:
    """Of each the first booking in an order that was not cancelled."""
    rows: Any = Booking.objects.filter(customer__in=ids, **when)
    rows = rows.exclude(status__in=[Booking.Status.CANCELLED, Booking.Status.NO_SHOW])
    return {row.customer_id: row for row in rows.order_by("customer", *order).distinct("customer")}


def _last_bookings(ids: list[UUID], now: datetime) -> dict[UUID, Booking]:
    return _bookings(ids, "-tee_time", tee_time__lte=now)


def _next_bookings(ids: list[UUID], now: datetime) -> dict[UUID, Booking]:
    return _bookings(ids, "tee_time", tee_time__gt=now)
