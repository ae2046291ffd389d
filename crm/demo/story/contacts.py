"""Gives people e-mail addresses and phone numbers that nobody really has. Pure.

Addresses are at example domains. British mobiles are of the thousand that Ofcom keeps free for drama; when they
are used up, people have none. South Africa keeps none free, so theirs have the 555 of the films.
"""

from datetime import date
from random import Random

from crm.demo.story.names import as_ascii
from crm.demo.story.people import Kind, Person

DRAMA_NUMBERS = 1000
ZA_PREFIXES = ("82", "83", "84", "72", "73", "74", "76", "78", "79", "71", "61", "60")
DOMAINS = {
    "ZA": (("example.co.za", "example.com", "example.org"), (50, 42, 8)),
    "GB": (("example.co.uk", "example.com", "example.net"), (50, 42, 8)),
}
HAS_PHONE = {
    Kind.MEMBER: 0.96,
    Kind.VISITOR: 0.84,
    Kind.SHOPPER: 0.6,
    Kind.SUBSCRIBER: 0.25,
    Kind.CORPORATE: 0.9,
}
HAS_LOGIN = {Kind.MEMBER: 0.56, Kind.VISITOR: 0.3, Kind.SHOPPER: 0.2, Kind.JUNIOR: 0.25}


class Directory:
    """Who has which address and number already."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._drama = list(range(DRAMA_NUMBERS))
        Random("drama").shuffle(self._drama)

    def enter(
        self, person: Person, dice: Random, *, parent: Person, phone_is_parents: bool, today: date
    ) -> None:
        """Give `person` what they are reached by; some of a household share it with `parent`."""
        age = (today - person.born).days // 365
        if person.kind is Kind.JUNIOR:
            self._enter_child(person, dice, age=age, parent=parent, phone_is_parents=phone_is_parents)
        else:
            elderly_couple = person is not parent and age >= 70
            if elderly_couple and parent.email and dice.random() < 0.3:
                person.email, person.shares_email, parent.lends = parent.email, True, True
            elif person.kind is not Kind.MEMBER or dice.random() < 0.97:
                person.email = self._email(person, dice)
            if dice.random() < HAS_PHONE[person.kind]:
                person.phone = self._phone(person, dice)
        if person.email and not person.shares_email and dice.random() < HAS_LOGIN.get(person.kind, 0):
            person.login = f"auth0|{dice.getrandbits(96):024x}"

    def _enter_child(
        self, child: Person, dice: Random, *, age: int, parent: Person, phone_is_parents: bool
    ) -> None:
        if age >= 13 and dice.random() < 0.6:
            child.email = self._email(child, dice)
        if age >= 13 and dice.random() < 0.5:
            child.phone = self._phone(child, dice)
        elif phone_is_parents and parent.phone:
            child.phone, child.shares_phone, parent.lends = parent.phone, True, True

    def _email(self, person: Person, dice: Random) -> str:
        first, last = as_ascii(person.first_name), as_ascii(person.last_name)
        domain = dice.choices(*DOMAINS[person.club.region])[0]
        local = dice.choices(
            (f"{first}.{last}", f"{first[0]}{last}", f"{first}{person.born:%y}"), (70, 20, 10)
        )[0]
        address, extra = f"{local}@{domain}", 1
        while address in self._taken:
            extra += 1
            address = f"{first}.{last}{extra}@{domain}"
        self._taken.add(address)
        return address

    def _phone(self, person: Person, dice: Random) -> str:
        if person.club.region == "GB":
            return f"+447700900{self._drama.pop():03d}" if self._drama else ""
        while (number := f"+27{dice.choice(ZA_PREFIXES)}555{dice.randrange(10_000):04d}") in self._taken:
            pass
        self._taken.add(number)
        return number
