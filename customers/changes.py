"""Writes what events, staff and keys say about people: resolved, folded and stored as sets."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from crm.tenancy.rows import insert_rows, read_rows, update_rows
from customers import history, ledger, lifecycle, normalise, suppression
from customers.consent import flags
from customers.deriving import derived
from customers.faces import Face
from customers.identity_rules import Rules
from customers.identity_settings import current_rules
from customers.ledger import Said
from customers.matching import Key
from customers.models import CustomerMetrics, CustomerProfile
from customers.normalise import CONTACTS, EXTERNAL_PREFIX
from customers.parts import COLUMNS, FIELDS, Part, read_parts, write_parts
from customers.resolution import Hit, Request, Tie, resolve_batch
from customers.stamps import EPOCH, Stamp, Told, fold, told

LINKS = {
    "authUserId": "auth_user_id",
    "sclMemberId": "scl_member_id",
    "teetimePlayerId": "teetime_player_id",
    "messagingContactId": "messaging_contact_id",
}
BOOKKEEPING = {"provenance", "stage_due_at", "version", "updated_at", "updated_by"}
BLANK: dict[str, Any] = {f.attname: f.get_default() for f in FIELDS}
NEVER_NULL = {f.attname for f in FIELDS if not f.null}


class Mention(NamedTuple):
    """What one event or act says about one person.

    hints are normalised (kind -> value); fields are profile attributes, of which custom_fields names only the
    keys it writes; region is where a phone number without a country code is dialled; freed are kinds of strong
    identifiers that the person gives up. face: name and birth date, where they are not among the fields to write.
    """

    hints: Mapping[str, str]
    fields: Mapping[str, Any]
    stamp: Stamp
    region: str
    stage: str | None = None
    seen: Sequence[str] = ()
    freed: Sequence[str] = ()
    face: Face | None = None

    def request(self) -> Request:
        """Who is meant, and what may be learnt of them."""
        return Request(
            self.hints, self.stamp.source, self.stamp.event, _learnt(self), self.face or Face.of(self.fields)
        )


@dataclass(slots=True)
class Person:
    """A profile while a batch works on it: its row as a dict, and what became different.

    parts: of a merged person, those parts that the batch writes to, each with its own row.
    """

    row: dict[str, Any]
    is_new: bool
    changed: set[str] = field(default_factory=set)
    touched: bool = False
    reached_before: frozenset[str] = frozenset()
    stage_before: str = ""
    seen: dict[str, datetime] = field(default_factory=dict)
    cause: Stamp | None = None
    before: dict[str, Any] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    parts: dict[UUID, "Person"] = field(default_factory=dict)

    def each(self, part: UUID) -> Iterator["Person"]:
        """What a mention of this part is written to: its own row, if it has one, and what everybody sees."""
        if part in self.parts:
            yield self.parts[part]
        yield self


@dataclass(frozen=True, slots=True)
class Outcome:
    """hits: one a mention that had hints, in order. people: everyone who was hit or made, by id.

    ties: who may be one person, each with the stamp of what tied them (customers.automatic settles that).
    shared: the e-mails and phones that got a further holder (households.gather sees to those, after the ties).
    """

    hits: list[Hit | None]
    people: dict[UUID, Person]
    ties: list[tuple[Tie, Stamp]] = field(default_factory=list)
    shared: set[Key] = field(default_factory=set)

    def profiles(self) -> Iterator[tuple[UUID, Person]]:
        """Everyone's id with what was told of them: of a merged person the parts, else themselves."""
        for pk, person in self.people.items():
            yield from ((pk, one) for one in person.parts.values() or [person])


def apply_mentions(mentions: Sequence[Mention], *, now: datetime, by: str) -> Outcome:
    """Resolve every mention and write what it says, in the caller's transaction.

    A mention without hints means nobody: its hit is None. At most 17 statements, whatever the number.
    """
    known = [mention for mention in mentions if mention.hints]
    requests = [mention.request() for mention in known]
    found, ties, shared = resolve_batch(requests, now=now) if requests else ([], [], set())
    people = _load(found)
    for mention, hit in zip(known, found, strict=True):
        _absorb(people, mention, hit)
    _hush(people, _recognised(known, found), now)
    _store(people, now=now, by=by)
    hits = iter(found)
    stamps = {(mention.stamp.source, mention.stamp.event): mention.stamp for mention in known} if ties else {}
    return Outcome(
        [next(hits) if mention.hints else None for mention in mentions],
        people,
        [(tie, stamps[tie.source, tie.event_id]) for tie in ties],
        shared,
    )


def add_person(pk: UUID, mention: Mention, *, now: datetime, by: str) -> Person:
    """Write a new profile whose identifiers are registered already."""
    person = _blank(pk)
    hit = Hit(pk, pk, True, [], 100, False, mention.hints)
    _absorb({pk: person}, mention, hit)
    _hush({pk: person}, {(pk, pk): list(mention.hints.items())}, now)
    _store({pk: person}, now=now, by=by)
    return person


def write_fields(profile_id: UUID, mention: Mention, *, now: datetime, by: str) -> Person:
    """Write a mention to a profile that is known and locked already (an edit by staff or key).

    Of a merged person it is written to the survivor's own part.
    """
    return write_many({profile_id: mention}, now=now, by=by)[profile_id]


def write_many(mentions: Mapping[UUID, Mention], *, now: datetime, by: str) -> dict[UUID, Person]:
    """Write a mention to each of many profiles that are known and locked already. At most 9 statements."""
    people = _read(mentions, mentions)
    for pk, person in people.items():
        person.before = dict(person.row)
        for one in person.each(pk):
            _link(one, mentions[pk].hints, mentions[pk].stamp)
            _unlink(one, mentions[pk].freed, mentions[pk].stamp)
            _write_to(one, mentions[pk])
    _hush(people, {(pk, pk): list(mention.hints.items()) for pk, mention in mentions.items()}, now)
    _store(people, now=now, by=by)
    return people


def settle(ids: Sequence[UUID], *, now: datetime, by: str) -> dict[UUID, Person]:
    """Bring what follows from the time up to it, for profiles that are locked already. At most 4 statements."""
    people = _read(ids, ())
    _store(people, now=now, by=by)
    return people


def _load(hits: Sequence[Hit]) -> dict[UUID, Person]:
    new = {hit.customer for hit in hits if hit.is_new} | {hit.apart[0] for hit in hits if hit.apart}
    people = _read({hit.customer for hit in hits} - new, {hit.part for hit in hits} - new)
    return people | {pk: _blank(pk) for pk in sorted(new)}


def _blank(pk: UUID) -> Person:
    row = {name: value.copy() if isinstance(value, dict | list) else value for name, value in BLANK.items()}
    return Person(row | {"id": pk, "external_id": uuid4()}, is_new=True, touched=True)


def _read(ids: Collection[UUID], parts: Collection[UUID]) -> dict[UUID, Person]:
    rows = read_rows(CustomerProfile, COLUMNS, "id = ANY(%s)", [list(ids)]) if ids else ()
    people = {
        row["id"]: Person(
            row,
            is_new=False,
            reached_before=frozenset(row["stages_reached"]),
            stage_before=row["lifecycle_stage"],
        )
        for row in rows
    }
    for part in read_parts(parts):
        people[part.root].parts[part.pk] = Person(part.row, is_new=False, seen=part.seen)
    return people


def _learnt(mention: Mention) -> tuple[tuple[str, str], ...]:
    """The e-mail and phone that a mention writes, where it named another one to recognise the person by."""
    rules, told = current_rules(), _told(mention.fields, mention.region)
    return tuple(
        (kind, value)
        for kind, value in told
        if value != mention.hints.get(kind) and rules.counts(kind, value)
    )


def _told(fields: Mapping[str, Any], region: str) -> list[tuple[str, str]]:
    """The e-mail and phone that fields write, normalised, so far as they can be read."""
    sent = ((kind, fields.get(column)) for kind, column in CONTACTS.items())
    told = ((kind, normalise.identifier(kind, raw, region) if raw else None) for kind, raw in sent)
    return [(kind, value) for kind, value in told if value]


def blocked_contacts(rules: Rules, fields: Mapping[str, Any], region: str) -> list[str]:
    """Those of the e-mail and phone that `fields` write which reach nobody in particular, by their column."""
    return [CONTACTS[kind] for kind, value in _told(fields, region) if not rules.counts(kind, value)]


def _recognised(mentions: Sequence[Mention], hits: Sequence[Hit]) -> dict[tuple[UUID, UUID], list[Key]]:
    """The identifiers by which each person, and which part of theirs, was named."""
    found: dict[tuple[UUID, UUID], list[Key]] = {}
    for mention, hit in zip(mentions, hits, strict=True):
        found.setdefault((hit.customer, hit.part), []).extend((*mention.hints.items(), *_learnt(mention)))
        if hit.apart:
            apart, own = hit.apart
            found.setdefault((apart, apart), []).extend(own.items())
    return found


def _hush(
    people: Mapping[UUID, Person], keys: Mapping[tuple[UUID, UUID], Sequence[Key]], now: datetime
) -> None:
    """Turn marketing off for those who are recognised by an identifier that is suppressed. One to three statements."""
    named = {who: held for who, held in keys.items() if held}
    said = []
    for (pk, part), found in (suppression.of_people(named) if named else {}).items():
        stamp, consents = suppression.statements(found)
        won = [_fold_in(one, flags(consents), stamp) for one in people[pk].each(part)]
        if any(won):
            said += [Said(pk, part, one, stamp, {}) for one in consents]
    if said:
        ledger.write(said, now=now)


def _fold_in(person: Person, writes: Mapping[str, Any], stamp: Stamp) -> bool:
    row, stamps = person.row, person.row["provenance"]
    person.told += told(row, stamps, writes, stamp)
    folded = fold(row, stamps, writes, stamp)
    person.changed |= folded.changed
    person.touched = person.touched or bool(folded.won)
    return bool(folded.won)


def _absorb(people: dict[UUID, Person], mention: Mention, hit: Hit) -> None:
    person = people[hit.customer]
    for one in person.each(hit.part):
        _note_source(one, mention.stamp)
        _link(one, hit.own, mention.stamp, keep=one is person and bool(person.parts))
    if hit.apart:
        apart = people[hit.apart[0]]
        _note_source(apart, mention.stamp)
        _link(apart, hit.apart[1], mention.stamp)
        _write_to(apart, mention._replace(fields={}, stage=None, seen=()))
    # An identifier is a way to reach somebody too, as long as nobody told us a better one.
    reached_by = {column: mention.hints[kind] for kind, column in CONTACTS.items() if kind in mention.hints}
    weak = mention._replace(fields=reached_by, stage=None, seen=(), stamp=mention.stamp._replace(tier=0))
    for one in person.each(hit.part):
        _write_to(one, mention)
        _write_to(one, weak)


def _link(person: Person, own: Mapping[str, str], stamp: Stamp, *, keep: bool = False) -> None:
    """Mirror strong identifiers to the profile's link columns; they follow from the aliases, so no tier.

    keep: what stands there, for a merged person who has several ids of a kind.
    """
    row = person.row
    for kind, value in own.items():
        if kind.startswith(EXTERNAL_PREFIX):
            name = kind.removeprefix(EXTERNAL_PREFIX)
            known = row["external_ids"].get(name)
            if known != value and not (keep and known):
                person.told.append(Told(f"external_ids.{name}", known, value, stamp))
                row["external_ids"] = row["external_ids"] | {name: value}
                person.changed.add("external_ids")
        elif column := LINKS.get(kind):
            linked = int(value) if column == "scl_member_id" else value
            if row[column] != linked and not (keep and row[column]):
                person.told.append(Told(column, row[column], linked, stamp))
                row[column] = linked
                person.changed.add(column)
    if person.cause is None or stamp > person.cause:
        person.cause = stamp


def _unlink(person: Person, kinds: Sequence[str], stamp: Stamp) -> None:
    """Clear the link columns of strong identifiers that the person holds no more."""
    row = person.row
    for kind in kinds:
        name = kind.removeprefix(EXTERNAL_PREFIX)
        if kind.startswith(EXTERNAL_PREFIX) and name in row["external_ids"]:
            person.told.append(Told(f"external_ids.{name}", row["external_ids"][name], None, stamp))
            row["external_ids"] = {key: value for key, value in row["external_ids"].items() if key != name}
            person.changed.add("external_ids")
        elif (column := LINKS.get(kind)) and row[column] != BLANK[column]:
            person.told.append(Told(column, row[column], None, stamp))
            row[column] = BLANK[column]
            person.changed.add(column)


def _note_source(person: Person, stamp: Stamp) -> None:
    """Keep who spoke of them at the earliest time, not who was heard first; they are known since then."""
    stamps = person.row["provenance"]
    first = stamps.get("source")
    if first is None or list(stamp[2:]) < list(first)[2:]:
        stamps["source"], person.row["source"] = list(stamp), stamp.source
        person.changed.add("source")
        since = EPOCH + timedelta(microseconds=stamp.at)
        if (person.is_new and first is None) or since < person.row["created_at"]:
            person.row["created_at"] = since
            person.changed.add("created_at")


def _write_to(person: Person, mention: Mention) -> None:
    row, stamp = person.row, mention.stamp
    writes = _columns(mention)
    custom = writes.pop("custom_fields", None)
    _fold_in(person, writes, stamp)
    if custom:
        _write_map(person, "custom_fields", custom, stamp)
    if mention.stage and lifecycle.reach(row["stages_reached"], mention.stage, stamp.at):
        person.changed.add("stages_reached")
    at = EPOCH + timedelta(microseconds=stamp.at)
    for name in mention.seen:
        person.seen[name] = max(at, person.seen.get(name, at))


def _write_map(person: Person, name: str, writes: Mapping[str, Any], stamp: Stamp) -> None:
    """Write keys of a map, each a register of its own that is stamped as `name.key`; None takes a key away."""
    stamps, prefix = person.row["provenance"], f"{name}."
    values = {prefix + key: value for key, value in person.row[name].items()}
    own = {prefix + key: value for key, value in writes.items()}
    person.told += told(values, stamps, own, stamp)
    folded = fold(values, stamps, own, stamp)
    person.touched = person.touched or bool(folded.won)
    if folded.changed:
        kept = {path: value for path, value in values.items() if value is not None}
        person.row[name] = {path.removeprefix(prefix): value for path, value in kept.items()}
        person.changed.add(name)


def _columns(mention: Mention) -> dict[str, Any]:
    """A mention's fields as column values: contact points normalised beside what was sent, nulls as blanks."""
    writes = {
        name: BLANK[name] if value is None and name in NEVER_NULL else value
        for name, value in mention.fields.items()
    }
    if "email" in writes:
        sent = writes["email"].strip()
        writes |= {"email": normalise.email(sent) or "", "email_display": sent[:254]}
    if "phone_number" in writes:
        phone = normalise.phone(writes["phone_number"], mention.region)
        writes |= {"phone_number": phone.number, "phone_is_valid": phone.is_valid}
    if "country" in writes:
        writes["country"] = writes["country"].upper()
    for name in ("first_name", "last_name", "display_name"):
        if name in writes:
            writes[name] = normalise.name(writes[name])
    return writes


def _derive(person: Person, now: datetime) -> None:
    for name, value in derived(person.row, now).items():
        if person.row[name] != value:
            person.row[name], person.touched = value, True
            person.changed |= {name} - BOOKKEEPING


def _store(people: Mapping[UUID, Person], *, now: datetime, by: str) -> None:
    for person in people.values():
        _derive(person, now)
    history.say_who(by)
    history.note({pk: person.told for pk, person in people.items()}, now=now, by=by)
    new = [person for person in people.values() if person.is_new]
    for person in new:
        since = min(person.row["created_at"], now)  # an event may be a day ahead
        person.row |= {"created_at": since, "created_by": by, "updated_at": now, "updated_by": by}
    insert_rows(CustomerProfile, [person.row for person in new], COLUMNS)
    insert_rows(
        CustomerMetrics,
        [{"customer_id": person.row["id"], **METRICS_BLANK} for person in new],
        METRICS_COLUMNS,
    )
    write_parts(
        Part(part, pk, one.row, one.seen)
        for pk, person in people.items()
        for part, one in person.parts.items()
    )
    old = [person for person in people.values() if not person.is_new and (person.changed or person.touched)]
    for person in old:
        if person.changed:
            person.row |= {"updated_at": now, "updated_by": by, "version": person.row["version"] + 1}
    columns = set().union(*(person.changed for person in old)) | BOOKKEEPING
    update_rows(CustomerProfile, [person.row for person in old], sorted(columns))


METRICS_BLANK = {
    f.attname: f.get_default()
    for f in CustomerMetrics._meta.concrete_fields
    if f.attname not in {"tenant_id", "customer_id"}
}
METRICS_COLUMNS = ["customer_id", *METRICS_BLANK]
