"""UX-4: a list answers its own filters and nothing else, so that no masked value can be guessed through its address."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.db import models

from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.models import Tenant
from tests.factories import CustomerProfileFactory
from tests.pages import staff_of

ADMINS = [one for one in site._registry.values() if isinstance(one, StaffModelAdmin)]
LOOKUPS = ("__startswith", "__gte", "__isnull", "__icontains")


@pytest.mark.parametrize("admin", ADMINS, ids=lambda one: one.opts.label_lower)
def test_no_column_answers_but_by_a_filter_of_the_list(
    admin: StaffModelAdmin, rf: object, tenant: Tenant
) -> None:
    offered = {
        one if isinstance(one, str) else one[0] for one in admin.list_filter if isinstance(one, str | tuple)
    }
    request = rf.get("/admin/")  # type: ignore[attr-defined]
    for column in admin.model._meta.concrete_fields:
        for lookup in ("", *LOOKUPS):
            name = f"{column.name}{lookup}"
            allowed = _allowed(admin, name, request)
            assert not allowed or column.name in offered or name in _parameters(admin, request), name


def _allowed(admin: StaffModelAdmin, name: str, request: object) -> bool:
    return admin.lookup_allowed(name, "x", request)  # type: ignore[arg-type]


def _parameters(admin: StaffModelAdmin, request: object) -> set[str]:
    filters: Any = admin.get_list_filter(request)  # type: ignore[arg-type]
    return {one.parameter_name for one in filters if isinstance(one, type)}


@pytest.mark.parametrize(
    "query",
    [
        "email__startswith=thandi",
        "phone_number__endswith=123",
        "date_of_birth=1980-01-01",
        "internal_notes__isnull=0",
    ],
)
def test_a_viewer_can_not_guess_what_is_masked(tenant: Tenant, query: str) -> None:
    CustomerProfileFactory(email="thandi@example.com", internal_notes="Owes us")
    assert staff_of("VIEWER").get(f"/admin/customers/customerprofile/?{query}").status_code == 400


def test_admins_there_are() -> None:
    assert len(ADMINS) > 15
    assert all(issubclass(one.model, models.Model) for one in ADMINS)
