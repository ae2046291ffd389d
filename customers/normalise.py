"""One spelling for each way to reach or recognise a person. Pure.

Everything that is compared, stored as an identifier or looked up goes through here first.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import phonenumbers
from email_validator import EmailNotValidError, validate_email

WEAK_KINDS = ("email", "phoneNumber")
CONTACTS = {"email": "email", "phoneNumber": "phone_number"}  # the columns that hold the latest of each
SERVICE_KINDS = ("authUserId", "sclMemberId", "teetimePlayerId", "messagingContactId")
EXTERNAL_PREFIX = "externalIds."
GUEST_KIND = "bookingGuest"  # a guest's place in one booking: ours alone, and no way to reach anybody
MAX_LENGTH = 200
HIGHEST = 2**53 - 1  # that every JSON reader can hold

# The common address, for which the full parser would only cost time.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}", re.ASCII
)
# Numbers that Ofcom keeps free for drama (07700 900000-900999): never assigned, so the library calls them
# invalid, but examples, demos and tests are written with them.
_UK_DRAMA = re.compile(r"\+447700900\d{3}")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_FIRST_DAY = date(1900, 1, 1)
_FIRST_MIDNIGHT = timedelta(hours=14)  # so far ahead of UTC a day begins somewhere
PAST_DAY_WORDS = "must be a day from 1900 on that is not in the future"
# Marks of direction, soft hyphens and what has no width.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# ZWNJ and ZWJ, which Persian and Hindi names and emoji are written with, at the edge of a word.
_IDLE_JOINERS = re.compile("(?<!\\S)[\u200c\u200d]+|[\u200c\u200d]+(?!\\S)")
_RESERVED = (".test", ".invalid", ".local", ".localhost", ".onion", ".arpa")


class Phone(NamedTuple):
    """`number` is E.164 when valid, else what was sent, trimmed; an invalid one never matches anybody."""

    number: str
    is_valid: bool


@lru_cache(maxsize=20_000)
def email(raw: str) -> str | None:
    """Trimmed, NFC, lower-cased, the domain in ASCII; None when it is no e-mail address (RFC 5321, 6531)."""
    text = unicodedata.normalize("NFC", raw).strip().lower()
    plain = _PLAIN_EMAIL.fullmatch(text) is not None and not text.endswith(_RESERVED)
    if plain and len(text) <= MAX_LENGTH and text.index("@") <= 64:
        return text
    if len(text) > 254:
        return None
    try:
        found = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None
    return f"{found.local_part}@{found.ascii_domain}".lower()


@lru_cache(maxsize=20_000)
def phone(raw: str, region: str) -> Phone:
    """Read a number as someone in `region` (ISO 3166-1 alpha-2) writes it."""
    text = " ".join(raw.split())[:40].strip()
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return Phone(text, is_valid=False)
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if phonenumbers.is_valid_number(parsed) or _UK_DRAMA.fullmatch(number):
        return Phone(number, is_valid=True)
    return Phone(text, is_valid=False)


def identifier(kind: str, raw: Any, region: str) -> str | None:
    """The normalised value of one identifier, or None when it can't identify anybody."""
    if raw is None or isinstance(raw, bool | float | list | dict):
        return None
    text = str(raw).strip()
    if not is_storable(text):
        return None
    if kind == "email":
        return email(text)
    if kind == "phoneNumber":
        number = phone(text, region)
        return number.number if number.is_valid else None
    if kind == "sclMemberId":
        is_number = text.isascii() and text.isdigit() and len(text) <= 18
        return str(int(text)) if is_number and 0 < int(text) <= HIGHEST else None
    return text if 0 < len(text) <= MAX_LENGTH else None


def hints(raw: Mapping[str, Any], region: str) -> dict[str, str]:
    """The usable identifiers among `raw`: wire kind -> normalised value. Unknown kinds are left out."""
    found = {}
    for kind, value in raw.items():
        if kind in (*WEAK_KINDS, *SERVICE_KINDS, GUEST_KIND) or kind.startswith(EXTERNAL_PREFIX):
            normal = identifier(kind, value, region)
            if normal is not None and len(kind) <= 100 and is_storable(kind):
                found[kind] = normal
    return found


def is_storable(text: str) -> bool:
    """PostgreSQL keeps neither NUL nor half a surrogate pair."""
    return "\x00" not in text and (text.isascii() or not _HALF_PAIR.search(text))


def is_past_day(day: date, at: datetime) -> bool:
    """Whether somebody known at the moment `at` can have been born, or joined, on `day` (or at it).

    Spreadsheets' zero days are older.
    """
    day = day.date() if isinstance(day, datetime) else day
    return _FIRST_DAY <= day <= (at + _FIRST_MIDNIGHT).date()


def name(raw: str) -> str:
    """Of what can be seen, with inner white space collapsed and ends trimmed; letters and case are the owner's."""
    return seen(raw)[:MAX_LENGTH].strip()


def seen(raw: str) -> str:
    """Text of one line without what nobody sees: marks of direction and width, and joiners that join nothing.

    With them two names that look the same are two, and one can be written to look like another.
    """
    if not raw.isascii():
        raw = _IDLE_JOINERS.sub("", _UNSEEN.sub("", raw))
    return " ".join(raw.split())
