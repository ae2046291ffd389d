"""What is known of a person, folded so that it can be compared. Pure."""

import re
from collections.abc import Hashable, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from customers.terms import fold, words

_SUFFIXES = {
    "jr": "2", "junior": "2", "jnr": "2", "ii": "2", "sr": "1", "senior": "1", "snr": "1", "i": "1", "iii": "3",
    "iv": "4",
}  # fmt: skip
_TITLES = {"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "mnr", "mev"}
_NUMBER = re.compile(r"\d+")


class Record(NamedTuple):
    """A person, as they are compared; blank = nothing is known.

    given, surname: without case, accents and what stands between words. born: YYYYMMDD.
    phone:   in international form. suffix: 1 = senior, 2 = junior.
    home:    house number and street; place: town or suburb.
    ids:     identifiers of which nobody has two, kind -> value.
    """

    id: Hashable
    given: str = ""
    surname: str = ""
    given_words: tuple[str, ...] = ()
    surname_words: tuple[str, ...] = ()
    suffix: str = ""
    born: str = ""
    email: str = ""
    phone: str = ""
    gender: str = ""
    home: str = ""
    place: str = ""
    postcode: str = ""
    ids: Mapping[str, str] = {}


def record(
    id: Hashable, *, first_name: str = "", last_name: str = "", display_name: str = "", born: date | str | None = None,
    email: str = "", phone: str = "", gender: str = "", home: str = "", place: str = "", postcode: str = "",
    ids: Mapping[str, str] | None = None,
) -> Record:  # fmt: skip
    """Fold a person. Whoever is known by one name alone is taken to write the surname last."""
    given, suffix = _name(first_name)
    surname, second = _name(last_name)
    if not (given or surname) and display_name:
        whole, suffix = _name(display_name)
        given, surname = whole[:-1], whole[-1:]
    return Record(
        id,
        "".join(given),
        "".join(surname),
        given,
        surname,
        suffix or second,
        born.strftime("%Y%m%d") if isinstance(born, date) else born or "",
        email,
        phone,
        _gender(gender),
        _address(home),
        _address(place),
        fold(postcode).replace(" ", ""),
        ids or {},
    )


@lru_cache(maxsize=50_000)
def _name(name: str) -> tuple[tuple[str, ...], str]:
    """The words of a name, and which of two generations it says to be."""
    if not name:
        return (), ""
    found = [word for word in words(fold(name.replace("'", "").replace("’", ""))) if word not in _TITLES]
    suffix = next((_SUFFIXES[word] for word in found[1:] if word in _SUFFIXES), "")
    return tuple(word for at, word in enumerate(found) if not at or word not in _SUFFIXES), suffix


def _gender(gender: str) -> str:
    return gender[:1].upper() if gender[:1].upper() in ("F", "M") else ""


@lru_cache(maxsize=50_000)
def _address(line: str) -> str:
    return " ".join(words(fold(line)))


def house_number(home: str) -> str:
    found = _NUMBER.match(home)
    return found[0] if found else ""
