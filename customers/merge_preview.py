"""What a merge would come to, field by field, before anybody decides: reading only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from crm.errors import CustomerNotFound
from crm.tenancy.scope import current_eyes
from customers import masking, moving
from customers.automatic import known_people
from customers.conflicts import conflict
from customers.families import Family, load_families
from customers.identity_settings import current_rules
from customers.merging import MergeRefused, check_chosen
from customers.models.veil import as_seen
from customers.payloads import WIRE
from customers.resolution import roots_of
from customers.stamps import EPOCH, Stamp
from customers.survivorship import CHOSEN_WITH, CONSENTS, NOT_CHOSEN, Row, merge_writes

# Not shown: they follow from others, or say nothing of the person.
SHOWN = [
    name
    for name in WIRE
    if name not in CHOSEN_WITH
    and name not in {at for at, _ in CONSENTS.values()}
    and name
    not in {
        "id", "external_id", "merged_into_id", "merged_at", "merge_reason", "deleted_at", "created_by", "updated_by",
        "updated_at", "lifecycle_stage", "is_light", "custom_fields",
    }
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What one of the two says of a field; source and at are empty where nobody is known to have said it."""

    value: Any
    source: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A field of which at least one says something. stands: "winner", "loser", or "both" for what is of both."""

    field: str
    winner: Told
    loser: Told
    result: Any
    stands: str
    may_choose: bool

    @property
    def differs(self) -> bool:
        return bool(self.winner.value != self.loser.value)


@dataclass(frozen=True, slots=True)
class Preview:
    """moves: model -> how many rows go over. conflict: why it would not happen by itself. is_one: they are already."""

    winner: UUID
    loser: UUID
    lines: list[Line]
    moves: dict[str, int]
    conflict: str
    is_one: bool


def preview_merge(winner: UUID, loser: UUID, *, chosen: Mapping[str, str] | None = None) -> Preview:
    """What merging these two would come to.

    Raises CustomerNotFound, MergeRefused, ValidationFailed, as the merge does. About 25 statements.
    """
    if winner == loser:
        raise MergeRefused("Nobody can be merged with themselves.")
    check_chosen(chosen or {})
    roots = {pk: pk for pk in (winner, loser)} | roots_of([winner, loser])
    with transaction.atomic():
        families = load_families(set(roots.values()))
    if len(families) != len(set(roots.values())):
        raise CustomerNotFound("There is no customer with this id.")
    one, other = families[roots[winner]], families[roots[loser]]
    if one is other:
        return Preview(one.root, other.root, [], {}, "", is_one=True)
    known = known_people(families)
    why = conflict(
        known[one.root], known[other.root], is_ever_one=lambda kind: current_rules().of(kind).is_ever_one
    )
    result = _result(one, other, chosen or {})
    lines = [line for name in _names(one.row, other.row) if (line := _line(name, one.row, other.row, result))]
    return Preview(one.root, other.root, lines, moving.counted(other.root), why, is_one=False)


def _result(one: Family, other: Family, chosen: Mapping[str, str]) -> Row:
    both = Family(one.root, one.row, one.parts | other.parts, one.writes + other.writes)
    now = Stamp(1, 0, 0, 0, "", "")
    said = merge_writes(one.row, other.row, both.fold(), chosen=chosen, stamp=now)
    return both.fold(said)


def _names(one: Row, other: Row) -> list[str]:
    custom = sorted(one["custom_fields"].keys() | other["custom_fields"].keys())
    return [*SHOWN, *(f"custom_fields.{key}" for key in custom)]


def _line(name: str, winner: Row, loser: Row, result: Row) -> Line | None:
    values = [_value(row, name) for row in (winner, loser, result)]
    if not any(_says(value) for value in values[:2]):
        return None
    stands = "winner" if values[2] == values[0] else "loser" if values[2] == values[1] else "both"
    seen = [_seen(name, value) for value in values]
    return Line(
        name,
        _told(winner, name, seen[0]),
        _told(loser, name, seen[1]),
        seen[2],
        stands,
        may_choose=name not in NOT_CHOSEN and values[0] != values[1],
    )


def _says(value: Any) -> bool:
    return value not in (None, "", [], {}, False)


def _value(row: Row, name: str) -> Any:
    column, dot, key = name.partition(".")
    return row[column].get(key) if dot else row[column]


def _told(row: Row, name: str, value: Any) -> Told:
    stamp = row["provenance"].get(name)
    if stamp is None:
        return Told(value)
    return Told(value, stamp[5], EPOCH + timedelta(microseconds=stamp[2]))


def _seen(name: str, value: Any) -> Any:
    """As the masks of who asks leave it."""
    kind, masks = masking.kind_of(name.partition(".")[0]), current_eyes().masks
    if kind is not None and kind in masks:
        return masking.left_of(kind, masks[kind], value)
    return as_seen(value) if isinstance(value, str | dict) and masks else value
