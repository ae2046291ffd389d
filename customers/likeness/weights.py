"""What likeness and difference weigh, and what follows. Pure.

Fellegi and Sunter's model with three kinds of pairs: one person (m), two strangers (u), two of one household (h), who
share a surname, a home, often a phone, and rarely a first name. A weight is the binary logarithm of how much more often
two mentions of one person have that level than two people do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from customers.likeness.comparisons import (
    ALIKE,
    ATTRIBUTES,
    FORM,
    OTHER,
    SAME,
    SIMILAR,
    SWAPPED,
    Level,
    Levels,
    compare,
)
from customers.likeness.records import Record

Shares = Mapping[str, Mapping[Level, float]]

# Measured on the FEBRL sets and on clubs' people; a tenant with enough people of its own learns others.
ONE_PERSON: Shares = {
    "given": {SAME: 0.72, FORM: 0.07, ALIKE: 0.11, SIMILAR: 0.02, SWAPPED: 0.02, OTHER: 0.06},
    "surname": {SAME: 0.78, ALIKE: 0.10, SIMILAR: 0.02, SWAPPED: 0.02, OTHER: 0.08},
    "born": {SAME: 0.90, ALIKE: 0.05, SIMILAR: 0.01, OTHER: 0.04},
    "email": {SAME: 0.45, ALIKE: 0.08, SIMILAR: 0.07, OTHER: 0.40},
    "phone": {SAME: 0.60, ALIKE: 0.05, OTHER: 0.35},
    "home": {SAME: 0.50, ALIKE: 0.28, SIMILAR: 0.04, OTHER: 0.18},
    "place": {SAME: 0.70, ALIKE: 0.20, SIMILAR: 0.02, OTHER: 0.08},
    "postcode": {SAME: 0.80, ALIKE: 0.16, OTHER: 0.04},
    "gender": {SAME: 0.98, OTHER: 0.02},
}
STRANGERS: Shares = {
    "given": {SAME: 0.008, FORM: 0.004, ALIKE: 0.004, SIMILAR: 0.010, SWAPPED: 0.0001, OTHER: 0.9739},
    "surname": {SAME: 0.006, ALIKE: 0.003, SIMILAR: 0.006, SWAPPED: 0.0001, OTHER: 0.9849},
    "born": {SAME: 0.00005, ALIKE: 0.0012, SIMILAR: 0.0135, OTHER: 0.98525},
    "email": {SAME: 0.000002, ALIKE: 0.00002, SIMILAR: 0.003, OTHER: 0.996978},
    "phone": {SAME: 0.000004, ALIKE: 0.0002, OTHER: 0.999796},
    "home": {SAME: 0.0003, ALIKE: 0.003, SIMILAR: 0.02, OTHER: 0.9767},
    "place": {SAME: 0.02, ALIKE: 0.005, SIMILAR: 0.01, OTHER: 0.965},
    "postcode": {SAME: 0.005, ALIKE: 0.015, OTHER: 0.98},
    "gender": {SAME: 0.55, OTHER: 0.45},
}
RELATIVES: Shares = {
    "given": {SAME: 0.03, FORM: 0.01, ALIKE: 0.02, SIMILAR: 0.03, SWAPPED: 0.0001, OTHER: 0.9099},
    "surname": {SAME: 0.80, ALIKE: 0.02, SIMILAR: 0.01, SWAPPED: 0.0001, OTHER: 0.1699},
    "born": {SAME: 0.015, ALIKE: 0.004, SIMILAR: 0.015, OTHER: 0.966},
    "email": {SAME: 0.12, ALIKE: 0.01, SIMILAR: 0.05, OTHER: 0.82},
    "phone": {SAME: 0.30, ALIKE: 0.03, OTHER: 0.67},
    "home": {SAME: 0.80, ALIKE: 0.10, SIMILAR: 0.02, OTHER: 0.08},
    "place": {SAME: 0.90, ALIKE: 0.05, SIMILAR: 0.01, OTHER: 0.04},
    "postcode": {SAME: 0.92, ALIKE: 0.04, OTHER: 0.04},
    "gender": {SAME: 0.45, OTHER: 0.55},
}
TWICE = 0.1  # of the people stand twice, until a tenant has learnt better
RELATIVES_PER_PAIR = 2.0  # pairs of relatives for each pair that is one person, until learnt better
NAMESAKE_TWINS = -8.0  # bits: nobody calls two children born on one day by one name
FEWEST_PEOPLE = 1000  # a club with fewer is as careful as one with these
REVIEW, AUTO = -2.0, 13.0  # binary logarithms of odds: 1 in 5; 8,000 to 1
COMMON_NAME = 0.5  # a name that many share counts for at least so much of its weight
RAREST = 2e-5


class Band(StrEnum):
    AUTO = "AUTO"
    REVIEW = "REVIEW"
    IGNORE = "IGNORE"


class Reason(NamedTuple):
    """Why: an attribute, how alike it is, and what that weighs in bits, negative where it speaks against."""

    name: str
    level: str
    weight: float


class Verdict(NamedTuple):
    """weight: the binary logarithm of the odds that the two are one. vetoes: why nobody may merge them unasked."""

    weight: float
    band: Band
    reasons: tuple[Reason, ...]
    vetoes: tuple[str, ...]

    @property
    def score(self) -> float:
        """The probability that the two are one person, in percent."""
        return 100 / (1 + 2 ** -max(-60.0, min(60.0, self.weight)))


class Bits(NamedTuple):
    """What one pattern of levels weighs: for one person instead of two strangers, for two relatives instead of two
    strangers, and for one person instead of anybody else.
    """

    same: float
    related: float
    weight: float


@dataclass(slots=True)
class Model:
    """What each level weighs among the people of a tenant.

    people:    how many there are: the more, the more strangers are alike by chance.
    names:     the share of those who have a first name or surname (given, surname), for the common ones.
    relatives: pairs of relatives for each pair that is one person.
    """

    people: int = FEWEST_PEOPLE
    one_person: Shares = field(default_factory=lambda: ONE_PERSON)
    strangers: Shares = field(default_factory=lambda: STRANGERS)
    names: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    twice: float = TWICE
    relatives: float = RELATIVES_PER_PAIR
    _weighed: dict[Levels, Bits] = field(default_factory=dict, repr=False)

    @property
    def prior(self) -> float:
        """Of any two people: bits for their being one."""
        return math.log2(2 * self.twice / max(self.people, FEWEST_PEOPLE))

    def weight(self, attribute: str, level: Level) -> float:
        return math.log2(self.one_person[attribute][level] / self.strangers[attribute][level])

    def rarity(self, attribute: str, name: str) -> float:
        """What the same name weighs more, being rarer than names are among each other; less, being common."""
        shares = self.names.get(attribute)
        if not shares:
            return 0.0
        usual = self.strangers[attribute][SAME]
        weight = math.log2(usual / max(shares.get(name, usual / 4), RAREST))
        return max(weight, -(1 - COMMON_NAME) * self.weight(attribute, SAME))

    def weigh(self, levels: Levels) -> Bits:
        """What the levels weigh, whatever the names are; remembered, since few patterns make millions of pairs."""
        known = self._weighed.get(levels)
        if known is None:
            told = [(name, level) for name, level in zip(ATTRIBUTES, levels, strict=True) if level]
            same = sum(self.weight(*one) for one in told)
            related = math.log2(self.relatives) + namesake_twins(levels)
            related += sum(math.log2(RELATIVES[name][at] / self.strangers[name][at]) for name, at in told)
            known = self._weighed[levels] = self._bits(same, related)
        return known

    def weigh_names(self, bits: Bits, rarity: float) -> Bits:
        """With what the same name weighs more or less than names do: for relatives as much as for one person."""
        return self._bits(bits.same + rarity, bits.related + rarity)

    def _bits(self, same: float, related: float) -> Bits:
        return Bits(same, related, self.prior + same - _log2_of_more(related + self.prior))

    def as_json(self) -> dict[str, Any]:
        return {
            "people": self.people, "one_person": self.one_person, "strangers": self.strangers, "names": self.names,
            "twice": self.twice, "relatives": self.relatives,
        }  # fmt: skip

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "Model":
        return cls(told["people"], told["one_person"], told["strangers"], told["names"], told["twice"],
                   told["relatives"])  # fmt: skip


def judge(one: Record, other: Record, model: Model, *, in_full: bool = False) -> Verdict:
    """Are the two one person? The reasons come with the greatest first; of ignored pairs only where asked in full."""
    levels = compare(one, other)
    bits = model.weigh(levels)
    if model.names:
        rarity = sum(model.rarity(name, getattr(one, name)) for name in same_names(levels))
        bits = model.weigh_names(bits, rarity)
    weight = bits.weight
    is_ignored = weight < REVIEW or not _is_backed(levels)
    if is_ignored and not in_full:
        return Verdict(weight, Band.IGNORE, (), ())
    vetoes = _vetoes(one, other, levels)
    band = Band.IGNORE if is_ignored else _band(weight, levels, vetoes)
    reasons = _reasons(one, levels, model, against_relatives=bits.related + model.prior > 0)
    return Verdict(weight, band, reasons, vetoes)


def same_names(levels: Levels) -> list[str]:
    return [name for name, level in zip(("given", "surname"), levels[:2], strict=True) if level is SAME]


def _is_backed(levels: Levels) -> bool:
    """Whether anything beside the names is alike: namesakes are very many people."""
    return any(level in (SAME, ALIKE) for level in levels[2:-1])


def namesake_twins(levels: Levels) -> float:
    """What relatives weigh less than their attributes one by one: twins have two names."""
    return NAMESAKE_TWINS if levels[0] in (SAME, FORM, ALIKE) and levels[2] is SAME else 0.0


def _log2_of_more(bits: float) -> float:
    """log2(1 + 2^bits)."""
    return bits + math.log2(1 + 2**-bits) if bits > 0 else math.log2(1 + 2**bits)


def _band(weight: float, levels: Levels, vetoes: tuple[str, ...]) -> Band:
    return Band.AUTO if weight >= AUTO and not vetoes and _is_plain(levels) else Band.REVIEW


def _is_plain(levels: Levels) -> bool:
    """The same first and last name, and two things more that are the same to the letter."""
    at = dict(zip(ATTRIBUTES, levels, strict=True))
    more = sum(at[name] is SAME for name in ("born", "email", "phone", "home"))
    return at["given"] is SAME and at["surname"] is SAME and more >= 2


def _vetoes(one: Record, other: Record, levels: Levels) -> tuple[str, ...]:
    """What forbids to make them one unasked: another name, birth date, gender or generation, or two ids of one kind."""
    at = dict(zip(ATTRIBUTES, levels, strict=True))
    found = [name for name in ("given", "surname", "born", "gender") if at[name] not in (None, SAME)]
    if one.suffix != other.suffix:
        found.append("suffix")
    if any(other.ids.get(kind, value) != value for kind, value in one.ids.items()):
        found.append("id")
    return tuple(found)


def _reasons(one: Record, levels: Levels, model: Model, *, against_relatives: bool) -> tuple[Reason, ...]:
    """What each attribute weighs against whatever else is likelier: that they are strangers, or relatives."""
    others = RELATIVES if against_relatives else model.strangers
    found = []
    for name, level in zip(ATTRIBUTES, levels, strict=True):
        if level is None:
            continue
        weight = math.log2(model.one_person[name][level] / others[name][level])
        if name == "born":
            weight -= namesake_twins(levels) if against_relatives else 0.0
        elif level is SAME and not against_relatives:
            weight += model.rarity(name, getattr(one, name))
        found.append(Reason(name, level, round(weight, 1)))
    return tuple(sorted(found, key=lambda reason: -abs(reason.weight)))
