"""What one event says, in the CRM's own words: the value that a source module returns. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customers.consent import Consent, flags

# Kinds of facts that counters of CustomerMetrics are counted from.
COUNTED: Mapping[str, tuple[str, ...]] = {
    "booking": ("booking_count_30d", "last_booking_at"),
    "order": ("lifetime_value",),
    "payment": ("lifetime_value",),
    "deal": ("lifetime_value",),
}
OWN_ACTS = ("activity_count_30d", "last_activity_at", "last_activity_type")  # counted from entries that count


@dataclass(frozen=True, slots=True)
class Event:
    """An accepted event: envelope checked, type canonical, payload valid against the type's schema.

    Times:   occurred_at is aware UTC, microseconds kept.
    Shapes:  identity and payload exactly as sent (camelCase keys); payload never holds NUL or lone surrogates.
    """

    id: str
    type: str
    source: str
    occurred_at: datetime
    identity: Mapping[str, Any]
    payload: Mapping[str, Any]
    historical: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Someone the event is about.

    hints:   identifier kind -> value as sent; kinds are the wire names authUserId, email, phoneNumber,
             sclMemberId, teetimePlayerId, messagingContactId, and externalIds.<kind> for external ids.
    fields:  CustomerProfile attribute -> value to write; None is a write that clears.
    tier:    1 writes by time; 0 only fills what no tier-1 source ever wrote.
    stage:   lifecycle stage this event is evidence for (SUBSCRIBER … ADVOCATE), or None.
    seen:    CustomerMetrics "last …" attributes to raise to the event's time (last_email_open_at …).
    consents: what the event says that they agree to or refuse.
    """

    hints: Mapping[str, Any]
    fields: Mapping[str, Any] = field(default_factory=dict)
    tier: int = 1
    stage: str | None = None
    seen: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()

    @property
    def writes(self) -> dict[str, Any]:
        """The fields, and the flags that follow from the consents."""
        return {**self.fields, **flags(self.consents)} if self.consents else dict(self.fields)


@dataclass(frozen=True, slots=True)
class Entry:
    """The timeline entry of the event; it belongs to the first person.

    counts:  the customer did it themselves (feeds lastActivityAt and activityCount30d); sends, staff and
             system entries do not.
    context: session, utm, referrer, ip (already truncated), userAgent, geo, where the source knows them.
    """

    type: str
    category: str
    title: str
    description: str = ""
    channel: str = ""
    source_id: str = ""
    counts: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of what is known about the club's world, upserted by its key in any order.

    kind:    name in customers.facts (membership, booking, booking_player, competition_entry, handicap,
             association_number, club_event, order, payment, deal, ticket, privacy_request).
    key:     the source's own id of the row, unique per tenant and kind.
    values:  model attribute -> value; written by the same rule as profile fields.
    opening: attributes to write at tier 0: they say how the row starts, whatever else is known moves it on.
    person:  index into Effect.people of the customer the row belongs to, None for rows about nobody.
    """

    kind: str
    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] = field(default_factory=dict)
    person: int | None = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """Everything one event changes. Empty people and facts = nothing to apply (the event is SKIPPED).

    club_ref: the club id as the sender names it; decides the region of phone numbers.
    version:  the source's own version of the entity, standing before the time; 0 where it has none.
    announce: outbox topics that this event causes besides the profile's own (crm.consent.optout.requested …),
              each with its payload.
    """

    people: tuple[Person, ...] = ()
    entry: Entry | None = None
    facts: tuple[Fact, ...] = ()
    club_ref: str = ""
    version: int = 0
    announce: tuple[tuple[str, Mapping[str, Any]], ...] = ()
