"""The append-only log of acts that leave no row change of their own: views, exports, logins, keys."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django_scopes import ScopedManager

from crm.tenancy.models.base import uuid7


class AuditEntry(models.Model):
    """Who did what to what. The database refuses changes and deletions, erasure excepted.

    A failed login has no tenant yet; such entries are the platform operator's.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "tenancy.Tenant", null=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=300, help_text="user:…, key:…, token:… or job:…")
    action = models.CharField(max_length=50)
    object_type = models.CharField(max_length=50, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    ip = models.GenericIPAddressField(null=True)

    objects: ClassVar[Any] = ScopedManager(tenant="tenant")

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "audit entries"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["tenant", "-at"], name="audit_by_time"),
            models.Index(fields=["tenant", "object_type", "object_id", "-at"], name="audit_by_object"),
            models.Index(fields=["tenant", "actor", "-at"], name="audit_by_actor"),
            models.Index(fields=["tenant", "action", "-at"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_type} {self.object_id}".strip()
