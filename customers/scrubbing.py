"""Finding what names one person in text and maps, and taking it out. Pure.

The pattern is read by Python's `re` and by PostgreSQL's `~*` alike, so that the database finds the rows and Python
takes the words out of them.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import phonenumbers

ERASED = "[erased]"
LONG = 6  # characters from which on an id tells its owner wherever it stands
SHORTEST_NAME = 2
EMAIL, PHONE = "email", "phoneNumber"
NOTHING = "(?!x)x"
DIGIT_GAP = r"[\s().\-/]{0,2}"
# Where the kind alone makes a number an id: what senders call it. An external id goes by its own name.
CALLED = {
    "sclMemberId": r"(?:scl_?)?member_?(?:id|no|number)",
    "teetimePlayerId": r"(?:teetime_?)?player_?id",
    "messagingContactId": r"(?:messaging_?)?contact_?id",
    "authUserId": r"auth_?user_?id",
}


@dataclass(frozen=True)
class Needles:
    """What names a person: identifiers (kind, value) in every spelling known, and (first name, last name) pairs.

    The identifiers are the person's alone: what a household shares names the others as much.
    """

    identifiers: frozenset[tuple[str, str]]
    names: frozenset[tuple[str, str]]

    @cached_property
    def identifying(self) -> str:
        """A pattern for the identifiers alone, which nobody else has."""
        return _any(_identifier(kind, value) for kind, value in sorted(self.identifiers))

    def as_id(self, kind: str) -> str:
        """A pattern for a field `id` with the person's value of a kind, for what is about things of that kind."""
        return _any(
            rf'"id"\s*:\s*"?{re.escape(value)}"?(?![\w.])' for one, value in self.identifiers if one == kind
        )

    @cached_property
    def pattern(self) -> str:
        """A pattern for everything, the names included, which others may have too."""
        found = [_identifier(kind, value) for kind, value in sorted(self.identifiers)]
        return _any([*found, *(_name(*pair) for pair in sorted(self.names))])

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    def are_in(self, text: str) -> bool:
        return self._compiled.search(text) is not None

    def scrubbed(self, value: Any) -> Any:
        """Text, or a list or map of it, without what names the person."""
        if isinstance(value, str):
            return self._compiled.sub(ERASED, value)
        if isinstance(value, list):
            return [self.scrubbed(item) for item in value]
        if not isinstance(value, dict):
            return value
        parts = self._name_parts(value)
        return {
            key: ERASED if isinstance(inner, str) and _folded(inner) in parts else self._item(key, inner)
            for key, inner in value.items()
        }

    def _item(self, key: str, value: Any) -> Any:
        """A value, which may be an id that only its key makes one."""
        is_plain = (
            isinstance(value, str | int) and not isinstance(value, bool) and not _is_telling(str(value))
        )
        if is_plain and re.search(self.identifying, f'"{key}": "{value}"', re.IGNORECASE):
            return ERASED
        return self.scrubbed(value)

    def _name_parts(self, value: dict[str, Any]) -> set[str]:
        """The first and last names of the person that stand side by side in a map."""
        said = {_folded(inner) for inner in value.values() if isinstance(inner, str)}
        found: set[str] = set()
        for pair in self.names:
            parts = {_folded(part) for part in pair if part}
            if len(parts) > 1 and parts <= said:
                found |= parts
        return found


def _folded(text: str) -> str:
    return text.strip().casefold()


def _any(patterns: Iterable[str]) -> str:
    found = [pattern for pattern in patterns if pattern]
    return "|".join(dict.fromkeys(found)) or NOTHING


def _is_telling(value: str) -> bool:
    """Whether an id tells its owner wherever it stands: a number may be a price, or somebody else's."""
    return len(value) >= LONG and not value.isdecimal()


def _identifier(kind: str, value: str) -> str:
    if not value:
        return ""
    if kind == PHONE:
        return _phone(value)
    if kind == EMAIL or _is_telling(value):
        return rf"(?<![\w.+-])(?:{_spelled(value)})(?![\w-]|\.\w)"
    called = CALLED.get(kind) or re.escape(kind.rpartition(".")[2])
    return rf'"{called}"\s*:\s*"?{re.escape(value)}"?(?![\w.])'


def _phone(value: str) -> str:
    """A number however it is spaced: with its country code, or as it is dialled at home."""
    digits = re.sub(r"\D", "", value)
    if len(digits) < LONG:
        return ""
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return rf"(?<![\w+]){DIGIT_GAP.join(digits)}(?!\d)"
    country, local = str(parsed.country_code), digits.removeprefix(str(parsed.country_code))
    abroad = rf"(?:\+|00)?{DIGIT_GAP.join(country)}{DIGIT_GAP}(?:\(0\){DIGIT_GAP})?"
    return rf"(?<![\w+])(?:{abroad}|\(?0{DIGIT_GAP}){DIGIT_GAP.join(local)}(?!\d)"


def _name(first: str, last: str) -> str:
    """Both names beside each other, in a text or as two fields of a map."""
    if min(len(first), len(last)) < SHORTEST_NAME:
        return ""
    one, other = f"(?:{_spelled(first)})", f"(?:{_spelled(last)})"
    gap = r'(?:\W{1,3}|"\s*,\s*"\w{1,20}"\s*:\s*")'
    return rf"(?<!\w){one}{gap}{other}(?!\w)|(?<!\w){other}{gap}{one}(?!\w)"


def _spelled(text: str) -> str:
    """As it is, and as JSON may write it."""
    escaped = json.dumps(text)[1:-1]
    return "|".join(re.escape(one) for one in dict.fromkeys((text, escaped)))
