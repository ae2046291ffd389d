"""The timeline: what happened, entry by entry."""

from typing import Any

from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantForeignKey, TenantModel, uuid7
from crm.tenancy.models.checks import one_of
from crm.versions import etag_of
from customers.models import CustomerProfile, Veiled


class Category(models.TextChoices):
    MEMBERSHIP = "MEMBERSHIP", "Membership"
    BOOKING = "BOOKING", "Bookings"
    GOLF = "GOLF", "Golf"
    COMMUNICATION = "COMMUNICATION", "Communication"
    CONSENT = "CONSENT", "Consent"
    COMMERCE = "COMMERCE", "Shop"
    WEB = "WEB", "Web"
    SALES = "SALES", "Sales"
    SUPPORT = "SUPPORT", "Support"
    FEEDBACK = "FEEDBACK", "Feedback"
    NOTE = "NOTE", "Notes"
    SYSTEM = "SYSTEM", "System"


class Activity(Veiled, TenantModel):
    """One entry of a customer's timeline.

    Once per source event: written in the transaction that settles the event's inbox row. `recorded_for` stays
    with the person it was first recorded for, so that a merge and its undo are one UPDATE each. The table is
    to be partitioned by month: nothing points at it with a foreign key.
    """

    free_text = ("title", "subject_name", "description", "metadata", "context")
    written_by = "actor"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = TenantForeignKey(CustomerProfile, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    type = models.CharField(max_length=60)
    category = models.CharField(max_length=20, choices=Category.choices)
    channel = models.CharField(max_length=30, blank=True)
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    context = models.JSONField(
        default=dict, blank=True, help_text="Session, UTM, referrer, device and place."
    )
    source = models.CharField(max_length=50)
    source_id = models.CharField(max_length=200, blank=True)
    source_event_id = models.CharField(max_length=200, blank=True)
    subject_name = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="What it is about was called so then.",
    )
    actor = models.CharField(max_length=300, blank=True)
    counts = models.BooleanField(default=False, help_text="Something the customer did themselves.")
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    subject: Any = None  # where timeline.subjects.with_subjects set it

    class Meta(TenantModel.Meta):
        verbose_name_plural = "activities"
        constraints = [one_of("category", Category, name="activity_category")]
        indexes = [
            models.Index(fields=["tenant", "customer", "-occurred_at", "-id"], name="timeline"),
            models.Index(fields=["tenant", "-occurred_at", "-id"], name="activities_by_time"),
            models.Index(
                fields=["tenant", "customer", "occurred_at"],
                name="timeline_counted",
                condition=models.Q(counts=True),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def etag(self) -> str:
        """Changes with the entry, and with what it is about is called now, where `subject` is set."""
        columns = (field.attname for field in self._meta.concrete_fields)
        return etag_of([self.subject, *(getattr(self, name) for name in columns)])
