"""What TeeTime tells of a day's tee times: booked, changed, called off, played. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from crm.demo.story.clubs import DemoClub
from crm.demo.story.people import Person
from crm.demo.story.world import Draft, World, by_player, iso

CASUAL_A_DAY = 0.003  # bookings outside the four-balls, per player of the club on an average day
ROUND_HOURS = 4.4
CHANNELS = (("APP", "WEB", "PRO_SHOP", "PHONE"), (48, 27, 17, 8))
REASONS = ("work", "illness", "change of plans", "injury")
GUESTS = ("Sam", "Alex", "Jordan", "Chris", "Nicky", "Robin")


@dataclass(frozen=True, slots=True)
class TeeTime:
    """A booking on the sheet. `guests` come along and are known by name at most."""

    key: str
    club: DemoClub
    party: tuple[Person, ...]
    guests: int
    at: datetime
    booked: datetime
    holes: int
    course: tuple[str, str]

    @property
    def booker(self) -> Person:
        return self.party[0]


def is_washed_out(world: World, club: DemoClub, day: date) -> bool:
    """Whether rain keeps the course closed."""
    return world.period.dice("rain", club.ref, day).random() < club.washed_out[day.month - 1]


def bookings_of(day: date, club: DemoClub, world: World) -> Iterator[Draft]:
    """Everything about the tee times of one day, also what was told of them days before."""
    dice = world.period.dice("tee", club.ref, day)
    closed = is_washed_out(world, club, day)
    for tee_time in _sheet(day, club, world, dice):
        yield from _story(tee_time, dice, closed=closed)


def closures_of(day: date, club: DemoClub, world: World) -> Iterator[Draft]:
    """The course closes before dawn when it has rained, and opens again the next morning."""
    if not is_washed_out(world, club, day):
        return
    reason = "waterlogged" if world.period.dice("why", club.ref, day).random() < 0.8 else "storm"
    closed, opens = club.at(day, 5.25), club.at(day + timedelta(days=1), 6)
    for course, _ in club.courses:
        place = {"clubId": club.ref, "courseId": course}
        yield Draft(
            closed, "teetime.course.closed", "teetime", {},
            place | {"reason": reason, "from": iso(closed), "until": iso(opens)},
        )  # fmt: skip
        if not is_washed_out(world, club, day + timedelta(days=1)):
            yield Draft(opens, "teetime.course.reopened", "teetime", {}, place)


def _sheet(day: date, club: DemoClub, world: World, dice: Random) -> Iterator[TeeTime]:
    """The day's tee sheet: the four-balls at their hour, then the others, nobody twice and no tee time twice."""
    busy: set[int] = set()
    slots: set[tuple[int, str]] = set()
    for number, (party, guests, hour) in enumerate(_parties(day, club, world, dice)):
        if any(person.number in busy for person in party):
            continue
        busy.update(person.number for person in party)
        course = dice.choice(club.courses)
        slot = round((hour - club.first_tee) * 60 / club.minutes_between_tees)
        while (slot, course[0]) in slots:
            slot += 1
        slots.add((slot, course[0]))
        at = club.at(day, club.first_tee + slot * club.minutes_between_tees / 60)
        yield TeeTime(
            key=f"bk_{day:%y%m%d}{club.code}{number:03d}",
            club=club,
            party=party,
            guests=guests,
            at=at,
            booked=_booked(party[0], at, day, dice),
            holes=9 if hour > club.dusk[day.month - 1] - ROUND_HOURS or dice.random() < 0.1 else 18,
            course=course,
        )


def _booked(booker: Person, at: datetime, day: date, dice: Random) -> datetime:
    """Most book in the evening, some days ahead; the rest on the same day."""
    ahead = min(13, int(dice.expovariate(1 / 4)))
    wanted = booker.club.at(day - timedelta(days=ahead), dice.triangular(6.5, 22.5, 20))
    latest = at - timedelta(hours=dice.uniform(0.5, 9))
    since = booker.player.since + timedelta(minutes=4) if booker.player else at
    return max(min(wanted, latest), min(since, latest))


def _parties(
    day: date, club: DemoClub, world: World, dice: Random
) -> Iterator[tuple[tuple[Person, ...], int, float]]:
    season = club.season[day.month - 1]
    for group in world.groups.get(club, ()):
        if group.weekday == day.weekday() and dice.random() < group.loyalty * min(0.75, 0.3 + season / 3):
            friends = [person for person in group.friends if person.plays_on(day) and dice.random() < 0.93]
            if friends:
                dice.shuffle(friends)
                yield tuple(friends), 0, club.first_tee + group.hour
    players = [person for person in world.players.get(club, ()) if person.plays_on(day)]
    expected = len(world.players.get(club, ())) * CASUAL_A_DAY * club.pace(day)
    wishes = list(accumulate(person.player.keenness for person in players if person.player))
    for _ in range(_about(expected, dice) if players else 0):
        booker = dice.choices(players, cum_weights=wishes)[0]
        last = club.dusk[day.month - 1] - ROUND_HOURS / 2
        usual = 0.22 if day.weekday() >= 5 else 0.45
        hour = dice.triangular(club.first_tee, last, club.first_tee + usual * (last - club.first_tee))
        yield *_company(booker, players, dice), hour


def _about(expected: float, dice: Random) -> int:
    """A whole number that is `expected` on average, and differs from day to day."""
    wanted = expected * dice.triangular(0.5, 1.5, 1)
    return int(wanted) + (dice.random() < wanted % 1)


def _company(booker: Person, players: list[Person], dice: Random) -> tuple[tuple[Person, ...], int]:
    """Who comes along: family first, then others of the club, and now and then a guest."""
    size = dice.choices((1, 2, 3, 4), (16, 42, 16, 26))[0]
    party = [booker]
    near = range(max(0, booker.number - 3), booker.number + 4)
    family = [p for p in players if p.number in near and p.household == booker.household and p is not booker]
    party += family[: size - 1]
    while len(party) < size and dice.random() < 0.75:
        other = dice.choice(players)
        if other not in party and (other.member is None) == (booker.member is None):
            party.append(other)
    guests = min(size - len(party), 2) if dice.random() < 0.35 else 0
    return tuple(party), guests


def _story(tee_time: TeeTime, dice: Random, *, closed: bool) -> Iterator[Draft]:
    """A booking from its first moment to how it ended."""
    fate, at, booked = dice.random(), tee_time.at, tee_time.booked
    sheet = _as_booked(tee_time, dice)
    yield _told(tee_time, booked, "created", sheet)
    if fate > 0.96 and at - booked > timedelta(hours=30):
        later = iso(at + timedelta(minutes=2 * tee_time.club.minutes_between_tees))
        changed = booked + (at - booked) * 0.6
        yield _told(tee_time, changed, "updated", sheet | {"teeTime": later, "changes": ["teeTime"]})
    if fate < 0.075:
        called_off = booked + (at - booked) * dice.uniform(0.2, 0.95)
        yield _told(
            tee_time,
            called_off,
            "cancelled",
            {"clubName": tee_time.club.name, "reason": dice.choice(REASONS)},
        )
    elif closed:
        dawn = max(booked, at - timedelta(hours=2)) + timedelta(minutes=3)
        yield _told(tee_time, dawn, "cancelled", {"clubName": tee_time.club.name, "reason": "weather"})
    elif fate < 0.1:
        yield _told(tee_time, at + timedelta(minutes=45), "noshow", {"clubName": tee_time.club.name})
    else:
        yield from _round(tee_time, dice)


def _round(tee_time: TeeTime, dice: Random) -> Iterator[Draft]:
    hours = (4.1 if tee_time.holes == 18 else 2.05) * dice.uniform(0.94, 1.12)
    done = tee_time.at + timedelta(hours=hours)
    played: dict[str, Any] = {"clubName": tee_time.club.name, "completedAt": iso(done)}
    if tee_time.booker.member is None:
        played["players"] = [_line(person) for person in tee_time.party]
    yield _told(tee_time, done, "completed", played)
    player = tee_time.booker.player
    if player and player.handicap is not None and dice.random() < 0.22:
        gross = round((72 + player.handicap * 1.05 + dice.gauss(2.5, 3.5)) * tee_time.holes / 18)
        yield Draft(
            done + timedelta(minutes=dice.randint(5, 90)), "teetime.round.completed", "teetime",
            by_player(tee_time.booker),
            {"bookingId": tee_time.key, "playerId": player.id, "clubId": tee_time.club.ref, "gross": gross,
             "holes": tee_time.holes},
        )  # fmt: skip


def _as_booked(tee_time: TeeTime, dice: Random) -> dict[str, Any]:
    club = tee_time.club
    fee = club.green_fee_member if tee_time.booker.member else club.green_fee_visitor
    share = 1 if tee_time.holes == 18 else 0.6
    heads = len(tee_time.party) * fee + tee_time.guests * club.green_fee_visitor
    guests = [
        {"name": dice.choice(GUESTS), "surname": tee_time.booker.last_name} for _ in range(tee_time.guests)
    ]
    return {
        "clubName": club.name,
        "courseId": tee_time.course[0],
        "courseName": tee_time.course[1],
        "teeTime": iso(tee_time.at),
        "holes": tee_time.holes,
        "players": [_line(person) for person in tee_time.party] + guests,
        "amount": round(heads * share),
        "currency": club.currency,
        "channel": dice.choices(*CHANNELS)[0],
        "bookedAt": iso(tee_time.booked),
    }


def _line(person: Person) -> dict[str, Any]:
    return {
        "playerId": person.player.id if person.player else None,
        "name": person.first_name,
        "surname": person.last_name,
    }


def _told(tee_time: TeeTime, at: datetime, what: str, payload: dict[str, Any]) -> Draft:
    identity = by_player(tee_time.booker)
    head = {"id": tee_time.key, "playerId": identity["teetimePlayerId"], "clubId": tee_time.club.ref}
    return Draft(at, f"teetime.booking.{what}", "teetime", identity, head | payload)
