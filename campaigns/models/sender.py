"""Whom messages are from, and the rules that a club sends by."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from crm.tenancy.models import Club, TenantForeignKey, TenantModel, uuid7
from crm.tenancy.models.checks import is_map, within


def usual_caps() -> list[dict[str, Any]]:
    """At most so many marketing messages in rolling days: on a channel, or on all together (null)."""
    return [
        {"channel": "EMAIL", "most": 4, "days": 7},
        {"channel": "SMS", "most": 2, "days": 7},
        {"channel": None, "most": 6, "days": 7},
    ]


def usual_windows() -> dict[str, int]:
    """Days in which what somebody does counts as brought by a message, by channel."""
    return {"EMAIL": 7, "SMS": 3, "PUSH": 2, "WHATSAPP": 3}


class Sender(TenantModel):
    """How one club writes, or all clubs of the tenant that have no row of their own (club null).

    quiet_hours: channel -> {"from": "20:00", "to": "08:00"}; a channel that is missing follows the country's rule.
    dns:         what the last look at the domain found, check by check.
    control_percent: of the club's people, who get no marketing at all, to measure by.
    approval_from:   audience from which a second person must agree; null = nobody must.
    drop_after_hours: a message held back by quiet hours or caps for longer than this is given up.
    warm_up_from: the day the domain began to send; the daily limit grows from there.
    paused_at:    since when the platform holds this sender's marketing back, and why.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    club = TenantForeignKey(Club, null=True, blank=True, related_name="+")
    from_name = models.CharField(max_length=100, blank=True)
    from_email = models.EmailField("from address", blank=True)
    reply_to = models.EmailField(blank=True)
    sms_from = models.CharField("SMS sender", max_length=20, blank=True)
    whatsapp_from = models.CharField("WhatsApp number id", max_length=40, blank=True)
    postal_address = models.CharField(max_length=300, blank=True)
    website = models.URLField(blank=True)
    logo_url = models.URLField("logo", blank=True)
    brand_color = models.CharField(max_length=7, default="#14532d")
    tracking_domain = models.CharField(max_length=253, blank=True)
    dns = models.JSONField(default=dict, editable=False)
    dns_checked_at = models.DateTimeField(null=True, editable=False)
    quiet_hours = models.JSONField(default=dict, blank=True)
    caps = models.JSONField(default=usual_caps, blank=True)
    attribution_days = models.JSONField(default=usual_windows, blank=True)
    control_percent = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(20)])
    approval_from = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    overdue_minutes = models.PositiveIntegerField(default=60, validators=[MinValueValidator(1)])
    drop_after_hours = models.PositiveSmallIntegerField(default=48, validators=[MinValueValidator(1)])
    per_minute = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    fallback_languages = ArrayField(models.CharField(max_length=35), default=list, blank=True)
    warm_up_from = models.DateField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, editable=False)
    pause_reason = models.CharField(max_length=300, blank=True, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.CharField(max_length=300, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="sender_tenant_key"),
            models.UniqueConstraint(
                fields=["tenant", "club"], nulls_distinct=False, name="sender_of_club_once"
            ),
            within("control_percent", 0, 20, name="sender_control"),
            is_map("quiet_hours", name="sender_quiet_hours_map"),
            is_map("attribution_days", name="sender_windows_map"),
            is_map("dns", name="sender_dns_map"),
        ]

    def __str__(self) -> str:
        return self.from_name or self.from_email or "Sender"
