"""Sets of rows through one statement: what went in comes out, whatever senders write."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from crm.tenancy.models import Tenant
from crm.tenancy.rows import insert_rows, read_rows, update_rows
from crm.tenancy.scope import tenant_scope
from customers.models import HandicapRevision, Order

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)
BLANK = {
    f.attname: f.get_default() for f in Order._meta.concrete_fields if f.attname not in {"id", "tenant_id"}
}
HANDICAP = {
    f.attname: f.get_default()
    for f in HandicapRevision._meta.concrete_fields
    if f.attname not in {"id", "tenant_id"}
}


def test_values_come_back_as_they_went_in(tenant: Tenant) -> None:
    stamps = {"total_cents": [1, 0, 2**63 - 1, 70, "é “quoted” \\ 🏌", "scl"]}
    row = BLANK | {"key": "o-1", "stamps": stamps, "total_cents": 2**53, "paid_at": WHEN, "created_at": WHEN}
    insert_rows(Order, [row], list(BLANK))
    (found,) = read_rows(Order, list(BLANK), "key = %s", ["o-1"])
    assert found == row


def test_integers_beyond_64_bits_survive(tenant: Tenant) -> None:
    row = BLANK | {"key": "o-1", "stamps": {"sent": 10**40}, "created_at": WHEN}
    insert_rows(Order, [row], list(BLANK))
    (found,) = read_rows(Order, ["stamps"], "key = %s", ["o-1"])
    assert found == {"stamps": {"sent": 10**40}}


def test_an_update_writes_the_named_columns_of_the_open_tenant_only(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    row = HANDICAP | {"key": "h-1", "handicap": Decimal("12.4"), "authority": "GolfRSA", "created_at": WHEN}
    insert_rows(HandicapRevision, [row], list(HANDICAP))
    with tenant_scope(other_tenant):
        insert_rows(HandicapRevision, [row], list(HANDICAP))
    (found,) = read_rows(HandicapRevision, ["id", *HANDICAP], "key = %s", ["h-1"])
    changed = found | {"handicap": Decimal("11.9"), "authority": "not named", "customer_id": uuid4()}
    update_rows(HandicapRevision, [changed], ["handicap"])
    (after,) = read_rows(HandicapRevision, ["handicap", "authority"], "key = %s", ["h-1"])
    assert after == {"handicap": Decimal("11.9"), "authority": "GolfRSA"}
    with tenant_scope(other_tenant):
        assert HandicapRevision.objects.get().handicap == Decimal("12.4")
