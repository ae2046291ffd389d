"""What all sources share: who an event is about, which fields it writes, how its parts become one effect. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address
from typing import Any, NamedTuple

from timeline.effects import Effect, Entry, Event, Fact, Person
from timeline.schema import MOST_CENTS, read_moment

Payload = Mapping[str, Any]

LINKS = frozenset(
    {"authUserId", "email", "phoneNumber", "sclMemberId", "teetimePlayerId", "messagingContactId"}
)
LONGEST_HINT = 200
LONGEST_KIND = 80
MOST_EXTERNAL_IDS = 20
LONGEST_TITLE = 200
CONTEXT = {"sessionId": ("session", 200), "referrer": ("referrer", 2000), "userAgent": ("userAgent", 500)}
IP_FIELDS = ("ip", "ipAddress")
COARSE = ("country", "region", "city")
CONTEXT_FIELDS = frozenset({*CONTEXT, *IP_FIELDS, "utm", "geo"})
NOT_METADATA = CONTEXT_FIELDS | {"version", "entityVersion"}


def words(value: Any) -> str | None:
    """Text without space around it, None when nothing is left."""
    return str(value).strip() or None


def upper(value: Any) -> str | None:
    return str(value).strip().upper() or None


def ident(value: Any) -> str:
    """An id as text, "" where there is none."""
    return str(value).strip() if _usable(value) else ""


def _usable(value: Any) -> bool:
    if isinstance(value, str):
        return len(value.strip()) > 0 and len(value) <= LONGEST_HINT
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_CENTS


def hints(identity: Mapping[str, Any], **found: Any) -> dict[str, Any]:
    """The identifiers of one person; where the identity block and the payload disagree, the block wins."""
    known = {kind: value for kind, value in found.items() if _usable(value)}
    if "phone" in identity and _usable(identity["phone"]):
        known["phoneNumber"] = identity["phone"]
    for kind, value in identity.items():
        if kind in LINKS and _usable(value):
            known[kind] = value
    if isinstance(external := identity.get("externalIds"), Mapping):
        for kind, value in list(external.items())[:MOST_EXTERNAL_IDS]:
            if len(kind) <= LONGEST_KIND and _usable(value):
                known[f"externalIds.{kind}"] = value
    return known


class Home(NamedTuple):
    """Where a payload field lives: the attribute it writes, how its value is read, what a null writes."""

    attribute: str
    read: Callable[[Any], Any] = words
    cleared: Any = None


def written(
    payload: Payload, homes: Mapping[str, Home], changes: Collection[str] | None = None
) -> dict[str, Any]:
    """The attributes that a payload writes: those of its fields that are there, of `changes` alone if given.

    A null is a write too: it clears.
    """
    return {
        home.attribute: home.cleared if payload[name] is None else home.read(payload[name])
        for name, home in homes.items()
        if name in payload and (changes is None or name in changes)
    }


def changed(payload: Payload) -> frozenset[str] | None:
    """The names in `changes`; None where the sender leaves it out, so that every field there counts."""
    names = payload.get("changes")
    return frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else None


def contact_points(fields: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of someone just created, with the e-mail and phone that only the identity block names."""
    for attribute, kind in (("email", "email"), ("phone_number", "phoneNumber")):
        if not fields.get(attribute) and kind in known:
            fields[attribute] = words(known[kind])
    return fields


def moment_of(event: Event, *names: str) -> datetime:
    """The first of the payload's moments that is there, else when the event happened."""
    return next(
        (found for name in names if (found := read_moment(event.payload.get(name)))), event.occurred_at
    )


def money(cents: int, currency: str | None) -> str:
    """An amount as people read it: "1,250.00 GBP"."""
    return f"{cents // 100:,}.{cents % 100:02d} {(currency or '').upper()}".rstrip()


def entry(
    event: Event,
    type: str,
    category: str,
    title: str,
    *,
    homes: Collection[str] = (),
    source_id: Any = "",
    channel: str = "",
    counts: bool = False,
    description: str = "",
) -> Entry:
    """The timeline entry of an event; payload fields that have no home elsewhere become its metadata."""
    return Entry(
        type=type,
        category=category,
        title=title[:LONGEST_TITLE],
        description=description,
        channel=channel,
        source_id=ident(source_id),
        counts=counts,
        metadata={
            name: value
            for name, value in event.payload.items()
            if name not in homes and name not in NOT_METADATA
        },
        context=context(event.payload),
    )


def context(payload: Payload) -> dict[str, Any]:
    """Where and how it happened, with the address cut to its network and the place to the city."""
    if CONTEXT_FIELDS.isdisjoint(payload):
        return {}
    found: dict[str, Any] = {
        place: value[:longest]
        for name, (place, longest) in CONTEXT.items()
        if isinstance(value := payload.get(name), str) and value
    }
    if isinstance(utm := payload.get("utm"), Mapping) and utm:
        found["utm"] = utm
    if network := next((cut for name in IP_FIELDS if (cut := truncated(payload.get(name)))), ""):
        found["ip"] = network
    if isinstance(geo := payload.get("geo"), Mapping):
        found["geo"] = {name: geo[name] for name in COARSE if geo.get(name)}
    return found


def truncated(address: Any) -> str:
    """The network of an IP address, /24 (IPv4) or /48 (IPv6), written as its first address; "" for no address."""
    if not isinstance(address, str):
        return ""
    try:
        found = ip_address(address.strip())
    except ValueError:
        return ""
    dropped = 8 if found.version == 4 else 80
    return str(type(found)(int(found) >> dropped << dropped))


def effect(
    event: Event,
    *people: Person,
    entry: Entry | None = None,
    facts: Iterable[Fact] = (),
    announce: tuple[tuple[str, Payload], ...] = (),
) -> Effect:
    """One event's effect. Who has no identifier falls out, and what they are tied to is about nobody then.

    The entry and the announcements are the first person's, and fall out with them.
    """
    known = [index for index, person in enumerate(people) if person.hints]
    first_known = 0 in known
    version = event.payload.get("entityVersion", event.payload.get("version"))
    return Effect(
        people=tuple(people[index] for index in known),
        entry=entry if first_known else None,
        facts=tuple(facts) if len(known) == len(people) else tuple(_tied(fact, known) for fact in facts),
        club_ref=ident(event.payload.get("clubId")) or ident(event.payload.get("homeClubId")),
        version=version if type(version) is int and 0 < version <= MOST_CENTS else 0,
        announce=announce if first_known else (),
    )


def _tied(fact: Fact, known: list[int]) -> Fact:
    return replace(fact, person=known.index(fact.person) if fact.person in known else None)
