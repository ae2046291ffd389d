"""What the gate must know of messages and of whom they are for, loaded for all of them at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns import policy
from campaigns.models import Campaign, CampaignRun, Message, MessageClass, MessageState, Origin, Sender
from campaigns.policy import Counted
from campaigns.senders import senders_by_ref
from campaigns.zones import zones_of_countries
from crm.tenancy.models import Club
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers import ledger, suppression
from customers.consent import REACHED_BY, Consent, State, standing
from customers.marketing import may_market
from customers.matching import Key
from customers.models import Booking, CompetitionEntry, ConsentEntry, CustomerProfile, Suppression
from customers.models.profile import Status
from customers.stamps import Stamp

PROFILE = (
    "id", "status", "erased_at", "processing_restricted_at", "is_blocked", "date_of_birth", "country",
    "home_club_ref", "email_opt_in", "sms_opt_in", "push_opt_in", "whatsapp_opt_in",
)  # fmt: skip
GONE = (Status.MERGED, Status.DELETED)
UNSENT = (MessageState.QUEUED, MessageState.SKIPPED, MessageState.CANCELLED, MessageState.FAILED)
MINUTES_A_HOLE = 15
LONGEST_ROUND = timedelta(hours=6)
# Rounds under way: of who booked, and of the players.
ON_COURSE = """
    WITH rounds AS (
        SELECT key, customer_id, tee_time, holes FROM customers_booking
        WHERE tenant_id = %(tenant)s AND tee_time BETWEEN %(since)s AND %(now)s AND completed_at IS NULL
            AND status NOT IN ('CANCELLED', 'NO_SHOW')
    )
    SELECT customer_id, tee_time, holes FROM rounds WHERE customer_id = ANY(%(people)s)
    UNION ALL
    SELECT p.customer_id, r.tee_time, r.holes FROM rounds r
    JOIN customers_bookingplayer p ON p.tenant_id = %(tenant)s AND p.booking_key = r.key
    WHERE p.customer_id = ANY(%(people)s)
"""
TROUBLE = """
    SELECT customer_id, true AS is_complaint FROM customers_ticket
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s) AND status = 'OPEN'
    UNION ALL
    SELECT customer_id, false FROM customers_invoice
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s) AND status = 'OVERDUE'
"""


@dataclass(frozen=True, slots=True)
class Person:
    """row: the profile's columns; said: the statements of consent, with the identifier that each names."""

    zone: ZoneInfo
    row: Mapping[str, Any] = field(default_factory=dict)
    said: Sequence[tuple[Stamp, Consent, Key]] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    people: Mapping[UUID, Person]
    senders: Mapping[str, Sender]
    clubs: Mapping[str, Club]
    campaigns: Mapping[UUID, Campaign]  # by run
    counted: Mapping[UUID, Sequence[Counted]]
    said: Collection[tuple[object, ...]]
    suppressed: Collection[int]
    booked: Collection[tuple[UUID, str]]
    complaining: Collection[UUID]
    in_arrears: Collection[UUID]
    on_course: Mapping[UUID, datetime]

    def sender_of(self, message: Message) -> Sender:
        return self.senders.get(message.club_ref) or self.senders[""]

    def zone_of(self, person: Person, message: Message) -> ZoneInfo:
        """Where they are: their country's zone where it has but one, else the home club's, the campaign's, ours."""
        lone = zones_of_countries().get(person.row.get("country") or "")
        return (
            ZoneInfo(lone) if lone else _zone(self.clubs, person.row.get("home_club_ref"), message.club_ref)
        )

    def country_of(self, person: Person, message: Message) -> str:
        refs = (person.row.get("home_club_ref") or "", message.club_ref)
        regions = [self.clubs[ref].region for ref in refs if ref in self.clubs]
        return next(filter(None, [person.row.get("country"), *regions]), current_tenant().region)

    def is_control(self, customer: UUID, person: Person) -> bool:
        club = person.row.get("home_club_ref") or ""
        sender = self.senders.get(club) or self.senders[""]
        return policy.is_control(customer, club, sender.control_percent)

    def is_booked(self, message: Message) -> bool:
        """Whether they have what the campaign is for: its goal names a competition, or a day's tee times."""
        campaign = self.campaigns.get(message.run_id) if message.run_id else None
        return campaign is not None and (message.customer_id, str(campaign.pk)) in self.booked

    def refusal_of(self, person: Person, message: Message, now: datetime) -> str:
        """Why the person gets nothing of the kind, or "". A service message asks for no consent, nor for their age."""
        if person.refusal or message.origin == Origin.TEST:
            return person.refusal if message.origin != Origin.TEST else ""
        row = dict(person.row)
        if message.message_class != MessageClass.MARKETING:
            row |= {"is_blocked": False, "date_of_birth": None}
            row["status"] = Status.ACTIVE if row["status"] not in GONE else row["status"]
            agreed: bool | None = True
        else:
            agreed = _agreed(person, message, now)
        row[f"{message.channel.lower()}_opt_in"] = agreed
        day = now.astimezone(person.zone).date()
        return may_market(row, message.channel, day=day, majority=current_tenant().majority_age)


def _agreed(person: Person, message: Message, now: datetime) -> bool | None:
    """What the ledger says of this channel, purpose and club, for the address that is about to be used.

    What was granted for another address is not granted for this one; what was refused for any is. The flag of the
    profile speaks where the ledger holds nothing for marketing at large.
    """
    kind = REACHED_BY.get(message.channel)
    said = [
        (stamp, consent)
        for stamp, consent, (named, value) in person.said
        if consent.state is not State.GRANTED or named != kind or not value or value == message.address
    ]
    asked = {"channel": message.channel, "purpose": message.purpose, "club_ref": message.club_ref}
    state = standing(said, at=now, **asked)
    if state is State.UNKNOWN and not any(
        one.is_mirrored and one.channel == message.channel for _, one, _ in person.said
    ):
        flag: bool | None = person.row[f"{message.channel.lower()}_opt_in"]
        return flag
    return {State.GRANTED: True, State.WITHDRAWN: False}.get(state)


def load(messages: Sequence[Message], now: datetime) -> Known:
    """Everything, of all of them. About fifteen statements."""
    ids = sorted({one.customer_id for one in messages})
    senders = senders_by_ref()
    clubs = {ref: club for club in Club.objects.all() for ref in club.refs}
    campaigns = _campaigns(messages)
    complaining, in_arrears = _trouble(ids)
    return Known(
        people=_people(ids, clubs),
        senders=senders,
        clubs=clubs,
        campaigns=campaigns,
        counted=_counted(messages, ids, senders, now),
        said=_said(messages, ids),
        suppressed=_suppressed(messages, now),
        booked=_booked(set(campaigns.values()), ids),
        complaining=complaining,
        in_arrears=in_arrears,
        on_course=_on_course(ids, now),
    )


def _zone(clubs: Mapping[str, Club], *refs: str | None) -> ZoneInfo:
    named = (clubs[ref].timezone for ref in refs if ref and ref in clubs)
    return ZoneInfo(next(filter(None, named), current_tenant().timezone))


def _people(ids: Sequence[UUID], clubs: Mapping[str, Club]) -> dict[UUID, Person]:
    entries = ConsentEntry.objects.filter(customer__in=ids)
    said: defaultdict[UUID, list[tuple[Stamp, Consent, Key]]] = defaultdict(list)
    for entry in ledger.heard(list(entries)):
        said[entry.customer_id].append((*entry.said, (entry.kind, entry.value)))
    rows = CustomerProfile.objects.filter(pk__in=ids).values(*PROFILE)
    return {
        row["id"]: Person(_zone(clubs, row["home_club_ref"]), row, said.get(row["id"], ())) for row in rows
    }


def _campaigns(messages: Sequence[Message]) -> dict[UUID, Campaign]:
    runs = {one.run_id for one in messages if one.run_id}
    rows = CampaignRun.objects.filter(pk__in=runs).select_related("campaign") if runs else []
    return {row.pk: row.campaign for row in rows}


def _counted(
    messages: Sequence[Message], ids: Sequence[UUID], senders: Mapping[str, Sender], now: datetime
) -> dict[UUID, list[Counted]]:
    """What people were sent in the longest window that any sender looks back."""
    longest = max((cap.days for one in senders.values() for cap in policy.caps_of(one.caps)), default=0)
    rows = Message.objects.filter(customer__in=ids, counted_at__gt=now - timedelta(days=longest))
    counted: defaultdict[UUID, list[Counted]] = defaultdict(list)
    others = rows.exclude(pk__in=[one.pk for one in messages])
    for customer, channel, at in others.values_list("customer_id", "channel", "counted_at"):
        counted[customer].append(Counted(channel, at))
    return dict(counted)


def _said(messages: Sequence[Message], ids: Sequence[UUID]) -> set[tuple[object, ...]]:
    """What runs have said to people already, or are about to."""
    runs = {one.run_id for one in messages if one.run_id}
    if not runs:
        return set()
    rows = Message.objects.filter(customer__in=ids, run__in=runs).exclude(state__in=UNSENT)
    others = rows.exclude(pk__in=[one.pk for one in messages])
    return set(others.values_list("run_id", "customer_id", "channel", "occasion"))


def _suppressed(messages: Sequence[Message], now: datetime) -> set[int]:
    """Those messages whose address must not be written to: at all, or about what they are about."""
    keys = {
        one.pk: (REACHED_BY[one.channel], one.address)
        for one in messages
        if one.address and one.channel in REACHED_BY
    }
    standing, complained = (
        suppression.standing_over(keys.values(), now),
        suppression.complained_anywhere(keys.values()),
    )
    return {
        one.pk
        for one in messages
        if (key := keys.get(one.pk))
        and (
            any(_is_about(found, one) for found in standing.get(key, ()))
            or (key in complained and one.message_class == MessageClass.MARKETING)
        )
    }


def _is_about(found: Suppression, message: Message) -> bool:
    if message.message_class != MessageClass.MARKETING and found.reason not in suppression.EVEN_SERVICE:
        return False
    wanted = (
        (found.channel, message.channel),
        (found.purpose, message.purpose),
        (found.club_ref, message.club_ref),
    )
    return all(of in ("", own) for of, own in wanted)


def _booked(campaigns: Collection[Campaign], ids: Sequence[UUID]) -> set[tuple[UUID, str]]:
    """Who has what a campaign is for; two statements a campaign whose goal names something."""
    found: set[tuple[UUID, str]] = set()
    for campaign in campaigns:
        goal = campaign.goal
        if competition := goal.get("competitionId"):
            entries = CompetitionEntry.objects.filter(
                customer__in=ids, competition_key=str(competition), withdrawn_at=None
            )
            found |= {(pk, str(campaign.pk)) for pk in entries.values_list("customer_id", flat=True)}
        since, until = _moment(goal.get("teeTimesFrom")), _moment(goal.get("teeTimesUntil"))
        if since and until:
            lost = (Booking.Status.CANCELLED, Booking.Status.NO_SHOW)
            bookings = Booking.objects.filter(customer__in=ids, tee_time__gte=since, tee_time__lt=until)
            bookings = bookings.exclude(status__in=lost)
            found |= {(pk, str(campaign.pk)) for pk in bookings.values_list("customer_id", flat=True)}
    return found


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=current_tenant().zone)


def _trouble(ids: Sequence[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Who has an open ticket, and who an overdue invoice."""
    rows = select(TROUBLE, {"tenant": current_tenant().pk, "people": list(ids)})
    complaining = {row["customer_id"] for row in rows if row["is_complaint"]}
    return complaining, {row["customer_id"] for row in rows if not row["is_complaint"]}


def _on_course(ids: Sequence[UUID], now: datetime) -> dict[UUID, datetime]:
    """Who is playing, and until when as far as the number of holes tells."""
    asked = {"tenant": current_tenant().pk, "people": list(ids), "now": now, "since": now - LONGEST_ROUND}
    found: dict[UUID, datetime] = {}
    for row in select(ON_COURSE, asked):
        over = row["tee_time"] + timedelta(minutes=MINUTES_A_HOLE * (row["holes"] or 18))
        if over > now:
            found[row["customer_id"]] = max(over, found.get(row["customer_id"], over))
    return found
