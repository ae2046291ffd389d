"""What a merge said follows from what both sides said then: kept with it, so that it can be said anew without somebody.

A merge joins tags and narrows consent. Undoing an earlier merge takes people away whose tags and refusals are in that;
what the later merges say is then found as if these had never been there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from customers.consent import CHANNELS, Consent, State
from customers.families import Family
from customers.ledger import Said
from customers.person import BLANK
from customers.stamps import Stamp
from customers.survivorship import CONSENTS, WITH, Row, Write, merge_writes, registers

ADDRESSES = {address for _at, address in CONSENTS.values() if address}
WEIGHED = ("tags", *CONSENTS, *ADDRESSES, *(name for address in ADDRESSES for name in WITH[address]))
NOTHING = {name: BLANK[name] for name in WEIGHED}
Side = Mapping[UUID, Row]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the parts of either side said of tags, consents and addresses, with its stamps, when they were merged.

    stamp: that of the merge; chosen: what was chosen of these attributes.
    """

    winner: UUID
    loser: UUID
    sides: tuple[Side, Side]
    stamp: Stamp = Stamp(1, 0, 0, 0, "", "")
    chosen: Mapping[str, str] | None = None

    @classmethod
    def of(cls, winner: Family, loser: Family) -> "Ground":
        said = [{pk: _weighed(part.row) for pk, part in family.parts.items()} for family in (winner, loser)]
        return cls(winner.root, loser.root, (said[0], said[1]))

    @classmethod
    def read(cls, winner: UUID, loser: UUID, kept: Mapping[str, Any]) -> "Ground | None":
        """As kept() wrote it; None for a merge whose ground is not known."""
        if "sides" not in kept:
            return None
        said = [{UUID(pk): NOTHING | row for pk, row in side.items()} for side in kept["sides"]]
        return cls(winner, loser, (said[0], said[1]), Stamp(*kept["stamp"]), kept["chosen"])

    def kept(self) -> dict[str, Any]:
        """As JSON; what nobody said is left out."""
        sides = [
            {
                str(pk): {name: value for name, value in row.items() if NOTHING.get(name) != value}
                for pk, row in side.items()
            }
            for side in self.sides
        ]
        return {"sides": sides, "stamp": list(self.stamp), "chosen": dict(self.chosen or {})}

    def by(self, stamp: Stamp, chosen: Mapping[str, str]) -> "Ground":
        return replace(
            self, stamp=stamp, chosen={name: side for name, side in chosen.items() if name in WEIGHED}
        )

    @property
    def parts(self) -> set[UUID]:
        return {*self.sides[0], *self.sides[1]}

    def among(self, present: Iterable[UUID]) -> "Ground":
        """As if the others had never been there."""
        there = set(present)
        one, other = ({pk: row for pk, row in side.items() if pk in there} for side in self.sides)
        return replace(self, sides=(one, other))

    def writes(self, earlier: Sequence[tuple[UUID, Write]]) -> list[Write]:
        """What the merge says. earlier: what the merges before it say, each with its winner."""
        one, other = self.sides
        weighed = [(who, write) for who, write in earlier if write.attribute in NOTHING]

        def standing(root: UUID, side: Side) -> Row:
            return registers(root, side, [write for who, write in weighed if who in side], NOTHING)

        winner, loser = standing(self.winner, one), standing(self.loser, other)
        stands = standing(self.winner, {**one, **other})
        return merge_writes(winner, loser, stands, chosen=self.chosen or {}, stamp=self.stamp)


def _weighed(row: Row) -> Row:
    stamps = {name: stamp for name, stamp in row["provenance"].items() if name in NOTHING}
    return {name: row[name] for name in WEIGHED} | {"provenance": stamps}


def event_of(merge: UUID) -> str:
    """What a merge is called in the stamps of what it says."""
    return f"merge:{merge}"


def statements(
    customer: UUID, winner: UUID, writes: Iterable[Write], *, by: str, now: datetime
) -> Iterator[Said]:
    """What a merge says of consent, for the ledger. customer: whom its winner belongs to now."""
    for write in writes:
        for channel in CHANNELS:
            if write.attribute == f"{channel.lower()}_opt_in":
                state = State.UNKNOWN if write.value is None else State.WITHDRAWN
                yield Said(customer, winner, Consent(channel, state, now, "MERGE"), write.stamp, {}, by)
