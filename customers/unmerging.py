"""Undoing a merge: each part gets back what was told of it, before the merge and since."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.database import retrying
from crm.errors import Conflict, NotFound
from crm.outbox.services import News, emit_many
from crm.tenancy import audit
from crm.tenancy.rows import run
from crm.tenancy.scope import current_tenant
from customers import ledger, moving
from customers.acts import Act, record_acts
from customers.families import (
    Family,
    children,
    load_families,
    lock_families,
    store_families,
    written,
)
from customers.grounds import NOTHING, Ground, event_of, statements
from customers.merging import KEPT, linked_ids, name_of, updates
from customers.models import CustomerProfile, DuplicateCandidate, MergeRecord
from customers.payloads import wire_value
from customers.stamps import Stamp
from customers.survivorship import Write

REFRESH = "SELECT customers_refresh_search(%s)"


class Anew(NamedTuple):
    """What a merge says since somebody has left, whose tags and refusals it had counted. root: of whom it is now."""

    merge: UUID
    root: UUID
    ground: Ground
    writes: list[Write]


class MergeNotFound(NotFound):
    """No such merge."""

    code = "MERGE_NOT_FOUND"


class MergeUndone(Conflict):
    """This merge was undone already."""

    code = "MERGE_UNDONE"


class TooLateToUndo(Conflict):
    """This merge was too long ago to be undone."""

    code = "MERGE_TOO_OLD"


def undo_until(record: MergeRecord) -> datetime:
    """Until when a merge can be undone, by the tenant's setting."""
    return record.at + timedelta(days=current_tenant().unmerge_days)


def may_undo(record: MergeRecord, now: datetime) -> bool:
    return record.undone_at is None and now <= undo_until(record)


def unmerge(pk: UUID, *, by: str, reason: str = "") -> MergeRecord:
    """Undo a merge, with whoever was merged into the loser before: they stay one person.

    What was written since goes with the part that it was told of. The two are remembered as no duplicates.
    Raises MergeNotFound, MergeUndone, TooLateToUndo.
    """
    return retrying(lambda: _unmerge(pk, by=by, reason=reason))


@transaction.atomic
def _unmerge(pk: UUID, *, by: str, reason: str) -> MergeRecord:
    now = timezone.now()
    record: MergeRecord | None = MergeRecord.objects.filter(pk=pk).first()
    if record is None:
        raise MergeNotFound("There is no merge with this id.")
    root = lock_families([record.loser_id])[record.loser_id]
    record = MergeRecord.objects.select_for_update(no_key=True).get(pk=pk)
    if record.undone_at is not None:
        raise MergeUndone
    if not may_undo(record, now):
        raise TooLateToUndo(f"A merge can be undone for {current_tenant().unmerge_days} days.")
    (family,) = load_families([root]).values()
    before = dict(family.row)
    if before["erased_at"] is not None:
        raise TooLateToUndo("They were erased: there is nothing to tell apart any more.")
    leaving = subtree(record.loser_id, children(family.parts))
    kept = CustomerProfile.objects.filter(pk=record.loser_id).values(*KEPT).get()
    parted, anew = _part(family, record, leaving, kept)
    store_families([family], now=now, by=by, stamp=Stamp.of_act(by, now))
    store_families([parted], now=now, by=by)
    moving.part(winner=root, loser=parted.root, parts=leaving)
    ledger.forget_merges([record.pk])
    _keep(anew, by=by, now=now)
    run(REFRESH, [[root, parted.root]])
    moving.recount([root, parted.root], now=now)
    record.undone_at, record.undone_by, record.undone_reason = now, by, reason[:300]
    record.save(update_fields=["undone_at", "undone_by", "undone_reason"])
    _remember(family.parts, leaving, record)
    _tell(record, family, parted, before, by=by, now=now)
    return record


def subtree(top: UUID, into: Mapping[UUID, UUID | None]) -> set[UUID]:
    """`top` and all that were merged into it, directly or through others."""
    found = {top}
    while more := {part for part, winner in into.items() if winner in found} - found:
        found |= more
    return found


def _part(
    family: Family, record: MergeRecord, leaving: Collection[UUID], kept: Mapping[str, Any]
) -> tuple[Family, list[Anew]]:
    """Take the loser and theirs out of the family; both rows are folded anew. Two statements.

    kept: what stands on the loser's own row, which goes on beside its parts: its version, the locks of the person.
    """
    loser, old = record.loser_id, family.row
    said = [(winner, write) for winner, write in family.writes if write.stamp.event != event_of(record.pk)]
    parts = {part: family.parts.pop(part) for part in leaving}
    parted = Family(loser, dict(parts[loser].row), parts, [one for one in said if one[0] in leaving])
    family.writes = [one for one in said if one[0] not in leaving]
    anew = [*_said_anew(family, record), *_said_anew(parted, record)]
    family.row = family.fold() | {name: old[name] for name in KEPT}
    alone = {"merged_into_id": None, "merged_at": None, "merge_reason": ""}
    parted.row = parted.fold() | dict(kept) | alone
    return parted, anew


def _said_anew(family: Family, undone: MergeRecord) -> list[Anew]:
    """Have the merges of a family that counted who has left say what they say without them. One statement."""
    records = MergeRecord.objects.live().filter(winner__in=family.parts).exclude(pk=undone.pk)
    told = (
        list(records.values("pk", "winner_id", "loser_id", "writes", "at")) if len(family.parts) > 1 else []
    )
    grounds = [
        (one, ground)
        for one in told
        if (ground := Ground.read(one["winner_id"], one["loser_id"], one["writes"]))
    ]
    earlier: list[tuple[UUID, Write]] = []
    found = []
    for one, ground in sorted(grounds, key=lambda pair: (pair[0]["at"], len(pair[1].parts))):
        event = event_of(one["pk"])
        said = [write for _winner, write in family.writes if write.stamp.event == event]
        if not ground.parts <= family.parts.keys():
            ground = ground.among(family.parts)
            said = [*(write for write in said if write.attribute not in NOTHING), *ground.writes(earlier)]
            family.writes = [pair for pair in family.writes if pair[1].stamp.event != event]
            family.writes += [(ground.winner, write) for write in said]
            found.append(Anew(one["pk"], family.root, ground, said))
        earlier += [(ground.winner, write) for write in said]
    return found


def _keep(anew: Collection[Anew], *, by: str, now: datetime) -> None:
    """Write what merges say now, in their records and the ledger. Three statements, and two for each of them."""
    for one in anew:
        MergeRecord.objects.filter(pk=one.merge).update(writes=written(one.writes) | one.ground.kept())
    ledger.forget_merges([one.merge for one in anew])
    said = [
        word for one in anew for word in statements(one.root, one.ground.winner, one.writes, by=by, now=now)
    ]
    ledger.write(said, now=now)


def _remember(staying: Collection[UUID], leaving: Collection[UUID], record: MergeRecord) -> None:
    """They were told apart by somebody: no event merges them again. Three statements."""
    first, second = sorted((record.winner_id, record.loser_id))
    rows = DuplicateCandidate.objects
    decision = {
        "status": DuplicateCandidate.Status.DISMISSED, "decided_by": record.undone_by,
        "decided_at": record.undone_at, "remark": record.undone_reason,
    }  # fmt: skip
    for ones, others in ((staying, leaving), (leaving, staying)):
        rows.filter(first__in=ones, second__in=others).update(**decision)
    pair = DuplicateCandidate(
        tenant_id=record.tenant_id,
        first_id=first,
        second_id=second,
        reason="a merge that was undone",
        **decision,
    )
    rows.bulk_create([pair], ignore_conflicts=True)


def _tell(
    record: MergeRecord, family: Family, parted: Family, before: Mapping[str, Any], *, by: str, now: datetime
) -> None:
    metadata = {"mergeId": str(record.pk), "historical": True}
    record_acts(
        [
            Act(family.root, "PROFILE_UNMERGED", f"Parted from {name_of(parted.row)} again",
                metadata=metadata | {"loserId": str(parted.root)}),
            Act(parted.root, "PROFILE_UNMERGED", f"Parted from {name_of(family.row)} again",
                metadata=metadata | {"winnerId": str(family.root)}),
        ],
        by=by,
    )  # fmt: skip
    audit.record(
        "customer.unmerged",
        by=by,
        object_type="customer",
        object_id=family.root,
        after={"mergeId": str(record.pk), "loserId": str(parted.root), "reason": record.undone_reason},
    )
    payload = {
        "winnerId": str(family.root),
        "loserId": str(parted.root),
        "mergeId": str(record.pk),
        "winnerLinkedIds": linked_ids(family.row),
        "loserLinkedIds": linked_ids(parted.row),
        "unmergedBy": by,
        "unmergedAt": wire_value(now),
    }
    news = News("crm.profile.unmerged", str(family.root), payload)
    emit_many([news, *updates({family.root: dict(before)}, [family])])
