"""What ties a person to the club: the membership, the player, the contact of Messaging. Pure."""

from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from crm.demo.story.clubs import LADDER
from crm.demo.story.people import Contact, Exit, Kind, Member, Person, Player
from crm.demo.story.period import Period

FIRST_MEMBER = 40_000
MEMBERS_APART = 7
PLAYS = {"Platinum": 0.97, "Gold": 0.95, "Silver": 0.88, "Social": 0.25, "Junior": 0.9}
IS_CONTACT = {
    Kind.MEMBER: 0.88,
    Kind.VISITOR: 0.5,
    Kind.SHOPPER: 0.8,
    Kind.SUBSCRIBER: 1.0,
    Kind.CORPORATE: 0.9,
}
TAKES_MAIL = {
    Kind.MEMBER: 0.6,
    Kind.VISITOR: 0.4,
    Kind.SHOPPER: 0.5,
    Kind.SUBSCRIBER: 0.97,
    Kind.CORPORATE: 0.7,
}
EXITS = ((Exit.UNSUBSCRIBED, Exit.BOUNCED, Exit.COMPLAINED), (70, 24, 6))


def add_membership(person: Person, period: Period, dice: Random) -> None:
    if person.kind not in (Kind.MEMBER, Kind.JUNIOR):
        return
    is_new = dice.random() < 0.11
    tier = "Junior" if person.kind is Kind.JUNIOR else dice.choices(LADDER, (14, 34, 40, 12))[0]
    if is_new:
        since = period.day_between(dice, period.start + timedelta(days=5), period.today - timedelta(days=1))
        told_at = person.club.at(since, dice.uniform(9, 17))
    else:
        since = _joined_long_ago(person, period, dice)
        told_at = _first_night(person, period)
    member = Member(
        id=FIRST_MEMBER + person.number * MEMBERS_APART + dice.randrange(MEMBERS_APART),
        since=since,
        told_at=told_at,
        tier=tier,
        pays_monthly=dice.random() < 0.17,
    )
    person.member = member
    if not is_new:
        _change_course(member, person, period, dice)
        _change_details(person, period, dice)


def renewals(member: Member, period: Period) -> list[date]:
    """The anniversaries of joining on which a year's fee falls due, from the first month to the coming one."""
    found = []
    for year in range(period.start.year, period.today.year + 2):
        day = _anniversary(member.since, year)
        if (
            period.start + timedelta(days=31) <= day <= period.today + timedelta(days=31)
            and day > member.since
        ):
            found.append(day)
    return found


def expiry(member: Member, day: date) -> date:
    """The next anniversary after `day`."""
    this_year = _anniversary(member.since, day.year)
    return this_year if this_year > day else _anniversary(member.since, day.year + 1)


def _anniversary(since: date, year: int) -> date:
    return since.replace(year=year, day=28 if (since.month, since.day) == (2, 29) else since.day)


def _joined_long_ago(person: Person, period: Period, dice: Random) -> date:
    of_age = person.born + timedelta(days=round(7.5 * 365.25))
    years = dice.expovariate(1 / 7) + 0.05
    return max(of_age, period.start - timedelta(days=round(min(years, 38) * 365.25)))


def _first_night(person: Person, period: Period) -> datetime:
    """SCL's members of old all came over in the first night, one after the other."""
    return person.club.at(period.start, 1) + timedelta(seconds=2 * person.number)


def _change_course(member: Member, person: Person, period: Period, dice: Random) -> None:
    """One in six lapses, is suspended or moves to another tier."""
    fate = dice.random()
    due = [day for day in renewals(member, period) if day <= period.today - timedelta(days=75)]
    if fate < 0.13:
        if due:
            member.ended_on, member.ending = due[0] + timedelta(days=dice.randint(45, 70)), "LAPSED"
            member.deletion = "soft" if dice.random() < 0.2 else ""
    elif fate < 0.15 and person.kind is Kind.MEMBER:
        member.ended_on = period.today - timedelta(days=dice.randint(4, 60))
        member.ending = "SUSPENDED"
    elif fate < 0.23 and member.tier in LADDER:
        step = 1 if dice.random() < 0.65 else -1
        place = LADDER.index(member.tier) + step
        if 0 <= place < len(LADDER):
            member.next_tier = LADDER[place]
            member.tier_changes_on = period.day_between(
                dice, period.start + timedelta(days=20), period.today - timedelta(days=2)
            )


def _change_details(person: Person, period: Period, dice: Random) -> None:
    """Some have another e-mail address since, some another surname, some just moved house."""
    if dice.random() > 0.12 or person.kind is not Kind.MEMBER:
        return
    person.moved_on = period.day_between(
        dice, period.start + timedelta(days=10), period.today - timedelta(days=2)
    )
    what = dice.random()
    if what < 0.4 and person.phone and not person.shares_email and person.email:
        local, _, _ = person.email.partition("@")
        person.former_email = f"{local}@mail.example.com"
    elif what < 0.5 and person.woman and "-" not in person.last_name:
        person.former_name = person.last_name
        person.last_name = f"{person.last_name}-{dice.choice(('Hughes', 'Steyn', 'Clarke', 'Meyer'))}"


def add_player(person: Person, period: Period, dice: Random) -> None:
    member = person.member
    if member is None and person.kind is not Kind.VISITOR:
        return
    if member is not None and dice.random() > PLAYS[member.tier]:
        return
    if member is None:
        since = _first_seen(person, period, dice)
    else:
        since = member.told_at + timedelta(hours=dice.uniform(0.5, 30))
    person.player = Player(
        id=str(UUID(int=dice.getrandbits(128), version=4)),
        since=min(since, period.as_of - timedelta(minutes=5)),
        handicap=_handicap(person, dice),
        keenness=dice.betavariate(1.6, 2.4) if member else dice.betavariate(1.2, 5),
        number=f"{dice.randrange(10**9, 10**10)}",
        until=member.ended_on if member else None,
    )


def _handicap(person: Person, dice: Random) -> float | None:
    if person.kind is Kind.VISITOR and dice.random() < 0.3:
        return None
    typical, spread = (27, 8) if person.kind is Kind.JUNIOR else (24, 8) if person.woman else (16.5, 7.5)
    return round(min(54.0, max(-2.0, dice.gauss(typical, spread))), 1)


def add_contact(person: Person, period: Period, dice: Random) -> None:
    if not person.email or person.shares_email or dice.random() > IS_CONTACT.get(person.kind, 0):
        return
    kind = person.kind
    since = _first_seen(person, period, dice)
    if person.player:
        since = max(since, person.player.since + timedelta(minutes=3))
    elif person.member:
        since = max(since, person.member.told_at + timedelta(minutes=3))
    contact = Contact(
        id=str(UUID(int=dice.getrandbits(128), version=4)),
        since=min(since, period.as_of - timedelta(minutes=2)),
        takes_mail=dice.random() < TAKES_MAIL[kind],
        takes_sms=bool(person.phone) and not person.shares_phone and dice.random() < 0.4,
        reads=dice.betavariate(1.7, 3.4),
    )
    issues = [day for day in period.issue_days() if day > contact.since.date()]
    if contact.takes_mail and issues and dice.random() < 0.075:
        contact.leaves_on, contact.leaves_by = dice.choice(issues), dice.choices(*EXITS)[0]
    eves = [person.club.competition_day(month) - timedelta(days=1) for month in period.months()]
    eves = [day for day in eves if contact.since.date() < day < period.today]
    if contact.takes_sms and eves and dice.random() < 0.12:
        contact.stops_on = dice.choice(eves)
    person.contact = contact


def _first_seen(person: Person, period: Period, dice: Random) -> datetime:
    """A third are there from the start; the others turn up over the year."""
    if dice.random() < 0.33:
        return person.club.at(period.start, 3) + timedelta(seconds=3 * person.number)
    day = period.day_between(dice, period.start + timedelta(days=1), period.today - timedelta(days=1))
    return person.club.at(day, dice.triangular(7, 22, 19))
