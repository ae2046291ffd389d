"""Merging people: one function for staff, keys, bulk and automatic merges; see customers.models.ProfilePart.

Lock order as everywhere: profiles by id, then facts by key. All of it happens in one transaction, or nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.database import retrying
from crm.errors import BusinessRule, Conflict, CustomerNotFound, Detail, ValidationFailed
from crm.outbox.services import News, emit_many
from crm.tenancy import audit
from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows, run, update_rows
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition
from customers import ledger, moving
from customers.acts import Act, record_acts
from customers.families import Family, load_families, lock_families, store_families, written
from customers.grounds import Ground, event_of, statements
from customers.models import CustomerProfile, CustomerSearch, MergeRecord, MergeRule, Status
from customers.payloads import WIRE, row_payload, updated_payload, wire_name, wire_value
from customers.stamps import Stamp
from customers.survivorship import NOT_CHOSEN, Row, Write, merge_writes

BY = "job:merge"
# Of a row, what no part says: its own bookkeeping, and what is derived after the fold.
KEPT = (
    "version", "updated_at", "updated_by", "created_by", "lifecycle_stage", "stage_due_at", "deleted_at", "erased_at",
    "processing_restricted_at", "legal_hold_at",
)  # fmt: skip
GONE = (
    "status",
    "merged_into_id",
    "merged_at",
    "merge_reason",
    "stage_due_at",
    "updated_at",
    "updated_by",
    "version",
)
RECORD = (
    "id", "winner_id", "loser_id", "rule", "reason", "score", "actor", "at", "source", "source_event_id", "writes",
    "before", "moved", "undone_by", "undone_reason",
)  # fmt: skip
LINK_COLUMNS = ("auth_user_id", "scl_member_id", "teetime_player_id", "messaging_contact_id", "external_ids")
PAIRS_DONE = """
    UPDATE customers_duplicatecandidate c SET status = 'MERGED', decided_by = %s, decided_at = %s
    FROM customers_profilepart a JOIN customers_profilepart b ON b.tenant_id = a.tenant_id AND b.root_id = a.root_id
    WHERE a.tenant_id = %s AND a.root_id = ANY(%s) AND c.tenant_id = a.tenant_id
        AND c.first_id = a.customer_id AND c.second_id = b.customer_id AND c.status <> 'MERGED'
"""


class MergeRefused(BusinessRule):
    """These can't be merged."""

    code = "INVALID_MERGE"


class DeletedCustomer(Conflict):
    """One of them is deleted: restore them first."""

    code = "CUSTOMER_DELETED"


class RestrictedCustomer(Conflict):
    """The processing of one of them is restricted: they are merged when that is lifted."""

    code = "PROCESSING_RESTRICTED"


class Pair(NamedTuple):
    """Two who are one person; the winner's id stays.

    chosen: attribute -> "winner" or "loser": whose value stands, against the usual rule.
    cause:  of an automatic merge, the stamp of the event that tied them; is_past: that was an event of the past.
    """

    winner: UUID
    loser: UUID
    reason: str = ""
    chosen: Mapping[str, str] = {}
    score: int | None = None
    cause: Stamp | None = None
    is_past: bool = False


@dataclass(slots=True)
class Merge:
    """One merge of a batch: what is to be recorded of it."""

    pair: Pair
    id: UUID
    winner: UUID
    loser: UUID
    loser_row: Row
    writes: list[Write]
    ground: Ground
    before: dict[str, Any]
    moved: dict[str, int] = field(default_factory=dict)


def merge_customers(
    winner: UUID,
    loser: UUID,
    *,
    by: str,
    rule: MergeRule = MergeRule.MANUAL,
    reason: str = "",
    chosen: Mapping[str, str] | None = None,
    score: int | None = None,
    if_match: Condition = ANY,
) -> MergeRecord | None:
    """Make one person of two; None where they were one already. A merged id stands for its survivor.

    if_match: the versions of the winner that the merge may be decided on.
    Raises CustomerNotFound, MergeRefused for a merge with oneself, DeletedCustomer, ValidationFailed for a choice that
    can't be made, PreconditionFailed.
    """
    if winner == loser:
        raise MergeRefused("Nobody can be merged with themselves.")
    check_chosen(chosen or {})
    pair = Pair(winner, loser, reason, chosen or {}, score)

    @transaction.atomic
    def merge() -> MergeRecord | None:
        if if_match != ANY:
            root = lock_families([winner, loser]).get(winner)
            for profile in CustomerProfile.objects.filter(pk=root):
                if_match.check(profile.etag)
        (made,) = merge_many([pair], by=by, rule=rule)
        record: MergeRecord | None = MergeRecord.objects.filter(pk=made).first()
        return record

    return retrying(merge)


def check_chosen(chosen: Mapping[str, str]) -> None:
    """Raises ValidationFailed for an attribute whose value can't be chosen, or no side."""
    attributes = {name for name in WIRE if name not in NOT_CHOSEN}
    problems = []
    for name, side in chosen.items():
        field = f"fields.{wire_name(name)}"
        if name not in attributes and not name.startswith("custom_fields."):
            problems.append(Detail(field, "INVALID_FIELD", "This can't be chosen in a merge."))
        elif side not in ("winner", "loser"):
            problems.append(Detail(field, "INVALID_FIELD", "Choose “winner” or “loser”."))
    if problems:
        raise ValidationFailed("Some choices can't be made.", details=problems)


@transaction.atomic
def merge_many(
    pairs: Sequence[Pair], *, by: str, rule: MergeRule, now: datetime | None = None
) -> list[UUID | None]:
    """Merge pair after pair, chains among them too: the id of each record, None for who was one already.

    Raises CustomerNotFound, DeletedCustomer; then nobody is merged. About 60 statements, whatever the number of pairs.
    """
    now = now or timezone.now()
    roots = lock_families({pk for pair in pairs for pk in (pair.winner, pair.loser)})
    if any(pk not in roots for pair in pairs for pk in (pair.winner, pair.loser)):
        raise CustomerNotFound("There is no customer with this id.")
    batch = _Batch(load_families(set(roots.values())), roots)
    done = [batch.join(pair, by=by, now=now) for pair in pairs]
    made = [merge for merge in done if merge]
    if made:
        _store(batch, made, by=by, now=now)
        _record(made, by=by, rule=rule, now=now)
        _tell(batch, made, by=by, rule=rule, now=now)
    return [merge.id if merge else None for merge in done]


class _Batch:
    """People and who became one with whom, as the merges of a batch go on."""

    def __init__(self, families: dict[UUID, Family], roots: Mapping[UUID, UUID]) -> None:
        self.families, self.roots = families, roots
        self.before = {root: dict(family.row) for root, family in families.items()}
        self.gone: dict[UUID, UUID] = {}

    def root(self, pk: UUID) -> UUID:
        root = self.roots.get(pk, pk)
        while root in self.gone:
            root = self.gone[root]
        return root

    @property
    def changed(self) -> list[Family]:
        """Those who won and were not merged on."""
        return [self.families[root] for root in sorted({self.root(loser) for loser in self.gone})]

    def join(self, pair: Pair, *, by: str, now: datetime) -> Merge | None:
        winner, loser = self.families[self.root(pair.winner)], self.families[self.root(pair.loser)]
        if winner is loser:
            return None
        if Status.DELETED in (winner.row["status"], loser.row["status"]):
            raise DeletedCustomer
        if winner.row["processing_restricted_at"] or loser.row["processing_restricted_at"]:
            raise RestrictedCustomer
        record = uuid7()
        old = winner.row
        ground = Ground.of(winner, loser)
        winner.parts |= loser.parts
        winner.writes += loser.writes
        stamp = pair.cause or Stamp.of_act(by, now)
        stamp = stamp._replace(tier=1, version=0, event=event_of(record))
        said = merge_writes(old, loser.row, winner.fold(), chosen=pair.chosen, stamp=stamp)
        winner.writes += [(winner.root, write) for write in said]
        winner.row = winner.fold() | {name: old[name] for name in KEPT}
        winner.row["legal_hold_at"] = old["legal_hold_at"] or loser.row["legal_hold_at"]
        self.gone[loser.root] = winner.root
        return Merge(
            pair,
            record,
            winner.root,
            loser.root,
            loser.row,
            said,
            ground.by(stamp, pair.chosen),
            _changes(old, winner.row),
        )


def _changes(old: Row, new: Row) -> dict[str, Any]:
    """Attribute -> what stood and what stands, each with its stamp, where that differs."""
    return {
        name: {
            "before": [wire_value(old[name]), old["provenance"].get(name)],
            "after": [wire_value(new[name]), new["provenance"].get(name)],
        }
        for name in WIRE
        if old[name] != new[name]
    }


def _store(batch: _Batch, made: Sequence[Merge], *, by: str, now: datetime) -> None:
    """Write the people, hand over the rows, count anew."""
    store_families(batch.changed, now=now, by=by)
    _refuse(made, by=by, now=now)
    losers = [
        {
            "id": merge.loser, "status": Status.MERGED, "merged_into_id": merge.winner, "merged_at": now,
            "merge_reason": merge.pair.reason[:200], "stage_due_at": None, "updated_at": now, "updated_by": by,
            "version": batch.before[merge.loser]["version"] + 1,
        }
        for merge in made
    ]  # fmt: skip
    update_rows(CustomerProfile, losers, GONE)
    _hold_all(batch.changed)
    counts = moving.move({loser: batch.root(loser) for loser in batch.gone})
    for merge in made:
        merge.moved = counts[merge.loser]
    CustomerSearch.objects.filter(customer__in=list(batch.gone)).delete()
    run(PAIRS_DONE, [by, now, current_tenant().pk, [family.root for family in batch.changed]])
    moving.recount([*batch.gone, *(family.root for family in batch.changed)], now=now)


def _hold_all(families: Iterable[Family]) -> None:
    """A legal hold is on every profile of the person, so that it outlives an undoing on both sides."""
    held = [
        {"id": part, "legal_hold_at": family.row["legal_hold_at"]}
        for family in families
        if family.row["legal_hold_at"] is not None
        for part in sorted(family.parts)
    ]
    update_rows(CustomerProfile, held, ("legal_hold_at",))


def _refuse(made: Sequence[Merge], *, by: str, now: datetime) -> None:
    """The ledger has what a merge says of consent, too, so that the flags follow from it."""
    said = [
        one for merge in made for one in statements(merge.winner, merge.winner, merge.writes, by=by, now=now)
    ]
    ledger.write(said, now=now)


def _record(made: Sequence[Merge], *, by: str, rule: MergeRule, now: datetime) -> None:
    rows = [
        {
            "id": merge.id, "winner_id": merge.winner, "loser_id": merge.loser, "rule": rule,
            "reason": merge.pair.reason[:300], "score": merge.pair.score, "actor": by, "at": now,
            "source": merge.pair.cause.source if merge.pair.cause else "",
            "source_event_id": merge.pair.cause.event if merge.pair.cause else "",
            "writes": written(merge.writes) | merge.ground.kept(), "before": merge.before, "moved": merge.moved,
            "undone_by": "", "undone_reason": "",
        }
        for merge in made
    ]  # fmt: skip
    insert_rows(MergeRecord, rows, RECORD)
    if rule != MergeRule.AUTOMATIC:
        for merge in made:
            after = {"mergeId": str(merge.id), "loserId": str(merge.loser), "reason": merge.pair.reason}
            audit.record(
                "customer.merged", by=by, object_type="customer", object_id=merge.winner, after=after
            )


def _tell(batch: _Batch, made: Sequence[Merge], *, by: str, rule: MergeRule, now: datetime) -> None:
    """The timeline and the rest of the world. Nothing that came with a merge triggers anything: it is of the past."""
    record_acts([_act(merge, batch.root(merge.winner)) for merge in made], by=by)
    news = [
        News(
            "crm.profile.merged",
            str(merge.winner),
            merged_payload(merge, by, now),
            _cause(merge),
            merge.pair.is_past,
        )
        for merge in made
    ]
    emit_many([*news, *updates(batch.before, batch.changed)])


def _act(merge: Merge, root: UUID) -> Act:
    metadata = {
        "mergeId": str(merge.id),
        "loserId": str(merge.loser),
        "reason": merge.pair.reason,
        "historical": True,
    }
    return Act(root, "PROFILE_MERGED", f"Merged with {name_of(merge.loser_row)}", metadata=metadata)


def name_of(row: Row) -> str:
    return (
        row["display_name"] or f"{row['first_name']} {row['last_name']}".strip() or "a profile without a name"
    )


def _cause(merge: Merge) -> str:
    return merge.pair.cause.event if merge.pair.cause else ""


def merged_payload(merge: Merge, by: str, now: datetime) -> dict[str, Any]:
    """crm.profile.merged (fact sheet, section 6)."""
    return {
        "winnerId": str(merge.winner),
        "loserId": str(merge.loser),
        "mergeId": str(merge.id),
        "loserLinkedIds": linked_ids(merge.loser_row),
        "mergedFields": {
            "activities": merge.moved.get("timeline.Activity", 0),
            "notes": merge.moved.get("timeline.Note", 0),
            "segmentMemberships": merge.moved.get("segments.SegmentEntry", 0),
        },
        "mergedBy": by,
        "mergedAt": wire_value(now),
    }


def linked_ids(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row_payload(row, LINK_COLUMNS).items() if value}


def updates(before: Mapping[UUID, Row], families: Iterable[Family]) -> list[News]:
    """crm.profile.updated of those whose own fields became others."""
    found = []
    for family in families:
        old = before[family.root]
        changed = [name for name in WIRE if old[name] != family.row[name] and not name.startswith("updated_")]
        if changed:
            payload = updated_payload(family.row, changed)
            found.append(News("crm.profile.updated", str(family.root), payload, historical=True))
    return found
