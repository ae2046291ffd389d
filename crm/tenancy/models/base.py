"""What every tenant row has in common."""

from typing import Any, ClassVar
from uuid import UUID

import uuid_utils
from django.db import models
from django_scopes import ScopedManager


def uuid7() -> UUID:
    """A time-ordered id: rows made together lie together in the index."""
    return UUID(int=uuid_utils.uuid7().int)


def scoped(queryset: type[models.QuerySet[Any]]) -> Any:
    """A tenant manager with the methods of `queryset`."""
    return ScopedManager(_manager_class=models.Manager.from_queryset(queryset), tenant="tenant")


class TenantModel(models.Model):
    """A row of one tenant. Its manager, the base manager included, sees the open scope's rows only."""

    tenant = models.ForeignKey("tenancy.Tenant", on_delete=models.PROTECT, db_index=False, related_name="+")

    objects: ClassVar[Any] = ScopedManager(tenant="tenant")

    class Meta:
        abstract = True
        base_manager_name = "objects"


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A foreign key that cannot cross tenants.

    The database side is one composite key (tenant_id, column) -> (tenant_id, id), added by
    `crm.tenancy.constraints.tenant_foreign_key` in a migration; Django's own single-column one is left out.
    No index of its own: every index of a tenant table leads with the tenant.
    """

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete, **kwargs)
