"""News waiting to be told: written with the change, relayed after it is committed."""

from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantModel, uuid7


class OutboxMessage(TenantModel):
    """One message of a topic. `id` orders the stream; `message_id` is what receivers see and dedupe by.

    Topics that start with `crm.` (and the two older names person.became_customer, high_value_purchase) go out
    to the Redis stream; every topic goes to the tasks that crm.routes names for it.
    """

    id = models.BigAutoField(primary_key=True)
    message_id = models.UUIDField(default=uuid7, editable=False)
    topic = models.CharField(max_length=100)
    key = models.CharField(max_length=200, help_text="What it is about, such as the customer's id.")
    payload = models.JSONField()
    correlation_id = models.CharField(max_length=200, blank=True, help_text="The event that caused it.")
    historical = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    relayed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["id"], name="outbox_unsent", condition=models.Q(relayed_at=None)),
            models.Index(
                fields=["relayed_at"], name="outbox_sent", condition=models.Q(relayed_at__isnull=False)
            ),
            models.Index(fields=["tenant", "created_at"], name="outbox_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"
