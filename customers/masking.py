"""What masks leave of personal data: of columns, identifiers and free text. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from phonenumbers import PhoneNumberMatcher

from crm.tenancy.masks import Level, Masks, Personal

DOTS = "•••"
COLUMNS: dict[Personal, tuple[str, ...]] = {
    Personal.EMAIL: ("email", "email_display"),
    Personal.PHONE: ("phone_number",),
    Personal.BIRTH_DATE: ("date_of_birth",),
    Personal.IDENTIFIERS: (
        "auth_user_id", "teetime_player_id", "messaging_contact_id", "external_ids",
        "number",  # of an association
    ),
    Personal.INTERNAL_NOTES: ("internal_notes",),
    Personal.CUSTOM_FIELDS: ("custom_fields", "source_details"),
    Personal.SCORES: (
        "engagement_score", "engagement_score_at", "churn_risk_score", "churn_risk_score_at", "lifetime_value_cents",
    ),
}  # fmt: skip
KINDS = {"email": Personal.EMAIL, "phoneNumber": Personal.PHONE, "phone": Personal.PHONE, "sclMemberId": None}
# Names that sources give to personal data in their free-form maps; in lower case, without _ and -.
NAMES = {
    **dict.fromkeys(("email", "emailaddress", "emaildisplay", "mail"), Personal.EMAIL),
    **dict.fromkeys(
        ("phone", "phonenumber", "mobile", "mobilenumber", "cell", "msisdn", "tel"), Personal.PHONE
    ),
    **dict.fromkeys(("dateofbirth", "birthdate", "birthday", "dob"), Personal.BIRTH_DATE),
    **dict.fromkeys(
        ("idnumber", "passport", "passportnumber", "externalids", "authuserid"), Personal.IDENTIFIERS
    ),
    **dict.fromkeys(("internalnotes",), Personal.INTERNAL_NOTES),
    **dict.fromkeys(("customfields",), Personal.CUSTOM_FIELDS),
    **dict.fromkeys(("engagementscore", "churnriskscore", "lifetimevalue"), Personal.SCORES),
}
E_MAIL = re.compile(r"[^\s@<>\"'(),;:\[\]]+@[^\s@<>\"'(),;:\[\]]+\.[^\s@<>\"'(),;:\[\]]+")
MANY_DIGITS = re.compile(r"(?:\d[^\dA-Za-z]{0,3}){8}")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def masked(values: Mapping[str, Any], masks: Masks) -> dict[str, Any]:
    """What is left of those columns of a row that the masks keep back; all others are not in it."""
    return {
        column: left_of(kind, level, values[column])
        for kind, level in masks.items()
        for column in COLUMNS[kind]
        if column in values
    }


def masked_identifier(kind: str, value: str, masks: Masks) -> str:
    """An identifier (kind is its wire name) as the masks leave it."""
    personal = personal_kind(kind)
    if personal is None or personal not in masks:
        return value
    return str(left_of(personal, masks[personal], value)) or DOTS


def kind_of(column: str) -> Personal | None:
    """What a column of a profile tells of its person."""
    return next((kind for kind, columns in COLUMNS.items() if column in columns), None)


def personal_kind(kind: str) -> Personal | None:
    """What an identifier tells of its person; None for a member number, by which a club calls its members."""
    return KINDS.get(kind, Personal.IDENTIFIERS)


def may_find_by(kind: str, masks: Masks) -> bool:
    """May an identifier of this kind be searched for? Whoever may not see it could find it out by trying."""
    return personal_kind(kind) not in masks


def left_of(kind: Personal, level: Level, value: Any) -> Any:
    """A part of the value, or its blank."""
    if level is Level.MASKED and value:
        return PARTS[kind](value)
    return "" if isinstance(value, str) else {} if isinstance(value, dict) else None


def _email(value: Any) -> str:
    name, at, domain = str(value).rpartition("@")
    return f"{name[:1]}{DOTS}@{domain}" if at else DOTS


def _end(value: Any) -> Any:
    """The last three characters of what is long enough not to be told by them."""
    if isinstance(value, dict):
        return {name: _end(inner) for name, inner in value.items()}
    text = str(value)
    return f"{DOTS}{text[-3:]}" if len(text) > 6 else DOTS


def _year(value: Any) -> Any:
    """Nothing of a date, which has no way to say its year alone; the year of a text."""
    return None if isinstance(value, date) else str(value)[:4]


PARTS: dict[Personal, Callable[[Any], Any]] = {
    Personal.EMAIL: _email, Personal.PHONE: _end, Personal.BIRTH_DATE: _year, Personal.IDENTIFIERS: _end,
}  # fmt: skip


def scrubbed(value: Any, masks: Masks, region: str) -> Any:
    """Free text, or a free-form map of it, without the personal data that the masks keep back.

    region: where numbers without a country code are dialled.
    """
    if isinstance(value, str):
        return _scrubbed_text(value, masks, region)
    if isinstance(value, list):
        return [scrubbed(item, masks, region) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _scrubbed_item(name, inner, masks, region) for name, inner in value.items()}


def _scrubbed_item(name: str, value: Any, masks: Masks, region: str) -> Any:
    kind = NAMES.get(re.sub(r"[_-]", "", str(name)).lower())
    if kind is not None and kind in masks and not isinstance(value, list):
        return left_of(kind, masks[kind], value)
    return scrubbed(value, masks, region)


def _scrubbed_text(text: str, masks: Masks, region: str) -> str:
    if Personal.EMAIL in masks and "@" in text:
        text = E_MAIL.sub(lambda found: masked_identifier("email", found[0], masks), text)
    if Personal.PHONE in masks and MANY_DIGITS.search(text) and not ID.fullmatch(text):
        for found in reversed(list(PhoneNumberMatcher(text, region))):
            number = masked_identifier("phoneNumber", found.raw_string, masks)
            text = text[: found.start] + number + text[found.end :]
    return text
