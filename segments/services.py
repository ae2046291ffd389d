"""Making segments, changing, copying and deleting them: each in one transaction with its audit entry."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import Conflict, Detail, DuplicateResource, NotFound, ValidationFailed
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy import audit
from crm.tenancy.models import Club
from crm.tenancy.rows import run
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition
from segments import meaning, rules
from segments.consumers import Consumer, consumers_of
from segments.models import Frequency, Segment, SegmentEntry, SegmentMember, SegmentType
from segments.models.segment import LISTS

SWEEP = "segments.sweep"
WRITTEN = ("name", "description", "club_id", "category", "refresh_frequency", "is_active")
AUDITED = (*WRITTEN, "type", "criteria")
COPY = " (Copy)"
LONGEST_NAME = 200
FREEZE = """
    INSERT INTO segments_segmententry
        (tenant_id, segment_id, customer_id, recorded_for, is_excluded, assigned_by, actor, reason, since)
    SELECT tenant_id, %(copy)s, customer_id, customer_id, false, 'SYSTEM', %(by)s, %(reason)s, %(now)s
    FROM segments_segmentmember WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s
"""
COPY_ENTRIES = """
    INSERT INTO segments_segmententry
        (tenant_id, segment_id, customer_id, recorded_for, is_excluded, assigned_by, actor, reason, confidence, since,
         expires_at)
    SELECT tenant_id, %(copy)s, customer_id, recorded_for, is_excluded, assigned_by, actor, reason, confidence, since,
        expires_at
    FROM segments_segmententry WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s
"""


class SegmentNotFound(NotFound):
    """No such segment."""

    code = "SEGMENT_NOT_FOUND"


class SegmentInUse(Conflict):
    """It is used: take it out of what uses it first."""

    code = "SEGMENT_IN_USE"


class SystemSegment(Conflict):
    """The platform keeps this segment: it can be switched off, renamed and copied, not deleted or given other rules."""

    code = "SYSTEM_SEGMENT"


def find_segment(pk: UUID, *, locked: bool = False) -> Segment:
    """A segment that nobody deleted. Raises SegmentNotFound."""
    rows = Segment.objects.kept().select_related("club")
    found: Segment | None = (rows.select_for_update(of=["self"]) if locked else rows).filter(pk=pk).first()
    if found is None:
        raise SegmentNotFound("There is no segment with this id.")
    return found


@transaction.atomic
def create_segment(
    name: str,
    *,
    by: str,
    type: str = SegmentType.DYNAMIC,
    criteria: Any = None,
    refresh_frequency: str | None = None,
    at: datetime | None = None,
    **fields: Any,
) -> Segment:
    """Make a segment; a worker fills it in a moment.

    fields: description, club_id, category, is_active; and key, is_system of a ready-made one.
    Raises InvalidRules, ValidationFailed, DuplicateResource.
    """
    now = at or timezone.now()
    usual = Frequency.MANUAL if type in LISTS else Frequency.LIVE
    segment = Segment(
        tenant=current_tenant(), name=name.strip(), type=type, refresh_frequency=refresh_frequency or usual,
        created_at=now, created_by=by, updated_at=now, updated_by=by, due_at=now, **fields,
    )  # fmt: skip
    _write_rules(segment, criteria)
    _check(segment)
    segment.save(force_insert=True)
    audit.record("segment.created", by=by, object_type="segment", object_id=segment.pk, after=_told(segment))
    nudge_on_commit(SWEEP)
    return segment


@transaction.atomic
def change_segment(pk: UUID, changes: Mapping[str, Any], *, by: str, if_match: Condition = ANY) -> Segment:
    """Change a segment; other rules, another frequency or switching it on lets all of it be worked out again.

    Raises SegmentNotFound, PreconditionFailed, InvalidRules, ValidationFailed, DuplicateResource, SystemSegment.
    """
    segment = find_segment(pk, locked=True)
    if_match.check(segment.etag)
    before, old_criteria = _told(segment), segment.criteria
    if "criteria" in changes:
        if segment.is_system:
            raise SystemSegment
        _write_rules(segment, changes["criteria"])
    for name in WRITTEN:
        if name in changes:
            setattr(segment, name, changes[name])
    after = _told(segment)
    if before == after:
        return segment
    _check(segment)
    if segment.criteria != old_criteria:
        segment.criteria_version += 1
    segment.version += 1
    segment.updated_at, segment.updated_by = timezone.now(), by
    if {name for name in after if after[name] != before[name]} & {
        "criteria", "refresh_frequency", "is_active", "club_id",
    }:  # fmt: skip
        segment.due_at = segment.updated_at
        nudge_on_commit(SWEEP)
    segment.save(
        update_fields=[
            *WRITTEN, "criteria", "references", "criteria_version", "version", "updated_at", "updated_by", "due_at",
        ]
    )  # fmt: skip
    changed = [name for name in after if after[name] != before[name]]
    audit.record(
        "segment.changed", by=by, object_type="segment", object_id=pk,
        before={name: before[name] for name in changed}, after={name: after[name] for name in changed},
    )  # fmt: skip
    return segment


@transaction.atomic
def delete_segment(pk: UUID, *, by: str, if_match: Condition = ANY) -> None:
    """Take a segment away; its members and entries go, its log stays.

    Raises SegmentNotFound, PreconditionFailed, SystemSegment, and SegmentInUse naming what uses it.
    """
    segment = find_segment(pk, locked=True)
    if_match.check(segment.etag)
    if segment.is_system:
        raise SystemSegment
    if users := consumers_of(segment):
        raise SegmentInUse(
            f"It is used by {', '.join(one.name for one in users[:5])}.", details=[_use(one) for one in users]
        )
    segment.deleted_at, segment.updated_by, segment.member_count = timezone.now(), by, 0
    segment.save(update_fields=["deleted_at", "updated_by", "member_count"])
    SegmentMember.objects.filter(segment=segment).delete()
    SegmentEntry.objects.filter(segment=segment).delete()
    audit.record("segment.deleted", by=by, object_type="segment", object_id=pk, before={"name": segment.name})


@transaction.atomic
def clone_segment(pk: UUID, *, by: str, name: str = "") -> Segment:
    """Copy a segment with its rules and entries, not its log. Raises SegmentNotFound, DuplicateResource."""
    found = find_segment(pk)
    copy = create_segment(
        name or free_name(found.name), by=by, type=found.type, criteria=found.criteria or None,
        refresh_frequency=found.refresh_frequency, description=found.description, club_id=found.club_id,
        category=found.category,
    )  # fmt: skip
    run(COPY_ENTRIES, {"tenant": current_tenant().pk, "segment": found.pk, "copy": copy.pk})
    return copy


@transaction.atomic
def freeze_segment(pk: UUID, *, by: str, name: str = "") -> Segment:
    """Make a list of whoever is in a segment now. Raises SegmentNotFound, DuplicateResource."""
    found, now = find_segment(pk), timezone.now()
    copy = create_segment(
        name or free_name(f"{found.name[:160]}, {now.astimezone(found.zone):%Y-%m-%d %H:%M}", ""), by=by,
        type=SegmentType.STATIC, description=found.description, club_id=found.club_id, category=found.category,
    )  # fmt: skip
    reason = f"Was in “{found.name}”."
    run(FREEZE, {
        "tenant": current_tenant().pk, "segment": found.pk, "copy": copy.pk, "by": by, "reason": reason[:500],
        "now": now,
    })  # fmt: skip
    return copy


def free_name(name: str, suffix: str = COPY) -> str:
    """A name that no segment has: with the suffix, and a number where that is taken too."""
    taken = set(Segment.objects.kept().values_list("name", flat=True))
    number = 1
    while True:
        tail = suffix if number == 1 else f"{suffix} {number}"
        found = name[: LONGEST_NAME - len(tail)] + tail
        if found not in taken:
            return found
        number += 1


def _write_rules(segment: Segment, criteria: Any) -> None:
    if segment.is_list:
        if criteria:
            words = "Nobody is in a list by rules: they are put in."
            raise ValidationFailed(details=[Detail("criteria", "INVALID_FIELD", words)])
        return
    tree, segment.references = meaning.read(criteria, of=segment.pk)
    segment.criteria = rules.dump(tree)


def _check(segment: Segment) -> None:
    problems = []
    if not segment.name:
        problems.append(Detail("name", "MISSING_FIELD", "Give it a name."))
    if segment.is_list and segment.refresh_frequency != Frequency.MANUAL:
        words = "A list has nothing to be worked out: its frequency is MANUAL."
        problems.append(Detail("refreshFrequency", "INVALID_FIELD", words))
    if segment.club_id and not Club.objects.filter(pk=segment.club_id).exists():
        problems.append(Detail("clubId", "INVALID_FIELD", "There is no club with this id."))
    if problems:
        raise ValidationFailed(" ".join(one.message for one in problems), details=problems)
    others = Segment.objects.kept().exclude(pk=segment.pk).filter(name=segment.name)
    if other := others.first():
        raise DuplicateResource(
            f"There is a segment “{segment.name}” already.", details=[Detail("id", "TAKEN", str(other.pk))]
        )


def _told(segment: Segment) -> dict[str, Any]:
    told = {name: getattr(segment, name) for name in AUDITED}
    return told | {"club_id": str(segment.club_id) if segment.club_id else None}


def _use(consumer: Consumer) -> Detail:
    return Detail(consumer.kind, "SEGMENT_IN_USE", f"{consumer.name} ({consumer.id})")
