"""How long a tenant keeps what."""

from django.db import models

from crm.tenancy.models.base import TenantModel


class RetentionRule(TenantModel):
    """A tenant's own answer for one kind of data, where it is not the usual one; see crm.tenancy.retention.

    days: how long rows are kept; none = as long as the tenant exists.
    """

    kind = models.CharField(max_length=30)
    days = models.PositiveIntegerField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="retention_rule_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.days}"
