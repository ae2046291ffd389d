"""Which profiles are one person: the parts of a merged person, and the record of each merge."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.checks import one_of
from customers.models.profile import CustomerProfile


class ProfilePart(TenantModel):
    """What was told of one of the profiles that were merged to one person, its survivor's own part included.

    Only merged people have parts. What a source says is written to the part whose identifier it named, and shows on
    the root; so a merge loses nothing, and can be undone at any time.
    root: the profile that everybody sees. row: the part's own columns, as JSON; seen: its own "last …" times.
    """

    customer = models.OneToOneField(
        CustomerProfile, models.CASCADE, primary_key=True, related_name="part", db_constraint=False
    )
    root = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    row = models.JSONField(default=dict)
    seen = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "root"], name="parts_of_root")]

    def __str__(self) -> str:
        return f"{self.customer_id} of {self.root_id}"


class MergeRule(models.TextChoices):
    AUTOMATIC = "AUTOMATIC", _("Automatic")
    MANUAL = "MANUAL", _("By hand")
    BULK = "BULK", _("Several at once")
    API = "API", _("Over the API")
    FINDER = "FINDER", _("Duplicate finder")


class MergeQuerySet(models.QuerySet["MergeRecord"]):
    def live(self) -> "MergeQuerySet":
        """Those that stand: not undone."""
        return self.filter(undone_at=None)


class MergeRecord(TenantModel):
    """One merge: two profiles became one person. Append-only, but for its undoing.

    writes: what the merge itself says of the person, against the usual rules (customers.families.written), and what
            that follows from (customers.grounds).
    before: profile attribute of the winner -> {"before": [value, stamp], "after": [value, stamp]}.
    moved:  table -> how many of its rows went over to the winner.
    """

    Rule = MergeRule

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    winner = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    loser = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    rule = models.CharField(max_length=9, choices=MergeRule.choices)
    reason = models.CharField(max_length=300, blank=True)
    score = models.PositiveSmallIntegerField(null=True)
    actor = models.CharField(max_length=300)
    at = models.DateTimeField(default=timezone.now, editable=False)
    source = models.CharField(max_length=50, blank=True)
    source_event_id = models.CharField(max_length=200, blank=True)
    writes = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=300, blank=True)
    undone_reason = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = scoped(MergeQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "loser"], condition=models.Q(undone_at=None), name="merged_once"
            ),
            one_of("rule", MergeRule, name="merge_rule"),
            models.CheckConstraint(condition=~models.Q(winner=models.F("loser")), name="merge_of_two"),
        ]
        indexes = [
            models.Index(fields=["tenant", "winner", "-at"], name="merges_of_winner"),
            models.Index(fields=["tenant", "loser"], name="merges_of_loser"),
        ]

    def __str__(self) -> str:
        return f"{self.loser_id} into {self.winner_id}"
