"""A short vocabulary for the JSON Schemas of payloads, and what is wrong with one that breaks its schema. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, Protocol

from jsonschema_rs import Draft202012Validator, ValidationError

from crm import moments

Schema = dict[str, Any]

MOST_CENTS = 2**53
MOST_INTEGER = 2**31 - 1
MOST_PROBLEMS = 20
NOT_BLANK = r"\S"
CURRENCY_CODE = "^[A-Za-z]{3}$"
COUNTRY_CODE = "^[A-Za-z]{2}$"


def read_moment(value: object) -> datetime | None:
    """A moment written in ISO 8601, as aware UTC; None where it is none. Without an offset it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_day(value: object) -> date | None:
    """A calendar day in ISO 8601, or the day that a moment is written with; None where it is neither."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.strip()).date()
    except ValueError:
        return None


def text(*, longest: int = 200, blank: bool = True) -> Schema:
    schema: Schema = {"type": "string", "maxLength": longest}
    return schema if blank else schema | {"minLength": 1, "pattern": NOT_BLANK}


def key(*, longest: int = 100) -> Schema:
    """An id of the source's: text that is not blank, or an integer."""
    return {
        "type": ["string", "integer"],
        "minLength": 1,
        "maxLength": longest,
        "pattern": NOT_BLANK,
        "minimum": -MOST_CENTS,
        "maximum": MOST_CENTS,
    }


def integer(*, least: int = 0, most: int = MOST_INTEGER) -> Schema:
    return {"type": "integer", "wholeNumber": True, "minimum": least, "maximum": most}


def number(*, least: float, most: float) -> Schema:
    return {"type": "number", "minimum": least, "maximum": most}


def flag() -> Schema:
    return {"type": "boolean"}


def cents() -> Schema:
    """Money in integer cents; a float is refused, since it nearly always means whole currency units."""
    return integer(most=MOST_CENTS) | {"description": "integer cents"}


def currency() -> Schema:
    return {"type": "string", "pattern": CURRENCY_CODE, "description": "ISO 4217 code"}


def country() -> Schema:
    return {"type": "string", "pattern": COUNTRY_CODE, "description": "ISO 3166-1 alpha-2 code"}


def moment() -> Schema:
    """A moment in ISO 8601, of a year that somebody could mean."""
    return {"type": "string", "format": "date-time"}


def day() -> Schema:
    return {"type": "string", "format": "date"}


def handicap() -> Schema:
    """A handicap index; a plus handicap is negative here."""
    return number(least=-10, most=54) | {"description": "number, negative for a plus handicap"}


def one_of(*values: str) -> Schema:
    """One of the words, all in lower or all in upper case."""
    return {"enum": list(dict.fromkeys(case for value in values for case in (value.upper(), value.lower())))}


def array(items: Schema, *, most: int = 200) -> Schema:
    return {"type": "array", "items": items, "maxItems": most}


def obj(*, required: Iterable[str] = (), any_of: Iterable[str] = (), **properties: Schema) -> Schema:
    """An object: what is not required may be absent or null, and further fields are welcome.

    any_of: names of which at least one must be there.
    """
    needed = list(required)
    schema: Schema = {
        "type": "object",
        "properties": {name: item if name in needed else _or_null(item) for name, item in properties.items()},
    }
    if needed:
        schema["required"] = needed
    if any_of:
        schema["anyOf"] = [{"required": [name]} for name in any_of]
    return schema


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return schema | {"type": [*kinds, "null"]}


class WholeNumber:
    """The keyword `wholeNumber`: 5.0 is an integer to JSON Schema, and not to us."""

    def __init__(self, parent_schema: Schema, value: Any, schema_path: list[str | int]) -> None:
        del parent_schema, value, schema_path

    def validate(self, instance: Any) -> None:
        if isinstance(instance, float):
            raise ValueError("a float")


def compiled(schema: Mapping[str, Any]) -> Draft202012Validator:
    """The validator of a schema, which reads moments and days exactly as the sources do."""
    return Draft202012Validator(
        dict(schema),
        validate_formats=True,
        formats={
            "date-time": _is_moment,
            "date": lambda value: read_day(value) is not None,
        },
        keywords={"wholeNumber": WholeNumber},
    )


def _is_moment(value: object) -> bool:
    moment = read_moment(value)
    return moment is not None and moments.is_plausible(moment)


class Checked(Protocol):
    """What has a validator of its own, as an event type has."""

    @property
    def validator(self) -> Draft202012Validator: ...


def problems(event_type: Checked, payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a payload: (path within it, message) each, at most 20; empty when it is right.

    The messages name fields and limits and never a value, so they may be logged and shown.
    """
    if event_type.validator.is_valid(payload):
        return []
    found: dict[str, str] = {}
    for error in islice(event_type.validator.iter_errors(payload), MOST_PROBLEMS):
        found.setdefault(_path(error), _message(error))
    return list(found.items())


def _path(error: ValidationError) -> str:
    steps = list(error.instance_path)
    if error.kind.name == "required":
        steps.append(error.kind.as_dict()["property"])
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.lstrip(".") or "payload"


def _message(error: ValidationError) -> str:
    name, about = error.kind.name, error.kind.as_dict()
    words = MESSAGES.get(name)
    return words(about) if words else "is not valid"


def _a(kinds: Iterable[str]) -> str:
    return " or ".join(sorted(KIND_NAMES.get(kind, kind) for kind in kinds if kind != "null"))


def _lacking(branches: list[list[ValidationError]]) -> list[str]:
    return [branch[0].kind.as_dict()["property"] for branch in branches]


KIND_NAMES = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
FORMAT_NAMES = {"date": "a day (YYYY-MM-DD)", "date-time": f"a moment in ISO 8601, {moments.WORDS}"}
PATTERN_NAMES = {
    NOT_BLANK: "must not be blank",
    CURRENCY_CODE: "must be a currency code of three letters",
    COUNTRY_CODE: "must be a country code of two letters",
}
MESSAGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "required": lambda about: "is required",
    "type": lambda about: f"must be {_a(about['types'])}",
    "wholeNumber": lambda about: "must be an integer",
    "minimum": lambda about: f"must be at least {about['limit']}",
    "maximum": lambda about: f"must be at most {about['limit']}",
    "minLength": lambda about: "must not be empty",
    "maxLength": lambda about: f"must have at most {about['limit']} characters",
    "maxItems": lambda about: f"must have at most {about['limit']} items",
    "format": lambda about: f"must be {FORMAT_NAMES[about['format']]}",
    "pattern": lambda about: PATTERN_NAMES[about["pattern"]],
    "enum": lambda about: "must be one of " + ", ".join(option for option in about["options"] if option),
    "anyOf": lambda about: "needs at least one of " + ", ".join(_lacking(about["context"])),
}
