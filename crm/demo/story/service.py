"""What the smaller systems tell: tickets, corporate deals, votes for features, club events. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from crm.demo.story.clubs import CLUBS, DemoClub
from crm.demo.story.people import Kind, Person
from crm.demo.story.world import Draft, World, by_email, iso

TICKETS_A_DAY = 0.00009  # per person
SUBJECTS = (
    ("Bunker rakes missing on the back nine", "negative"), ("Slow play on Saturday morning", "negative"),
    ("Charged twice for a cart", "negative"), ("Rude marshal at the tenth tee", "negative"),
    ("Can I bring my dog?", "neutral"), ("Invoice needs our company name", "neutral"),
    ("Lost a headcover on the fourteenth", "neutral"), ("Change of bank details", "neutral"),
    ("Greens are the best in years", "positive"), ("Thank you for the charity day", "positive"),
)  # fmt: skip
FEATURES = (
    ("feat-12", "Cart booking"), ("feat-15", "Book for friends"), ("feat-18", "Live leaderboard"),
    ("feat-21", "Pay at the halfway house by app"), ("feat-23", "Handicap history chart"),
)  # fmt: skip
SHIPPED = "feat-12"
LOST_BECAUSE = ("price", "date not available", "went to another venue")
EVENTS = ("Wine & Nine", "Quiz Night", "Ladies' Open Day", "Junior Clinic", "Curry Night", "Rules Evening",
          "Live Music on the Terrace", "New Members' Evening")  # fmt: skip


def tickets_of(day: date, people: list[Person], world: World) -> Iterator[Draft]:
    """Tickets opened on a day, most of them resolved within the week."""
    dice = world.period.dice("tickets", day)
    expected = len(people) * TICKETS_A_DAY
    for number in range(int(expected) + (dice.random() < expected % 1)):
        person = dice.choice(people)
        if not person.email or person.shares_email:
            continue
        subject, sentiment = dice.choice(SUBJECTS)
        key, opened = f"T-{day:%y%m%d}{number}", person.club.at(day, dice.triangular(8, 21, 11))
        payload = {"ticketId": key, "subject": subject, "sentiment": sentiment}
        yield Draft(opened, "support.ticket.opened", "support", by_email(person, day), payload)
        if dice.random() < 0.86:
            resolved = opened + timedelta(hours=dice.lognormvariate(3, 1))
            yield Draft(
                resolved, "support.ticket.resolved", "support", by_email(person, day), {"ticketId": key}
            )


def deals(people: list[Person], world: World) -> Iterator[tuple[date, Draft]]:
    """Company days and sponsorships, won or lost, each with its day."""
    for person in people:
        if person.kind is not Kind.CORPORATE:
            continue
        dice = world.period.dice("deal", person.number)
        day = world.period.day_between(
            dice, world.period.start + timedelta(days=20), world.period.today - timedelta(days=1)
        )
        payload: dict[str, Any] = {"dealId": f"D-{100 + person.number}", "company": person.extras["company"]}
        won = dice.random() < 0.55
        if won:
            value = dice.randint(28, 140) * (100_000 if person.club.region == "ZA" else 5_000)
            payload |= {"dealValue": value, "currency": person.club.currency}
        else:
            payload["reason"] = dice.choice(LOST_BECAUSE)
        at = person.club.at(day, dice.uniform(9, 17))
        yield day, Draft(at, "deal.won" if won else "deal.lost", "sales", by_email(person, day), payload)


def votes(people: list[Person], world: World) -> Iterator[tuple[date, Draft]]:
    """Votes for features of the app by people with a login, some taken back; one feature has shipped."""
    period = world.period
    shipped = period.today - timedelta(days=24)
    for person in people:
        dice = period.dice("votes", person.number)
        if not person.login or dice.random() > 0.13:
            continue
        key, title = dice.choice(FEATURES)
        identity = {"authUserId": person.login, "email": person.email}
        since = max(period.start + timedelta(days=30), person.moved_on or period.start)
        day = period.day_between(dice, since, period.today - timedelta(days=2))
        at = person.club.at(day, dice.uniform(7, 22))
        vote = {"featureId": key, "title": title}
        yield (
            day,
            Draft(at, "feedback.voted", "feedback", identity, vote | {"votes": dice.choice((1, 1, 2, 3))}),
        )
        if dice.random() < 0.1:
            yield (
                day,
                Draft(at + timedelta(days=1), "feedback.unvoted", "feedback", identity, {"featureId": key}),
            )
        elif key == SHIPPED and day < shipped:
            yield shipped, Draft(person.club.at(shipped, 10), "feedback.shipped", "feedback", identity, vote)


def club_events_of(month: date, world: World) -> Iterator[tuple[date, Draft]]:
    """One evening or open day a month and club, announced four weeks ahead; some move, few fall through."""
    for club in CLUBS:
        dice = world.period.dice("event", club.ref, month)
        day = month + timedelta(days=dice.randint(9, 26))
        key = f"evt-{club.code}{month:%y%m}"
        announced = club.at(day - timedelta(days=28), 11)
        details = {
            "eventId": key,
            "eventName": dice.choice(EVENTS),
            "clubId": club.ref,
            "startDate": day.isoformat(),
        }
        yield day, Draft(announced, "club.event.published", "club", {}, details)
        change = announced + timedelta(days=dice.uniform(3, 14))
        if dice.random() < 0.12:
            moved = details | {"startDate": (day + timedelta(days=1)).isoformat(), "changes": ["startDate"]}
            yield day, Draft(change, "club.event.updated", "club", {}, moved)
        elif dice.random() < 0.08:
            called_off = {"eventId": key, "clubId": club.ref, "reason": "too few bookings"}
            yield day, Draft(change, "club.event.cancelled", "club", {}, called_off)


def troubles(club: DemoClub, world: World) -> Iterator[tuple[date, Draft]]:
    """Three events that can't be applied, as they happen in practice, so that the dead letters have something."""
    day = world.period.today - timedelta(days=3)
    player = next(person for person in world.players[club] if person.player)
    at = club.at(day, 14)
    identity = by_email(player, day) if player.email else {}
    yield day, Draft(
        at, "scl.member.transferred", "scl", identity,
        {"id": 39_001, "fromClubId": "club-heathland", "toClubId": club.ref, "reason": "relocation"},
    )  # fmt: skip
    yield day, Draft(
        at + timedelta(hours=1), "teetime.booking.created", "teetime", identity,
        {"id": "bk_manual_0001", "clubId": club.ref, "teeTime": "Saturday after nine", "holes": "eighteen"},
    )  # fmt: skip
    yield day, Draft(
        at + timedelta(hours=2), "order.paid", "ecommerce", identity,
        {"orderId": "O-POS-77", "total": 459.5, "currency": club.currency, "paidAt": iso(at)},
    )  # fmt: skip
