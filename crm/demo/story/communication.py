"""What Messaging tells: contacts, consent, newsletters and texts, and what people did with them. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from crm.demo.story.clubs import DemoClub
from crm.demo.story.people import Contact, Exit, Person
from crm.demo.story.world import Draft, World, iso

LINKS = ("https://club.example/book", "https://club.example/competitions", "https://club.example/shop",
         "https://club.example/menu")  # fmt: skip
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15",
)
REPLIES = ("Thanks, see you there!", "Thank you", "Can't make it, sorry", "Which tee are we off?", "Dankie!")


def appeared(person: Person, contact: Contact) -> Draft:
    """The event by which Messaging makes a contact known. It writes numbers in full: it knows no country."""
    payload: dict[str, Any] = {
        "contactId": contact.id,
        "email": person.email_on(contact.since.date()),
        "firstName": person.first_name,
        "lastName": person.former_name or person.last_name,
        "emailOptIn": contact.takes_mail,
        "smsOptIn": contact.takes_sms,
    }
    if person.phone and not person.shares_phone:
        payload["phoneNumber"] = person.phone
    identity = {"messagingContactId": contact.id, "email": payload["email"]}
    return Draft(contact.since, "contact.created", "messaging", identity, payload)


def preferences(person: Person, contact: Contact, world: World) -> Iterator[Draft]:
    """What a contact sets in the preference centre of their own accord, over the year."""
    dice = world.period.dice("preferences", person.number)
    for flag, share in (
        ("pushOptIn", 0.13 if person.login else 0),
        ("whatsappOptIn", 0.11 if person.phone else 0),
    ):
        if dice.random() < share:
            at = contact.since + (world.period.as_of - contact.since) * dice.random()
            yield _preference(contact, at, flag, dice.random() < 0.9, "PREFERENCE_CENTRE")


def newsletter_of(day: date, club: DemoClub, world: World) -> Iterator[Draft]:
    """The monthly newsletter, on the day it goes out: sent, delivered, opened, clicked, and who left over it."""
    if day not in world.period.issue_days():
        return
    about = {
        "channel": "EMAIL",
        "campaignId": f"c-news-{club.code}-{day:%Y-%m}",
        "templateId": "tpl-newsletter",
    }
    for person in world.contacts.get(club, ()):
        contact = person.contact
        if contact and _takes(contact, day):
            dice = world.period.dice("issue", person.number, day)
            yield from _issue(person, contact, about, club.at(day, 9.5 + dice.random() / 3), dice, day)


def _takes(contact: Contact, day: date) -> bool:
    on_list = contact.takes_mail and contact.since.date() < day
    return on_list and (contact.leaves_on is None or day <= contact.leaves_on)


def _issue(
    person: Person, contact: Contact, about: dict[str, str], sent: datetime, dice: Random, day: date
) -> Iterator[Draft]:
    about = {"messageId": _message_id(about["campaignId"], contact)} | about
    leaves = contact.leaves_by if contact.leaves_on == day else None
    yield _told(contact, sent, "message.sent", about)
    arrived = sent + timedelta(seconds=dice.uniform(2, 50))
    if leaves is Exit.BOUNCED:
        yield _told(contact, arrived, "message.bounced", about | {"bounceType": "HARD", "code": "550 5.1.1"})
        return
    if dice.random() < 0.006:
        yield _told(contact, arrived, "message.bounced", about | {"bounceType": "SOFT", "code": "452 4.2.2"})
        return
    yield _told(contact, arrived, "message.delivered", about)
    if leaves is None and dice.random() > contact.reads:
        return
    opened = arrived + timedelta(hours=min(90.0, dice.lognormvariate(1.1, 1.5)))
    yield _told(contact, opened, "email.opened", about | {"userAgent": dice.choice(AGENTS)})
    if leaves is Exit.COMPLAINED:
        yield _told(contact, opened + timedelta(minutes=1), "message.complained", about)
    elif leaves is Exit.UNSUBSCRIBED:
        yield _told(contact, opened + timedelta(minutes=1), "message.unsubscribed", about)
    elif dice.random() < 0.16:
        url, clicked = dice.choice(LINKS), opened + timedelta(seconds=dice.uniform(6, 300))
        yield _told(contact, clicked, "email.clicked", about | {"url": url, "linkIndex": LINKS.index(url)})
    if leaves:
        yield _preference(contact, opened + timedelta(minutes=2), "emailOptIn", False, leaves.value)


def reminders_of(day: date, club: DemoClub, world: World) -> Iterator[Draft]:
    """The day before a competition the club texts the players who agreed to it; some answer, few say STOP."""
    played = day + timedelta(days=1)
    if played != club.competition_day(played.replace(day=1)):
        return
    about = {
        "channel": "SMS",
        "campaignId": f"c-sms-{club.code}-{played:%Y-%m}",
        "templateId": "tpl-reminder",
    }
    for person in world.contacts.get(club, ()):
        contact, dice = person.contact, world.period.dice("text", person.number, day)
        keen = person.player and person.player.keenness > 0.55 and person.plays_on(day)
        if not (contact and keen and _takes_texts(contact, day)):
            continue
        sent = club.at(day, 16 + dice.random() / 10)
        message = {"messageId": _message_id(about["campaignId"], contact)} | about
        yield _told(contact, sent, "message.sent", message)
        yield _told(contact, sent + timedelta(seconds=dice.uniform(1, 20)), "message.delivered", message)
        yield from _reply(person, contact, message["messageId"], sent, dice)


def _takes_texts(contact: Contact, day: date) -> bool:
    agreed = contact.takes_sms and contact.since.date() < day
    return agreed and (contact.stops_on is None or day <= contact.stops_on)


def _reply(person: Person, contact: Contact, message: str, sent: datetime, dice: Random) -> Iterator[Draft]:
    stop = contact.stops_on == sent.date()
    if not stop and dice.random() > 0.08:
        return
    at = sent + timedelta(minutes=dice.lognormvariate(2.5, 1))
    text = "STOP" if stop else dice.choice(REPLIES)
    payload = {"messageId": message, "text": text, "from": person.phone}
    yield Draft(at, "sms.replied", "messaging", {"phoneNumber": person.phone}, payload)
    if stop:
        yield _preference(contact, at + timedelta(seconds=2), "smsOptIn", False, "STOP")


def _preference(contact: Contact, at: datetime, flag: str, value: bool, source: str) -> Draft:
    payload = {flag: value, "changedAt": iso(at), "consentSource": source}
    return _told(contact, at, "contactPreference.updated", payload)


def _told(contact: Contact, at: datetime, type: str, payload: dict[str, Any]) -> Draft:
    return Draft(at, type, "messaging", {"messagingContactId": contact.id}, payload)


def _message_id(campaign: str, contact: Contact) -> str:
    return str(uuid5(NAMESPACE_URL, f"{campaign}/{contact.id}"))
