"""What every row told by a source has in common."""

from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantForeignKey, TenantModel
from customers.models.profile import CustomerProfile
from customers.models.veil import Veiled


class SourceFact(Veiled, TenantModel):
    """A row keyed by the source's own id, assembled from events that come in any order, any number of times.

    `stamps` says for each attribute which event wrote it; see customers.stamps for who wins. `recorded_for` is whose
    it was told to be, and stamped; `customer` is the person that this part belongs to now (see ProfilePart).
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=300)
    customer = TenantForeignKey(CustomerProfile, null=True, blank=True, related_name="+")
    recorded_for = models.UUIDField(null=True, editable=False)
    stamps = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.key


def fact_constraints(name: str) -> list[models.BaseConstraint]:
    return [models.UniqueConstraint(fields=["tenant", "key"], name=f"{name}_key")]


def by_time(column: str, *, name: str) -> models.Index:
    """The order of a list of everybody's rows, newest first, those without a time last."""
    return models.Index(
        models.F("tenant"), models.F(column).desc(nulls_last=True), models.F("id").desc(), name=name
    )
