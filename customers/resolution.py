"""Who is it? Ties identifiers to people, for one call or a batch, safely against everyone else doing the same.

Lock order, the same for all writers: identifiers by (kind, value), then profiles by id. Two transactions that
bring the same new person meet at the identifier, and the second finds what the first made.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from crm.errors import Detail, DuplicateResource
from crm.tenancy.models import uuid7
from crm.tenancy.rows import dump, insert_rows, run, select
from crm.tenancy.scope import current_tenant
from customers.faces import NO_FACE, Face
from customers.gathering import gather
from customers.holdings import Held, read_faces, read_held, read_holders
from customers.identity_rules import Rules
from customers.identity_settings import current_rules
from customers.matching import Decision, Holder, Key, Known, decide, is_strong
from customers.models import CustomerProfile, Demotion, DuplicateCandidate, Status
from customers.releasing import release

# The conflict action never changes a row, but it locks the ones that are there already.
CLAIM = """
    INSERT INTO customers_identityalias (tenant_id, kind, value, created_at)
    SELECT %s, k.kind, k.value, %s FROM unnest(%s::text[], %s::text[]) AS k (kind, value)
    ON CONFLICT (tenant_id, kind, value) DO UPDATE SET value = EXCLUDED.value WHERE false
"""
LOCK_PEOPLE = """
    SELECT id, merged_into_id, first_name, last_name, date_of_birth
    FROM customers_customerprofile WHERE tenant_id = %s AND id = ANY(%s)
    ORDER BY id FOR NO KEY UPDATE
"""
LOCK_PERSON = """
    SELECT id, merged_into_id FROM customers_customerprofile
    WHERE id = coalesce((SELECT root_id FROM customers_profilepart WHERE customer_id = %s AND tenant_id = %s), %s)
        AND tenant_id = %s
    FOR NO KEY UPDATE
"""
ROOTS = """
    SELECT customer_id, root_id FROM customers_profilepart WHERE tenant_id = %s AND customer_id = ANY(%s)
"""
HOLD = """
    INSERT INTO customers_aliasholder (tenant_id, alias_id, customer_id, recorded_for, is_owner, source, since)
    SELECT a.tenant_id, a.id, n.customer_id, n.recorded_for, n.is_owner, n.source, %s
    FROM json_to_recordset(%s) AS n (
        kind text, value text, customer_id uuid, recorded_for uuid, is_owner boolean, source text, position int)
    JOIN customers_identityalias a ON a.tenant_id = %s AND a.kind = n.kind AND a.value = n.value
    ORDER BY n.position
    ON CONFLICT DO NOTHING
"""


DEMOTED = ["customer_id", "kind", "value", "reason", "source", "source_event_id", "created_at"]


class Request(NamedTuple):
    """The normalised hints of one mention of a person, and what mentions them.

    learnt: e-mails and phones that are told of the person beside the ones they were recognised by.
    face:   what is told of the name and birth date; they choose among those who share a contact.
    """

    hints: Mapping[str, str]
    source: str
    event_id: str = ""
    learnt: tuple[Key, ...] = ()
    face: Face = NO_FACE

    @property
    def keys(self) -> tuple[Key, ...]:
        return (*self.hints.items(), *self.learnt)

    @property
    def has_telling_face(self) -> bool:
        """Nothing stronger than a contact that others may share, and a name or birth date beside it."""
        return not self.face.is_blank and not any(map(is_strong, self.hints))


@dataclass(frozen=True, slots=True)
class Hit:
    """Who a request means.

    part:  of a merged person, the part that the request is recorded for; else the customer.
    own:   the identifiers of the request that are the part's now, kind -> value.
    apart: identifiers that they can't have beside their own, and the person split off to hold them.
    """

    customer: UUID
    part: UUID
    is_new: bool
    matched_by: list[str]
    confidence: int
    ambiguous: bool
    own: Mapping[str, str]
    apart: tuple[UUID, Mapping[str, str]] | None = None


class Tie(NamedTuple):
    """Two parts that the identifiers of one request hit both; why, in words."""

    one: UUID
    other: UUID
    reason: str
    source: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """A resolved person as the API tells it."""

    profile: CustomerProfile
    is_new: bool
    matched_by: list[str]
    confidence: int
    ambiguous: bool


class _Book:
    """Holders, their identifiers and faces, and news of one batch, as its decisions are made one after the other."""

    def __init__(
        self, holders: dict[Key, list[Holder]], held_of: Held, faces: dict[UUID, Face], rules: Rules
    ) -> None:
        self.holders, self.held_of, self.faces, self.rules = holders, held_of, faces, rules
        self.held: list[dict[str, Any]] = []
        self.ties: dict[tuple[UUID, UUID], Tie] = {}
        self.demotions: list[dict[str, Any]] = []

    def decide(self, request: Request) -> Decision:
        known = Known(self.holders, self.held_of, self.faces)
        return decide(request.hints, known, request.learnt, rules=self.rules, face=request.face)

    def settle(self, request: Request) -> Hit:
        decision = self.decide(request)
        customer = decision.customer or uuid7()
        part = decision.part or customer
        self._learn_face(customer, request.face, is_sure=any(map(is_strong, decision.matched_by)))
        for key, owns in decision.attach.items():
            self.hold(key, customer, part, owns=owns, source=request.source)
        for rival in decision.rivals.values():
            self._pair(part, rival.part, rival.reason, request)
        for key, why in decision.demotions.items():
            self._demote(key, part, why, request)
        return Hit(
            customer,
            part,
            decision.customer is None,
            decision.matched_by,
            decision.confidence,
            decision.ambiguous,
            self._own(part, request),
            self._split_off(decision, part, request) if decision.orphans else None,
        )

    def _learn_face(self, customer: UUID, face: Face, *, is_sure: bool) -> None:
        """Who was recognised by what nobody else has is called as told from now on: people change their names."""
        known = self.faces.get(customer, NO_FACE)
        self.faces[customer] = face.filled_from(known) if is_sure else known.filled_from(face)

    @property
    def shared(self) -> set[Key]:
        return {(row["kind"], row["value"]) for row in self.held if not row["is_owner"]}

    def has_room(self, customer: UUID, kind: str) -> bool:
        most = self.rules.of(kind).most
        return most is None or len(self.held_of.get(customer, {}).get(kind, ())) < most

    def _own(self, part: UUID, request: Request) -> dict[str, str]:
        return {
            kind: value
            for kind, value in request.hints.items()
            if any(holder.part == part for holder in self.holders.get((kind, value), ()))
        }

    def hold(self, key: Key, customer: UUID, part: UUID, *, owns: bool, source: str) -> None:
        kind, value = key
        self.holders.setdefault(key, []).append(Holder(customer, part, owns))
        self.held_of.setdefault(customer, {}).setdefault(kind, set()).add(value)
        self.held.append(
            {"kind": kind, "value": value, "customer_id": customer, "recorded_for": part, "is_owner": owns,
             "source": source, "position": len(self.held)}
        )  # fmt: skip

    def _split_off(self, decision: Decision, part: UUID, request: Request) -> tuple[UUID, dict[str, str]]:
        apart = uuid7()
        for key in decision.orphans:
            self.hold(key, apart, apart, owns=True, source=request.source)
        kinds = ", ".join(kind for kind, _ in decision.orphans)
        self._pair(part, apart, f"one event named both, with another {kinds}", request)
        return apart, dict(decision.orphans)

    def _demote(self, key: Key, part: UUID, why: str, request: Request) -> None:
        self.demotions.append(
            {"customer_id": part, "kind": key[0], "value": key[1], "reason": why, "source": request.source,
             "source_event_id": request.event_id}
        )  # fmt: skip

    def _pair(self, one: UUID, other: UUID, reason: str, request: Request) -> None:
        first, second = sorted((one, other))
        tie = Tie(first, second, reason, request.source, request.event_id)
        self.ties.setdefault((first, second), tie)


def resolve_batch(requests: Sequence[Request], *, now: datetime) -> tuple[list[Hit], list[Tie], set[Key]]:
    """Find or create the person of each request; everyone who is hit stays locked until the commit.

    Gives a hit a request; who may be one person, each with an open duplicate candidate; the e-mails and phones that
    got a further holder.

    Every request needs a hint. New people (is_new, apart) have their identifiers but no profile row yet: the
    caller writes it before the commit. Two statements when everybody is known, at most seven otherwise.
    Requests that know most are decided first, whatever their place: they tie together what others know singly,
    so fewer people come out double.
    """
    rules, wanted = current_rules(), {key for request in requests for key in request.keys}
    holders = read_holders(wanted)
    unsettled = _unsettled(requests, holders, rules)
    if unsettled:
        _claim(unsettled, now=now)
        holders = {key: held_by for key, held_by in holders.items() if key not in unsettled}
        holders |= read_holders(unsettled)
    while (faces := _lock(holders)) is None:
        holders = read_holders(wanted)
    doubted = {holder.customer for key in unsettled for holder in holders.get(key, ())}
    book = _Book(holders, read_held(doubted, rules, now=now), faces, rules)
    order = sorted(range(len(requests)), key=lambda index: -len(requests[index].hints))
    hits = {index: book.settle(requests[index]) for index in order}
    _write(book, now=now)
    return [hits[index] for index in range(len(requests))], list(book.ties.values()), book.shared


def find(hints: Mapping[str, str], face: Face = NO_FACE, *, now: datetime) -> Hit | None:
    """Whom the normalised hints mean, reading only: two statements, three for somebody with a face."""
    rules, holders = current_rules(), read_holders(hints.items())
    people = {holder.customer for held_by in holders.values() for holder in held_by}
    faces = {} if face.is_blank else read_faces(people)
    decision = _Book(holders, read_held(people, rules, now=now), faces, rules).decide(
        Request(hints, "", face=face)
    )
    return None if decision.customer is None else _found(decision, hints)


def find_settled(hints: Mapping[str, str], face: Face = NO_FACE) -> Hit | None:
    """Whom the normalised hints mean, when nothing is to be learnt from them: one statement, no lock.

    One statement more where a name may choose among those who share a contact.
    """
    request, rules, holders = Request(hints, "", face=face), current_rules(), read_holders(hints.items())
    faces = _faces_that_tell([request], holders)
    if not _is_settled(request, holders, faces, rules):
        return None
    return _found(_Book(holders, {}, faces, rules).decide(request), hints)


def _found(decision: Decision, hints: Mapping[str, str]) -> Hit:
    assert decision.customer and decision.part  # noqa: S101 - the caller has seen that somebody holds them
    return Hit(
        decision.customer, decision.part, False, decision.matched_by, decision.confidence, decision.ambiguous, hints
    )  # fmt: skip


def lock_person(pk: UUID) -> UUID:
    """Lock the profile that an id stands for, the survivor's where they were merged; its id, `pk` if there is none.

    One statement, two for somebody who was merged.
    """
    tenant = current_tenant().pk
    while True:
        locked = select(LOCK_PERSON, [pk, tenant, pk, tenant])
        if not locked or locked[0]["id"] == pk and locked[0]["merged_into_id"] is None:
            return pk
        root: UUID = locked[0]["id"]
        if locked[0]["merged_into_id"] is None and roots_of([pk]).get(pk) == root:
            return root


def roots_of(parts: Collection[UUID]) -> dict[UUID, UUID]:
    """Part -> the profile that it belongs to now; who was never merged is no part. One statement."""
    return {row["customer_id"]: row["root_id"] for row in select(ROOTS, [current_tenant().pk, list(parts)])}


def register(
    customer: UUID, request: Request, *, now: datetime, shared: bool = False, freed: Collection[Key] = ()
) -> UUID:
    """Give `customer`, who may be yet to be written, the identifiers of the request, and lock the profile.

    Returns the id of that profile: of a merged customer the survivor's.
    freed: identifiers that they give up. A shared one passes to whoever has held it longest.
    Raises DuplicateResource when somebody else has one, or `customer` another of a kind that is had once;
    with `shared`, an e-mail or phone of somebody else is held together with them.
    """
    keys = sorted(request.hints.items())
    if keys or freed:
        _claim({*keys, *freed}, now=now)
    customer = lock_person(customer)
    if freed:
        release(customer, freed)
    if keys:
        _give(customer, keys, request.source, now=now, shared=shared)
    return customer


def _give(customer: UUID, keys: Sequence[Key], source: str, *, now: datetime, shared: bool) -> None:
    rules = current_rules()
    book = _Book(read_holders(keys), read_held([customer], rules, now=now), {}, rules)
    for key in keys:
        held_by = book.holders.get(key, ())
        if any(holder.customer == customer for holder in held_by):
            continue
        if held_by and (is_strong(key[0]) or not shared):
            raise _taken(key[0], held_by[0].customer)
        if is_strong(key[0]) and not book.has_room(customer, key[0]):
            raise DuplicateResource(
                f"This customer has another {key[0]} already.",
                details=[Detail(key[0], "DUPLICATE_RESOURCE", "A customer has one of this kind.")],
            )
        book.hold(key, customer, customer, owns=not held_by, source=source)
    _write(book, now=now)
    gather(book.shared, now=now)


def _claim(keys: Collection[Key], *, now: datetime) -> None:
    """Lock identifiers, making those that are not there yet. One statement."""
    ordered = sorted(keys)
    run(CLAIM, [current_tenant().pk, now, [kind for kind, _ in ordered], [value for _, value in ordered]])


def _lock(holders: Mapping[Key, Sequence[Holder]]) -> dict[UUID, Face] | None:
    """Lock everybody who holds one of these, and say what they are called; None where somebody was merged or parted
    since the holders were read.

    One statement, two where somebody was ever merged.
    """
    people = {holder.customer for held_by in holders.values() for holder in held_by}
    merged = {holder.part: holder.customer for held_by in holders.values() for holder in held_by}
    merged = {part: root for part, root in merged.items() if part != root}
    if not people:
        return {}
    locked = select(LOCK_PEOPLE, [current_tenant().pk, sorted(people)])
    if any(row["merged_into_id"] for row in locked) or (merged and roots_of(merged) != merged):
        return None
    return {row["id"]: Face.of(row) for row in locked}


def _taken(kind: str, owner: UUID) -> DuplicateResource:
    refuse_deleted(owner)
    return DuplicateResource(
        f"Another customer has this {kind}.", details=[Detail("id", "DUPLICATE_RESOURCE", str(owner))]
    )


def refuse_deleted(customer: UUID) -> None:
    """Raise DuplicateResource for a person who was deleted: they have their identifiers, and can be restored."""
    if CustomerProfile.objects.filter(pk=customer, status=Status.DELETED).exists():
        raise DuplicateResource(
            f"The customer {customer}, who has this identifier, was deleted. "
            f"POST /customers/{customer}/restore brings them back.",
            details=[Detail("id", "DUPLICATE_RESOURCE", str(customer))],
        )


def _unsettled(
    requests: Sequence[Request], holders: Mapping[Key, Sequence[Holder]], rules: Rules
) -> set[Key]:
    """The identifiers of the requests of which something is to be learnt. One statement where faces tell."""
    faces = _faces_that_tell(requests, holders)
    return {
        key for request in requests if not _is_settled(request, holders, faces, rules) for key in request.keys
    }


def _faces_that_tell(
    requests: Sequence[Request], holders: Mapping[Key, Sequence[Holder]]
) -> dict[UUID, Face]:
    keys = {key for request in requests if request.has_telling_face for key in request.keys}
    return read_faces({holder.customer for key in keys for holder in holders.get(key, ())})


def _is_settled(
    request: Request, holders: Mapping[Key, Sequence[Holder]], faces: Mapping[UUID, Face], rules: Rules
) -> bool:
    """Nothing to learn: who the strongest identifier means holds all the others too, and goes by that name."""
    if any(key not in holders for key in request.keys):
        return False
    if request.has_telling_face:
        decision = decide(
            request.hints, Known(holders, {}, faces), request.learnt, rules=rules, face=request.face
        )
        mine = faces.get(decision.customer, NO_FACE) if decision.customer else NO_FACE
        return decision.is_settled and mine.filled_from(request.face) == mine
    part = holders[min(request.hints.items(), key=lambda hint: rules.order(hint[0]))][0].part
    return all(any(holder.part == part for holder in holders[key]) for key in request.keys)


def _write(book: _Book, *, now: datetime) -> None:
    if book.held:
        run(HOLD, [now, dump(book.held), current_tenant().pk])
    demotions = [{**demotion, "created_at": now} for demotion in book.demotions]
    insert_rows(Demotion, demotions, DEMOTED)
    pairs = [
        {"id": uuid7(), "first_id": tie.one, "second_id": tie.other, "status": "OPEN", "reason": tie.reason,
         "source": tie.source, "source_event_id": tie.event_id, "created_at": now}
        for _, tie in sorted(book.ties.items())
    ]  # fmt: skip
    columns = ["id", "first_id", "second_id", "status", "reason", "source", "source_event_id", "created_at"]
    insert_rows(DuplicateCandidate, pairs, columns, conflict="(tenant_id, first_id, second_id) DO NOTHING")
