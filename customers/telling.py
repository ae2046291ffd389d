"""What a changed profile puts on its timeline: the acts that tags, flags and stages are told by."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from customers.acts import Act
from customers.changes import Person
from customers.models import Stage
from customers.payloads import wire_name
from customers.stamps import EPOCH

FLAGS = {
    "is_vip": ("Marked as VIP", "No longer marked as VIP"),
    "is_blocked": ("Blocked", "No longer blocked"),
    "is_pending": ("Marked as pending", "No longer pending"),
}
TOLD_APART = {"tags", "lifecycle_pin", "lifecycle_stage", *FLAGS}


def edit_acts(pk: UUID, person: Person) -> list[Act]:
    """The acts of an edit of a person: one for each tag, flag and stage."""
    return [*tag_acts(pk, person), *_flag_acts(pk, person), *stage_acts(pk, person)]


def tag_acts(pk: UUID, person: Person) -> Iterator[Act]:
    before, after = person.before["tags"], person.row["tags"]
    for tag in after:
        if tag not in before:
            yield Act(pk, "TAG_ADDED", f"Tagged: {tag}", metadata={"tag": tag})
    for tag in before:
        if tag not in after:
            yield Act(pk, "TAG_REMOVED", f"Tag removed: {tag}", metadata={"tag": tag})


def stage_acts(pk: UUID, person: Person) -> Iterator[Act]:
    """At the time of what changed the stage, where that is known."""
    before, after = person.stage_before, person.row["lifecycle_stage"]
    if person.is_new or before == after:
        return
    title = f"Stage changed from {Stage(before).label} to {Stage(after).label}"
    at = EPOCH + timedelta(microseconds=person.cause.at) if person.cause else None
    metadata = {"from": before, "to": after} | ({"pinned": True} if person.row["lifecycle_pin"] else {})
    yield Act(pk, "STAGE_CHANGED", title, metadata=metadata, at=at)


def _flag_acts(pk: UUID, person: Person) -> Iterator[Act]:
    for flag in sorted(FLAGS.keys() & person.changed):
        is_set = person.row[flag]
        type, title = ("FLAG_SET", FLAGS[flag][0]) if is_set else ("FLAG_CLEARED", FLAGS[flag][1])
        yield Act(pk, type, title, metadata={"flag": wire_name(flag)})
