"""The inbox: events as received, and what became of them."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.checks import one_of, within
from customers.models import CustomerProfile, Veiled


def first_id(moment: datetime) -> UUID:
    """The smallest id (UUIDv7) that a row made at `moment` can have: age by the primary key, no index needed."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


class SyncStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    SUCCESS = "SUCCESS", "Applied"
    FAILED = "FAILED", "Failed"
    SKIPPED = "SKIPPED", "Nothing to apply"


class InboundEventQuerySet(models.QuerySet["InboundEvent"]):
    def due(self, now: datetime, *, lost: datetime) -> "InboundEventQuerySet":
        """Waiting for a worker: not claimed since `lost`, and any retry's time has come."""
        free = models.Q(claimed_at=None) | models.Q(claimed_at__lt=lost)
        return self.filter(
            models.Q(next_attempt_at=None) | models.Q(next_attempt_at__lte=now), free, is_waiting=True
        )

    def dead(self) -> "InboundEventQuerySet":
        """Dead letters: failed for good, until someone replays or discards them."""
        return self.filter(status=SyncStatus.FAILED, dead_at__isnull=False)


class InboundEvent(Veiled, TenantModel):
    """One event as received, and what became of it (the sync log).

    A narrow row kept for ever: it is what makes an event count once. The body lies in EventBody and is purged
    by rule. `is_waiting` is true while a worker still has to act (PENDING, or FAILED awaiting its retry).
    `claimed_at` is committed before the work starts, so that a row whose worker died is known.
    """

    free_text = ("error",)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.CharField(max_length=50)
    event_id = models.CharField(max_length=200)
    type = models.CharField(max_length=100)
    priority = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=7, choices=SyncStatus.choices, default=SyncStatus.PENDING)
    is_waiting = models.BooleanField(default=True)
    historical = models.BooleanField(default=False)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    claims = models.PositiveSmallIntegerField(
        default=0, help_text="Times a worker took it and never came back."
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Failures of the event itself.")
    next_attempt_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    duplicates = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=50, blank=True)
    error = models.TextField(blank=True)
    customer = TenantForeignKey(CustomerProfile, null=True, related_name="+")
    activity_id = models.UUIDField(null=True)

    objects: ClassVar[Any] = scoped(InboundEventQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "event_id"], name="event_once"),
            models.UniqueConstraint(fields=["tenant", "id"], name="inbound_event_tenant_key"),
            one_of("status", SyncStatus, name="inbound_event_status"),
            within("priority", 1, 3, name="inbound_event_priority"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "priority", "id"],
                name="events_waiting",
                condition=models.Q(is_waiting=True),
            ),
            models.Index(
                fields=["tenant", "claimed_at"],
                name="events_alone",
                condition=models.Q(is_waiting=True)
                & (models.Q(claimed_at__isnull=False) | models.Q(claims__gt=0) | models.Q(attempts__gt=0)),
            ),
            models.Index(fields=["tenant", "-received_at", "-id"], name="events_by_arrival"),
            models.Index(
                fields=["tenant", "-dead_at"], name="events_dead", condition=models.Q(dead_at__isnull=False)
            ),
            models.Index(fields=["tenant", "customer", "-received_at"], name="events_of_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @property
    def state(self) -> str:
        """The sync status as people read it: PROCESSING while a worker has it."""
        working = self.is_waiting and self.claimed_at is not None and self.status == SyncStatus.PENDING
        return "PROCESSING" if working else self.status


class EventBody(TenantModel):
    """An event exactly as it was sent, as JSON text: jsonb would refuse some of what senders write."""

    event = models.OneToOneField(
        InboundEvent, models.CASCADE, primary_key=True, related_name="body", db_constraint=False
    )
    raw = models.TextField()

    class Meta(TenantModel.Meta):
        verbose_name_plural = "event bodies"
