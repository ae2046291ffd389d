"""How many messages may leave just now: one row a limit, shared by all workers."""

from django.db import models

from crm.tenancy.models import TenantModel


class Allowance(TenantModel):
    """What is left of a limit, such as a run's or a provider's messages a minute.

    left: what may still go as of `at`; it grows with time up to `most`, by the database's clock.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=100)
    left = models.FloatField(default=0)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="allowance_once")]

    def __str__(self) -> str:
        return self.key
