"""What the finder of duplicates keeps: by what people are compared at all, and what a tenant's people taught it."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantModel
from customers.models.profile import CustomerProfile


class LikenessKeys(TenantModel):
    """The keys of a person as customers.likeness.keys makes them: who shares one is compared.

    Hashes of 32 bits of names, birth dates and contact points, which tell nobody's; still they go with the person.
    """

    customer = models.OneToOneField(
        CustomerProfile, models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    keys = ArrayField(models.IntegerField())
    as_of = models.DateTimeField(help_text="The updated_at of the profile they were made from.")

    class Meta(TenantModel.Meta):
        verbose_name_plural = "likeness keys"
        indexes = [
            GinIndex(fields=["tenant", "keys"], opclasses=["uuid_ops", "array_ops"], name="likeness_by_key")
        ]

    def __str__(self) -> str:
        return f"keys of {self.customer_id}"


class LikenessWeights(TenantModel):
    """What likeness weighs among the tenant's people, as customers.likeness.Model says it; one row a tenant."""

    id = models.BigAutoField(primary_key=True)
    weights = models.JSONField()
    learnt_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "likeness weights"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="weights_once")]

    def __str__(self) -> str:
        return f"weights of {self.learnt_at:%Y-%m-%d}"
