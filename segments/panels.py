"""What segments add to the customers' API: those of a customer, and who is in one."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from crm.rest.serializers import Uuid
from crm.rest.shapes import shape
from customers.models import CustomerProfile
from customers.payloads import wire_value
from customers.upward import Filter, Part, filters_customers, tells_of_customers
from segments.models import SegmentMember, SegmentType

MEMBERSHIP: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(),
    "type": serializers.ChoiceField(choices=SegmentType.choices),
    "joinedSegmentAt": serializers.DateTimeField(),
}
MembershipShape = shape("CustomerSegment", MEMBERSHIP, "A segment that they are in.")


def segments_of(customer: CustomerProfile) -> list[dict[str, Any]]:
    """The segments that somebody is in, by name. One statement."""
    rows = SegmentMember.objects.filter(
        customer=customer, segment__deleted_at=None, segment__tenant=customer.tenant_id
    )
    return [
        {
            "id": str(row.segment_id),
            "name": row.segment.name,
            "type": row.segment.type,
            "joinedSegmentAt": wire_value(row.joined_at),
        }
        for row in rows.select_related("segment").order_by("segment__name")
    ]


def in_segment(people: Any, segment: UUID) -> Any:
    """Those of the people who are in a segment; nobody where there is none."""
    return people.filter(pk__in=SegmentMember.objects.filter(segment=segment).values("customer"))


filters_customers(
    "segmentId", Filter(lambda: Uuid(required=False, help_text="Who is in this segment."), in_segment)
)
tells_of_customers("segments", Part(lambda: MembershipShape(many=True), segments_of))
