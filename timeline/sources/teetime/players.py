"""Players as TeeTime tells of them, and their handicaps. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import array, day, handicap, key, moment, obj, read_day, text
from timeline.sources.common import Home, changed, contact_points, effect, entry, hints, ident, written

ASSOCIATIONS = ("golfRsaId", "cdhId")


def tenths(value: Any) -> Decimal:
    """A handicap to one decimal, as golf unions publish it."""
    return Decimal(str(value)).quantize(Decimal("0.1"), ROUND_HALF_UP)


PLAYER = {
    "name": Home("first_name"),
    "surname": Home("last_name"),
    "email": Home("email"),
    "phone": Home("phone_number"),
    "dateOfBirth": Home("date_of_birth", read_day),
    "handicap": Home("handicap", tenths),
    "homeClubId": Home("home_club_ref", ident),
    "homeClubName": Home("home_club_name"),
}
REVISION = {
    "newHandicap": Home("handicap", tenths),
    "previousHandicap": Home("previous", tenths),
    "effectiveDate": Home("effective_on", read_day),
    "source": Home("authority"),
}
PLAYER_HOMES = frozenset({"id", *PLAYER})
PLAYER_FIELDS = {
    "name": text(),
    "surname": text(),
    "email": text(longest=254),
    "phone": text(longest=40),
    "dateOfBirth": day(),
    "handicap": handicap(),
    "homeClubId": key(),
    "homeClubName": text(),
}


def player_hints(event: Event) -> dict[str, Any]:
    payload = event.payload
    return hints(
        event.identity,
        teetimePlayerId=payload["id"],
        email=payload.get("email"),
        phoneNumber=payload.get("phone"),
    )


def stamped(fields: dict[str, Any], when: datetime) -> dict[str, Any]:
    """The fields, with the time of the handicap where they have one."""
    return fields | {"handicap_updated_at": when} if "handicap" in fields else fields


def association_numbers(known: Mapping[str, Any]) -> list[Fact]:
    """The player's numbers at the golf unions, from the identity block's external ids."""
    numbers = {kind: ident(known.get(f"externalIds.{kind}")) for kind in ASSOCIATIONS}
    return [
        Fact("association_number", f"{kind}:{number}", {"association": kind, "number": number})
        for kind, number in numbers.items()
        if number
    ]


@event_type(
    "teetime.player.created",
    source="teetime",
    aliases=("player.created",),
    schema=obj(required=["id"], id=key(), createdAt=moment(), **PLAYER_FIELDS),
)
def player_created(event: Event) -> Effect:
    """Someone registered as a player."""
    known = player_hints(event)
    fields = contact_points(stamped(written(event.payload, PLAYER), event.occurred_at), known)
    return effect(
        event,
        Person(known, fields, stage="SUBSCRIBER"),
        entry=entry(
            event,
            "PLAYER_CREATED",
            "GOLF",
            "Registered as a player",
            source_id=event.payload["id"],
            homes=PLAYER_HOMES,
            counts=True,
        ),
        facts=association_numbers(known),
    )


@event_type(
    "teetime.player.updated",
    source="teetime",
    aliases=("player.updated",),
    schema=obj(required=["id"], id=key(), changes=array(text()), updatedAt=moment(), **PLAYER_FIELDS),
)
def player_updated(event: Event) -> Effect:
    """A player's details changed; only the fields named in `changes` are written."""
    known = player_hints(event)
    fields = stamped(written(event.payload, PLAYER, changed(event.payload)), event.occurred_at)
    return effect(
        event,
        Person(known, fields),
        entry=entry(
            event,
            "PLAYER_UPDATED",
            "GOLF",
            "Player details changed",
            source_id=event.payload["id"],
            homes=PLAYER_HOMES,
        ),
        facts=association_numbers(known),
    )


@event_type(
    "teetime.handicap.updated",
    source="teetime",
    aliases=("handicap.updated",),
    schema=obj(
        required=["newHandicap"],
        playerId=key(),
        previousHandicap=handicap(),
        newHandicap=handicap(),
        source=text(longest=50),
        effectiveDate=day(),
    ),
)
def handicap_updated(event: Event) -> Effect:
    """A golf union revised a player's handicap."""
    payload = event.payload
    known = hints(event.identity, teetimePlayerId=payload.get("playerId"))
    revision = written(payload, REVISION)
    revision["effective_on"] = revision.get("effective_on") or event.occurred_at.date()
    before, after = revision.get("previous"), revision["handicap"]
    return effect(
        event,
        Person(known, {"handicap": after, "handicap_updated_at": event.occurred_at}),
        entry=entry(
            event,
            "HANDICAP_UPDATED",
            "GOLF",
            f"Handicap {after}" if before is None else f"Handicap changed from {before} to {after}",
            source_id=known.get("teetimePlayerId"),
            homes={"playerId", "effectiveDate"},
        ),
        facts=[
            Fact("handicap", f"{ident(known.get('teetimePlayerId'))}:{event.id}", revision),
            *association_numbers(known),
        ],
    )
