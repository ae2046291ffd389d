"""How long the log of who came and went is kept."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from crm.tenancy.retention import BATCH, Kind, keeps
from customers.history import erasing
from segments.models import MembershipChange, SegmentSync

USUAL = 730  # days


def due_changes(moment: datetime) -> Any:
    """But for what Messaging is still to be told: nobody else would take those out there who left."""
    untold = SegmentSync.objects.filter(segment=OuterRef("segment"), told_to__lt=OuterRef("pk"))
    return MembershipChange.objects.filter(~Exists(untold), at__lt=moment)


def forget_changes(rows: Any) -> int:
    """The log is append-only, but for this and erasure."""
    deleted = 0
    while True:
        with transaction.atomic(), erasing():
            count: int = rows.filter(pk__in=rows.values("pk")[:BATCH]).delete()[0]
        deleted += count
        if not count:
            return deleted


keeps(
    Kind(
        "SEGMENT_CHANGES",
        "Who came into segments and left them",
        "The log of it. Who is in a segment now, and since when, stays.",
        USUAL,
        due_changes,
        forget_changes,
        least=30,
    )
)
