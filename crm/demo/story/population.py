"""Makes the people of the two clubs, household by household. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta

from crm.demo.story.clubs import CLUBS, FYNBOS, DemoClub
from crm.demo.story.contacts import Directory
from crm.demo.story.names import Community, community, first_name, surname
from crm.demo.story.people import Kind, Person
from crm.demo.story.period import Period
from crm.demo.story.places import address
from crm.demo.story.roles import add_contact, add_membership, add_player

SHARE_OF_FYNBOS = 0.57
SHARES = {
    Kind.MEMBER: 0.46,
    Kind.JUNIOR: 0.055,
    Kind.VISITOR: 0.215,
    Kind.SHOPPER: 0.08,
    Kind.SUBSCRIBER: 0.175,
    Kind.CORPORATE: 0.015,
}
COMPANIES = ("Overberg Wines", "Blue Crane Logistics", "Karoo Capital", "Tafelberg Motors", "Downs & Partners",
             "Surrey Scaffolding", "Wey Valley Brewery", "Thames Legal")  # fmt: skip


def make_people(period: Period, count: int) -> list[Person]:
    """About `count` people; the order is that in which SCL lists them, so parents stand before children."""
    fynbos = round(count * SHARE_OF_FYNBOS)
    directory = Directory()
    people: list[Person] = []
    for club, size in ((FYNBOS, fynbos), (CLUBS[1], count - fynbos)):
        people += _Village(period, club, directory, len(people)).settle(size)
    _forget_one(people)
    return people


def _forget_one(people: list[Person]) -> None:
    """One of those who left asks to be forgotten, which opens an erasure request; they had no other ties."""
    for person in people:
        if person.member and person.member.deletion and not person.shares_email:
            person.member.deletion = "hard"
            person.email = person.former_email = person.login = ""
            person.contact = None
            return


class _Village:
    """The people of one club, while they are being made."""

    def __init__(self, period: Period, club: DemoClub, directory: Directory, offset: int) -> None:
        self.period, self.club, self.directory = period, club, directory
        self.dice = period.dice("people", club.ref)
        self.people: list[Person] = []
        self.names: set[tuple[str, str]] = set()
        self.offset = offset
        self.households = 0

    def settle(self, size: int) -> list[Person]:
        quota = {kind: round(size * share) for kind, share in SHARES.items()}
        for household in self._member_households(quota[Kind.MEMBER], quota[Kind.JUNIOR]):
            self._equip(household)
        for kind in (Kind.VISITOR, Kind.SHOPPER, Kind.SUBSCRIBER, Kind.CORPORATE):
            for _ in range(quota[kind]):
                self._equip([self._outsider(kind)])
        return self.people

    def _member_households(self, adults: int, juniors: int) -> Iterator[list[Person]]:
        while adults > 0:
            first = self._first_of_household()
            household = [first]
            if adults > 1 and self.dice.random() < 0.34:
                household.append(self._partner(first))
            adults -= len(household)
            if juniors and 33 <= self._age(first) <= 58 and self.dice.random() < 0.45:
                for _ in range(min(juniors, self.dice.choice((1, 1, 2, 2, 3)))):
                    household.append(self._child(first))
                    juniors -= 1
            yield household

    def _person(
        self, kind: Kind, who: Community, *, woman: bool, born: date, like: Person | None = None
    ) -> Person:
        """A new person; one of `like`'s household has their surname and address."""
        if like is None:
            self.households += 1
        first, last = self._name(who, woman=woman, last_name=like.last_name if like else "")
        person = Person(
            number=self.offset + len(self.people),
            kind=kind,
            club=self.club,
            household=like.household if like else self.households,
            first_name=first,
            last_name=last,
            woman=woman,
            born=born,
            address=like.address if like else address(self.dice, self.club.region),
        )
        self.people.append(person)
        return person

    def _name(self, who: Community, *, woman: bool, last_name: str) -> tuple[str, str]:
        """A name that nobody at the club has yet, if one is found soon: namesakes exist, but they are rare."""
        for _ in range(4):
            name = first_name(self.dice, who, woman=woman), last_name or surname(self.dice, who)
            if name not in self.names:
                break
        self.names.add(name)
        return name

    def _first_of_household(self) -> Person:
        who = community(self.dice, self.club.region)
        self.latest = who
        return self._person(Kind.MEMBER, who, woman=self.dice.random() < 0.24, born=self._born(23, 84, 55))

    def _partner(self, first: Person) -> Person:
        born = first.born + timedelta(days=round(self.dice.gauss(400, 1300)))
        youngest = self.period.today - timedelta(days=22 * 366)
        return self._person(
            Kind.MEMBER, self.latest, woman=not first.woman, born=min(born, youngest), like=first
        )

    def _child(self, parent: Person) -> Person:
        born = self._born(8, 17.9, 13)
        return self._person(Kind.JUNIOR, self.latest, woman=self.dice.random() < 0.35, born=born, like=parent)

    def _outsider(self, kind: Kind) -> Person:
        who = community(self.dice, self.club.region)
        womanly = {Kind.VISITOR: 0.2, Kind.SHOPPER: 0.45}.get(kind, 0.4)
        like = self.dice.choice(self.people) if kind is Kind.SHOPPER and self.dice.random() < 0.2 else None
        person = self._person(
            kind, who, woman=self.dice.random() < womanly, born=self._born(21, 78, 43), like=like
        )
        if kind is Kind.CORPORATE:
            person.extras["company"] = self.dice.choice(COMPANIES)
        return person

    def _equip(self, household: list[Person]) -> None:
        """Give each of a household contact points and what ties them to the club."""
        parent = household[0]
        childs_phone_is_parents = self.dice.random() < 0.2
        for person in household:
            self.directory.enter(
                person,
                self.dice,
                parent=parent,
                phone_is_parents=childs_phone_is_parents,
                today=self.period.today,
            )
            add_membership(person, self.period, self.dice)
            add_player(person, self.period, self.dice)
            add_contact(person, self.period, self.dice)

    def _born(self, youngest: float, oldest: float, typical: float) -> date:
        age = self.dice.triangular(youngest, oldest, typical)
        return self.period.today - timedelta(days=round(age * 365.25))

    def _age(self, person: Person) -> int:
        return (self.period.today - person.born).days // 365
