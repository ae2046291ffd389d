"""The two clubs with everybody in them, and how a thing that happens is written down. Pure."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from crm.demo.story.clubs import DemoClub
from crm.demo.story.groups import Group, make_groups
from crm.demo.story.people import Person
from crm.demo.story.period import Period
from crm.demo.story.population import make_people


class Draft(NamedTuple):
    """An event before it has an id. `at` is aware UTC."""

    at: datetime
    type: str
    source: str
    identity: dict[str, Any]
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """Everybody, and who is asked when something happens at a club: players, four-balls, contacts, shoppers."""

    period: Period
    people: list[Person]
    players: dict[DemoClub, list[Person]]
    groups: dict[DemoClub, list[Group]]
    contacts: dict[DemoClub, list[Person]]


def make_world(period: Period, count: int) -> World:
    people = make_people(period, count)
    players, contacts = defaultdict(list), defaultdict(list)
    for person in people:
        if person.player:
            players[person.club].append(person)
        if person.contact:
            contacts[person.club].append(person)
    groups = {club: make_groups(found, period.dice("groups", club.ref)) for club, found in players.items()}
    return World(period, people, players, groups, contacts)


def iso(at: datetime) -> str:
    """A moment as the source systems write it, to the millisecond."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def by_player(person: Person) -> dict[str, Any]:
    assert person.player  # noqa: S101 - only players are asked
    return {"teetimePlayerId": person.player.id}


def by_email(person: Person, day: date) -> dict[str, Any]:
    return {"email": person.email_on(day)}
