"""Dates, times and money as a reader of a language writes them. Pure."""

from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal, get_currency_precision

# The tenant's date formats, as their names are kept, in the words of CLDR.
PATTERNS = {"j M Y": "d MMM y", "d/m/Y": "dd/MM/y", "m/d/Y": "MM/dd/y", "Y-m-d": "y-MM-dd"}
NAMED = {
    "short": "d MMM", "medium": "d MMM y", "long": "d MMMM y", "full": "EEEE d MMMM y", "weekday": "EEEE",
    "month": "MMMM", "year": "y",
}  # fmt: skip
# What Liquid's own `date` takes, so that patterns known from elsewhere work.
STRFTIME = {
    "a": "EEE", "A": "EEEE", "d": "dd", "e": "d", "-d": "d", "b": "MMM", "h": "MMM", "B": "MMMM", "m": "MM", "-m": "M",
    "y": "yy", "Y": "y", "H": "HH", "k": "H", "-H": "H", "I": "hh", "l": "h", "-I": "h", "M": "mm", "S": "ss",
    "p": "a", "P": "a", "%": "'%'",
}  # fmt: skip


class Reader(NamedTuple):
    """For whom something is written."""

    language: str = "en"
    zone: str = "UTC"
    date_format: str = "j M Y"
    currency: str = "ZAR"


@lru_cache(maxsize=200)
def locale_of(language: str) -> Locale:
    """The locale of a language tag; English of one that nobody knows."""
    for name in (language, language.split("-")[0]):
        try:
            return Locale.parse(name, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return Locale.parse("en")


def moment(value: object) -> date | datetime | None:
    """What an ISO date or time says; None of anything else."""
    if isinstance(value, datetime | date):
        return value
    if not isinstance(value, str) or not 8 <= len(value) <= 40:
        return None
    try:
        return date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    except ValueError:
        return None


@lru_cache(maxsize=20_000)
def written_date(value: str, how: str, reader: Reader) -> str | None:
    """A date or time as `how` says: a name, a pattern of % or blank for the club's own. None where it is neither.

    Raises ValueError for a pattern that can't be read.
    """
    found = moment(value)
    if found is None:
        return None
    locale = locale_of(reader.language)
    pattern = NAMED.get(how) or (
        _strftime(how) if how else PATTERNS.get(reader.date_format, PATTERNS["j M Y"])
    )
    if isinstance(found, datetime):
        return format_datetime(_local(found, reader), pattern, locale=locale)
    if not isinstance(found, datetime) and any(letter in _unquoted(pattern) for letter in "Hhmsa"):
        return format_datetime(datetime(found.year, found.month, found.day), pattern, locale=locale)  # noqa: DTZ001
    return format_date(found, pattern, locale=locale)


@lru_cache(maxsize=20_000)
def written_time(value: str, reader: Reader) -> str | None:
    """The time of day; None of a bare date and of what is no time."""
    found = moment(value)
    if not isinstance(found, datetime):
        return None
    return format_time(_local(found, reader), "HH:mm", locale=locale_of(reader.language))


@lru_cache(maxsize=20_000)
def written_money(cents: int, currency: str, language: str) -> str:
    """Cents as an amount, without decimals where there are none."""
    locale = locale_of(language)
    pattern = locale.currency_formats["standard"].pattern
    if cents % 100 == 0 or get_currency_precision(currency) == 0:
        pattern = pattern.replace(".00", "")
    said = format_currency(cents / 100, currency, pattern, locale=locale, currency_digits=False)
    return said.replace("ZAR\u00a0", "R\u00a0").replace("ZAR", "R")


def written_number(value: float, language: str) -> str:
    return format_decimal(value, locale=locale_of(language))


def _local(found: datetime, reader: Reader) -> datetime:
    return found.astimezone(ZoneInfo(reader.zone)) if found.tzinfo else found


def _unquoted(pattern: str) -> str:
    return "".join(pattern.split("'")[::2])


def _strftime(how: str) -> str:
    """A pattern of % in the words of CLDR. Raises ValueError."""
    parts, at = [], 0
    while at < len(how):
        if how[at] != "%":
            end = how.find("%", at)
            end = len(how) if end < 0 else end
            parts.append("'" + how[at:end].replace("'", "''") + "'")
            at = end
            continue
        code = how[at + 1 : at + 3] if how[at + 1 : at + 2] == "-" else how[at + 1 : at + 2]
        if code not in STRFTIME:
            raise ValueError(f"“%{code}” is no part of a date")
        parts.append(STRFTIME[code])
        at += 1 + len(code)
    return "".join(parts)
