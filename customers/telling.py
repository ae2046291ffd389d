"""What a changed profile puts on its timeline: the acts that tags, flags and stages are told by."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from customers.acts import Act
from customers.models import Stage, Tag
from customers.payloads import wire_name
from customers.person import Person
from customers.stamps import EPOCH

FLAGS = {
    "is_vip": ("Marked as VIP", "No longer marked as VIP"),
    "is_blocked": ("Blocked", "No longer blocked"),
    "is_pending": ("Marked as pending", "No longer pending"),
}
TOLD_APART = {"tags", "lifecycle_pin", "lifecycle_stage", *FLAGS}


def edit_acts(pk: UUID, person: Person) -> list[Act]:
    """The acts of an edit of a person: one for each tag, flag and stage. One statement where tags changed."""
    return [*tag_acts({pk: person}), *_flag_acts(pk, person), *stage_acts(pk, person)]


def tag_acts(people: Mapping[UUID, Person]) -> list[Act]:
    """One for each tag that somebody got or lost. One statement where there are any."""
    moved = [
        (pk, tag, tag in person.row["tags"])
        for pk, person in people.items()
        for tag in [*person.row["tags"], *person.before["tags"]]
        if (tag in person.row["tags"]) != (tag in person.before["tags"])
    ]
    names = {tag for _pk, tag, _is_added in moved}
    ids = dict(Tag.objects.filter(name__in=names).values_list("name", "pk")) if names else {}
    return [
        Act(
            pk,
            "TAG_ADDED" if is_added else "TAG_REMOVED",
            f"Tagged: {tag}" if is_added else f"Tag removed: {tag}",
            metadata={"tag": tag},
            about=str(ids.get(tag, "")),
        )
        for pk, tag, is_added in moved
    ]


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
