"""The demo's events: everybody first, then what happened, day by day from the latest back. Pure, lazy, repeatable."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any
from uuid import UUID, uuid5

from crm.demo.story import bookings, communication, doubles, golf, membership, service, shop, twins
from crm.demo.story.clubs import CLUBS, FYNBOS, DemoClub
from crm.demo.story.people import Person
from crm.demo.story.period import Period
from crm.demo.story.world import Draft, World, iso, make_world

TENANT = "demo"
SEED, PEOPLE = 7, 2000
NAMESPACE = UUID("6f1d1a70-27a5-4e55-a6a2-0b6f5cfa1b55")
AS_OF = time(6, tzinfo=UTC)

Event = dict[str, Any]


def latest_as_of(now: datetime) -> datetime:
    """Today at 06:00 UTC, or yesterday's before that: the demo knows nothing of the future."""
    today = datetime.combine(now.astimezone(UTC).date(), AS_OF)
    return today if today <= now else today - timedelta(days=1)


def events(*, seed: int = SEED, as_of: datetime, people: int = PEOPLE) -> Iterator[Event]:
    """All events up to `as_of` (aware), as envelopes: the same ones for the same arguments, byte for byte."""
    return chain.from_iterable(chapters(seed=seed, as_of=as_of, people=people))


def chapters(*, seed: int = SEED, as_of: datetime, people: int = PEOPLE) -> Iterator[Iterator[Event]]:
    """The events, in chapters that are each in order of time.

    The first makes everybody known, with all they are recognised by; the others, in whatever order, hang on that.
    Then the days follow, the latest first, so that whoever looks in early sees a club that is alive.
    """
    period = Period(seed, as_of.astimezone(UTC))
    world = make_world(period, people)
    name = f"{seed}/{period.as_of.isoformat()}/{people}"
    yield _envelopes(f"{name}/people", _arrivals(world), period)
    plans = _plan(world)
    for day in period.days():
        yield _envelopes(f"{name}/{day}", _day(day, world, plans), period)


@dataclass(frozen=True, slots=True)
class _Plans:
    """What is known beforehand of single days, and whom the shop may meet."""

    books: membership.Books
    steps: dict[date, list[tuple[Person, tuple[date, float, float]]]]
    singles: dict[date, list[Draft]]
    residents: dict[DemoClub, list[Person]]


def _plan(world: World) -> _Plans:
    period, people = world.period, world.people
    steps, singles, residents = defaultdict(list), defaultdict(list), defaultdict(list)
    for person in people:
        residents[person.club].append(person)
        if person.player:
            for step in golf.handicaps(period, person, person.player):
                steps[step[0]].append((person, step))
        if person.contact:
            for draft in communication.preferences(person, person.contact, world):
                singles[draft.at.date()].append(draft)
    told = [service.deals(people, world), service.votes(people, world), service.troubles(FYNBOS, world)]
    told.append(twins.kates_order(world))
    told += [service.club_events_of(month, world) for month in period.months()]
    for story in told:
        for day, draft in story:
            singles[day].append(draft)
    return _Plans(membership.open_books(people, period), steps, singles, residents)


def _arrivals(world: World) -> Iterator[Draft]:
    """Everything that makes a person or one of their identifiers known."""
    yield from twins.twins(world)
    yield from doubles.told(world)
    for person in world.people:
        if person.member:
            yield membership.joined(person, person.member)
            yield from membership.moved_on(person, person.member, world.period)
        if person.player:
            yield golf.registered(person, person.player)
        if person.contact:
            yield communication.appeared(person, person.contact)


def _day(day: date, world: World, plans: _Plans) -> Iterator[Draft]:
    yield from membership.membership_news(day, plans.books, world.period)
    yield from plans.singles.get(day, ())
    for person, step in plans.steps.get(day, ()):
        if person.player:
            yield golf.handicap_updated(person, person.player, step, world.period)
    for club in CLUBS:
        yield from bookings.bookings_of(day, club, world)
        yield from bookings.closures_of(day, club, world)
        yield from golf.competition_of(day, club, world)
        yield from communication.newsletter_of(day, club, world)
        yield from communication.reminders_of(day, club, world)
        yield from shop.shop_of(day, club, world, plans.residents[club])
        yield from shop.visits_of(day, club, world, plans.residents[club])
    yield from service.tickets_of(day, world.people, world)


def _envelopes(chapter: str, drafts: Iterable[Draft], period: Period) -> Iterator[Event]:
    """The drafts of a chapter that have happened by now, in order of time and with their ids."""
    numbered = [(draft.at, number, draft) for number, draft in enumerate(drafts) if draft.at <= period.as_of]
    for _, number, draft in sorted(numbered):
        yield {
            "id": str(uuid5(NAMESPACE, f"{chapter}/{number}")),
            "type": draft.type,
            "version": "1.0",
            "timestamp": iso(draft.at),
            "tenantId": TENANT,
            "source": draft.source,
            "identity": draft.identity,
            "payload": draft.payload,
            "historical": True,
        }
