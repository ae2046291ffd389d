"""What the segment endpoints answer."""

from typing import Any

from rest_framework import serializers

from crm.rest.shapes import shape
from customers.models import CustomerProfile
from customers.payloads import profile_payload, wire_value
from customers.replies import CUSTOMER_FIELDS
from segments.consumers import Consumer
from segments.models import (
    Category,
    Cause,
    Frequency,
    MembershipChange,
    Segment,
    SegmentEntry,
    SegmentMember,
    SegmentType,
    State,
)
from segments.models.membership import AssignedBy
from segments.previews import Overlap, Preview

# --- a segment
SEGMENT_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(),
    "description": serializers.CharField(allow_null=True),
    "type": serializers.ChoiceField(choices=SegmentType.choices),
    "category": serializers.ChoiceField(choices=Category.choices),
    "clubId": serializers.UUIDField(allow_null=True),
    "criteria": serializers.DictField(
        help_text="The rules: {combinator, not, rules}; empty of STATIC and IMPORT."
    ),
    "refreshFrequency": serializers.ChoiceField(choices=Frequency.choices),
    "isActive": serializers.BooleanField(),
    "isSystem": serializers.BooleanField(),
    "template": serializers.CharField(allow_null=True, help_text="The key of the template it was made of."),
    "memberCount": serializers.IntegerField(),
    "state": serializers.ChoiceField(choices=State.choices),
    "lastRefreshedAt": serializers.DateTimeField(allow_null=True),
    "refreshMs": serializers.IntegerField(allow_null=True, help_text="How long that took."),
    "refreshError": serializers.CharField(
        allow_null=True, help_text="Why it is BROKEN; its members are kept."
    ),
    "nextRefreshAt": serializers.DateTimeField(
        allow_null=True, help_text="When all of it is worked out again."
    ),
    "messagingSegmentId": serializers.CharField(allow_null=True),
    "lastSyncedAt": serializers.DateTimeField(allow_null=True),
    "syncError": serializers.CharField(allow_null=True),
    "createdAt": serializers.DateTimeField(),
    "createdBy": serializers.CharField(allow_null=True),
    "updatedAt": serializers.DateTimeField(),
    "updatedBy": serializers.CharField(allow_null=True),
}
SegmentReply = shape("Segment", SEGMENT_FIELDS, "Some people, by rules or by hand.")
SegmentListed = shape(
    "SegmentListed", SEGMENT_FIELDS, "A segment, or what `fields` asks for.", is_sparse=True
)


def segment_payload(segment: Segment) -> dict[str, Any]:
    return {
        "id": str(segment.pk),
        "name": segment.name,
        "description": segment.description or None,
        "type": segment.type,
        "category": segment.category,
        "clubId": wire_value(segment.club_id),
        "criteria": segment.criteria,
        "refreshFrequency": segment.refresh_frequency,
        "isActive": segment.is_active,
        "isSystem": segment.is_system,
        "template": segment.key or None,
        "memberCount": segment.member_count,
        "state": segment.state,
        "lastRefreshedAt": wire_value(segment.refreshed_at),
        "refreshMs": segment.refresh_ms,
        "refreshError": segment.refresh_error or None,
        "nextRefreshAt": wire_value(segment.due_at),
        "messagingSegmentId": segment.messaging_segment_id or None,
        "lastSyncedAt": wire_value(segment.synced_at),
        "syncError": segment.sync_error or None,
        "createdAt": wire_value(segment.created_at),
        "createdBy": segment.created_by or None,
        "updatedAt": wire_value(segment.updated_at),
        "updatedBy": segment.updated_by or None,
    }


# --- people
PERSON = ("fullName", "email", "phoneNumber", "lifecycleStage", "membershipTier", "engagementScore")
ASSIGNED: dict[str, Any] = {
    "assignedBy": serializers.ChoiceField(choices=AssignedBy.choices),
    "assignedByActor": serializers.CharField(allow_null=True, help_text="user:…, key:… or token:…"),
    "reason": serializers.CharField(allow_null=True),
    "confidence": serializers.IntegerField(allow_null=True, min_value=0, max_value=100),
    "expiresAt": serializers.DateTimeField(allow_null=True),
}
MEMBER_FIELDS: dict[str, Any] = {
    "customerId": serializers.UUIDField(),
    **{name: CUSTOMER_FIELDS[name] for name in PERSON},
    "joinedSegmentAt": serializers.DateTimeField(),
    **ASSIGNED,
}
MemberListed = shape("SegmentMember", MEMBER_FIELDS, "Somebody who is in a segment.", is_sparse=True)
PERSON_FIELDS: dict[str, Any] = {
    "customerId": serializers.UUIDField(),
    **{name: CUSTOMER_FIELDS[name] for name in PERSON},
}
SegmentPerson = shape("SegmentPerson", PERSON_FIELDS, "Somebody, in short.")


def person_payload(profile: CustomerProfile) -> dict[str, Any]:
    whole = profile_payload(profile)
    return {"customerId": whole["id"], **{name: whole[name] for name in PERSON}}


def assigned_payload(entry: SegmentEntry | None) -> dict[str, Any]:
    """Who put somebody in and why; the rules, where nobody did."""
    return {
        "assignedBy": entry.assigned_by if entry else AssignedBy.SYSTEM.value,
        "assignedByActor": entry.actor if entry else None,
        "reason": (entry.reason or None) if entry else None,
        "confidence": entry.confidence if entry else None,
        "expiresAt": wire_value(entry.expires_at) if entry else None,
    }


def member_payload(member: SegmentMember) -> dict[str, Any]:
    """A member with `customer`, its metrics, and `entry`."""
    entry: SegmentEntry | None = member.entry  # type: ignore[attr-defined]
    return {
        **person_payload(member.customer),
        "joinedSegmentAt": wire_value(member.joined_at),
        **assigned_payload(entry),
    }


DONE = ("ADDED", "REMOVED", "PENDING", "UNCHANGED", "REJECTED")
ResultShape = shape(
    "SegmentMemberResult",
    {
        "customerId": serializers.CharField(),
        "status": serializers.ChoiceField(
            choices=DONE, help_text="PENDING: the segment is being worked out; it follows in a moment."
        ),
        "error": shape(
            "SegmentMemberProblem", {"code": serializers.CharField(), "message": serializers.CharField()}
        )(required=False),
    },
)
MembersChanged = shape(
    "SegmentMembersChanged",
    {"results": ResultShape(many=True), "memberCount": serializers.IntegerField()},
    "What became of each, in the order sent.",
)
CHANGE_FIELDS: dict[str, Any] = {
    "customerId": serializers.UUIDField(help_text="As they were called then; a merged id answers with the winner."),
    "at": serializers.DateTimeField(),
    "change": serializers.ChoiceField(choices=["JOINED", "LEFT"]),
    "cause": serializers.ChoiceField(choices=Cause.choices),
    "rules": serializers.ListField(
        child=serializers.CharField(), allow_null=True,
        help_text="Paths of the rules that made the difference; null where very many changed at once.",
    ),
}  # fmt: skip
ChangeListed = shape("SegmentChange", CHANGE_FIELDS, "Somebody came or went.", is_sparse=True)


def change_payload(change: MembershipChange) -> dict[str, Any]:
    return {
        "customerId": str(change.customer_id),
        "at": wire_value(change.at),
        "change": "JOINED" if change.joined else "LEFT",
        "cause": change.cause,
        "rules": change.leaves,
    }


# --- looking
WarningShape = shape("SegmentWarning", {"code": serializers.CharField(), "message": serializers.CharField()})
PreviewReply = shape(
    "SegmentPreview",
    {
        "count": serializers.IntegerField(
            allow_null=True, help_text="null where counting takes longer than two seconds."
        ),
        "sample": SegmentPerson(many=True),
        "warnings": WarningShape(many=True),
    },
    "Whom rules mean now.",
)


def preview_payload(found: Preview) -> dict[str, Any]:
    return {
        "count": found.count,
        "sample": [person_payload(one) for one in found.sample],
        "warnings": [warning._asdict() for warning in found.warnings],
    }


OverlapReply = shape(
    "SegmentOverlap",
    {
        "segmentId": serializers.UUIDField(),
        "withId": serializers.UUIDField(),
        "members": serializers.IntegerField(),
        "withMembers": serializers.IntegerField(),
        "both": serializers.IntegerField(),
        "onlyHere": serializers.IntegerField(),
        "onlyThere": serializers.IntegerField(),
        "share": serializers.FloatField(help_text="Of all who are in either, in both: 0 to 1."),
    },
)


def overlap_payload(one: Segment, other: Segment, found: Overlap) -> dict[str, Any]:
    return {
        "segmentId": str(one.pk),
        "withId": str(other.pk),
        "members": found.one,
        "withMembers": found.other,
        "both": found.both,
        "onlyHere": found.one - found.both,
        "onlyThere": found.other - found.both,
        "share": found.share,
    }


ConsumerListed = shape(
    "SegmentConsumer",
    {"kind": serializers.CharField(), "id": serializers.UUIDField(), "name": serializers.CharField()},
    "Something that goes by a segment.",
)
ConsumersReply = shape("SegmentConsumers", {"data": ConsumerListed(many=True)})


def consumer_payload(consumer: Consumer) -> dict[str, Any]:
    return {"kind": consumer.kind, "id": str(consumer.id), "name": consumer.name}
