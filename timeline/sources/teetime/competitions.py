"""Competitions: announced, filled, entered, played, as TeeTime tells of them. Pure."""

from collections.abc import Callable
from typing import Any

from timeline.catalogue import Interpreter, event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import Schema, array, day, integer, key, moment, obj, read_moment, text
from timeline.sources.club import CLUB_EVENT, happening
from timeline.sources.common import Home, effect, entry, hints, ident, moment_of, written
from timeline.sources.teetime.rounds import SCORE, SCORE_FIELDS

COMPETITION = CLUB_EVENT | {
    "competitionName": Home("name"),
    "entryClosesAt": Home("entry_closes_at", read_moment),
    "format": Home("format"),
    "maxEntries": Home("max_entries", int),
}
COMPETITION_FIELDS = {
    "competitionName": text(),
    "clubId": key(),
    "startDate": day(),
    "entryClosesAt": moment(),
    "format": text(longest=50),
    "maxEntries": integer(),
}
NAMES = {"name": Home("first_name"), "surname": Home("last_name")}
MOST_RESULTS = 2000


def competition(event: Event, status: str | None = None) -> Fact:
    return happening(event, "COMPETITION", "competitionId", COMPETITION, status=status)


def told(name: str, *, aliases: tuple[str, ...], **fields: Schema) -> Callable[[Interpreter], Interpreter]:
    """Declare an event about a competition as such, with what it may say besides its description."""
    schema = obj(required=["competitionId"], competitionId=key(), **COMPETITION_FIELDS, **fields)
    return event_type(name, source="teetime", aliases=aliases, schema=schema)


@told("teetime.competition.published", aliases=("competition.published",))
def competition_published(event: Event) -> Effect:
    """A competition was announced."""
    return effect(event, facts=[competition(event)])


@told("teetime.competition.updated", aliases=("competition.updated",), changes=array(text()))
def competition_updated(event: Event) -> Effect:
    """A competition was changed."""
    return effect(event, facts=[competition(event)])


@told("teetime.competition.full", aliases=("competition.full",))
def competition_full(event: Event) -> Effect:
    """A competition takes no more entries."""
    return effect(event, facts=[competition(event, "FULL")])


@told("teetime.competition.cancelled", aliases=("competition.cancelled",), reason=text())
def competition_cancelled(event: Event) -> Effect:
    """A competition will not take place."""
    return effect(event, facts=[competition(event, "CANCELLED")])


@told(
    "teetime.competition.results.published",
    aliases=("competition.results.published",),
    results=array(
        obj(playerId=key(), position=integer(), name=text(), surname=text(), **SCORE_FIELDS),
        most=MOST_RESULTS,
    ),
)
def results_published(event: Event) -> Effect:
    """The results of a competition are out."""
    played = ident(event.payload["competitionId"])
    club = written(event.payload, {"clubId": Home("club_ref", ident)})
    results = {ident(line.get("playerId")): line for line in event.payload.get("results") or []}
    results.pop("", None)
    rows = [
        Fact(
            "competition_entry",
            f"{played}:{player}",
            club | written(line, SCORE) | {"competition_key": played},
            opening={"status": "ENTERED"},
            person=place,
        )
        for place, (player, line) in enumerate(results.items())
    ]
    return effect(
        event,
        *(
            Person({"teetimePlayerId": player}, written(line, NAMES), tier=0, stage="CUSTOMER")
            for player, line in results.items()
        ),
        facts=[competition(event, "RESULTS"), *rows],
    )


def own_entry(
    event: Event, title: str, type: str, values: dict[str, Any], stage: str | None = None
) -> Effect:
    """Someone entered a competition or withdrew."""
    payload = event.payload
    known = hints(event.identity, teetimePlayerId=payload.get("playerId"))
    competition_id, player = ident(payload["competitionId"]), ident(known.get("teetimePlayerId"))
    values |= written(payload, {"clubId": Home("club_ref", ident)}) | {"competition_key": competition_id}
    return effect(
        event,
        Person(known, stage=stage),
        entry=entry(
            event,
            type,
            "GOLF",
            title,
            source_id=competition_id,
            homes={"competitionId", "playerId", "clubId"},
            counts=True,
        ),
        facts=[Fact("competition_entry", f"{competition_id}:{player}", values)] if player else [],
    )


ENTRY = obj(
    required=["competitionId"],
    competitionId=key(),
    playerId=key(),
    clubId=key(),
    enteredAt=moment(),
    withdrawnAt=moment(),
)


@event_type("teetime.competition.entered", source="teetime", aliases=("competition.entered",), schema=ENTRY)
def competition_entered(event: Event) -> Effect:
    """Someone entered a competition."""
    values = {"status": "ENTERED", "entered_at": moment_of(event, "enteredAt")}
    return own_entry(event, "Entered a competition", "COMPETITION_ENTERED", values, "PROSPECT")


@event_type(
    "teetime.competition.withdrawn", source="teetime", aliases=("competition.withdrawn",), schema=ENTRY
)
def competition_withdrawn(event: Event) -> Effect:
    """Someone withdrew from a competition."""
    values = {"status": "WITHDRAWN", "withdrawn_at": moment_of(event, "withdrawnAt")}
    return own_entry(event, "Withdrew from a competition", "COMPETITION_WITHDRAWN", values)
