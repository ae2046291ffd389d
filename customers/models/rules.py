"""What a tenant says about how people are recognised, and what was set aside by it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantForeignKey, TenantModel, uuid7
from crm.tenancy.models.checks import one_of, within
from crm.tenancy.scope import Eyes
from customers import identity_rules, masking
from customers.identity_rules import Block, Rule
from customers.models.profile import CustomerProfile
from customers.models.veil import Veiled

MOST_PRIORITY, MOST_VALUES, MOST_DAYS = 1000, 1000, 3660


class IdentityRule(TenantModel):
    """How identifiers of one kind count here, where it differs from what is usual (identity_rules.RULES)."""

    kind = models.CharField(max_length=100)
    priority = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PRIORITY)]
    )
    most = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MOST_VALUES)]
    )
    window_days = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)]
    )
    is_active = models.BooleanField(default=True)

    class Meta(TenantModel.Meta):
        ordering = ["priority", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind"], name="identity_rule_once"),
            within("priority", 1, MOST_PRIORITY, name="identity_rule_priority"),
            within("most", 1, MOST_VALUES, name="identity_rule_most"),
            within("window_days", 1, MOST_DAYS, name="identity_rule_window"),
        ]

    def __str__(self) -> str:
        return self.kind

    def as_rule(self) -> Rule:
        return Rule(self.kind, self.priority, self.most, self.window_days, self.is_active)

    def clean(self) -> None:
        """Raises ValidationError in words for staff."""
        if self.kind != identity_rules.OTHER_EXTERNAL and not identity_rules.is_kind(self.kind):
            raise ValidationError({"kind": _("There is no identifier of this kind.")})
        if wrong := identity_rules.rule_problem(self.as_rule()):
            raise ValidationError({"most": wrong})


class How(models.TextChoices):
    EXACT = "EXACT", _("Is exactly")
    REGEX = "REGEX", _("Matches the expression")


class BlockedValue(TenantModel):
    """A value that recognises nobody; one with the key of a usual one (identity_rules.BLOCKS) stands in its place."""

    How = How

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=100, blank=True, help_text="Blank for all kinds.")
    how = models.CharField(max_length=5, choices=How.choices, default=How.EXACT)
    pattern = models.CharField(max_length=identity_rules.LONGEST_PATTERN)
    reason = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["kind", "pattern"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "how", "pattern"], name="blocked_value_once"),
            one_of("how", How, name="blocked_value_how"),
        ]

    def __str__(self) -> str:
        return self.pattern

    def as_block(self) -> Block:
        return Block(self.kind, self.how, self.pattern, self.reason, self.is_active)

    def clean(self) -> None:
        """Raises ValidationError in words for staff."""
        if self.kind and not identity_rules.is_kind(self.kind):
            raise ValidationError({"kind": _("There is no identifier of this kind.")})
        if self.how == self.How.REGEX and (wrong := identity_rules.pattern_problem(self.pattern)):
            raise ValidationError({"pattern": wrong})


class Demotion(Veiled, TenantModel):
    """An identifier of an event that was not used to recognise its person, and why. Append-only.

    `customer` is whom the event was given to without it; `source` and `event` are the event's own, blank for what
    staff or keys did.
    """

    id = models.BigAutoField(primary_key=True)
    customer = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=100)
    value = models.CharField(max_length=254)
    reason = models.CharField(max_length=300)
    source = models.CharField(max_length=50, blank=True)
    source_event_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["tenant", "customer", "-id"], name="demotions_of_customer"),
            models.Index(fields=["tenant", "source", "source_event_id"], name="demotions_of_event"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"

    def veil(self, eyes: Eyes) -> None:
        left = masking.masked_identifier(self.kind, self.value, eyes.masks)
        if left != self.value:
            self.value, self.masked = left, frozenset({"value"})


def described(row: Any) -> dict[str, Any]:
    """A rule or a blocked value as the audit log keeps it."""
    kept: dict[str, Any] = (row.as_rule() if isinstance(row, IdentityRule) else row.as_block())._asdict()
    return kept
