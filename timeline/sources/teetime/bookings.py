"""Tee-time bookings as TeeTime tells of them, with the party that plays. Pure."""

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from customers.faces import words
from customers.normalise import GUEST_KIND
from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import array, cents, currency, integer, key, moment, obj, read_moment, text
from timeline.sources.common import (
    Home,
    changed,
    effect,
    entry,
    hints,
    ident,
    moment_of,
    upper,
    written,
)

BOOKING = {
    "clubId": Home("club_ref", ident),
    "clubName": Home("club_name"),
    "courseId": Home("course_ref", ident),
    "courseName": Home("course_name"),
    "teeTime": Home("tee_time", read_moment),
    "holes": Home("holes", int),
    "amount": Home("amount_cents", int),
    "currency": Home("currency", upper),
    "channel": Home("channel"),
    "players": Home("party", list, []),
}
CANCELLED = BOOKING | {"reason": Home("cancel_reason")}
NAMES = {"name": Home("first_name"), "surname": Home("last_name")}
BOOKING_HOMES = frozenset({"id", "playerId", "bookedAt", "completedAt", "cancelledAt", *BOOKING})
BOOKING_FIELDS = {
    "playerId": key(),
    "clubId": key(),
    "clubName": text(),
    "courseId": key(),
    "courseName": text(),
    "teeTime": moment(),
    "holes": integer(most=99),
    "players": array(
        obj(playerId=key(), name=text(), surname=text(), email=text(longest=254), phone=text(longest=40))
    ),
    "amount": cents(),
    "currency": currency(),
    "channel": text(longest=50),
}


class Party(NamedTuple):
    """Who plays: the booker first, then those whom other systems know, and a row for everybody."""

    people: list[Person]
    rows: list[Fact]


def party(
    event: Event,
    *,
    booker_stage: str | None = None,
    stage: str | None = None,
    named: bool = True,
    is_change: bool = False,
) -> Party:
    """The people of a booking. Names here only fill what nobody has told; a nameless guest is just a row.

    booker_stage, stage: what the event says of the booker's lifecycle and of the others'.
    named: whether the event speaks of the party at all.
    is_change: whether who was a guest before may have a player id now.
    """
    booking = ident(event.payload["id"])
    known = hints(event.identity, teetimePlayerId=event.payload.get("playerId"))
    people, rows = [Person(known, stage=booker_stage, tier=0)], dict[str, Fact]()
    namesakes = Counter[str]()
    for position, player in enumerate((event.payload.get("players") or []) if named else [], 1):
        own, names = ident(player.get("playerId")), written(player, NAMES)
        row = f"{booking}:{own or position}"
        if row in rows:
            continue
        found = hints({}, teetimePlayerId=own, email=player.get("email"), phoneNumber=player.get("phone"))
        person: int | None = None
        if is_booker := _same(found, known):
            person, people[0] = 0, Person({**found, **known}, names, stage=booker_stage, tier=0)
        else:
            place = guest(booking, names, namesakes)
            if is_change or not own:
                found |= place
            if found:
                person = len(people)
                people.append(Person(found, names, stage=stage, tier=0))
        values = names | {"booking_key": booking, "is_booker": is_booker, "position": position}
        rows[row] = Fact("booking_player", row, values, person=person)
    return Party(people, list(rows.values()))


def guest(booking: str, names: Mapping[str, Any], namesakes: Counter[str]) -> dict[str, str]:
    """What recognises a guest when the booking is told of again: the name, whatever their place in the party.

    Of guests with one name, which of them it is.
    """
    name = " ".join(words(" ".join(filter(None, names.values()))))
    if not name:
        return {}
    namesakes[name] += 1
    digest = sha256(f"{booking}:{name}".encode()).hexdigest()[:16]
    return {GUEST_KIND: f"{booking}:{digest}:{namesakes[name]}"}


def _same(found: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a player of the party is the booker: by the player id, or by the e-mail where one lacks an id."""
    if "teetimePlayerId" in found and "teetimePlayerId" in known:
        return ident(found["teetimePlayerId"]) == ident(known["teetimePlayerId"])
    email = ident(found.get("email")).casefold()
    return bool(email) and email == ident(known.get("email")).casefold()


def booking(event: Event, values: dict[str, Any], *, opening: Mapping[str, Any] | None = None) -> Fact:
    return Fact("booking", ident(event.payload["id"]), values, opening or {})


def place(event: Event) -> str:
    """Where it is, for a title: " at Fynbos Golf Club", or nothing."""
    name = event.payload.get("clubName")
    return f" at {name}" if name else ""


@event_type(
    "teetime.booking.created",
    source="teetime",
    aliases=("booking.created", "teetime.booked"),
    schema=obj(required=["id"], id=key(), bookedAt=moment(), **BOOKING_FIELDS),
)
def booking_created(event: Event) -> Effect:
    """Someone booked a tee time."""
    group = party(event, booker_stage="PROSPECT")
    values = written(event.payload, BOOKING) | {"booked_at": moment_of(event, "bookedAt")}
    return effect(
        event,
        *group.people,
        entry=entry(
            event,
            "TEETIME_BOOKED",
            "BOOKING",
            f"Booked a tee time{place(event)}",
            source_id=event.payload["id"],
            homes=BOOKING_HOMES,
            counts=True,
        ),
        facts=[booking(event, values, opening={"status": "BOOKED"}), *group.rows],
    )


@event_type(
    "teetime.booking.updated",
    source="teetime",
    aliases=("booking.updated",),
    schema=obj(required=["id"], id=key(), changes=array(text()), **BOOKING_FIELDS),
)
def booking_updated(event: Event) -> Effect:
    """A booking was changed: its time, course or party."""
    changes = changed(event.payload)
    group = party(event, named=changes is None or "players" in changes, is_change=True)
    values = written(event.payload, BOOKING, changes)
    return effect(
        event,
        *group.people,
        entry=entry(
            event,
            "TEETIME_UPDATED",
            "BOOKING",
            f"Changed a tee time{place(event)}",
            source_id=event.payload["id"],
            homes=BOOKING_HOMES,
            counts=True,
        ),
        facts=[booking(event, values, opening={"status": "BOOKED"}), *group.rows],
    )


@event_type(
    "teetime.booking.completed",
    source="teetime",
    aliases=("booking.completed", "teetime.completed"),
    schema=obj(required=["id"], id=key(), completedAt=moment(), **BOOKING_FIELDS),
)
def booking_completed(event: Event) -> Effect:
    """The party played."""
    group = party(event, booker_stage="CUSTOMER", stage="CUSTOMER")
    values = {"status": "COMPLETED", "completed_at": moment_of(event, "completedAt")}
    return effect(
        event,
        *group.people,
        entry=entry(
            event,
            "TEETIME_COMPLETED",
            "BOOKING",
            f"Played a booked tee time{place(event)}",
            source_id=event.payload["id"],
            homes=BOOKING_HOMES,
            counts=True,
        ),
        facts=[booking(event, written(event.payload, BOOKING) | values), *group.rows],
    )


@event_type(
    "teetime.booking.cancelled",
    source="teetime",
    aliases=("booking.cancelled", "teetime.cancelled"),
    schema=obj(required=["id"], id=key(), cancelledAt=moment(), reason=text(), **BOOKING_FIELDS),
)
def booking_cancelled(event: Event) -> Effect:
    """A booking was cancelled, by the booker or by the club."""
    group = party(event)
    values = {"status": "CANCELLED", "cancelled_at": moment_of(event, "cancelledAt")}
    return effect(
        event,
        *group.people,
        entry=entry(
            event,
            "TEETIME_CANCELLED",
            "BOOKING",
            f"Tee time{place(event)} cancelled",
            source_id=event.payload["id"],
            homes=BOOKING_HOMES,
            counts=True,
        ),
        facts=[booking(event, written(event.payload, CANCELLED) | values), *group.rows],
    )


@event_type(
    "teetime.booking.noshow",
    source="teetime",
    aliases=("booking.noshow", "teetime.noshow"),
    schema=obj(required=["id"], id=key(), **BOOKING_FIELDS),
)
def booking_noshow(event: Event) -> Effect:
    """The party did not turn up."""
    group = party(event)
    return effect(
        event,
        *group.people,
        entry=entry(
            event,
            "TEETIME_NO_SHOW",
            "BOOKING",
            f"Did not turn up for a tee time{place(event)}",
            source_id=event.payload["id"],
            homes=BOOKING_HOMES,
        ),
        facts=[booking(event, written(event.payload, BOOKING) | {"status": "NO_SHOW"}), *group.rows],
    )
