"""What a batch of events changes: interpreted one by one, applied as sets in the caller's transaction."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from crm.errors import CRMError
from crm.outbox.services import emit_many
from crm.tenancy.models import Club, uuid7
from crm.tenancy.rows import dump, insert_rows, run
from crm.tenancy.scope import current_tenant
from customers import ledger, normalise
from customers.acts import Act
from customers.automatic import settle_ties
from customers.changes import Outcome as People
from customers.changes import apply_mentions
from customers.facts import FactChange, FactWrite, apply_facts
from customers.gathering import gather
from customers.identity_settings import current_rules
from customers.ledger import Said
from customers.person import Mention, blocked_contacts
from customers.resolution import Hit
from customers.stamps import Stamp
from customers.telling import stage_acts
from timeline.counters import raise_seen, recount
from timeline.effects import COUNTED, Effect, Event
from timeline.envelope import read_envelope
from timeline.gate import ERASED, WORDS, Gate
from timeline.models import Activity, EventBody, SyncStatus
from timeline.news import Told, news_of
from timeline.schema import problems
from timeline.sources import TYPES
from timeline.subjects import snapshots

LEFT_OUT = "FIELD_LEFT_OUT"
CONTACTS_OF = {column: kind for kind, column in normalise.CONTACTS.items()}
ACTS = "crm"  # the source of what was done here, by whomever
ENTRY_COLUMNS = [
    "id", "customer_id", "recorded_for", "type", "category", "channel", "title", "description", "metadata",
    "context", "source", "source_id", "source_event_id", "subject_name", "actor", "counts", "occurred_at", "created_at",
]  # fmt: skip


# Only what an event began: what staff or a key made begins where they made it.
MOVE = """
    UPDATE timeline_activity a
    SET occurred_at = new.occurred_at, source_event_id = new.source_event_id, metadata = new.metadata
    FROM json_to_recordset(%s) AS new (
        customer_id uuid, recorded_for uuid, occurred_at timestamptz, source_event_id text, metadata jsonb)
    WHERE a.tenant_id = %s AND a.customer_id = new.customer_id AND a.recorded_for = new.recorded_for
        AND a.type = 'PROFILE_CREATED' AND a.actor = ''
"""


class UnknownEventType(CRMError):
    """No event type has this name."""

    code = "UNKNOWN_EVENT_TYPE"


class InvalidPayload(CRMError):
    """The payload breaks the schema of its type."""

    code = "INVALID_PAYLOAD"


class NobodyIdentified(CRMError):
    """The event is about a person but has no usable identifier of one."""

    code = "NO_IDENTIFIER"


class BodyPurged(CRMError):
    """The body of this event was purged, so it can't be applied any more."""

    code = "BODY_PURGED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event: SUCCESS, SKIPPED or FAILED, and the rows it led to.

    customer: of a merged person, the part that it was recorded for.
    """

    status: str
    customer: UUID | None = None
    activity: UUID | None = None
    code: str = ""
    error: str = ""
    permanent: bool = False

    @classmethod
    def failed(cls, code: str, error: str, *, permanent: bool) -> "Outcome":
        return cls(SyncStatus.FAILED, code=code, error=error, permanent=permanent)


class _Reading(NamedTuple):
    """An inbox row understood: its event, its effect, and the region its phone numbers are of.

    hints: the usable identifiers of each of the effect's people.
    left_out: what of it can't be true and is not written, in words for the sync log.
    """

    event: Event
    effect: Effect
    region: str
    hints: list[dict[str, str]]
    left_out: str = ""


@dataclass(slots=True)
class _Work:
    """What the readings of a batch come to, before it is written."""

    mentions: list[Mention] = field(default_factory=list)
    spans: list[range] = field(default_factory=list)


def apply_events(rows: Sequence[Mapping[str, Any]], *, now: datetime) -> list[Outcome]:
    """Apply inbox rows (with their `raw` body), in the caller's transaction; one outcome a row, in order.

    An event that is itself wrong fails alone. A database error of the set is the caller's: roll back, halve, repeat.
    About 30 statements whatever the number of rows.
    """
    regions = _regions()
    read = _let_in([_read(row, regions) for row in rows], rows)
    readings = [reading for reading in read if isinstance(reading, _Reading)]
    done = iter(_apply(readings, now))
    return [next(done) if isinstance(reading, _Reading) else reading for reading in read]


def _let_in(
    read: Sequence[_Reading | Outcome], rows: Sequence[Mapping[str, Any]]
) -> list[_Reading | Outcome]:
    """Keep out what must not be applied: whole events, or of others' events what they say of somebody.

    The body of an event of somebody who was erased goes at once.
    """
    gate = Gate([hints for one in read if isinstance(one, _Reading) for hints in one.hints])
    found = [_barred(one, gate) if isinstance(one, _Reading) else one for one in read]
    erased = [
        row["id"]
        for row, one in zip(rows, found, strict=True)
        if isinstance(one, Outcome) and one.code == ERASED
    ]
    if erased:
        EventBody.objects.filter(pk__in=erased).delete()
    return found


def _barred(reading: _Reading, gate: Gate) -> _Reading | Outcome:
    at = reading.event.occurred_at
    bars = {index: bar for index, hints in enumerate(reading.hints) if (bar := gate.bar(hints, at))}
    if 0 in bars:
        code, customer = bars[0]
        return Outcome(SyncStatus.SKIPPED, customer, code=code, error=WORDS[code])
    erased = {index for index, bar in bars.items() if bar.code == ERASED}
    people = tuple(
        replace(person, fields={}, consents=(), stage=None, seen=()) if index in bars else person
        for index, person in enumerate(reading.effect.people)
    )
    facts = tuple(fact for fact in reading.effect.facts if fact.person not in erased)
    hints = [{} if index in erased else known for index, known in enumerate(reading.hints)]
    return (
        reading._replace(effect=replace(reading.effect, people=people, facts=facts), hints=hints)
        if bars
        else reading
    )


def _regions() -> dict[str, str]:
    """Club id as senders name it -> region of its phone numbers."""
    clubs = Club.objects.exclude(region="").values_list("refs", "region")
    return {ref: region for refs, region in clubs for ref in refs}


def _read(row: Mapping[str, Any], regions: Mapping[str, str]) -> _Reading | Outcome:
    try:
        return _understand(row, regions)
    except CRMError as error:
        return Outcome.failed(error.code, error.message, permanent=True)
    except Exception as error:  # noqa: BLE001 - whatever one event does to its interpreter, the others go on
        return Outcome.failed(
            "INTERPRETATION_FAILED", f"{type(error).__name__} while reading it.", permanent=False
        )


def _understand(row: Mapping[str, Any], regions: Mapping[str, str]) -> _Reading:
    if row["raw"] is None:
        raise BodyPurged
    envelope = read_envelope(json.loads(row["raw"]), now=row["received_at"])
    kind = TYPES.get(envelope.type)
    if kind is None:
        raise UnknownEventType(f"There is no event type “{envelope.type}”.")
    if wrong := problems(kind, envelope.payload):
        raise InvalidPayload("; ".join(f"{path}: {what}" for path, what in wrong))
    event = envelope.event()
    effect, left_out = _believed(kind.interpret(event), at=row["received_at"])
    region = regions.get(effect.club_ref) or current_tenant().region
    effect, hints, unused = _recognisable(effect, region)
    if not hints[0] if hints else _is_unreadable(event.identity, region):
        raise NobodyIdentified(
            unused or "No usable identifier: the e-mail, phone or id that it names can't be read."
        )
    return _Reading(event, effect, region, hints, " ".join(filter(None, (left_out, unused))))


def _believed(effect: Effect, *, at: datetime) -> tuple[Effect, str]:
    """The effect without birth dates that nobody can have, and what was left out: the rest of it still counts."""
    kept = tuple(
        replace(person, fields={name: v for name, v in person.fields.items() if name != "date_of_birth"})
        if (born := person.fields.get("date_of_birth")) and not normalise.is_past_day(born, at)
        else person
        for person in effect.people
    )
    if kept == effect.people:
        return effect, ""
    return replace(effect, people=kept), f"Left out: the birth date, which {normalise.PAST_DAY_WORDS}."


def _recognisable(effect: Effect, region: str) -> tuple[Effect, list[dict[str, str]], str]:
    """The effect without e-mails and phones that are nobody's, the usable hints of its people, and what was unused."""
    rules, people, hints, unused = current_rules(), [], [], dict[str, None]()
    for person in effect.people:
        known = normalise.hints(person.hints, region)
        usable = rules.usable(known)
        told = blocked_contacts(rules, person.fields, region)
        unused |= dict.fromkeys((*(known.keys() - usable.keys()), *(CONTACTS_OF[name] for name in told)))
        hints.append(usable)
        people.append(
            replace(person, fields={k: v for k, v in person.fields.items() if k not in told})
            if told
            else person
        )
    if not unused:
        return effect, hints, ""
    words = f"Left out: {', '.join(sorted(unused))}, whose value identifies nobody by the rules of identity."
    return replace(effect, people=tuple(people)), hints, words


def _is_unreadable(identity: Mapping[str, Any], region: str) -> bool:
    """The sender names somebody, but by nothing that can be read."""
    external = identity.get("externalIds")
    named = (
        {f"{normalise.EXTERNAL_PREFIX}{kind}": value for kind, value in external.items()}
        if isinstance(external, dict)
        else {}
    )
    named |= {kind: value for kind, value in identity.items() if value not in (None, "", {})}
    return bool(named) and not normalise.hints(named, region)


def _apply(readings: Sequence[_Reading], now: datetime) -> list[Outcome]:
    work = _mentions(readings)
    people = apply_mentions(work.mentions, now=now, by="events")
    hits = [[people.hits[i] for i in span] for span in work.spans]
    ledger.write(list(_said(readings, hits)), now=now)
    changes = apply_facts(list(_fact_writes(readings, hits)), now=now)
    # Before the entries, since of one moment the smaller id is the earlier entry.
    beginnings = _beginnings(people, readings, now)
    entries = [_entry(reading, own, now) for reading, own in zip(readings, hits, strict=True)]
    made = [entry for entry in beginnings if people.people[entry["customer_id"]].is_new]
    past = {(reading.event.source, reading.event.id) for reading in readings if reading.event.historical}
    written = [*made, *(entry for entry in entries if entry), *_stages(people, past, now)]
    snapshots(written, changes)
    insert_rows(Activity, written, ENTRY_COLUMNS)
    _move([entry for entry in beginnings if not people.people[entry["customer_id"]].is_new])
    raise_seen({pk: person.seen for pk, person in people.people.items()})
    recount(_recounted(people, entries, changes), now=now)
    told = [Told(reading.event, reading.effect, own) for reading, own in zip(readings, hits, strict=True)]
    emit_many(list(news_of(told, people.people, changes)))
    settle_ties(people.ties, now=now, past=past)
    gather(people.shared, now=now)
    return [
        _outcome(reading, own, entry) for reading, own, entry in zip(readings, hits, entries, strict=True)
    ]


def _mentions(readings: Sequence[_Reading]) -> _Work:
    work = _Work()
    for reading in readings:
        start = len(work.mentions)
        for person, hints in zip(reading.effect.people, reading.hints, strict=True):
            stamp = _stamp(reading, tier=person.tier)
            work.mentions.append(
                Mention(hints, person.writes, stamp, reading.region, person.stage, person.seen)
            )
        work.spans.append(range(start, len(work.mentions)))
    return work


def _stamp(reading: _Reading, *, tier: int = 1) -> Stamp:
    event = reading.event
    return Stamp.of(event.source, event.id, event.occurred_at, tier=tier, version=reading.effect.version)


def _said(readings: Sequence[_Reading], hits: Sequence[Sequence[Hit | None]]) -> Iterator[Said]:
    """What the events say that people agree to, for the ledger."""
    for reading, own in zip(readings, hits, strict=True):
        for person, hints, hit in zip(reading.effect.people, reading.hints, own, strict=True):
            if hit is not None:
                stamp = _stamp(reading, tier=person.tier)
                yield from (
                    Said(hit.customer, hit.part, consent, stamp, hints) for consent in person.consents
                )


def _fact_writes(readings: Sequence[_Reading], hits: Sequence[Sequence[Hit | None]]) -> Iterator[FactWrite]:
    for reading, own in zip(readings, hits, strict=True):
        stamp = _stamp(reading)
        for fact in reading.effect.facts:
            hit = own[fact.person] if fact.person is not None and own else None
            customer, part = (hit.customer, hit.part) if hit else (None, None)
            yield FactWrite(fact.kind, fact.key[:300], customer, part, fact.values, fact.opening, stamp)


def _entry(reading: _Reading, own: Sequence[Hit | None], now: datetime) -> dict[str, Any] | None:
    entry, event = reading.effect.entry, reading.event
    if entry is None or not own or own[0] is None:
        return None
    return {
        "id": uuid7(), "customer_id": own[0].customer, "recorded_for": own[0].part, "type": entry.type,
        "category": entry.category, "channel": entry.channel[:30], "title": entry.title[:300],
        "description": entry.description, "metadata": entry.metadata, "context": entry.context,
        "source": event.source, "source_id": entry.source_id[:200], "source_event_id": event.id, "actor": "",
        "counts": entry.counts, "occurred_at": event.occurred_at, "created_at": now,
    }  # fmt: skip


def _stages(people: People, past: Collection[tuple[str, str]], now: datetime) -> list[dict[str, Any]]:
    """The entries of those whose lifecycle stage changed, but for what loaded history (`past`) did to it.

    History comes in any order, and its stages are judged by today: people would lapse and come back with every batch.
    """
    return [
        act_row(act, "", now, event=person.cause.event if person.cause else "")
        for pk, person in people.people.items()
        if not (person.cause and (person.cause.source, person.cause.event) in past)
        for act in stage_acts(pk, person)
    ]


def act_row(act: Act, by: str, now: datetime, *, event: str = "") -> dict[str, Any]:
    """The row of an act's entry; nobody edits it afterwards."""
    return {
        "id": uuid7(), "customer_id": act.customer, "recorded_for": act.customer, "type": act.type,
        "category": act.category, "channel": "", "title": act.title[:300], "description": "",
        "metadata": act.metadata, "context": {}, "source": ACTS, "source_id": act.about, "source_event_id": event,
        "actor": by, "counts": False, "occurred_at": act.at or now, "created_at": now,
    }  # fmt: skip


def _beginnings(people: People, readings: Sequence[_Reading], now: datetime) -> list[dict[str, Any]]:
    """The entry that begins the timeline of each profile that is new, or known for longer than was thought."""
    events = {(reading.event.source, reading.event.id): reading.event for reading in readings}
    found = []
    for pk, person in people.profiles():
        if "created_at" in person.changed:
            first = Stamp(*person.row["provenance"]["source"])
            event = events[first.source, first.event]
            found.append({
                "id": uuid7(), "customer_id": pk, "recorded_for": person.row["id"], "type": "PROFILE_CREATED",
                "category": "SYSTEM", "channel": "", "title": "Profile created", "description": "",
                "metadata": {"cause": event.type}, "context": {}, "source": "crm", "source_id": "",
                "source_event_id": event.id, "actor": "", "counts": False,
                "occurred_at": person.row["created_at"], "created_at": now,
            })  # fmt: skip
    return found


def _move(beginnings: Sequence[Mapping[str, Any]]) -> None:
    """Put the first entries of timelines to an earlier event. One statement, where there are any."""
    if beginnings:
        run(MOVE, [dump(beginnings), current_tenant().pk])


def _recounted(
    people: People, entries: Iterable[dict[str, Any] | None], changes: Iterable[FactChange]
) -> set[UUID]:
    """Whose counters may have moved."""
    found = {entry["customer_id"] for entry in entries if entry and entry["counts"]}
    for change in changes:
        if change.kind in COUNTED:
            found |= {row.get("customer_id") for row in (change.before, change.after)}
    return found - {None}


def _outcome(reading: _Reading, own: Sequence[Hit | None], entry: Mapping[str, Any] | None) -> Outcome:
    part = own[0].part if own and own[0] else None
    if part is None and not reading.effect.facts:
        return Outcome(SyncStatus.SKIPPED, error="It is about nobody in particular; nothing to apply.")
    return Outcome(
        SyncStatus.SUCCESS, part, entry["id"] if entry else None,
        code=LEFT_OUT if reading.left_out else "", error=reading.left_out,
    )  # fmt: skip
