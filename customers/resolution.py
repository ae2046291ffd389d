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
from customers.matching import Decision, Holder, Key, by_strength, decide, is_strong
from customers.models import CustomerProfile, DuplicateCandidate, Status
from customers.normalise import WEAK_KINDS
from customers.releasing import release

HOLDERS = """
    SELECT a.kind, a.value, h.customer_id, h.recorded_for, h.is_owner
    FROM unnest(%s::text[], %s::text[]) AS k (kind, value)
    JOIN customers_identityalias a ON a.tenant_id = %s AND a.kind = k.kind AND a.value = k.value
    JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id
    ORDER BY h.is_owner DESC, h.id
"""
# The conflict action never changes a row, but it locks the ones that are there already.
CLAIM = """
    INSERT INTO customers_identityalias (tenant_id, kind, value, created_at)
    SELECT %s, k.kind, k.value, %s FROM unnest(%s::text[], %s::text[]) AS k (kind, value)
    ON CONFLICT (tenant_id, kind, value) DO UPDATE SET value = EXCLUDED.value WHERE false
"""
LOCK_PEOPLE = """
    SELECT id, merged_into_id FROM customers_customerprofile WHERE tenant_id = %s AND id = ANY(%s)
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
STRONG = """
    SELECT h.customer_id, a.kind, a.value
    FROM customers_aliasholder h
    JOIN customers_identityalias a ON a.tenant_id = h.tenant_id AND a.id = h.alias_id
    WHERE h.tenant_id = %s AND h.customer_id = ANY(%s) AND a.kind <> ALL(%s)
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


class Request(NamedTuple):
    """The normalised hints of one mention of a person, and what mentions them.

    learnt: e-mails and phones that are told of the person beside the ones they were recognised by.
    """

    hints: Mapping[str, str]
    source: str
    event_id: str = ""
    learnt: tuple[Key, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        return (*self.hints.items(), *self.learnt)


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
    """Holders, strong identifiers and news of one batch, as its decisions are made one after the other."""

    def __init__(self, holders: dict[Key, list[Holder]], strong_of: dict[UUID, dict[str, str]]) -> None:
        self.holders, self.strong_of = holders, strong_of
        self.held: list[dict[str, Any]] = []
        self.ties: dict[tuple[UUID, UUID], Tie] = {}

    def settle(self, request: Request) -> Hit:
        decision = decide(request.hints, self.holders, self.strong_of, request.learnt)
        customer = decision.customer or uuid7()
        part = decision.part or customer
        for key, owns in decision.attach.items():
            self.hold(key, customer, part, owns=owns, source=request.source)
        for rival in decision.rivals.values():
            self._pair(part, rival.part, rival.reason, request)
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

    def _own(self, part: UUID, request: Request) -> dict[str, str]:
        return {
            kind: value
            for kind, value in request.hints.items()
            if any(holder.part == part for holder in self.holders.get((kind, value), ()))
        }

    def hold(self, key: Key, customer: UUID, part: UUID, *, owns: bool, source: str) -> None:
        kind, value = key
        self.holders.setdefault(key, []).append(Holder(customer, part, owns))
        if is_strong(kind):
            self.strong_of.setdefault(customer, {})[kind] = value
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

    def _pair(self, one: UUID, other: UUID, reason: str, request: Request) -> None:
        first, second = sorted((one, other))
        tie = Tie(first, second, reason, request.source, request.event_id)
        self.ties.setdefault((first, second), tie)


def resolve_batch(requests: Sequence[Request], *, now: datetime) -> tuple[list[Hit], list[Tie]]:
    """Find or create the person of each request; everyone who is hit stays locked until the commit.

    Gives a hit a request, and who may be one person, each with an open duplicate candidate.

    Every request needs a hint. New people (is_new, apart) have their identifiers but no profile row yet: the
    caller writes it before the commit. Two statements when everybody is known, at most seven otherwise.
    Requests that know most are decided first, whatever their place: they tie together what others know singly,
    so fewer people come out double.
    """
    wanted = {key for request in requests for key in request.keys}
    holders = read_holders(wanted)
    unsettled = {key for request in requests if not _is_settled(request, holders) for key in request.keys}
    if unsettled:
        _claim(unsettled, now=now)
        holders = {key: held_by for key, held_by in holders.items() if key not in unsettled}
        holders |= read_holders(unsettled)
    while not _lock(holders):
        holders = read_holders(wanted)
    doubted = {holder.customer for key in unsettled for holder in holders.get(key, ())}
    book = _Book(holders, read_strong(doubted) if doubted else {})
    order = sorted(range(len(requests)), key=lambda index: -len(requests[index].hints))
    hits = {index: book.settle(requests[index]) for index in order}
    _write(book, now=now)
    return [hits[index] for index in range(len(requests))], list(book.ties.values())


def find(hints: Mapping[str, str]) -> Hit | None:
    """Whom the normalised hints mean, reading only: two statements."""
    holders = read_holders(hints.items())
    people = {holder.customer for held_by in holders.values() for holder in held_by}
    decision = decide(hints, holders, read_strong(people))
    if decision.customer is None:
        return None
    return _found(decision, hints)


def find_settled(hints: Mapping[str, str]) -> Hit | None:
    """Whom the normalised hints mean, when nothing is to be learnt from them: one statement, no lock."""
    holders = read_holders(hints.items())
    if not _is_settled(Request(hints, ""), holders):
        return None
    return _found(decide(hints, holders, {}), hints)


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
    _claim({*keys, *freed}, now=now)
    customer = lock_person(customer)
    if freed:
        release(customer, freed)
    book = _Book(read_holders(keys), read_strong([customer]))
    for key in keys:
        held_by = book.holders.get(key, ())
        if any(holder.customer == customer for holder in held_by):
            continue
        if held_by and (is_strong(key[0]) or not shared):
            raise _taken(key[0], held_by[0].customer)
        if is_strong(key[0]) and key[0] in book.strong_of.get(customer, {}):
            raise DuplicateResource(
                f"This customer has another {key[0]} already.",
                details=[Detail(key[0], "DUPLICATE_RESOURCE", "A customer has one of this kind.")],
            )
        book.hold(key, customer, customer, owns=not held_by, source=request.source)
    _write(book, now=now)
    return customer


def _claim(keys: Collection[Key], *, now: datetime) -> None:
    """Lock identifiers, making those that are not there yet. One statement."""
    ordered = sorted(keys)
    run(CLAIM, [current_tenant().pk, now, [kind for kind, _ in ordered], [value for _, value in ordered]])


def _lock(holders: Mapping[Key, Sequence[Holder]]) -> bool:
    """Lock everybody who holds one of these; False where somebody was merged or parted since that was read.

    One statement, two where somebody was ever merged.
    """
    people = {holder.customer for held_by in holders.values() for holder in held_by}
    merged = {holder.part: holder.customer for held_by in holders.values() for holder in held_by}
    merged = {part: root for part, root in merged.items() if part != root}
    if not people:
        return True
    locked = select(LOCK_PEOPLE, [current_tenant().pk, sorted(people)])
    if any(row["merged_into_id"] for row in locked):
        return False
    return not merged or roots_of(merged) == merged


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


def read_holders(keys: Collection[Key]) -> dict[Key, list[Holder]]:
    found: dict[Key, list[Holder]] = {}
    kinds, values = [kind for kind, _ in keys], [value for _, value in keys]
    for row in select(HOLDERS, [kinds, values, current_tenant().pk]):
        holder = Holder(row["customer_id"], row["recorded_for"], row["is_owner"])
        found.setdefault((row["kind"], row["value"]), []).append(holder)
    return found


def read_strong(people: Collection[UUID]) -> dict[UUID, dict[str, str]]:
    found: dict[UUID, dict[str, str]] = {}
    for row in select(STRONG, [current_tenant().pk, list(people), list(WEAK_KINDS)]):
        found.setdefault(row["customer_id"], {})[row["kind"]] = row["value"]
    return found


def _is_settled(request: Request, holders: Mapping[Key, Sequence[Holder]]) -> bool:
    """Nothing to learn: the strongest identifier's owner holds all the others too."""
    if any(key not in holders for key in request.keys):
        return False
    part = holders[min(request.hints.items(), key=lambda hint: by_strength(hint[0]))][0].part
    return all(any(holder.part == part for holder in holders[key]) for key in request.keys)


def _write(book: _Book, *, now: datetime) -> None:
    if book.held:
        run(HOLD, [now, dump(book.held), current_tenant().pk])
    pairs = [
        {"id": uuid7(), "first_id": tie.one, "second_id": tie.other, "status": "OPEN", "reason": tie.reason,
         "source": tie.source, "source_event_id": tie.event_id, "created_at": now}
        for _, tie in sorted(book.ties.items())
    ]  # fmt: skip
    columns = ["id", "first_id", "second_id", "status", "reason", "source", "source_event_id", "created_at"]
    insert_rows(DuplicateCandidate, pairs, columns, conflict="(tenant_id, first_id, second_id) DO NOTHING")
