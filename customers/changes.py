"""Writes what events, staff and keys say about people: resolved, folded and stored as sets."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from crm.tenancy.rows import insert_rows, read_rows, update_rows
from customers import history, ledger, suppression
from customers.consent import flags
from customers.ledger import Said
from customers.matching import Key
from customers.models import CustomerMetrics, CustomerProfile
from customers.normalise import CONTACTS
from customers.parts import COLUMNS, Part, parts_of, read_parts, write_parts
from customers.person import BLANK, BOOKKEEPING, Mention, Person
from customers.resolution import Hit, Tie, resolve_batch
from customers.stamps import Stamp
from customers.survivorship import of_all


@dataclass(frozen=True, slots=True)
class Outcome:
    """hits: one a mention that had hints, in order. people: everyone who was hit or made, by id.

    ties: who may be one person, each with the stamp of what tied them (customers.automatic settles that).
    shared: the e-mails and phones that got a further holder (gathering.gather sees to those, after the ties).
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
    """Write a mention to each of many profiles that are known and locked already. At most 10 statements.

    Of merged people what is decided about them as a whole is written to every part.
    """
    people = _read(mentions, mentions)
    whole = {pk: said for pk, mention in mentions.items() if (said := of_all(mention.fields))}
    for told_of in parts_of(whole):
        known = people[told_of.root].parts
        known.setdefault(told_of.pk, Person(told_of.row, is_new=False, seen=told_of.seen))
    for pk, person in people.items():
        person.before = dict(person.row)
        for one in person.each(pk):
            one.link(mentions[pk].hints, mentions[pk].stamp)
            one.unlink(mentions[pk].freed, mentions[pk].stamp)
            one.write_to(mentions[pk])
        for part, one in person.parts.items():
            if part != pk:
                one.write_to(mentions[pk]._replace(fields=whole[pk], stage=None, seen=()))
    _hush(people, {(pk, pk): list(mention.hints.items()) for pk, mention in mentions.items()}, now)
    _store(people, now=now, by=by)
    return people


def say(said: Sequence[Said], *, now: datetime, by: str) -> dict[UUID, Person]:
    """Write statements about consent to people, who are locked, and to the ledger. At most 6 statements."""
    people = _read({one.customer for one in said}, {one.part for one in said})
    for one in said:
        for person in people[one.customer].each(one.part):
            person.fold_in(flags([one.consent]), one.stamp)
    _store(people, now=now, by=by)
    ledger.write(said, now=now)
    return people


def settle(ids: Sequence[UUID], *, now: datetime, by: str) -> dict[UUID, Person]:
    """Bring what follows from the time up to it, for profiles that are locked already. At most 4 statements."""
    people = _read(ids, ())
    _store(people, now=now, by=by)
    return people


def _load(hits: Sequence[Hit]) -> dict[UUID, Person]:
    new = {hit.customer for hit in hits if hit.is_new} | {hit.apart[0] for hit in hits if hit.apart}
    people = _read({hit.customer for hit in hits} - new, {hit.part for hit in hits} - new)
    made = {pk: _blank(pk) for pk in sorted(new)}
    for pk in new.intersection(hit.customer for hit in hits):
        made[pk].row["is_light"] = True  # until more than a booking names them
    return people | made


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


def _recognised(mentions: Sequence[Mention], hits: Sequence[Hit]) -> dict[tuple[UUID, UUID], list[Key]]:
    """The identifiers by which each person, and which part of theirs, was named."""
    found: dict[tuple[UUID, UUID], list[Key]] = {}
    for mention, hit in zip(mentions, hits, strict=True):
        found.setdefault((hit.customer, hit.part), []).extend((*mention.hints.items(), *mention.learnt()))
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
        won = [one.fold_in(flags(consents), stamp) for one in people[pk].each(part)]
        if any(won):
            said += [Said(pk, part, one, stamp, {}) for one in consents]
    if said:
        ledger.write(said, now=now)


def _absorb(people: dict[UUID, Person], mention: Mention, hit: Hit) -> None:
    person = people[hit.customer]
    for one in person.each(hit.part):
        one.note_source(mention.stamp)
        one.link(hit.own, mention.stamp, keep=one is person and bool(person.parts))
    if hit.apart:
        apart = people[hit.apart[0]]
        apart.note_source(mention.stamp)
        apart.link(hit.apart[1], mention.stamp)
        apart.write_to(mention._replace(fields={}, stage=None, seen=()))
    # An identifier is a way to reach somebody too, as long as nobody told us a better one.
    reached_by = {column: mention.hints[kind] for kind, column in CONTACTS.items() if kind in mention.hints}
    weak = mention._replace(fields=reached_by, stage=None, seen=(), stamp=mention.stamp._replace(tier=0))
    for one in person.each(hit.part):
        one.write_to(mention)
        one.write_to(weak)


def _store(people: Mapping[UUID, Person], *, now: datetime, by: str) -> None:
    for person in people.values():
        person.derive(now)
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
