"""Lists of people as somebody narrowed and sorted them, kept under a name."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from crm.tenancy.models import TenantModel, User, scoped, uuid7
from crm.tenancy.models.checks import is_map

LONGEST_NAME, LONGEST_FILTER, MOST_FILTERS = 60, 300, 20


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def for_user(self, user: Any) -> "SavedViewQuerySet":
        """Their own and what colleagues share, by name."""
        return self.filter(models.Q(owner=user) | models.Q(is_shared=True)).order_by(Lower("name"), "pk")


class SavedView(TenantModel):
    """The filters and the order of the customer list, for its owner or for the whole team.

    filters:  what the list's address has for each of its filters; the words of a search are no part of it.
    sort:     names of columns, with "-" where the order is turned round: their places differ from reader to reader.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, models.CASCADE, db_index=False, related_name="+")
    name = models.CharField(max_length=LONGEST_NAME)
    filters = models.JSONField(default=dict, blank=True)
    sort = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[Any] = scoped(SavedViewQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "owner", "name"], name="saved_view_name_once"),
            is_map("filters", name="saved_view_filters_map"),
        ]

    def __str__(self) -> str:
        return self.name
