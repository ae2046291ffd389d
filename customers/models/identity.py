"""How a person is recognised: identifiers, who holds them, and pairs that may be one person."""

from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantForeignKey, TenantModel, uuid7
from crm.tenancy.scope import Eyes
from customers import masking
from customers.models.profile import CustomerProfile
from customers.models.veil import Veiled


class IdentityAlias(Veiled, TenantModel):
    """One identifier of the tenant's people: the lock point when two events bring it at once.

    `kind` is the wire name (email, phoneNumber, authUserId, sclMemberId, teetimePlayerId, messagingContactId,
    externalIds.<kind>); `value` is normalised.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=100)
    value = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "identity aliases"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "value"], name="identifier_once"),
            models.UniqueConstraint(fields=["tenant", "id"], name="identity_alias_tenant_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"

    def veil(self, eyes: Eyes) -> None:
        left = masking.masked_identifier(self.kind, self.value, eyes.masks)
        if left != self.value:
            self.value, self.masked = left, frozenset({"value"})


class AliasHolder(TenantModel):
    """Ties an identifier to a person. One holder owns it; an e-mail or phone may have further ones.

    `recorded_for` is the part of the person that it was told of, and stays (see ProfilePart).
    """

    id = models.BigAutoField(primary_key=True)
    alias = TenantForeignKey(IdentityAlias, models.CASCADE, related_name="+")
    customer = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    is_owner = models.BooleanField(default=True)
    source = models.CharField(max_length=50)
    since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "alias", "recorded_for"], name="alias_held_once"),
            models.UniqueConstraint(
                fields=["tenant", "alias"], condition=models.Q(is_owner=True), name="alias_has_one_owner"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "customer"], name="aliases_of_customer")]

    def __str__(self) -> str:
        return f"{self.alias_id} of {self.customer_id}"


class DuplicateCandidate(TenantModel):
    """Two profiles that something says are one person; `first` has the smaller id, so a pair is one row."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        MERGED = "MERGED", "Merged"
        DISMISSED = "DISMISSED", "Not a duplicate"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    first = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    second = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    reason = models.CharField(max_length=300)
    source = models.CharField(max_length=50, blank=True)
    source_event_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="duplicate_pair_sorted"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "-created_at"], name="duplicates_by_status"),
            models.Index(fields=["tenant", "second"], name="duplicates_by_second"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} = {self.second_id}?"
