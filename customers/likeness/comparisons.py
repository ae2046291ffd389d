"""How alike two people are, attribute by attribute. Pure.

Every comparison gives one of its levels, or None where either side says nothing.
"""

from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from customers.likeness.names import is_one_name
from customers.likeness.records import Record

_jaro_winkler = JaroWinkler.normalized_similarity
_slips = OSA.distance  # letters that were left out, put in, changed, or swapped with the next
ALIKE_FROM, SIMILAR_FROM = 0.92, 0.8  # Jaro-Winkler, of names
SAME_LINE = 85  # of a hundred, of the words of an address in any order
LONG_WORD = 4  # letters from which a word of a double name says something


# Plain text and no enum: a run compares millions of pairs, and hashing an enum takes longer than comparing a name.
Level = str
SAME: Level = "SAME"
FORM: Level = "FORM"  # another form of the same first name
ALIKE: Level = "ALIKE"  # but for a slip or two
SIMILAR: Level = "SIMILAR"
SWAPPED: Level = "SWAPPED"  # first and last name changed places
OTHER: Level = "OTHER"

Levels = tuple[Level | None, ...]


def _names(one: str, other: str) -> Level:
    if one == other:
        return SAME
    likeness = _jaro_winkler(one, other, score_cutoff=SIMILAR_FROM)
    return ALIKE if likeness >= ALIKE_FROM else SIMILAR if likeness else OTHER


def _given(one: Record, other: Record) -> Level | None:
    if not one.given or not other.given:
        return None
    level = _names(one.given, other.given)
    if level in (SIMILAR, OTHER, ALIKE) and (
        is_one_name(one.given_words[0], other.given_words[0]) or one.given_words[0] == other.given_words[0]
    ):
        return FORM
    return level


def _surname(one: Record, other: Record) -> Level | None:
    if not one.surname or not other.surname:
        return None
    level = _names(one.surname, other.surname)
    if level in (SIMILAR, OTHER) and (len(one.surname_words) > 1 or len(other.surname_words) > 1):
        shared = set(one.surname_words).intersection(other.surname_words)
        if any(len(word) >= LONG_WORD for word in shared):
            return ALIKE  # a double name of which one half is left out
    return level


_CLOSE = (SAME, ALIKE)


def _are_swapped(one: Record, other: Record) -> bool:
    """Whether the first name of one is the last name of the other, and nothing speaks against the other two."""
    is_told = False
    for name, crossed in ((one.given, other.surname), (one.surname, other.given)):
        if name and crossed:
            if _names(name, crossed) not in _CLOSE:
                return False
            is_told = True
    return is_told


def _born(one: str, other: str) -> Level | None:
    if not one or not other:
        return None
    if one == other:
        return SAME
    slips = _slips(one, other, score_cutoff=2)
    if slips == 1 or (one[:4] == other[:4] and one[4:] == other[6:] + other[4:6]):
        return ALIKE
    return SIMILAR if slips == 2 else OTHER


def _email(one: Record, other: Record) -> Level | None:
    """Addresses that are made of a name are alike where the names are: that says nothing more."""
    if not one.email or not other.email:
        return None
    if one.email == other.email:
        return SAME
    (local, _, domain), (other_local, _, other_domain) = one.email.partition("@"), other.email.partition("@")
    is_slip = domain == other_domain and _slips(local, other_local, score_cutoff=1) == 1
    is_alike = is_slip or local == other_local
    if not is_alike and _jaro_winkler(local, other_local) < ALIKE_FROM:
        return OTHER
    if any(name and name in local for name in (one.given, one.surname, other.given, other.surname)):
        return None
    return ALIKE if is_alike else SIMILAR


def _digits(one: str, other: str) -> Level | None:
    if not one or not other:
        return None
    if one == other:
        return SAME
    return ALIKE if _slips(one, other, score_cutoff=1) == 1 else OTHER


def _line(one: str, other: str) -> Level | None:
    """Of an address: its words may stand in any order."""
    if not one or not other:
        return None
    if one == other:
        return SAME
    likeness = token_sort_ratio(one, other, score_cutoff=65)
    if likeness >= SAME_LINE or _jaro_winkler(one, other) >= ALIKE_FROM:
        return ALIKE
    return SIMILAR if likeness else OTHER


def _gender(one: str, other: str) -> Level | None:
    if not one or not other:
        return None
    return SAME if one == other else OTHER


ATTRIBUTES = ("given", "surname", "born", "email", "phone", "home", "place", "postcode", "gender")


def compare(one: Record, other: Record) -> Levels:
    """The level of each of ATTRIBUTES."""
    given, surname = _given(one, other), _surname(one, other)
    straight = given in (SAME, ALIKE, FORM) or surname in _CLOSE
    if not straight and _are_swapped(one, other):
        given = surname = SWAPPED
    return (
        given,
        surname,
        _born(one.born, other.born),
        _email(one, other),
        _digits(one.phone, other.phone),
        _line(one.home, other.home),
        _line(one.place, other.place),
        _digits(one.postcode, other.postcode),
        _gender(one.gender, other.gender),
    )
