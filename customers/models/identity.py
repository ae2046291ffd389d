"""How a person is recognised: identifiers, who holds them, and pairs that may be one person."""

from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.checks import one_of, within
from crm.tenancy.scope import Eyes
from customers import masking
from customers.models.profile import CustomerProfile, Status
from customers.models.veil import Veiled

NONE = models.Value([], models.JSONField())


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


class PairStatus(models.TextChoices):
    OPEN = "OPEN", "Open"
    MERGED = "MERGED", "Merged"
    DISMISSED = "DISMISSED", "Not a duplicate"


class PairBand(models.TextChoices):
    AUTO = "AUTO", "Certain"
    REVIEW = "REVIEW", "To review"


class DuplicateQuerySet(models.QuerySet["DuplicateCandidate"]):
    def waiting(self) -> "DuplicateQuerySet":
        """Those to be decided, of two people who are both still there.

        What a source told of somebody who was merged away since is a question about whom they were merged into; the
        finder has a pair of its own for those two.
        """
        gone = models.Q()
        for side in ("first", "second"):
            gone |= models.Q(**{f"{side}__status": Status.DELETED})
            gone |= models.Q(**{f"{side}__status": Status.MERGED, "source": DuplicateCandidate.FINDER})
        return self.filter(status=PairStatus.OPEN).exclude(gone)

    def of(self, customer: UUID) -> "DuplicateQuerySet":
        return self.filter(models.Q(first=customer) | models.Q(second=customer))

    def in_queue_order(self) -> "DuplicateQuerySet":
        """The surest first; of what nobody has judged yet, the latest."""
        return self.order_by(models.F("score").desc(nulls_last=True), "-created_at", "-id")


class DuplicateCandidate(TenantModel):
    """Two profiles that something says are one person; `first` has the smaller id, so a pair is one row for ever.

    What staff decided stays: a pair that was put aside is not asked again. An open pair that the finder put forward
    goes when the two are no longer alike; one that a source told of stays, whatever the finder thinks.
    """

    FINDER = "finder"  # the source of what was found by comparing

    Status, Band = PairStatus, PairBand

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    first = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    second = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    status = models.CharField(max_length=9, choices=PairStatus.choices, default=PairStatus.OPEN)
    reason = models.CharField(max_length=300)
    source = models.CharField(max_length=50, blank=True)
    source_event_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    band = models.CharField(
        max_length=6, choices=PairBand.choices, default=PairBand.REVIEW, db_default=PairBand.REVIEW
    )
    score = models.FloatField(null=True, help_text="How likely the two are one person, in percent.")
    reasons = models.JSONField(
        default=list,
        blank=True,
        db_default=NONE,
        help_text="Why: [attribute, level, bits], the greatest first.",
    )
    vetoes = models.JSONField(
        default=list, blank=True, db_default=NONE, help_text="What forbids to merge them unasked."
    )
    checked_at = models.DateTimeField(
        null=True, editable=False, help_text="When the finder last compared them."
    )
    decided_by = models.CharField(max_length=300, blank=True, db_default="")
    decided_at = models.DateTimeField(null=True)
    remark = models.CharField(
        max_length=300, blank=True, db_default="", help_text="Why it was decided so, in words."
    )

    objects: ClassVar[Any] = scoped(DuplicateQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="duplicate_pair_sorted"
            ),
            one_of("status", PairStatus, name="duplicate_status"),
            one_of("band", PairBand, name="duplicate_band"),
            within("score", 0, 100, name="duplicate_score"),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "-created_at"], name="duplicates_by_status"),
            models.Index(fields=["tenant", "second"], name="duplicates_by_second"),
            models.Index(
                models.F("tenant"), models.F("score").desc(nulls_last=True), models.F("created_at").desc(),
                models.F("id").desc(), name="duplicates_waiting", condition=models.Q(status="OPEN"),
            ),
            models.Index(
                models.F("tenant"), models.F("decided_by"), models.F("decided_at").desc(),
                name="duplicates_by_decision", condition=models.Q(decided_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.first_id} = {self.second_id}?"
