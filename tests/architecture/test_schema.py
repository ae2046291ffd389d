"""What must hold for every table, whoever adds the next one."""

import pytest
from django.apps import apps
from django.db import connection, models

from crm.tenancy.models import (
    AuditEntry,
    LoginSession,
    RecoveryCode,
    SecondFactor,
    StaffMail,
    Tenant,
    TenantModel,
    User,
)
from crm.tenancy.models.base import TenantForeignKey
from customers.acts import recorders
from customers.models import PlatformComplaint
from segments.models.derived import DerivedKey

pytestmark = pytest.mark.services

OURS = {"tenancy", "outbox", "customers", "timeline", "segments", "campaigns"}
TENANTLESS = {
    Tenant: "is the tenant",
    User: "is a person, who may work for several tenants",
    LoginSession: "is a user's",
    RecoveryCode: "is a user's",
    SecondFactor: "is a user's",
    PlatformComplaint: "is a hash that every tenant heeds",
}
OF_ONE_OR_NONE = {AuditEntry: "failed log-ins have no tenant yet", StaffMail: "an account may have several"}
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS and model not in TENANTLESS]
TABLES = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)


@TABLES
def test_every_row_belongs_to_a_tenant_and_is_read_in_its_scope_only(model: type[models.Model]) -> None:
    assert model in OF_ONE_OR_NONE or issubclass(model, TenantModel)
    assert model._base_manager.name == "objects", "walking a relation must stay inside the scope"
    with pytest.raises(Exception, match="[Ss]cope"):
        list(model._default_manager.all())


@TABLES
def test_every_unique_key_and_index_leads_with_the_tenant(model: type[models.Model]) -> None:
    allowed = {
        "idempotent_call_age": "purged across tenants",
        "outbox_unsent": "one relay for all",
        "outbox_sent": "purged across tenants",
        "club_refs": "GIN, of a table with a row a club",
        "invitation_token_once": "the token tells the tenant",
        "staff_mail_due": "one sender for all",
        "staff_mail_by_address": "an address is of no tenant",
    }
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.name not in allowed:
            assert constraint.fields[0] == "tenant", constraint.name
    for index in model._meta.indexes:
        if index.name not in allowed:
            first = index.fields[0] if index.fields else index.expressions[0].name  # type: ignore[union-attr]
            assert first == "tenant", index.name


@TABLES
def test_no_foreign_key_can_cross_tenants(model: type[models.Model]) -> None:
    for field in model._meta.concrete_fields:
        if not field.is_relation or field.related_model in TENANTLESS or isinstance(field, DerivedKey):
            continue
        assert isinstance(field, TenantForeignKey) or not field.db_constraint, field  # type: ignore[attr-defined]
        name = f"{model._meta.db_table}_{field.column}_same_tenant"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name[:63]]
            )
            found = cursor.fetchone()
        assert found and f"(tenant_id, {field.column})" in found[0], f"{field} lacks its composite key"


test_no_foreign_key_can_cross_tenants = pytest.mark.django_db(test_no_foreign_key_can_cross_tenants)


def test_acts_of_the_crm_are_recorded_on_the_timeline() -> None:
    assert [recorder.__name__ for recorder in recorders()] == ["record_entries"]
