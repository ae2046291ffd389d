"""Whose event is this? The decision, apart from any database. Pure.

Identifiers are taken in the order of the tenant's rules. The first that somebody holds names the person; every
further one must fit them, else it yields: it is set aside for this event (a demotion), and what is left decides. So an
identifier that several people use never makes them one.

Strong kinds (logins, service links, external ids) belong to one person each. E-mail and phone are weak: one person owns
them, others may share them, and among those who share one the name and birth date choose. Whenever an event ties two
people together without making them one, it is said (rivals, shared contacts, demotions), so that whatever the order of
events, the same people end up tied together.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from customers.faces import NO_FACE, Face, difference, is_alike
from customers.identity_rules import DEFAULT, Rules
from customers.normalise import EXTERNAL_PREFIX, WEAK_KINDS

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


class Known(NamedTuple):
    """What is known beside the request.

    holders: who holds each identifier, the owner first.
    held_of: kind -> values that count towards its limit, of everyone among the holders.
    faces:   names and birth dates of those whose face may matter.
    """

    holders: Mapping[Key, Sequence[Holder]]
    held_of: Mapping[UUID, Mapping[str, Collection[str]]]
    faces: Mapping[UUID, Face] = {}  # noqa: RUF012


@dataclass(slots=True)
class Decision:
    """customer None = a new person. part: of that person, the one that the strongest identifier was told of.

    attach:    identifiers that the person gets, True where they become the owner.
    orphans:   service links that the person can't have beside their own; they go to a person apart.
    demotions: identifiers that were set aside, and why.
    rivals:    people who may be the same one.
    """

    customer: UUID | None = None
    part: UUID | None = None
    matched_by: list[str] = field(default_factory=list)
    confidence: int = 100
    ambiguous: bool = False
    attach: dict[Key, bool] = field(default_factory=dict)
    orphans: list[Key] = field(default_factory=list)
    demotions: dict[Key, str] = field(default_factory=dict)
    rivals: dict[UUID, Rival] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        """Somebody known, and nothing to be learnt or told."""
        return self.customer is not None and not (
            self.attach or self.orphans or self.demotions or self.rivals
        )


def is_strong(kind: str) -> bool:
    return kind not in WEAK_KINDS


def by_strength(kind: str) -> tuple[int, str]:
    """Strongest first, by the usual rules."""
    return DEFAULT.order(kind)


def decide(
    hints: Mapping[str, str],
    known: Known,
    learnt: Sequence[Key] = (),
    *,
    rules: Rules = DEFAULT,
    face: Face = NO_FACE,
) -> Decision:
    """Choose the person that `hints` (kind -> normalised value) mean.

    learnt: further e-mails and phones that are told of the person, but say nothing about who it is.
    face:   what the event says of the person's name and birth date.
    """
    return _Choice(known, rules, face).make(
        sorted(hints.items(), key=lambda hint: rules.order(hint[0])), learnt
    )


class _Choice:
    """One decision while it is made: the person so far, the identifiers nobody has, those that somebody else has."""

    def __init__(self, known: Known, rules: Rules, face: Face) -> None:
        self.known, self.rules, self.face = known, rules, face
        self.decision = Decision()
        self.asked: Sequence[Key] = ()
        self.fresh: list[Key] = []
        self.taken: list[Key] = []
        self.others: dict[Key, str] = {}

    def make(self, ordered: Sequence[Key], learnt: Sequence[Key]) -> Decision:
        self.asked = ordered
        for key in ordered:
            self._take(key)
        for key in learnt:
            self._put(key)
        for key in self.fresh:
            self._learn(key)
        for key, why in self.others.items():
            self._part_ways(key, why)
        self._tell_how()
        return self.decision

    def _take(self, key: Key) -> None:
        if self.decision.customer is None and key in self.known.holders:
            self._choose(key)
        else:
            self._put(key)

    def _put(self, key: Key) -> None:
        """Sort an identifier that chooses nobody: fresh, theirs, or somebody else's."""
        held_by = self.known.holders.get(key)
        if not held_by:
            self.fresh.append(key)
        elif self.decision.customer not in {holder.customer for holder in held_by}:
            self.others.setdefault(key, "")
        else:
            self.taken.append(key)
            if not is_strong(key[0]) and self.decision.part not in {holder.part for holder in held_by}:
                self.decision.attach[key] = False

    # --- who it is
    def _choose(self, key: Key) -> None:
        """Let the identifier name the person, if one of its holders can be the one that is meant."""
        people: dict[UUID, UUID] = {}
        for holder in self.known.holders[key]:
            people.setdefault(holder.customer, holder.part)
        reasons = {person: self._objection(person, key) for person in people}
        able = [person for person, why in reasons.items() if not why]
        if not able:
            self.others[key] = next(iter(reasons.values()))
            return
        person, is_sure = self._pick(able)
        self.decision.customer, self.decision.part = person, people[person]
        self.decision.ambiguous = not is_sure
        self.taken.append(key)

    def _objection(self, person: UUID, key: Key) -> str:
        """Why the person can't be meant: they have no room for a stronger identifier, or another face."""
        for kind, value in self.fresh:
            if not self._has_room(person, kind, value):
                return f"its holder has another {kind}"
        return "" if is_strong(key[0]) else difference(self.face, self._face_of(person))

    def _pick(self, able: Sequence[UUID]) -> tuple[UUID, bool]:
        """Of those who share a contact, who it is, and whether that is sure: by face, by what else they have, else
        the owner.
        """
        alike = [person for person in able if is_alike(self.face, self._face_of(person))] or list(able)
        count = {person: sum(self._has(person, key) for key in self.asked) for person in alike}
        best = [person for person in alike if count[person] == max(count.values())]
        return best[0], len(best) == 1

    def _has(self, person: UUID, key: Key) -> bool:
        return any(holder.customer == person for holder in self.known.holders.get(key, ()))

    def _face_of(self, person: UUID) -> Face:
        return self.known.faces.get(person, NO_FACE)

    def _has_room(self, person: UUID, kind: str, value: str) -> bool:
        most = self.rules.of(kind).most
        held = self.known.held_of.get(person, {}).get(kind, ())
        return most is None or value in held or len(held) < most

    # --- what they get
    def _learn(self, key: Key) -> None:
        """Give the person an identifier that nobody has, if they have room for it."""
        person = self.decision.customer
        if person is None or self._has_room(person, *key):
            self.decision.attach[key] = True
            return
        self.decision.demotions[key] = f"they have another {key[0]}"
        if self.rules.of(key[0]).is_ever_one and not key[0].startswith(EXTERNAL_PREFIX):
            self.decision.orphans.append(key)

    def _part_ways(self, key: Key, why: str) -> None:
        """Say of an identifier of somebody else what it means for both; a contact is shared from now on."""
        kind, is_contact = key[0], not is_strong(key[0])
        holders = self.known.holders[key]
        differing = {holder.part: self._difference(holder.customer) for holder in holders}
        clash = why or next(filter(None, (self._clash(holder.customer) for holder in holders)), "")
        if why := clash or next(filter(None, differing.values()), ""):
            self.decision.demotions[key] = why
        if is_contact:
            self._share(key)
        for holder in holders:
            # Who has the same address under another name is family; who uses the same tablet is anybody.
            is_other = differing[holder.part] if is_contact else clash and kind.startswith(EXTERNAL_PREFIX)
            if not is_other:
                self.decision.rivals.setdefault(holder.customer, Rival(holder.part, f"the same {kind}"))
                return

    def _share(self, key: Key) -> None:
        person = self.decision.customer
        if person is None or self._has_room(person, *key):
            self.decision.attach[key] = False
        else:
            self.decision.demotions[key] = f"they have too many of {key[0]}"

    def _difference(self, other: UUID) -> str:
        person = self.decision.customer
        mine = self._face_of(person).filled_from(self.face) if person else self.face
        return difference(mine, self._face_of(other))

    def _clash(self, other: UUID) -> str:
        """The kind of which both have one that nobody has twice, in words."""
        theirs = self.known.held_of.get(other, {})
        for kind, value in self._own():
            if self.rules.of(kind).is_ever_one and theirs.get(kind) and value not in theirs[kind]:
                return f"its holder has another {kind}"
        return ""

    def _own(self) -> Iterator[Key]:
        yield from self.fresh
        yield from self.taken
        if self.decision.customer is not None:
            for kind, values in self.known.held_of.get(self.decision.customer, {}).items():
                yield from ((kind, value) for value in values)

    # --- how sure it is
    def _tell_how(self) -> None:
        decision = self.decision
        strong = [kind for kind, _ in self.taken if is_strong(kind)]
        if decision.customer is None or strong:
            decision.matched_by, decision.ambiguous = strong, False
            return
        decision.matched_by = [kind for kind, _ in self.taken if kind in WEAK_KINDS]
        only = decision.matched_by[0] if len(decision.matched_by) == 1 else ""
        decision.confidence = {"email": 95, "phoneNumber": 85}.get(only, 99)
