"""Whose event is this? The decision, apart from any database. Pure.

Identifiers of the strong kinds (logins, service links, external ids) belong to one person each, and a person
has at most one of a kind. E-mail and phone are weak: one person owns them, others may share them. Whenever an
event ties two people together without making them one, the pair is reported as rivals, so that whatever the
order of events, the same people end up tied together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from customers.normalise import SERVICE_KINDS, WEAK_KINDS

Key = tuple[str, str]


class Holder(NamedTuple):
    """Who has an identifier: the person, and the part of them that it was told of (themselves, unless merged)."""

    customer: UUID
    part: UUID
    is_owner: bool


class Rival(NamedTuple):
    """A part of somebody else who may be the same person; why, in words."""

    part: UUID
    reason: str


@dataclass(slots=True)
class Decision:
    """customer None = a new person. part: of that person, the one that the strongest identifier was told of.

    attach:  identifiers that the person gets, True where they become the owner.
    orphans: strong identifiers that the person can't have beside their own; they go to a person apart.
    rivals:  people who may be the same one.
    """

    customer: UUID | None
    part: UUID | None
    matched_by: list[str]
    confidence: int
    ambiguous: bool = False
    attach: dict[Key, bool] = field(default_factory=dict)
    orphans: list[Key] = field(default_factory=list)
    rivals: dict[UUID, Rival] = field(default_factory=dict)


def is_strong(kind: str) -> bool:
    return kind not in WEAK_KINDS


def by_strength(kind: str) -> tuple[int, str]:
    """Strongest first: the login, the service links, external ids by name, e-mail, phone."""
    if kind in SERVICE_KINDS:
        return SERVICE_KINDS.index(kind), kind
    if kind in WEAK_KINDS:
        return 100 + WEAK_KINDS.index(kind), kind
    return 50, kind


def decide(
    hints: Mapping[str, str],
    holders: Mapping[Key, Sequence[Holder]],
    strong_of: Mapping[UUID, Mapping[str, str]],
    learnt: Sequence[Key] = (),
) -> Decision:
    """Choose the person that `hints` (kind -> normalised value) mean.

    learnt:    further e-mails and phones that are told of the person, but say nothing about who it is.
    holders:   who holds each identifier, the owner first.
    strong_of: the strong identifiers (kind -> value) of everyone among the holders.
    """
    ordered = sorted(hints.items(), key=lambda hint: by_strength(hint[0]))
    decision = _best(ordered, holders, strong_of)
    own = strong_of.get(decision.customer, {}) if decision.customer else {}
    for key in (*ordered, *learnt):
        held_by = holders.get(key, ())
        if not held_by:
            if is_strong(key[0]) and own.get(key[0], key[1]) != key[1]:
                decision.orphans.append(key)
            else:
                decision.attach[key] = True
            continue
        if decision.customer not in {holder.customer for holder in held_by}:
            rival = Rival(held_by[0].part, f"the same {key[0]}")
            decision.rivals.setdefault(held_by[0].customer, rival)
        if not is_strong(key[0]) and decision.part not in {holder.part for holder in held_by}:
            decision.attach[key] = False
    return decision


def _best(
    ordered: Sequence[Key],
    holders: Mapping[Key, Sequence[Holder]],
    strong_of: Mapping[UUID, Mapping[str, str]],
) -> Decision:
    for kind, value in ordered:
        if is_strong(kind) and (held_by := holders.get((kind, value))):
            person, part, _ = held_by[0]
            matched = [k for k, v in ordered if is_strong(k) and _owner(holders, (k, v)) == person]
            return Decision(person, part, matched, 100)
    strong = {kind: value for kind, value in ordered if is_strong(kind)}
    for kind, value in ordered:
        held_by = holders.get((kind, value), ())
        if is_strong(kind) or not held_by:
            continue
        person, part, _ = held_by[0]
        if any(strong.get(k, v) != v for k, v in strong_of.get(person, {}).items()):
            continue  # they have another id of a kind that nobody has twice: somebody else at the same address
        matched = [k for k, v in ordered if _owner(holders, (k, v)) == person]
        confidence = 99 if len(matched) == 2 else 95 if matched == ["email"] else 85
        is_shared = any(holder.customer != person for holder in held_by)
        return Decision(person, part, matched, confidence, ambiguous=is_shared and len(matched) == 1)
    return Decision(None, None, [], 100)


def _owner(holders: Mapping[Key, Sequence[Holder]], key: Key) -> UUID | None:
    held_by = holders.get(key)
    return held_by[0].customer if held_by else None
