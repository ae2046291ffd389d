"""What else TeeTime tells: players registering, handicaps on the move, competitions. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from crm.demo.story.bookings import is_washed_out
from crm.demo.story.clubs import DemoClub
from crm.demo.story.people import Person, Player
from crm.demo.story.period import Period
from crm.demo.story.world import Draft, World, by_player, iso

TITLES = {
    1: "New Year Stableford", 2: "February Medal", 3: "Spring Medal", 4: "Easter Betterball", 5: "May Medal",
    6: "Captain's Day", 7: "Midyear Classic", 8: "August Stableford", 9: "Club Championship", 10: "October Medal",
    11: "Charity Day", 12: "Festive Scramble",
}  # fmt: skip
FORMATS = {4: "BETTERBALL_STABLEFORD", 9: "STROKE", 12: "SCRAMBLE"}
PLACES = 60
ANNOUNCED = timedelta(days=31)


def registered(person: Person, player: Player) -> Draft:
    """The event by which TeeTime makes a player known."""
    email = person.email_on(player.since.date())
    payload: dict[str, Any] = {"id": player.id, "name": person.first_name, "surname": person.last_name}
    identity = by_player(person)
    if email:
        identity["email"] = payload["email"] = email
    if person.phone:
        identity["phoneNumber"] = payload["phone"] = person.dialled
    if person.member and person.is_hard_to_tell:
        identity["sclMemberId"] = person.member.id
    if player.handicap is not None:
        payload["handicap"] = player.handicap
    payload |= {
        "homeClubId": person.club.ref,
        "homeClubName": person.club.name,
        "createdAt": iso(player.since),
    }
    return Draft(player.since, "teetime.player.created", "teetime", identity, payload)


def handicaps(period: Period, person: Person, player: Player) -> Iterator[tuple[date, float, float]]:
    """The steps of a player's handicap: (day, before, after), each a few tenths from the last.

    It drifts to where the player belongs, down for the keen and a little up for the others.
    """
    if player.handicap is None:
        return
    dice = period.dice("handicap", person.number)
    now = player.handicap
    target = now - 3.2 * player.keenness + dice.gauss(0.6, 1.2)
    pause = 190 - 115 * player.keenness
    day = player.since.date() + timedelta(days=round(dice.uniform(6, pause)))
    while day < period.today and person.plays_on(day):
        step = 0.22 * (target - now) + dice.gauss(0, 0.35)
        after = round(min(54.0, max(-4.0, now + max(-1.4, min(0.9, step)))), 1)
        if after != now:
            yield day, now, after
            now = after
        day += timedelta(days=max(4, round(dice.gauss(pause, pause / 4))))


def handicap_updated(
    person: Person, player: Player, step: tuple[date, float, float], period: Period
) -> Draft:
    day, before, after = step
    at = person.club.at(day, 0.5 + period.dice("revision", person.number, day).random())
    identity = by_player(person) | {"externalIds": {person.club.association: player.number}}
    payload = {
        "playerId": player.id,
        "previousHandicap": before,
        "newHandicap": after,
        "source": person.club.authority,
        "effectiveDate": day.isoformat(),
    }
    return Draft(at, "teetime.handicap.updated", "teetime", identity, payload)


def competition_of(day: date, club: DemoClub, world: World) -> Iterator[Draft]:
    """The competition of a day, if there is one: announced, entered, played, its results."""
    if day != club.competition_day(day.replace(day=1)):
        return
    dice = world.period.dice("competition", club.ref, day)
    key = f"comp-{club.code}{day:%y%m}"
    about = {"competitionId": key, "clubId": club.ref}
    announced = club.at(day - ANNOUNCED, 10)
    details = {
        "competitionName": TITLES[day.month],
        "startDate": day.isoformat(),
        "entryClosesAt": iso(club.at(day - timedelta(days=2), 18)),
        "format": FORMATS.get(day.month, "STABLEFORD"),
        "maxEntries": PLACES,
    }
    yield _told(announced, "published", about | details)
    field, last_entry = [], announced
    for person in _entrants(day, club, world, dice):
        last_entry = announced + timedelta(days=28 * dice.random() ** 1.5, hours=2)
        stays = dice.random() > 0.06
        yield from _entry(person, about, last_entry, dice, stays=stays)
        if stays:
            field.append((person, last_entry))
    if len(field) >= PLACES:
        yield _told(max(at for _, at in field), "full", about)
    if is_washed_out(world, club, day):
        yield _told(club.at(day, 6), "cancelled", about | {"reason": "course closed"})
    else:
        yield from _played(club, day, about, [person for person, _ in field], dice)


def _entrants(day: date, club: DemoClub, world: World, dice: Random) -> list[Person]:
    """The keen ones of the club's members with a handicap, 60 at most."""
    willing = [
        person
        for person in world.players.get(club, ())
        if person.plays_on(day - ANNOUNCED)
        and person.plays_on(day)
        and person.member
        and person.player
        and person.player.handicap is not None
        and dice.random() < 0.26 * person.player.keenness
    ]
    dice.shuffle(willing)
    return willing[: PLACES + 3]


def _entry(
    person: Person, about: dict[str, Any], at: datetime, dice: Random, *, stays: bool
) -> Iterator[Draft]:
    identity = by_player(person)
    payload = about | {"playerId": identity["teetimePlayerId"]}
    yield Draft(at, "teetime.competition.entered", "teetime", identity, payload)
    if not stays:
        withdrawn = at + timedelta(hours=dice.uniform(2, 40))
        yield Draft(withdrawn, "teetime.competition.withdrawn", "teetime", identity, payload)


def _played(
    club: DemoClub, day: date, about: dict[str, Any], field: list[Person], dice: Random
) -> Iterator[Draft]:
    scores = sorted(
        ((max(12, min(47, round(dice.gauss(32.5, 4.8)))), person.number, person) for person in field),
        reverse=True,
    )
    results = []
    for position, (points, _, person) in enumerate(scores, 1):
        identity = by_player(person)
        player = {"playerId": identity["teetimePlayerId"]}
        posted = club.at(day, dice.uniform(12, 17.5))
        yield Draft(
            posted, "teetime.score.posted", "teetime", identity, about | player | {"stableford": points}
        )
        results.append(player | {"position": position, "score": points})
    if results:
        yield _told(club.at(day, 18.5), "results.published", about | {"results": results})


def _told(at: datetime, what: str, payload: dict[str, Any]) -> Draft:
    return Draft(at, f"teetime.competition.{what}", "teetime", {}, payload)
