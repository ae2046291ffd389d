"""Can two descriptions mean one person? Names and birth dates compared as people write them. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

_BREAKS = re.compile(r"[\W_]+")
# Letters that have no accent to take off, as people without them on their keyboard write them.
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})


FACE = ("first_name", "last_name", "date_of_birth")


class Face(NamedTuple):
    """What tells people apart who share an e-mail or a phone; blank where it is not known."""

    first_name: str = ""
    last_name: str = ""
    born: date | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Face":
        """From attributes of a profile, of which any may be missing or null."""
        return cls(row.get("first_name") or "", row.get("last_name") or "", row.get("date_of_birth"))

    @property
    def is_blank(self) -> bool:
        return not (self.born or words(self.first_name) or words(self.last_name))

    def filled_from(self, other: "Face") -> "Face":
        """This one, with what it does not know from another."""
        return Face(
            self.first_name or other.first_name, self.last_name or other.last_name, self.born or other.born
        )


NO_FACE = Face()


def difference(one: Face, other: Face) -> str:
    """Why the two can't be one person, in words; "" when they can. What is blank never differs."""
    if one.born and other.born and one.born != other.born:
        return "birth dates differ"
    mine, theirs = joined(one.last_name), joined(other.last_name)
    if mine and theirs and mine != theirs:
        return "last names differ"
    return "" if first_names_agree(words(one.first_name), words(other.first_name)) else "first names differ"


def is_alike(one: Face, other: Face) -> bool:
    """Both say the same first name or birth date: more than that nothing speaks against it."""
    same_day = one.born is not None and one.born == other.born
    mine, theirs = joined(one.first_name), joined(other.first_name)
    return not difference(one, other) and (same_day or bool(mine and mine == theirs))


def first_names_agree(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Word for word as far as both go; a single letter is an initial: “J.”, “Jan”, “Jan Pieter”.

    Takes the words of each. How a name is taken apart makes no other name: “Anna Marie”, “Annamarie”.
    """
    pairs = zip(mine, theirs, strict=False)
    is_prefix = all(a == b or (1 in (len(a), len(b)) and a[0] == b[0]) for a, b in pairs)
    return is_prefix or "".join(mine) == "".join(theirs)


def joined(name: str) -> str:
    """A name as one word, without case, accents, blanks and punctuation."""
    return "".join(words(name))


@lru_cache(maxsize=20_000)
def words(name: str) -> tuple[str, ...]:
    """The words of a name without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_PLAIN)
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(word for word in _BREAKS.sub(" ", letters.replace("'", "").replace("’", "")).split() if word)
