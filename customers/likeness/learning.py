"""Finding a tenant's own weights in its people, without anybody telling which pairs are one person. Pure.

What strangers have in common is counted on pairs drawn at random; what mentions of one person have in common comes from
pairs that share a key, by expectation maximisation over the three kinds of pairs. What the shipped weights say counts
like so many pairs more, so that few people can't teach nonsense.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from customers.likeness.comparisons import ATTRIBUTES, Level, Levels, compare
from customers.likeness.records import Record
from customers.likeness.weights import ONE_PERSON, RELATIVES, STRANGERS, TWICE, Model, Shares, namesake_twins

AS_GOOD_AS = 100  # pairs, that the shipped weights of one person count like
AS_GOOD_AS_AT_RANDOM = 20_000
ROUNDS = 25
LEAST_PART = 0.001
MOST_TWICE = 1.0  # pairs of one person, for each person
FEWEST_RELATIVES, MOST_RELATIVES = 0.02, 20.0  # pairs, for each pair that is one person
ENOUGH = 200  # pairs with a key in common, below which nothing is learnt
COMMON = 0.0005  # the share of people from which a name is counted


@dataclass(slots=True)
class Learner:
    """Takes in pairs, then makes the model; it remembers how often each pattern was seen, not the pairs."""

    drawn: Counter[Levels] = field(default_factory=Counter)
    met: Counter[Levels] = field(default_factory=Counter)

    def draw(self, one: Record, other: Record) -> None:
        """Take in a pair drawn at random."""
        self.drawn[compare(one, other)] += 1

    def meet(self, one: Record, other: Record) -> None:
        """Take in a pair that shares a key."""
        self.met[compare(one, other)] += 1

    def model(
        self, *, people: int, names: Mapping[str, Mapping[str, float]] | None = None, every: int = 1
    ) -> Model:
        """The weights of a tenant with so many people; the shipped ones where there was too little to learn from.

        every: of the pairs that share a key, one in so many was met.
        """
        strangers = _blend(_count(self.drawn), STRANGERS, AS_GOOD_AS_AT_RANDOM)
        if self.met.total() < ENOUGH:
            return Model(people, strangers=strangers, names=names or {})
        one_person, mix = self._maximised(strangers)
        twice = (mix.one * self.met.total() * every + AS_GOOD_AS * TWICE) / (people + AS_GOOD_AS)
        relatives = min(MOST_RELATIVES, max(FEWEST_RELATIVES, mix.relatives / mix.one))
        return Model(people, one_person, strangers, names or {}, min(MOST_TWICE, twice), relatives)

    def _maximised(self, strangers: Shares) -> tuple[Shares, "Mix"]:
        """The shares of one person, and which part of the pairs is of each kind."""
        same, met, mix, total = ONE_PERSON, strangers, Mix(0.3, 0.6, 0.1), self.met.total()
        for _ in range(ROUNDS):
            kinds = {levels: _kinds(levels, same, met, mix) for levels in self.met}
            ones = {levels: count * kinds[levels].one for levels, count in self.met.items()}
            others = {levels: count * kinds[levels].strangers for levels, count in self.met.items()}
            same = _blend(_count(ones), ONE_PERSON, AS_GOOD_AS)
            met = _blend(_count(others), strangers, AS_GOOD_AS)
            mix = _mixed(sum(ones.values()) / total, sum(others.values()) / total)
        return same, mix


class Mix(NamedTuple):
    """Which part of pairs is of each kind."""

    one: float
    strangers: float
    relatives: float


def _mixed(one: float, strangers: float) -> Mix:
    """No kind ever dies out: it could not come back."""
    parts = [max(part, LEAST_PART) for part in (one, strangers, 1 - one - strangers)]
    return Mix(*(part / sum(parts) for part in parts))


def _kinds(levels: Levels, same: Shares, met: Shares, mix: Mix) -> Mix:
    """How likely a pair of this pattern is of each kind."""
    logs = [math.log(part) for part in mix]
    logs[2] += namesake_twins(levels) * math.log(2)
    for name, level in zip(ATTRIBUTES, levels, strict=True):
        if level:
            for at, shares in enumerate((same, met, RELATIVES)):
                logs[at] += math.log(shares[name][level])
    top = max(logs)
    parts = [math.exp(one - top) for one in logs]
    return Mix(*(part / sum(parts) for part in parts))


def _count(patterns: Mapping[Levels, float]) -> dict[str, Counter[Level]]:
    found: dict[str, Counter[Level]] = {name: Counter() for name in ATTRIBUTES}
    for levels, times in patterns.items():
        for name, level in zip(ATTRIBUTES, levels, strict=True):
            if level:
                found[name][level] += times  # type: ignore[assignment]
    return found


def _blend(counted: Mapping[str, Counter[Level]], shipped: Shares, worth: float) -> Shares:
    """Shares as they were counted, and as they were shipped with the worth of so many pairs."""
    return {
        name: {
            level: (counted[name][level] + worth * share) / (counted[name].total() + worth)
            for level, share in levels.items()
        }
        for name, levels in shipped.items()
    }
