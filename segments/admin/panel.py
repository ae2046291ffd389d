"""On a person's page: the segments they are in, each with its why."""

from typing import Any

from django.http import HttpRequest

from customers.admin.tabs import Panel, banner
from customers.models import CustomerProfile
from segments.admin.html import page_url
from segments.models import SegmentMember

SHOWN = 12


@banner
def segments_banner(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """What the person is in, the latest joined first. One statement."""
    rows = SegmentMember.objects.filter(customer=profile.pk, segment__deleted_at=None).select_related(
        "segment"
    )
    found = list(rows.order_by("-joined_at", "-pk")[: SHOWN + 1])
    chips: list[dict[str, Any]] = [
        {
            "name": row.segment.name,
            "url": page_url(row.segment_id),
            "since": row.joined_at,
            "why": "" if row.segment.is_list else page_url(row.segment_id, f"?tab=why&person={profile.pk}"),
        }
        for row in found[:SHOWN]
    ]
    context = {"chips": chips, "has_more": len(found) > SHOWN}
    return Panel("admin/segments/person.html", context, digest=",".join(str(row.pk) for row in found))
