"""Rounds played and scores posted, as TeeTime tells of them. Pure."""

from timeline.catalogue import Priority, event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import integer, key, moment, obj
from timeline.sources.common import Home, effect, entry, hints, ident, written

SCORE = {
    "clubId": Home("club_ref", ident),
    "position": Home("position", int),
    "score": Home("score", int),
    "gross": Home("gross", int),
    "stableford": Home("stableford", int),
}
SCORE_FIELDS = {
    "score": integer(least=-999, most=999),
    "gross": integer(least=-999, most=999),
    "stableford": integer(least=-999, most=999),
}


@event_type(
    "teetime.round.completed",
    source="teetime",
    aliases=("round.completed",),
    schema=obj(
        bookingId=key(),
        playerId=key(),
        clubId=key(),
        courseId=key(),
        holes=integer(most=99),
        completedAt=moment(),
        **SCORE_FIELDS,
    ),
)
def round_completed(event: Event) -> Effect:
    """Someone finished a round of golf."""
    payload = event.payload
    holes = payload.get("holes")
    return effect(
        event,
        Person(hints(event.identity, teetimePlayerId=payload.get("playerId")), stage="CUSTOMER"),
        entry=entry(
            event,
            "ROUND_COMPLETED",
            "GOLF",
            f"Played {holes} holes" if holes else "Played a round",
            source_id=payload.get("bookingId"),
            homes={"bookingId", "playerId"},
            counts=True,
        ),
    )


@event_type(
    "teetime.score.posted",
    source="teetime",
    priority=Priority.LOW,
    aliases=("score.posted",),
    schema=obj(playerId=key(), competitionId=key(), clubId=key(), position=integer(), **SCORE_FIELDS),
)
def score_posted(event: Event) -> Effect:
    """Someone's score was posted, in a competition or outside one."""
    payload = event.payload
    known = hints(event.identity, teetimePlayerId=payload.get("playerId"))
    player, competition = ident(known.get("teetimePlayerId")), ident(payload.get("competitionId"))
    result = written(payload, SCORE) | {"competition_key": competition}
    return effect(
        event,
        Person(known, stage="CUSTOMER"),
        entry=entry(
            event,
            "SCORE_POSTED",
            "GOLF",
            "Posted a score",
            source_id=competition,
            homes={"playerId", "competitionId"},
            counts=True,
        ),
        facts=[Fact("competition_entry", f"{competition}:{player}", result, opening={"status": "ENTERED"})]
        if competition and player
        else [],
    )
