"""Regular four-balls: the friends who play together every week. Pure."""

from dataclasses import dataclass
from random import Random

from crm.demo.story.people import Person

SIZES = ((4, 3, 2), (68, 22, 10))
TEE_DAYS = (5, 6, 2, 4, 3, 1)  # Saturday first
DAY_WEIGHTS = (46, 26, 13, 6, 5, 4)


@dataclass(frozen=True, slots=True)
class Group:
    """Friends with a usual weekday (Monday 0) and hour; they turn up in `loyalty` of the weeks of high season."""

    friends: tuple[Person, ...]
    weekday: int
    hour: float
    loyalty: float


def make_groups(players: list[Person], dice: Random) -> list[Group]:
    """Half of the keener members, those of an age together; couples and families often in one group."""
    regulars = [
        person
        for person in players
        if person.member and person.player and person.player.keenness > 0.25 and dice.random() < 0.62
    ]
    regulars.sort(key=lambda person: (round((person.born.year + dice.uniform(-6, 6)) / 5), person.household))
    groups, place = [], 0
    while place + 1 < len(regulars):
        size = dice.choices(*SIZES)[0]
        groups.append(_group(tuple(regulars[place : place + size]), dice))
        place += size
    return groups


def _group(friends: tuple[Person, ...], dice: Random) -> Group:
    retired = all(person.born.year < 1966 for person in friends)
    weekday = (
        dice.choice((1, 2, 3, 4))
        if retired and dice.random() < 0.55
        else dice.choices(TEE_DAYS, DAY_WEIGHTS)[0]
    )
    keenness = sum(person.player.keenness for person in friends if person.player) / len(friends)
    return Group(friends, weekday, dice.triangular(0, 4.5, 1.2), min(0.95, 0.25 + keenness))
