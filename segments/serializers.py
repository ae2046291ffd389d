"""What the segment endpoints take."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter
from crm.rest.serializers import AnyOf, Flag, Moment, Query, Stretch, StrictSerializer, Text, Uuid, Whole
from segments.models import Category, Cause, Frequency, SegmentType, State
from segments.models.membership import AssignedBy
from segments.replies import CHANGE_FIELDS, MEMBER_FIELDS, SEGMENT_FIELDS
from segments.services import LONGEST_NAME

MOST_MEMBERS = 500  # of one call
SEGMENTS = Ordering(
    "segments",
    {
        "name": Column("name"),
        "memberCount": Column("member_count"),
        "createdAt": Column("created_at"),
        "updatedAt": Column("updated_at"),
        "lastRefreshedAt": Column("refreshed_at", nullable=True),
    },
    default="name",
)
MEMBERS = Ordering(
    "segment-members",
    {
        "joinedSegmentAt": Column("joined_at"),
        "engagementScore": Column("customer__metrics__engagement_score"),
    },
    default="-joinedSegmentAt",
)
CHANGES = Ordering("segment-changes", {"at": Column("at")}, default="-at")


@extend_schema_field(
    {
        "oneOf": [
            {"type": "object", "additionalProperties": True},
            {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        ]
    }
)
class Criteria(serializers.Field[Any, Any, Any, Any]):
    """Rules, as a group or a flat list; what is wrong with them is told with the path of each."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict | list):
            raise ValidationError("must be a group of rules, or a list of them", code="invalid")
        return data


class SegmentWords(StrictSerializer):
    """What may change about a segment; what is absent stays, null clears."""

    tenantId = serializers.CharField(required=False)
    name = Text(required=False, max_length=LONGEST_NAME)
    description = Text(required=False, max_length=2000, allow_blank=True, allow_null=True)
    category = serializers.ChoiceField(required=False, choices=Category.choices)
    clubId = Uuid(required=False, allow_null=True, source="club_id")
    criteria = Criteria(
        required=False, help_text="The rules; see `GET /segments/fields`. Not of STATIC and IMPORT."
    )
    refreshFrequency = serializers.ChoiceField(
        required=False, choices=Frequency.choices, source="refresh_frequency",
        help_text="LIVE unless told; MANUAL of STATIC and IMPORT.",
    )  # fmt: skip
    isActive = Flag(
        required=False, source="is_active", help_text="An inactive one keeps its members as they are."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("description", "") is None:
            attrs["description"] = ""
        return attrs


class SegmentNew(SegmentWords):
    """A new segment."""

    name = Text(max_length=LONGEST_NAME)
    type = serializers.ChoiceField(choices=SegmentType.choices, default=SegmentType.DYNAMIC)


class SegmentQuery(PageQuery):
    """Filters of the list of segments."""

    sort = SEGMENTS.parameter()
    fields = fields_parameter(SEGMENT_FIELDS)  # type: ignore[assignment]
    type = AnyOf(choices=SegmentType.choices, required=False)
    category = AnyOf(choices=Category.choices, required=False)
    isActive = Flag(required=False)
    state = serializers.ChoiceField(choices=State.choices, required=False)
    clubId = Uuid(required=False)
    search = Text(required=False, max_length=200, help_text="A part of the name.")
    updatedSince = Moment(required=False)


class CopyBody(StrictSerializer):
    """A name for the copy."""

    tenantId = serializers.CharField(required=False)
    name = Text(required=False, max_length=LONGEST_NAME)


class MembersQuery(PageQuery):
    """The members of a segment."""

    sort = MEMBERS.parameter()
    fields = fields_parameter(MEMBER_FIELDS)  # type: ignore[assignment]
    joinedSince = Moment(required=False)


class ChangesQuery(Stretch, PageQuery):
    """Who came and went; `from` is inclusive, `to` exclusive."""

    sort = CHANGES.parameter()
    fields = fields_parameter(CHANGE_FIELDS)  # type: ignore[assignment]
    customerId = Uuid(required=False)
    change = serializers.ChoiceField(choices=["JOINED", "LEFT"], required=False)
    cause = AnyOf(choices=Cause.choices, required=False)


class MemberNew(StrictSerializer):
    """Somebody to be put in."""

    customerId = Uuid(source="customer")
    reason = Text(required=False, max_length=500, allow_blank=True)
    confidence = Whole(required=False, allow_null=True, min_value=0, max_value=100)
    expiresAt = Moment(
        required=False, allow_null=True, source="expires_at", help_text="When they leave again."
    )
    assignedBy = serializers.ChoiceField(
        required=False, choices=[AssignedBy.MANUAL.value, AssignedBy.ML.value], source="assigned_by",
        help_text="MANUAL unless told.",
    )  # fmt: skip


class MembersBody(StrictSerializer):
    """People to be put into a segment."""

    tenantId = serializers.CharField(required=False)
    members = serializers.ListField(child=MemberNew(), min_length=1, max_length=MOST_MEMBERS)


class MembersGone(Query):
    """People to be taken out."""

    customerIds = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=100, help_text="Separated by commas."
    )
    reason = Text(required=False, max_length=500)


class PreviewBody(StrictSerializer):
    """Rules to try out."""

    tenantId = serializers.CharField(required=False)
    criteria = Criteria()
    clubId = Uuid(required=False, allow_null=True, source="club_id", help_text="By whose calendar.")


class OverlapQuery(Query):
    """The other segment."""

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"with": Uuid()}
