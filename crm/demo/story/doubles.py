"""People whom the systems know twice, and some who only look as if, for the review of duplicates. Pure.

One in a hundred registers again: with a slip of the keys, a pet name, a maiden name, day and month of birth swapped, or
as a member with a new number. Twins, and a father and son of one name, are in between: they are two people each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from crm.demo.story.clubs import FYNBOS, TIERS, DemoClub
from crm.demo.story.names import as_ascii
from crm.demo.story.people import Person
from crm.demo.story.world import Draft, World, iso

PEOPLE_PER_DOUBLE = 100
FIRST_MEMBER = 39_600
PET_NAMES = {
    "Johannes": "Hannes", "Elizabeth": "Liz", "William": "Bill", "Margaret": "Maggie", "Robert": "Bob",
    "Katherine": "Kate", "Catherine": "Kate", "James": "Jim", "Richard": "Rick", "Michael": "Mike", "David": "Dave",
    "Susan": "Sue", "Pieter": "Piet", "Thomas": "Tom", "Christopher": "Chris", "Andrew": "Andy", "Hendrik": "Hennie",
    "Nicholas": "Nick", "Stephen": "Steve", "Jacobus": "Kobus", "Patricia": "Pat", "Daniel": "Danie",
}  # fmt: skip
MAIDEN_NAMES = ("Abrahams", "Hollingworth", "Lombard", "Petrides", "Marchbanks", "Swanepoel", "Oosthuizen")
TWINS = (("Mieke", "Lara", "Terblanche"), ("Callum", "Rory", "Abernethy"))
NAMESAKES = (("Gideon", "Labuschagne"), ("Alistair", "Pemberton"))


@dataclass(frozen=True, slots=True)
class Double:
    """Two mentions and whether they are one person; each is the kind and value of an identifier."""

    first: tuple[str, str]
    second: tuple[str, str]
    is_one: bool


def doubles(world: World) -> Iterator[tuple[Double, tuple[Draft, ...]]]:
    """Every pair that was planted, with the events that tell of it beyond the world's own people."""
    dice = world.period.dice("doubles")
    wanted = len(world.people) // PEOPLE_PER_DOUBLE
    known = [one for one in world.people if one.member and one.email and not one.is_hard_to_tell]
    chosen = dice.sample(known, min(wanted, len(known)))
    again = (_with_a_slip, _by_a_pet_name, _by_a_maiden_name, _with_a_swapped_birth_date, _as_a_new_member)
    for number, person in enumerate(chosen):
        assert person.member  # noqa: S101 - only members were asked
        draft = again[number % len(again)](person, number, world, dice)
        kind = "sclMemberId" if draft.source == "scl" else "teetimePlayerId"
        one = ("sclMemberId", str(person.member.id))
        yield Double(one, (kind, str(draft.payload["id"])), is_one=True), (draft,)
    for number in range(min(wanted // 5, len(TWINS))):
        yield _twins(*TWINS[number], number=number, world=world)
        yield _namesakes(*NAMESAKES[number], number=number, world=world)


def told(world: World) -> Iterator[Draft]:
    for _double, drafts in doubles(world):
        yield from drafts


def _player(person: Person, number: int, world: World, dice: Random, **other: Any) -> Draft:
    """A second registration as a player, with the private address and nothing else to be recognised by."""
    at = person.club.at(world.period.today - timedelta(days=dice.randrange(20, 300)), dice.uniform(8, 21))
    first, last = other.get("name", person.first_name), other.get("surname", person.last_name)
    email = f"{as_ascii(first)}.{as_ascii(last)}.{number}@mail.example.com"
    payload = {
        "id": str(world.period.dice("double", number).getrandbits(64)),
        "name": first,
        "surname": last,
        "email": email,
        "dateOfBirth": person.born.isoformat(),
        "homeClubId": person.club.ref,
        "homeClubName": person.club.name,
        "createdAt": iso(at),
        **other,
    }
    identity = {"teetimePlayerId": payload["id"], "email": payload["email"]}
    return Draft(at, "teetime.player.created", "teetime", identity, payload)


def _with_a_slip(person: Person, number: int, world: World, dice: Random) -> Draft:
    name = person.last_name
    at = dice.randrange(1, len(name) - 1)
    return _player(person, number, world, dice, surname=name[:at] + name[at + 1] + name[at] + name[at + 2 :])


def _by_a_pet_name(person: Person, number: int, world: World, dice: Random) -> Draft:
    first = person.first_name
    return _player(person, number, world, dice, name=PET_NAMES.get(first, f"{first[0]}."))


def _by_a_maiden_name(person: Person, number: int, world: World, dice: Random) -> Draft:
    if not person.woman:
        return _with_a_slip(person, number, world, dice)
    return _player(person, number, world, dice, surname=dice.choice(MAIDEN_NAMES))


def _with_a_swapped_birth_date(person: Person, number: int, world: World, dice: Random) -> Draft:
    born = person.born
    swapped = born.replace(month=born.day, day=born.month) if born.day <= 12 else born + timedelta(days=1)
    email = f"{person.email.partition('@')[0]}@mail.example.net"
    return _player(person, number, world, dice, dateOfBirth=swapped.isoformat(), email=email)


def _as_a_new_member(person: Person, number: int, world: World, dice: Random) -> Draft:
    at = world.period.today - timedelta(days=dice.randrange(20, 300))
    return _member(
        FIRST_MEMBER + number, person.first_name, person.last_name, person.born, person.club, at,
        email=f"{as_ascii(person.last_name)}.{number}@home.example.com",
    )  # fmt: skip


def _member(
    id: int, first_name: str, last_name: str, born: date, club: DemoClub, since: date, **reached_by: str
) -> Draft:
    told_at = club.at(since, 11)
    payload = {
        "id": id,
        "firstName": first_name,
        "lastName": last_name,
        "status": "ACTIVE",
        "membershipTierId": TIERS["Silver"],
        "membershipTierName": "Silver",
        "dateOfBirth": born.isoformat(),
        "memberSince": since.isoformat(),
        "createdAt": iso(told_at),
        "clubId": club.ref,
        **reached_by,
    }
    return Draft(told_at, "scl.member.created", "scl", {"sclMemberId": id, **reached_by}, payload)


def _twins(
    one: str, other: str, last_name: str, *, number: int, world: World
) -> tuple[Double, tuple[Draft, ...]]:
    born = world.period.today - timedelta(days=round(21.4 * 365.25) + 90 * number)
    return _two((one, other), last_name, (born, born), 2 * number, world)


def _namesakes(name: str, last_name: str, *, number: int, world: World) -> tuple[Double, tuple[Draft, ...]]:
    fathers = world.period.today - timedelta(days=round((58 + number) * 365.25))
    return _two((name, name), last_name, (fathers, fathers + timedelta(days=10_231)), 2 * number + 1, world)


def _two(
    names: tuple[str, str], last_name: str, born: tuple[date, date], number: int, world: World
) -> tuple[Double, tuple[Draft, ...]]:
    """Two members of one household, with one phone between them."""
    first, since = FIRST_MEMBER + 200 + 2 * number, world.period.start - timedelta(days=700)
    phone = f"082 555 {9_000 + number:04d}"
    drafts = tuple(
        _member(first + at, names[at], last_name, born[at], FYNBOS, since, phoneNumber=phone) for at in (0, 1)
    )
    one, other = (("sclMemberId", str(first + at)) for at in (0, 1))
    return Double(one, other, is_one=False), drafts
