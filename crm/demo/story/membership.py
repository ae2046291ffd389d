"""What SCL tells: members joining, paying, moving on. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from crm.demo.story.clubs import TIERS
from crm.demo.story.people import Member, Person
from crm.demo.story.period import Period
from crm.demo.story.roles import expiry, renewals
from crm.demo.story.world import Draft, iso

GDPR_REQUEST = "GDPR_REQUEST"


@dataclass(frozen=True, slots=True)
class Books:
    """What SCL has to tell when: "renewal", "tier" and "ending" by day, who pays monthly by day of the month."""

    due: dict[date, list[tuple[str, Person]]]
    payers: dict[int, list[Person]]


def joined(person: Person, member: Member) -> Draft:
    """The event by which SCL makes a member known."""
    day = member.told_at.date()
    payload = {
        "id": member.id,
        "firstName": person.first_name,
        "lastName": person.former_name or person.last_name,
        "status": "ACTIVE",
        "membershipTierId": TIERS[member.tier],
        "membershipTierName": member.tier,
        "membershipType": "MONTHLY" if member.pays_monthly else "ANNUAL",
        "dateOfBirth": person.born.isoformat(),
        "gender": "FEMALE" if person.woman else "MALE",
        "country": person.club.region,
        "language": person.club.language,
        "memberSince": member.since.isoformat(),
        "createdAt": iso(person.club.at(member.since, 12)),
        "clubId": person.club.ref,
        "address": person.address,
    }
    if not member.pays_monthly:  # who pays by the month is a member until they say otherwise
        payload["membershipExpiry"] = expiry(member, day).isoformat()
    identity: dict[str, Any] = {"sclMemberId": member.id}
    if email := person.email_on(day):
        identity["email"] = payload["email"] = email
    if person.phone:
        identity["phoneNumber"] = payload["phoneNumber"] = person.dialled
    if person.login:
        identity["authUserId"] = person.login
    return Draft(member.told_at, "scl.member.created", "scl", identity, payload)


def moved_on(person: Person, member: Member, period: Period) -> Iterator[Draft]:
    """A new e-mail address, surname or home since the member was first told of."""
    if person.moved_on is None:
        return
    dice = period.dice("moved", person.number)
    at = person.club.at(person.moved_on, dice.uniform(8, 20))
    if person.former_email:
        new: dict[str, Any] = {"email": person.email}
    elif person.former_name:
        new = {"lastName": person.last_name}
    else:
        new = {"address": person.address | {"line1": f"{dice.randint(1, 140)} Park Lane"}}
    yield _told(person, member, at, "scl.member.updated", changes=list(new), **new, updatedAt=iso(at))


def open_books(people: list[Person], period: Period) -> Books:
    books = Books(defaultdict(list), defaultdict(list))
    for person in people:
        if member := person.member:
            if member.pays_monthly:
                books.payers[member.id % 28 + 1].append(person)
            else:
                for day in renewals(member, period):
                    books.due[day].append(("renewal", person))
            if member.tier_changes_on:
                books.due[member.tier_changes_on].append(("tier", person))
            if member.ended_on:
                books.due[member.ended_on].append(("ending", person))
    return books


def membership_news(day: date, books: Books, period: Period) -> Iterator[Draft]:
    """All that SCL tells of things anchored on a day."""
    tellers = {"renewal": _renewal, "tier": _tier_change, "ending": _ending}
    for what, person in books.due.get(day, ()):
        if person.member:
            yield from tellers[what](person, person.member, day, period.dice(what, person.number, day))
    for person in books.payers.get(day.day, ()):
        if person.member and person.is_member_on(day):
            yield from _instalment(person, person.member, day, period.dice("instalment", person.number, day))


def _renewal(person: Person, member: Member, day: date, dice: Random) -> Iterator[Draft]:
    """A year's fee: the invoice a month before, the payment around the day, the new expiry with it."""
    tier = member.next_tier if member.tier_changes_on and member.tier_changes_on < day else member.tier
    ends = member.ended_on
    if ends and ends < day:
        return
    bill = {"amount": person.club.fees[tier], "currency": person.club.currency}
    invoice = f"INV-{member.id}-{day:%y}"
    at = person.club.at
    yield _told(
        person, member, at(day - timedelta(days=30), 6), "scl.invoice.sent",
        key=invoice, **bill, dueAt=iso(at(day, 12)),
    )  # fmt: skip
    delay = dice.choices((dice.randint(-26, 0), dice.randint(1, 6), dice.randint(8, 28)), (84, 8, 8))[0]
    if ends and ends - timedelta(days=75) < day:
        for days in (14, 30):
            yield _overdue(person, member, day, days, invoice, bill)
        return
    if delay > 7:
        yield _overdue(person, member, day, 7, invoice, bill)
    paid = at(day + timedelta(days=delay), dice.uniform(7, 21))
    yield from _paid(person, member, day, paid, invoice, bill, dice)


def _paid(
    person: Person,
    member: Member,
    day: date,
    paid: datetime,
    invoice: str,
    bill: dict[str, Any],
    dice: Random,
) -> Iterator[Draft]:
    """A year's payment, sometimes at the second try, and the membership that now runs a year longer."""
    if dice.random() < 0.04:
        yield _failed(person, member, paid - timedelta(days=1), f"pay_{member.id}_{day:%y}x", bill, dice)
    yield _told(
        person, member, paid, "scl.payment.received",
        key=f"pay_{member.id}_{day:%y}", **bill, invoiceId=invoice, paidAt=iso(paid),
    )  # fmt: skip
    renewed = max(paid, person.club.at(day, 0)) + timedelta(minutes=10)
    until = expiry(member, day).isoformat()
    yield _told(
        person, member, renewed, "scl.member.updated",
        changes=["membershipExpiry"], membershipExpiry=until, updatedAt=iso(renewed),
    )  # fmt: skip


def _instalment(person: Person, member: Member, day: date, dice: Random) -> Iterator[Draft]:
    """A month's debit order; one in thirty comes back and is tried again after three days."""
    bill = {"amount": round(person.club.fees[member.tier] / 1200) * 100, "currency": person.club.currency}
    key, at = f"pay_{member.id}_{day:%y%m}", person.club.at(day, dice.uniform(4, 5))
    if dice.random() < 0.033:
        yield _failed(person, member, at, f"{key}x", bill, dice)
        at += timedelta(days=3)
    yield _told(person, member, at, "scl.payment.received", key=key, **bill, paidAt=iso(at))


def _tier_change(person: Person, member: Member, day: date, dice: Random) -> Iterator[Draft]:
    up = TIERS[member.next_tier] < TIERS[member.tier]
    yield _told(
        person,
        member,
        person.club.at(day, dice.uniform(9, 17)),
        "scl.member.tier.changed",
        previousTierId=TIERS[member.tier],
        previousTierName=member.tier,
        newTierId=TIERS[member.next_tier],
        newTierName=member.next_tier,
        reason="upgrade" if up else "downgrade",
    )


def _ending(person: Person, member: Member, day: date, dice: Random) -> Iterator[Draft]:
    """A lapse, or a suspension with the arrears that led to it; some who lapsed ask to be taken off the books."""
    at = person.club.at(day, dice.uniform(9, 12))
    if member.ending == "SUSPENDED":
        bill = {"amount": round(person.club.fees[member.tier] / 400) * 100, "currency": person.club.currency}
        invoice, due = f"INV-{member.id}-A", day - timedelta(days=32)
        sent = person.club.at(due - timedelta(days=14), 6)
        yield _told(
            person,
            member,
            sent,
            "scl.invoice.sent",
            key=invoice,
            **bill,
            dueAt=iso(sent + timedelta(days=14)),
        )
        yield _overdue(person, member, due, 14, invoice, bill)
        yield _failed(person, member, at - timedelta(days=6), f"pay_{member.id}_a", bill, dice)
    yield _told(
        person, member, at, "scl.member.status.changed",
        previousStatus="ACTIVE", newStatus=member.ending,
        reason="arrears" if member.ending == "SUSPENDED" else "not renewed",
    )  # fmt: skip
    if member.deletion:
        gone = at + timedelta(days=dice.randint(10, 24))
        reason = GDPR_REQUEST if member.deletion == "hard" else dice.choice(("resigned", "moved away"))
        yield _told(
            person, member, gone, "scl.member.deleted",
            deletionType=member.deletion, reason=reason, deletedAt=iso(gone),
        )  # fmt: skip


def _overdue(
    person: Person, member: Member, due: date, days: int, invoice: str, bill: dict[str, Any]
) -> Draft:
    at = person.club.at(due + timedelta(days=days), 6.25)
    return _told(person, member, at, "scl.invoice.overdue", key=invoice, **bill, daysOverdue=days)


def _failed(
    person: Person, member: Member, at: datetime, key: str, bill: dict[str, Any], dice: Random
) -> Draft:
    reason = dice.choice(("insufficient_funds", "insufficient_funds", "card_expired", "account_closed"))
    return _told(person, member, at, "scl.payment.failed", key=key, **bill, reason=reason, attempt=1)


def _told(person: Person, member: Member, at: datetime, type: str, *, key: str = "", **payload: Any) -> Draft:
    """An event of SCL's; its id is the member's unless it is about a document of its own."""
    about: dict[str, Any] = {"id": key or member.id}
    if key:
        about["memberId"] = member.id
    identity = {"sclMemberId": member.id}
    return Draft(at, type, "scl", identity, {**about, **payload, "clubId": person.club.ref})
