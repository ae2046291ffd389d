"""Stores the rows that sources tell about people and clubs: bookings, memberships, orders, payments …"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from crm.tenancy.rows import insert_rows, read_rows, update_rows
from customers import models
from customers.models import SourceFact
from customers.stamps import Stamp, fold

MODELS: dict[str, type[SourceFact]] = {
    "membership": models.Membership,
    "booking": models.Booking,
    "booking_player": models.BookingPlayer,
    "competition_entry": models.CompetitionEntry,
    "handicap": models.HandicapRevision,
    "association_number": models.AssociationNumber,
    "club_event": models.ClubEvent,
    "course_closure": models.CourseClosure,
    "order": models.Order,
    "payment": models.Payment,
    "invoice": models.Invoice,
    "deal": models.Deal,
    "ticket": models.Ticket,
    "privacy_request": models.PrivacyRequest,
}
WHOLE = ":"
COLUMNS = {
    kind: [f.attname for f in model._meta.concrete_fields if f.attname not in {"id", "tenant_id"}]
    for kind, model in MODELS.items()
}


class FactWrite(NamedTuple):
    """What one event says about one row. `opening` only fills, `values` write by time.

    customer: whose it is; part: the part of them that it was told of.
    """

    kind: str
    key: str
    customer: UUID | None
    part: UUID | None
    values: Mapping[str, Any]
    opening: Mapping[str, Any]
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class FactChange:
    """A row before and after a batch; `before` is empty for a new one."""

    kind: str
    before: dict[str, Any]
    after: dict[str, Any]


def apply_facts(writes: Sequence[FactWrite], *, now: datetime) -> list[FactChange]:
    """Fold the writes into their rows, in the caller's transaction. Three statements a kind."""
    changes: list[FactChange] = []
    for kind in sorted({write.kind for write in writes}):
        changes += _apply_kind(kind, [write for write in writes if write.kind == kind], now)
    return changes


def _apply_kind(kind: str, writes: Sequence[FactWrite], now: datetime) -> list[FactChange]:
    keys = {write.key for write in writes}
    rows = _claim(kind, sorted(keys | _relatives(kind, keys)), now)
    before = {key: row | {"stamps": dict(row["stamps"])} for key, row in rows.items()}
    people = {row["recorded_for"]: row["customer_id"] for row in rows.values()}
    people |= {write.part: write.customer for write in writes}
    for write in writes:
        row = rows[write.key]
        owner = {} if write.part is None else {"recorded_for": write.part}
        fold(row, row["stamps"], {**write.values, **owner}, write.stamp)
        fold(row, row["stamps"], write.opening, write.stamp._replace(tier=0))
    _spread(rows)
    blanks = _blanks(kind)
    for row in rows.values():
        row |= {name: blank for name, blank in blanks.items() if row[name] is None}
        if row["recorded_for"] is not None:
            row["customer_id"] = people[row["recorded_for"]]
    update_rows(MODELS[kind], list(rows.values()), COLUMNS[kind])
    return [FactChange(kind, before[key] if before[key]["stamps"] else {}, row) for key, row in rows.items()]


def _relatives(kind: str, keys: Collection[str]) -> set[str]:
    """Rows that must follow: what is said of a member at large (key "<member>:") holds at each of their clubs."""
    if kind != "membership":
        return set()
    members = {key.partition(WHOLE)[0] + WHOLE for key in keys}
    same_member = reduce(or_, (Q(key__startswith=member) for member in members))
    return set(models.Membership.objects.filter(same_member).values_list("key", flat=True))


def _spread(rows: Mapping[str, dict[str, Any]]) -> None:
    """Let each row win over what is older in it from the row about the whole that it belongs to."""
    for key, row in rows.items():
        whole = rows.get(key.partition(WHOLE)[0] + WHOLE)
        if whole is None or whole is row:
            continue
        for name, stamp in whole["stamps"].items():
            fold(row, row["stamps"], {name: whole[name]}, Stamp(*stamp))


def _claim(kind: str, keys: list[str], now: datetime) -> dict[str, dict[str, Any]]:
    """Make the rows that are missing and lock them all, in the order of their keys."""
    model = MODELS[kind]
    blank = {f.attname: f.get_default() for f in model._meta.concrete_fields} | {"created_at": now}
    insert_rows(
        model, [{**blank, "key": key} for key in keys], COLUMNS[kind], conflict="(tenant_id, key) DO NOTHING"
    )
    locked = read_rows(model, ["id", *COLUMNS[kind]], "key = ANY(%s) ORDER BY key FOR UPDATE", [keys])
    return {row["key"]: row for row in locked}


def _blanks(kind: str) -> dict[str, Any]:
    """Attributes that are never null and what stands for nothing in them: a null is a write that clears."""
    fields = MODELS[kind]._meta.concrete_fields
    return {f.attname: f.get_default() for f in fields if not f.null and f.attname in COLUMNS[kind]}
