"""How far a segment is told to the Messaging service."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from crm.tenancy.models import TenantForeignKey, TenantModel, scoped, uuid7
from segments.models.segment import Segment


class SyncQuerySet(models.QuerySet["SegmentSync"]):
    def due(self, now: datetime, *, lost: datetime) -> "SyncQuerySet":
        """Those to work on now: due, and not in the hands of a worker since `lost`."""
        free = models.Q(claimed_at=None) | models.Q(claimed_at__lt=lost)
        return self.filter(free, due_at__lte=now)


class SegmentSync(TenantModel):
    """A segment that is kept in step at Messaging; the row is the record of that work.

    run:      of calls that belong together: since everybody was last sent anew.
    told_to:  the last MembershipChange that Messaging was told of.
    whole_to: while everybody is sent anew, the last customer who was; None when that is done.
    is_whole_due: everybody is to be sent anew, from the start.
    due_at:   when there is something to do next; None while all is told, or Messaging had a last word.
    stopped_at: the last MembershipChange when it had; with the next one it is asked again.
    """

    segment = TenantForeignKey(Segment, models.CASCADE, related_name="+")
    run = models.UUIDField(default=uuid7)
    is_whole_due = models.BooleanField(default=True)
    whole_to = models.UUIDField(null=True)
    told_to = models.BigIntegerField(default=0)
    told_name = models.CharField(max_length=200, blank=True)
    stopped_at = models.BigIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Failures in a row.")
    left_out = models.PositiveIntegerField(default=0, help_text="People whom Messaging did not take.")
    refusal = models.CharField(max_length=200, blank=True, help_text="Why it did not take the last of them.")

    objects: ClassVar[Any] = scoped(SyncQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "segment"], name="segment_sync_once")]
        indexes = [
            models.Index(
                fields=["tenant", "due_at"],
                name="segment_syncs_due",
                condition=models.Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"sync of {self.segment_id}"
