"""Reading merges: those of a person, and how each is told."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.rest.paging import Column, Ordering
from crm.tenancy.scope import current_eyes
from customers import masking
from customers.models import MergeRecord
from customers.models.veil import as_seen
from customers.parts import family_ids
from customers.payloads import wire_name, wire_value
from customers.unmerging import may_undo, undo_until

MERGES = Ordering("merges", {"at": Column("at")}, default="-at")


def merges_of(customer: UUID) -> "QuerySet[MergeRecord]":
    """Every merge that made this person what they are, undone ones too. One statement now, one when read."""
    family = family_ids(customer)
    merges: QuerySet[MergeRecord] = MergeRecord.objects.filter(Q(winner__in=family) | Q(loser__in=family))
    return merges


def live_merge_of(loser: UUID) -> MergeRecord | None:
    """The merge that an id was merged away by, while that stands."""
    found: MergeRecord | None = MergeRecord.objects.live().filter(loser=loser).first()
    return found


def merge_payload(record: MergeRecord) -> dict[str, Any]:
    """A merge as the API tells it; values under the masks of who asks."""
    return {
        "id": str(record.pk),
        "winnerId": str(record.winner_id),
        "loserId": str(record.loser_id),
        "rule": record.rule,
        "reason": as_seen(record.reason) or None,
        "score": record.score,
        "mergedBy": record.actor,
        "mergedAt": wire_value(record.at),
        "changes": [_change(name, told) for name, told in sorted(record.before.items())],
        "moved": moved_payload(record.moved),
        "canUndo": may_undo(record, timezone.now()),
        "undoUntil": wire_value(undo_until(record)),
        "undoneAt": wire_value(record.undone_at),
        "undoneBy": record.undone_by or None,
        "undoneReason": as_seen(record.undone_reason) or None,
    }


def moved_payload(moved: Mapping[str, int]) -> dict[str, int]:
    """customers.Booking -> booking."""
    names = {label: label.rpartition(".")[2] for label in moved}
    return {name[:1].lower() + name[1:]: moved[label] for label, name in names.items()}


def _change(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    before, after = told["before"], told["after"]
    return {
        "field": wire_name(name),
        "from": seen_value(name, before[0]),
        "to": seen_value(name, after[0]),
        "source": after[1][5] if after[1] else None,
    }


def seen_value(name: str, value: Any) -> Any:
    """A value of a profile's column as the masks of who asks leave it; nothing for blank."""
    kind, masks = masking.kind_of(name), current_eyes().masks
    if kind is not None and kind in masks:
        return masking.left_of(kind, masks[kind], value) or None
    return (as_seen(value) if isinstance(value, str | dict) else value) if value != "" else None
