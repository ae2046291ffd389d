"""What says that two people are not one, whatever identifiers they share. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from customers.faces import first_names_agree, joined, words


class Known(NamedTuple):
    """What tells a person from others, from all of their parts.

    identifiers: kind -> the values they have. first_names, last_names: as customers.faces reads them, first names in
    words. is_closed: deleted, or locked by law: nothing happens to them by itself.
    """

    identifiers: Mapping[str, frozenset[str]]
    born: frozenset[date]
    first_names: frozenset[tuple[str, ...]]
    last_names: frozenset[str]
    is_closed: bool

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], identifiers: Mapping[str, Iterable[str]]) -> "Known":
        """rows: the columns of each part."""
        rows = list(rows)
        return cls(
            {kind: frozenset(values) for kind, values in identifiers.items()},
            frozenset(row["date_of_birth"] for row in rows if row["date_of_birth"]),
            frozenset(given for row in rows if (given := words(row["first_name"]))),
            frozenset(name for row in rows if (name := joined(row["last_name"]))),
            any(row["status"] == "DELETED" or row["processing_restricted_at"] for row in rows),
        )

    def together(self, other: "Known") -> "Known":
        """As one person."""
        kinds = self.identifiers.keys() | other.identifiers.keys()
        none: frozenset[str] = frozenset()
        held = {kind: self.identifiers.get(kind, none) | other.identifiers.get(kind, none) for kind in kinds}
        return Known(
            held,
            self.born | other.born,
            self.first_names | other.first_names,
            self.last_names | other.last_names,
            self.is_closed or other.is_closed,
        )


def conflict(one: Known, other: Known, *, is_ever_one: Callable[[str], bool]) -> str:
    """Why these two are not made one without being asked, in words; nothing if they may be.

    is_ever_one: whether nobody has two values of a kind, ever. What one of them doesn't say is no conflict.
    """
    for kind in sorted(one.identifiers.keys() & other.identifiers.keys()):
        if is_ever_one(kind) and one.identifiers[kind] != other.identifiers[kind]:
            return f"each has another {kind}"
    if one.is_closed or other.is_closed:
        return "one of them is deleted or locked"
    if one.born and other.born and one.born != other.born:
        return "the birth dates differ"
    if one.last_names and other.last_names and one.last_names != other.last_names:
        return "the last names differ"
    if any(not first_names_agree(mine, theirs) for mine in one.first_names for theirs in other.first_names):
        return "the first names differ"
    return ""
