"""What a rule can be about: fields of a person, relations with rows, and how each is read from the database. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple

from segments.statements import Sql, sql


class Kind(StrEnum):
    """What a value is, and so which operators apply to it."""

    TEXT = "text"  # compared as people do: neither case nor accents count
    CODE = "code"  # compared letter for letter: an id, or one of some choices
    NUMBER = "number"
    BOOL = "yes or no"
    DATE = "date"
    MOMENT = "moment"
    AGE = "age"  # in years, of a date of birth
    LIST = "list"  # of codes
    SEGMENTS = "segments"  # that the person is in
    SAMPLE = "sample"  # a share of all people, the same ones every time
    ANY = "value"  # of JSON, whose kind the rule itself tells


class Choice(NamedTuple):
    value: str
    label: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """Something that is known of a person, or of a row of a relation.

    column:  its value in SQL. {row} is the alias of the relation's row; of a person, p is the profile and m the
             metrics. Blank text and an empty list stand for no value.
    unit:    "cents" or "points", where a number has one.
    is_past: a moment that is never ahead of us, such as that of something which happened.
    history: its name in FieldChange, where what it was before is known.
    tells:   the kind of personal data (crm.tenancy.masks.Personal) that a rule over it would tell.
    key:     of a custom field, for the index that finds equal values.
    """

    name: str
    kind: Kind
    label: str
    column: Sql
    group: str = ""
    choices: tuple[Choice, ...] = ()
    aliases: tuple[str, ...] = ()
    unit: str = ""
    is_past: bool = False
    history: str = ""
    tells: str = ""
    key: str = ""
    help_text: str = ""


Maker = Callable[[str], "Field | None"]


@dataclass(frozen=True)
class Words:
    """Fields by name. `makers` make those of a map by what follows the prefix: {"externalIds.": …}."""

    fields: Mapping[str, Field]
    makers: Mapping[str, Maker] = field(default_factory=dict)

    def find(self, name: str) -> Field | None:
        known = self.fields.get(name)
        if known is None:
            known = next((one for one in self.fields.values() if name in one.aliases), None)
        if known is None:
            prefix, dot, rest = name.partition(".")
            maker = self.makers.get(prefix + dot)
            known = maker(rest) if maker and rest else None
        return known

    def nearest(self, name: str) -> str:
        """The name that was perhaps meant, or nothing."""
        return nearest(
            name, [*self.fields, *(alias for one in self.fields.values() for alias in one.aliases)]
        )


@dataclass(frozen=True)
class Relation:
    """Rows that belong to a person, such as bookings; `one` of them is a booking.

    source: the FROM of them; {row} is the alias of the row, which has tenant_id, customer_id and id.
    when:   SQL that says which rows count at all, if not all.
    time:   the field that says when it was, by which rows are put in order and "within" counts.
    """

    name: str
    label: str
    one: str
    source: str
    words: Words = field(compare=False)
    time: str
    when: str = "true"

    @property
    def time_field(self) -> Field:
        return self.words.fields[self.time]


@dataclass(frozen=True)
class Vocabulary:
    """Everything that the rules of one tenant can be about."""

    words: Words
    relations: Mapping[str, Relation]

    def groups(self) -> Iterator[tuple[str, list[Field]]]:
        """The fields of a person by their groups, in the order of the registry."""
        found: dict[str, list[Field]] = {}
        for one in self.words.fields.values():
            found.setdefault(one.group, []).append(one)
        yield from found.items()


_JSON = {
    Kind.TEXT: ("string", ""),
    Kind.NUMBER: ("number", "::numeric"),
    Kind.BOOL: ("boolean", "::boolean"),
}


def of_json(field: Field, kind: Kind) -> Field:
    """A field of JSON, taken as text, a number or a flag; what is something else there is no value."""
    type_name, cast = _JSON[kind]
    is_one = f"jsonb_typeof({{json}}) = '{type_name}'"
    template = f"CASE WHEN {is_one} THEN ({{json}} #>> '{{}}'){cast} END"
    return replace(field, kind=kind, column=sql(template, json=field.column))


def nearest(name: str, names: list[str]) -> str:
    by_case = {known.lower(): known for known in names}
    close = get_close_matches(name[:100].lower(), by_case, n=1, cutoff=0.6)
    return by_case[close[0]] if close else ""
