"""A tenant is a club group; a club is one of its sites."""

from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from phonenumbers import SUPPORTED_REGIONS

from crm.tenancy.masks import problems
from crm.tenancy.models.base import TenantModel, uuid7
from crm.tenancy.models.checks import country_code, currency_code, within
from crm.tenancy.permissions import Role

DEFAULT_ZONE = "Africa/Johannesburg"


def valid_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(f"“{value}” is not a time zone of the IANA list, such as Europe/London.")


def valid_region(value: str) -> None:
    if value not in SUPPORTED_REGIONS:
        raise ValidationError(f"“{value}” is not a two-letter country code, such as ZA or GB.")


def valid_masks(value: Any) -> None:
    if found := problems(value):
        raise ValidationError(found)


valid_currency = RegexValidator(r"^[A-Z]{3}$", "Use the three-letter ISO code, such as ZAR.")


class Tenant(models.Model):
    """A club group: the unit of isolation. The only table that belongs to nobody."""

    class ConsentOwner(models.TextChoices):
        MESSAGING = "MESSAGING", "the Messaging service"
        LOCAL = "LOCAL", "Fairway"

    class DateFormat(models.TextChoices):
        WORDS = "j M Y", "25 Nov 2026"
        DAY_FIRST = "d/m/Y", "25/11/2026"
        MONTH_FIRST = "m/d/Y", "11/25/2026"
        YEAR_FIRST = "Y-m-d", "2026-11-25"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(unique=True, help_text="How other systems name this club group in their events.")
    name = models.CharField(max_length=200)
    region = models.CharField(
        max_length=2,
        default="ZA",
        validators=[valid_region],
        help_text="Country of phone numbers without a code.",
    )
    timezone = models.CharField(max_length=64, default=DEFAULT_ZONE, validators=[valid_zone])
    currency = models.CharField(max_length=3, default="ZAR", validators=[valid_currency])
    currency_rates = models.JSONField(
        default=dict, blank=True, help_text="What one unit of another currency is worth here: {“GBP”: 23.1}."
    )
    language = models.CharField(max_length=35, default="en")
    date_format = models.CharField(max_length=10, choices=DateFormat.choices, default=DateFormat.WORDS)
    consent_owner = models.CharField(
        max_length=9, choices=ConsentOwner.choices, default=ConsentOwner.MESSAGING
    )
    second_factor_roles = ArrayField(
        models.CharField(max_length=9, choices=Role.choices),
        default=list,
        blank=True,
        help_text="Roles that must have a second factor.",
    )
    masks = models.JSONField(
        default=dict,
        blank=True,
        validators=[valid_masks],
        help_text="Role -> personal data -> level, where it differs from the usual: {“VIEWER”: {“email”: “SHOWN”}}.",
    )
    high_value_cents = models.BigIntegerField(default=100_000, validators=[MinValueValidator(1)])
    at_risk_threshold = models.PositiveSmallIntegerField(default=60)
    lapse_grace_days = models.PositiveSmallIntegerField(
        default=30, help_text="Days after its end for which a membership still counts."
    )
    lapse_quiet_days = models.PositiveSmallIntegerField(
        default=90,
        help_text="Days after their last paid order or round for which an ex-member is no lost one.",
    )
    majority_age = models.PositiveSmallIntegerField(
        default=18, help_text="Age from which somebody may be marketed to."
    )
    privacy_days = models.PositiveSmallIntegerField(
        default=30, help_text="Days in which a request about personal data must be answered."
    )
    lapse_applied = models.JSONField(
        default=dict, editable=False, help_text="The two days by which stages were last worked out."
    )
    merges_duplicates = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether pairs of which the duplicate finder is certain are merged without being asked.",
    )
    unmerge_days = models.PositiveSmallIntegerField(
        default=90, help_text="Days after which a merge of two profiles can no longer be undone."
    )
    limits = models.JSONField(
        default=dict, blank=True, help_text="Requests a minute, where they differ: {“read”: 2000}."
    )
    identity_rules = models.UUIDField(
        default=uuid4, editable=False, help_text="Another one whenever what identifies people here changes."
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            country_code("region", name="tenant_region", or_blank=False),
            currency_code(name="tenant_currency", or_blank=False),
            within("at_risk_threshold", 0, 100, name="tenant_at_risk"),
            models.CheckConstraint(condition=models.Q(high_value_cents__gt=0), name="tenant_high_value"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rates(self) -> dict[str, Any]:
        """Currency -> what one unit of it is worth in the tenant's; "" stands for an amount that names none."""
        return {**self.currency_rates, self.currency: 1, "": 1}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def renew_identity_rules(self) -> None:
        """Let everybody read the rules of identity anew: by the tenant's row they see that theirs are old."""
        self.identity_rules = uuid4()
        self.save(update_fields=["identity_rules"])


class Club(TenantModel):
    """A site of a tenant, and the ids by which other systems call it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    refs = ArrayField(
        models.CharField(max_length=100),
        default=list,
        help_text="The ids other systems use for this club, such as club-fynbos.",
    )
    region = models.CharField(max_length=2, blank=True, validators=[valid_region])
    timezone = models.CharField(max_length=64, blank=True, validators=[valid_zone])
    currency = models.CharField(max_length=3, blank=True, validators=[valid_currency])
    language = models.CharField(max_length=35, blank=True)
    email = models.EmailField(
        blank=True,
        help_text="The club’s own address. It never identifies a customer in whose data it stands.",
    )
    phone = models.CharField(
        max_length=40, blank=True, help_text="The club’s own number. It never identifies a customer either."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="club_name_once"),
            models.UniqueConstraint(fields=["tenant", "id"], name="club_tenant_key"),
            country_code("region", name="club_region"),
            currency_code(name="club_currency"),
        ]
        indexes = [GinIndex(fields=["refs"], name="club_refs")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        self.tenant.renew_identity_rules()

    def clean(self) -> None:
        """Refuse a ref that another club of the tenant already has: events would not know whom they mean."""
        others: Any = Club.objects.exclude(pk=self.pk)
        taken = set(self.refs) & {ref for club in others for ref in club.refs}
        if taken:
            raise ValidationError({"refs": f"Another club already uses {', '.join(sorted(taken))}."})
