"""What a person can be pushed messages to."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantForeignKey, TenantModel
from crm.tenancy.models.checks import one_of
from customers.models.profile import CustomerProfile


class Platform(models.TextChoices):
    IOS = "IOS", _("iPhone or iPad")
    ANDROID = "ANDROID", _("Android")
    WEB = "WEB", _("Browser")


class Device(TenantModel):
    """An app or browser that takes push messages, of whoever logged in on it last.

    recorded_for: the part of a merged person. dropped_at: since when the provider does not know it any more, and why.
    """

    id = models.BigAutoField(primary_key=True)
    customer = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    platform = models.CharField(max_length=7, choices=Platform.choices)
    token = models.CharField(max_length=500)
    last_seen_at = models.DateTimeField(default=timezone.now)
    dropped_at = models.DateTimeField(null=True)
    dropped_why = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "token"], name="device_once"),
            one_of("platform", Platform, name="device_platform"),
        ]
        indexes = [models.Index(fields=["tenant", "customer", "-last_seen_at"], name="devices_of_customer")]

    def __str__(self) -> str:
        return f"{self.platform} of {self.recorded_for}"
