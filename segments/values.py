"""Values of rules: read from JSON, checked, and written back in one spelling. Pure."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from crm.moments import WORDS, is_plausible
from customers.terms import fold
from segments import patterns
from segments.operators import Operator, Shape
from segments.periods import MOST, Around, Between, Length, Period, Unit
from segments.vocabulary import Field, Kind, nearest

LONGEST, MOST_VALUES, DIGITS, OLDEST, FURTHEST = 500, 1000, 15, 150, 183
BIGGEST = 10**DIGITS
YEARLY = (
    Period.TODAY, Period.YESTERDAY, Period.TOMORROW, Period.THIS_WEEK, Period.LAST_WEEK, Period.NEXT_WEEK,
    Period.THIS_MONTH, Period.LAST_MONTH, Period.NEXT_MONTH,
)  # fmt: skip
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


class Unusable(ValueError):
    """The value is none that the operator takes; `at` is where in it, such as "[2]"."""

    def __init__(self, message: str, at: str = "") -> None:
        super().__init__(message)
        self.at = at


class Share(NamedTuple):
    """A share of all people in percent, and what it is drawn by."""

    percent: Decimal
    seed: str = ""


def read(operator: Operator, field: Field, raw: Any) -> Any:
    """The value as executors compare with it. Raises Unusable."""
    match operator.shape:
        case Shape.NONE:
            if raw is not None:
                raise Unusable("must be left out: the operator takes no value")
            return None
        case Shape.ONE:
            return one(field, raw)
        case Shape.MANY:
            return many(field, raw)
        case Shape.PAIR:
            return _pair(field, raw)
        case Shape.COUNT:
            return _whole(raw, 1, MOST_VALUES)
        case Shape.PATTERN:
            return _pattern(raw)
        case Shape.LENGTH:
            return length(raw, field.kind)
        case Shape.BETWEEN:
            return _between(raw, field.kind)
        case Shape.PERIOD:
            return _period(raw, YEARLY if operator.name == "anniversaryDuring" else tuple(Period))
        case Shape.AROUND:
            return _around(raw)


def one(field: Field, raw: Any) -> Any:
    return _READERS[field.kind](field, raw)


def many(field: Field, raw: Any) -> tuple[Any, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        raise Unusable("must be a list with at least one value")
    if len(raw) > MOST_VALUES:
        raise Unusable(f"must have at most {MOST_VALUES:,} values")
    return tuple(dict.fromkeys(_at(field, value, f"[{number}]") for number, value in enumerate(raw)))


def _at(field: Field, raw: Any, place: str) -> Any:
    try:
        return one(field, raw)
    except Unusable as error:
        raise Unusable(str(error), place + error.at) from None


def written(value: Any) -> Any:
    """A value as JSON carries it; `read` gives the same value again."""
    match value:
        case bool() | None:
            return value
        case Length(amount, unit):
            return {"amount": amount, "unit": unit.value}
        case Between(least, most, unit):
            return {"from": least, "to": most, "unit": unit.value}
        case Around(first, last):
            return {"from": first, "to": last}
        case Period():
            return value.value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case tuple():
            return [written(item) for item in value]
    return value


# --- one value of each kind
def text(raw: Any, longest: int = LONGEST) -> str:
    """Text that a database can hold and somebody can see. Raises Unusable."""
    if not isinstance(raw, str) or not raw.strip():
        raise Unusable("must be text")
    if len(raw) > longest:
        raise Unusable(f"must have at most {longest} characters")
    if "\x00" in raw or any("\ud800" <= letter <= "\udfff" for letter in raw):
        raise Unusable("has characters that no text can have")
    return raw


def _text(field: Field, raw: Any) -> str:
    if not fold(found := text(raw)).strip():
        raise Unusable("has no letter or sign that could be compared")
    return found


def _code(field: Field, raw: Any) -> str:
    found = text(str(raw) if _is_number(raw) and raw == int(raw) else raw)
    if not field.choices:
        return found
    spelt = {fold(word): one.value for one in field.choices for word in (one.label, *one.aliases, one.value)}
    if (chosen := spelt.get(fold(found))) is None:
        values = [choice.value for choice in field.choices]
        near = nearest(found, values)
        raise Unusable(f"must be one of: {', '.join(values)}" + (f". Did you mean “{near}”?" if near else ""))
    return chosen


def _number(field: Field, raw: Any) -> Decimal:
    if not _is_number(raw):
        raise Unusable(f"must be a number of at most {DIGITS} digits")
    number = Decimal(str(raw))
    if len(number.as_tuple().digits) > DIGITS or (number and abs(number.adjusted()) > DIGITS):
        raise Unusable(f"must have at most {DIGITS} digits")
    return number


def _is_number(raw: Any) -> bool:
    """Whether it is a number that is not out of all bounds: even to write those out takes long."""
    is_one = isinstance(raw, int | float | Decimal) and not isinstance(raw, bool)
    return is_one and -BIGGEST < raw < BIGGEST


def _flag(field: Field, raw: Any) -> bool:
    found = _FLAGS.get(raw.strip().lower()) if isinstance(raw, str) else raw
    if not isinstance(found, bool):
        raise Unusable("must be true or false")
    return found


def day(raw: Any) -> date:
    """Raises Unusable."""
    try:
        found = (
            date.fromisoformat(raw.strip()) if isinstance(raw, str) and _DAY.fullmatch(raw.strip()) else None
        )
    except ValueError:
        found = None
    if found is None or not is_plausible(found):
        raise Unusable(f"must be a day, YYYY-MM-DD, {WORDS}")
    return found


def _day(field: Field, raw: Any) -> date:
    return day(raw)


def _moment(field: Field, raw: Any) -> date:
    """A moment, or a day for all of it."""
    if isinstance(raw, str) and _DAY.fullmatch(raw.strip()):
        return day(raw)
    try:
        found = datetime.fromisoformat(raw.strip()) if isinstance(raw, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not is_plausible(found):
        raise Unusable(
            f"must be a day, YYYY-MM-DD, or a moment with its zone, {WORDS}, such as 2026-11-25T06:30:00Z"
        )
    return found.astimezone(UTC)


def _age(field: Field, raw: Any) -> int:
    return _whole(raw, 0, OLDEST)


def _segment(field: Field, raw: Any) -> UUID:
    try:
        return UUID(raw)
    except (ValueError, AttributeError, TypeError):
        raise Unusable("must be the id of a segment") from None


def _share(field: Field, raw: Any) -> Share:
    percent = _number(field, raw)
    if not 0 < percent < 100:
        raise Unusable("must be a percentage above 0 and below 100")
    return Share(percent.quantize(Decimal("0.01")))


_READERS: dict[Kind, Callable[[Field, Any], Any]] = {
    Kind.TEXT: _text,
    Kind.CODE: _code,
    Kind.NUMBER: _number,
    Kind.BOOL: _flag,
    Kind.DATE: _day,
    Kind.MOMENT: _moment,
    Kind.AGE: _age,
    Kind.LIST: _code,
    Kind.SEGMENTS: _segment,
    Kind.SAMPLE: _share,
    Kind.ANY: _text,
}


# --- values that are not of the field's kind
def _whole(raw: Any, least: int, most: int) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
        raise Unusable(f"must be a whole number from {least} to {most:,}")
    return raw


def _pair(field: Field, raw: Any) -> tuple[Any, Any]:
    ends = [raw.get("from"), raw.get("to")] if isinstance(raw, dict) and set(raw) == {"from", "to"} else raw
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise Unusable("must be a list of two values, the lower one first")
    low, high = (_at(field, value, f"[{number}]") for number, value in enumerate(ends))
    if _comparable(low) > _comparable(high):
        raise Unusable("must have the lower value first")
    return low, high


def _comparable(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _pattern(raw: Any) -> str:
    found = text(raw, patterns.LONGEST)
    if wrong := patterns.problem(found):
        raise Unusable(wrong)
    return found


def length(raw: Any, kind: Kind = Kind.MOMENT, units: Sequence[Unit] = tuple(Unit)) -> Length:
    """Raises Unusable."""
    raw = _keys(raw, ("amount", "unit"))
    unit = _unit(raw["unit"], kind, units)
    return Length(_whole_at(raw, "amount", 0, MOST[unit]), unit)


def _between(raw: Any, kind: Kind) -> Between:
    raw = _keys(raw, ("from", "to", "unit"))
    unit = _unit(raw["unit"], kind, tuple(Unit))
    least, most = (_whole_at(raw, name, 0, MOST[unit]) for name in ("from", "to"))
    return Between(min(least, most), max(least, most), unit)


def _around(raw: Any) -> Around:
    raw = _keys(raw, ("from", "to"))
    first, last = (_whole_at(raw, name, -FURTHEST, FURTHEST) for name in ("from", "to"))
    if first > last:
        raise Unusable("must not begin after its end: days ago are negative")
    return Around(first, last)


def _period(raw: Any, allowed: Sequence[Period]) -> Period:
    names = [period.value for period in allowed]
    if raw not in names:
        near = nearest(raw, names) if isinstance(raw, str) else ""
        raise Unusable(f"must be one of: {', '.join(names)}" + (f". Did you mean “{near}”?" if near else ""))
    return Period(raw)


def _keys(raw: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(raw, dict) or set(raw) != set(names):
        raise Unusable(f"must be an object with {', '.join(names[:-1])} and {names[-1]}")
    return raw


def _whole_at(raw: dict[str, Any], name: str, least: int, most: int) -> int:
    try:
        return _whole(raw[name], least, most)
    except Unusable as error:
        raise Unusable(str(error), f".{name}") from None


def _unit(raw: Any, kind: Kind, units: Sequence[Unit]) -> Unit:
    allowed = [unit.value for unit in units if not (unit.slides and kind is Kind.DATE)]
    name = raw.strip().lower() if isinstance(raw, str) else ""
    name = name if name.endswith("s") else f"{name}s"
    if name not in allowed:
        raise Unusable(f"must be one of: {', '.join(allowed)}", ".unit")
    return Unit(name)
