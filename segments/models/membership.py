"""Who was put into a segment or kept out of it, who is in it, and who came and went."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantForeignKey, TenantModel
from crm.tenancy.models.checks import one_of, within
from customers.models import CustomerProfile
from segments.models.derived import DerivedKey
from segments.models.segment import Segment


class AssignedBy(models.TextChoices):
    SYSTEM = "SYSTEM", _("The rules")
    MANUAL = "MANUAL", _("Somebody")
    ML = "ML", _("A model")


class Cause(models.TextChoices):
    """Why somebody came or went."""

    FIRST_FILL = "FIRST_FILL", _("The segment was worked out for the first time")
    NEW_RULES = "NEW_RULES", _("The rules were changed")
    RULES = "RULES", _("Something about them changed")
    CLOCK = "CLOCK", _("Time went by")
    BY_HAND = "BY_HAND", _("Put in or taken out")
    EXPIRED = "EXPIRED", _("Their time in it was over")
    MERGED = "MERGED", _("Two profiles became one")
    HISTORICAL = "HISTORICAL", _("Something of the past became known")
    LEFT_POPULATION = "LEFT_POPULATION", _("Merged away, deleted, restricted or erased")


# Changes that are no news about the person: they fill segments and set nothing off.
OF_THE_PAST = (Cause.FIRST_FILL, Cause.NEW_RULES, Cause.MERGED, Cause.HISTORICAL)


class SegmentEntry(TenantModel):
    """Somebody put into a segment, or kept out of it, by hand, by a file or by a model.

    The last word about a person in a segment is the only one. `recorded_for` is the part of a merged person.
    """

    id = models.BigAutoField(primary_key=True)
    segment = TenantForeignKey(Segment, models.CASCADE, related_name="+")
    customer = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    is_excluded = models.BooleanField(default=False)
    assigned_by = models.CharField(max_length=6, choices=AssignedBy.choices, default=AssignedBy.MANUAL)
    actor = models.CharField(max_length=300, help_text="user:…, key:… or token:…")
    reason = models.CharField(max_length=500, blank=True)
    confidence = models.PositiveSmallIntegerField(null=True, validators=[MaxValueValidator(100)])
    since = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "segment entries"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "segment", "recorded_for"], name="segment_entry_once"),
            one_of("assigned_by", AssignedBy, name="segment_entry_assigned_by"),
            within("confidence", 0, 100, name="segment_entry_confidence"),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer"], name="segment_entries_of"),
            models.Index(
                fields=["tenant", "expires_at"],
                name="segment_entries_expiring",
                condition=models.Q(expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recorded_for} {'kept out of' if self.is_excluded else 'in'} {self.segment_id}"


class SegmentMember(TenantModel):
    """Somebody who is in a segment: by its rules or put in, not kept out. Derived; who and why says SegmentEntry."""

    id = models.BigAutoField(primary_key=True)
    segment = DerivedKey(Segment, related_name="+")
    customer = DerivedKey(CustomerProfile, related_name="+")
    joined_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "segment", "customer"], name="segment_member_once")
        ]
        indexes = [
            models.Index(fields=["tenant", "customer"], name="segments_of_customer"),
            models.Index(fields=["tenant", "segment", "joined_at", "id"], name="segment_members_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"


class MembershipChange(TenantModel):
    """Somebody came into a segment or left it. Append-only, and of who it was then, whoever they are merged with since.

    leaves: the paths of the rules that made the difference; none where too many changed at once to ask.
    """

    id = models.BigAutoField(primary_key=True)
    segment = DerivedKey(Segment, related_name="+")
    customer = DerivedKey(CustomerProfile, related_name="+")
    at = models.DateTimeField()
    joined = models.BooleanField()
    cause = models.CharField(max_length=15, choices=Cause.choices)
    leaves = ArrayField(models.CharField(max_length=200), null=True)

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "segment", "-at", "-id"], name="segment_changes"),
            models.Index(fields=["tenant", "segment", "id"], name="segment_changes_in_turn"),
            models.Index(fields=["tenant", "customer", "-at"], name="segment_changes_of"),
            models.Index(fields=["tenant", "at"], name="segment_changes_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {'joined' if self.joined else 'left'} {self.segment_id}"
