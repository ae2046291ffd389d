"""The types of custom fields, and the one spelling in which a value of each is kept. Pure.

A value is kept as JSON has it: a date as 2026-11-25, a moment in UTC as 2026-11-25T06:30:00Z (so that texts
compare as times do), a phone number in E.164. A decimal has at most 15 digits, which every JSON reader can hold.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from crm.moments import WORDS, is_plausible
from customers import normalise

BIGGEST = 2**53 - 1
DIGITS = 15
LONGEST_STRING, LONGEST_TEXT, LONGEST_URL = 500, 20_000, 2_000
RANGED = frozenset({"INT", "DECIMAL", "DATE", "DATETIME"})
WITH_CHOICES = frozenset({"ENUM", "MULTI_ENUM"})
_WHOLE = re.compile(r"-?[0-9]{1,16}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class Unusable(ValueError):
    """The value is none of its type; the text says what it must be."""


class Frame(NamedTuple):
    """What a value is read within: the choices there are, and the region of phone numbers without a code."""

    choices: Sequence[str] = ()
    region: str = ""


def normal(type: str, value: Any, frame: Frame) -> Any:
    """The value as it is kept; blank text and an empty list are None. Raises Unusable."""
    if value is None or value == [] or (isinstance(value, str) and not value.strip()):
        return None
    return _READERS[type](value, frame)


def from_text(type: str, text: str) -> Any:
    """The JSON value that a query parameter or a table's cell writes as text; what is none stays text."""
    if type == "INT" and _WHOLE.fullmatch(text):
        return int(text)
    if type == "DECIMAL" and _NUMBER.fullmatch(text):
        return Decimal(text)
    if type == "BOOL":
        return _FLAGS.get(text.lower(), text)
    return [text] if type == "MULTI_ENUM" and text else text


def _string(value: Any, frame: Frame) -> str:
    return _bounded(" ".join(_text(value).split()), LONGEST_STRING)


def _prose(value: Any, frame: Frame) -> str:
    return _bounded(_text(value).replace("\r\n", "\n").strip(), LONGEST_TEXT)


def _whole(value: Any, frame: Frame) -> int:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole or abs(value) > BIGGEST:
        raise Unusable(f"must be a whole number of at most {BIGGEST:,}")
    return int(value)


def _decimal(value: Any, frame: Frame) -> int | float:
    number = None if isinstance(value, bool) else _as_decimal(value)
    if number is None or not number.is_finite() or _digits(number) > DIGITS:
        raise Unusable(f"must be a number of at most {DIGITS} digits")
    return int(number) if number == number.to_integral_value() else float(number)


def _as_decimal(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) else None


def _digits(number: Decimal) -> int:
    """How many digits it takes to write the number out, zeros before and after the point included."""
    _sign, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite
    return max(len(digits) + max(exponent, 0), -exponent)


def _flag(value: Any, frame: Frame) -> bool:
    if not isinstance(value, bool):
        raise Unusable("must be true or false")
    return value


def _day(value: Any, frame: Frame) -> str:
    day: date | None
    text = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
    try:
        day = (
            date.fromisoformat(text.strip())
            if isinstance(text, str) and _DAY.fullmatch(text.strip())
            else None
        )
    except ValueError:
        day = None
    if day is None or not is_plausible(day):
        raise Unusable(f"must be a day, YYYY-MM-DD, {WORDS}")
    return day.isoformat()


def _moment(value: Any, frame: Frame) -> str:
    at: datetime | None
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value).strip())
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or not is_plausible(at):
        raise Unusable(f"must be a moment in ISO 8601 {WORDS}, such as 2026-11-25T06:30:00Z")
    return at.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _choice(value: Any, frame: Frame) -> str:
    if not isinstance(value, str) or value.strip() not in frame.choices:
        raise Unusable(f"must be one of: {', '.join(frame.choices)}")
    return value.strip()


def _choices(value: Any, frame: Frame) -> list[str]:
    if not isinstance(value, list | tuple):
        raise Unusable(f"must be a list of some of: {', '.join(frame.choices)}")
    chosen = {_choice(one, frame) for one in value}
    return [one for one in frame.choices if one in chosen]


def _url(value: Any, frame: Frame) -> str:
    text = _bounded(_text(value).strip(), LONGEST_URL)
    if not is_url(text):
        raise Unusable("must be an address that begins with https:// or http://")
    return text


def is_url(text: str) -> bool:
    """Whether a text can be a link: of the web, with a host, without white space."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.split() == [text]


def _email(value: Any, frame: Frame) -> str:
    found = normalise.email(_text(value))
    if found is None:
        raise Unusable("must be an e-mail address")
    return found


def _phone(value: Any, frame: Frame) -> str:
    found = normalise.phone(_text(value), frame.region)
    if not found.is_valid:
        raise Unusable(f"must be a phone number that can be dialled from {frame.region}")
    return found.number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unusable("must be text")
    return value


def _bounded(text: str, longest: int) -> str:
    if len(text) > longest:
        raise Unusable(f"must have at most {longest:,} characters")
    return text


_READERS: dict[str, Callable[[Any, Frame], Any]] = {
    "STRING": _string,
    "TEXT": _prose,
    "INT": _whole,
    "DECIMAL": _decimal,
    "BOOL": _flag,
    "DATE": _day,
    "DATETIME": _moment,
    "ENUM": _choice,
    "MULTI_ENUM": _choices,
    "URL": _url,
    "EMAIL": _email,
    "PHONE": _phone,
}
