"""Tags: the words that a tenant's staff and keys put people under, each in one spelling."""

from django.db import models
from django.utils import timezone

from crm.tenancy.models import TenantModel

LONGEST = 100


class Tag(TenantModel):
    """A tag as it is spelt here; `key` is the same for every other spelling. Who has it stands in the profiles."""

    name = models.CharField(max_length=LONGEST)
    key = models.CharField(max_length=3 * LONGEST)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="tag_once")]

    def __str__(self) -> str:
        return self.name


class TagMove(TenantModel):
    """A tag to be replaced by another (by none where `new` is blank) with everybody who has it."""

    old = models.CharField(max_length=LONGEST)
    new = models.CharField(max_length=LONGEST, blank=True)
    by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "created_at"], name="tag_moves_by_age")]

    def __str__(self) -> str:
        return f"{self.old} to {self.new or 'nothing'}"
