"""One column against one operator, in SQL. What has no value is null here, and false at the latest in a WHERE."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

from customers.terms import fold
from segments import patterns, values
from segments.conditions import Days, Spans, times_of
from segments.periods import Clock, Span
from segments.statements import Later, Sql, joined, sql
from segments.vocabulary import Field, Kind

# customers_fold, without the call where there are no accents to look at.
_FOLDED = "(CASE WHEN octet_length({c}) = length({c}) THEN lower({c}) ELSE customers_fold({c}) END)"
_SIGNS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TEXTS = {
    "eq": "{text} = {value}",
    "contains": "strpos({text}, {value}) > 0",
    "startsWith": "starts_with({text}, {value})",
    "endsWith": "right({text}, length({value})) = {value}",
}
_LISTS = {
    "contains": "{c} @> {value}::varchar[]",
    "containsAny": "{c} && {value}::varchar[]",
    "containsAll": "{c} @> {value}::varchar[]",
    "lengthEq": "cardinality({c}) = {value}",
    "lengthGte": "cardinality({c}) >= {value}",
    "lengthLte": "cardinality({c}) BETWEEN 1 AND {value}",
}


def column_of(field: Field, clock: Clock, row: str = "") -> Sql:
    """The value of a field of a person, or of a relation's row by its alias."""
    text, params = field.column
    zone = str(clock.zone)
    return Sql(text.replace("{row}", row), tuple(zone if one is Later.ZONE else one for one in params))


def was(field: Field, json: Sql) -> Field:
    """A field of a person, as the JSON that its history keeps."""
    return replace(field, column=sql(_FROM_JSON.get(field.kind, "({json} #>> '{}')"), json=json), key="")


_FROM_JSON = {
    Kind.NUMBER: "({json} #>> '{}')::numeric",
    Kind.BOOL: "({json} #>> '{}')::boolean",
    Kind.DATE: "({json} #>> '{}')::date",
    Kind.AGE: "({json} #>> '{}')::date",
    Kind.MOMENT: "({json} #>> '{}')::timestamptz",
    Kind.LIST: "ARRAY(SELECT jsonb_array_elements_text({json})::varchar)",
}


def compared(column: Sql, field: Field, operator: str, value: Any, clock: Clock) -> Sql:
    """Whether a positive operator holds of a column."""
    times = times_of(field, operator, value, clock)
    if times is not None:
        return in_time(column, field.kind, times, clock)
    if operator == "isNotNull":
        return _is_known(column, field.kind)
    if field.key and (indexed := _by_index(field, operator, value)):
        return indexed
    if field.kind is Kind.LIST:
        wanted = [value] if operator == "contains" else list(value) if isinstance(value, tuple) else value
        return sql(_LISTS[operator], c=column, value=wanted)
    if field.kind in (Kind.TEXT, Kind.CODE):
        return _text(column, field, operator, value)
    if operator == "between":
        return sql("{c} BETWEEN {low} AND {high}", c=column, low=value[0], high=value[1])
    if operator == "in":
        return sql("{c} = ANY({values}::numeric[])", c=column, values=list(value))
    return sql(f"{{c}} {_SIGNS[operator]} {{value}}", c=column, value=value)


def _is_known(column: Sql, kind: Kind) -> Sql:
    if kind is Kind.LIST:
        return sql("cardinality({c}) > 0", c=column)
    if kind in (Kind.TEXT, Kind.CODE):
        return sql("{c} <> ''", c=column)
    if kind is Kind.ANY:
        return sql("{c} <> ALL (ARRAY['null', '\"\"', '[]', '{}']::jsonb[])", c=column)
    return sql("{c} IS NOT NULL", c=column)


def _text(column: Sql, field: Field, operator: str, value: Any) -> Sql:
    is_folded = field.kind is Kind.TEXT
    text = sql(_FOLDED, c=column) if is_folded else column
    if operator == "matches":
        pattern = patterns.in_postgres(value, is_folded=is_folded)
        return sql("({c} <> '' AND {text} ~ {pattern})", c=column, text=text, pattern=pattern)
    if operator == "in":
        texts = [fold(one) if is_folded else one for one in value]
        return sql("{text} = ANY({texts}::text[])", text=text, texts=texts)
    return sql(_TEXTS[operator], text=text, value=fold(value) if is_folded else value)


def _by_index(field: Field, operator: str, value: Any) -> Sql | None:
    """Equal custom values: the GIN index finds them, which leaves out everybody without any."""
    wanted: list[Any]
    if field.kind in (Kind.CODE, Kind.NUMBER, Kind.BOOL) and operator in ("eq", "in"):
        wanted = list(value) if operator == "in" else [value]
    elif field.kind is Kind.LIST and operator in ("contains", "containsAny", "containsAll"):
        wanted = [[one] for one in value] if operator == "containsAny" else [value]
        wanted = [[value]] if operator == "contains" else wanted
    else:
        return None
    maps = (json.dumps({field.key: _plain(one)}) for one in wanted)
    holds = [sql("p.custom_fields @> {map}::jsonb", map=one) for one in maps]
    return sql("(p.custom_fields <> '{}' AND ({any}))", any=joined(" OR ", holds))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | list) else values.written(value)


# --- times
def in_time(column: Sql, kind: Kind, times: Spans | Days, clock: Clock) -> Sql:
    if isinstance(times, Days):
        return sql("{day} = ANY({days}::int[])", day=_yearly(column, kind, clock), days=sorted(times.days))
    return sql("({any})", any=joined(" OR ", [in_span(column, span, kind) for span in times.spans]))


def _yearly(column: Sql, kind: Kind, clock: Clock) -> Sql:
    """Month * 100 + day, of a moment as the zone's calendar has it."""
    day = sql("({c} AT TIME ZONE {zone})", c=column, zone=str(clock.zone)) if kind is Kind.MOMENT else column
    return sql("(extract(month FROM {day}) * 100 + extract(day FROM {day}))::int", day=day)


def in_span(column: Sql, span: Span, kind: Kind) -> Sql:
    ends = [(sign, end) for sign, end in ((">=", span.start), ("<", span.end)) if end is not None]
    return joined(" AND ", [_bound(column, sign, end, kind) for sign, end in ends])


def _bound(column: Sql, sign: str, end: date, kind: Kind) -> Sql:
    cast = "timestamptz" if kind is Kind.MOMENT else "date"
    return sql(f"{{c}} {sign} {{end}}::{cast}", c=column, end=end)
