"""Who is to be looked at again."""

from django.db import models
from django.db.models.functions import Now

from crm.tenancy.models import TenantModel
from customers.models import CustomerProfile
from segments.models.derived import DerivedKey
from segments.models.segment import Segment


class SegmentTouch(TenantModel):
    """Something about a person changed that a segment may go by: a queue, written by triggers, emptied by a worker.

    Append-only and without a unique key, so that nobody waits for anybody to write it. Deleted in the transaction that
    looks at the person again.
    segment: the only one to look at, else all live ones. cause: of what then changes; blank = RULES.
    """

    id = models.BigAutoField(primary_key=True)
    customer = DerivedKey(CustomerProfile, related_name="+")
    segment = DerivedKey(Segment, null=True, related_name="+")
    cause = models.CharField(max_length=15, blank=True, default="", db_default="")
    at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "id"], name="segment_touches"),
            models.Index(fields=["tenant", "customer"], name="segment_touches_of"),
        ]

    def __str__(self) -> str:
        return f"touch of {self.customer_id}"
