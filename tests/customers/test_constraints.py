"""A10.2: what the rows may hold is the database's to keep, whoever writes them."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers.models import Booking, CustomerProfile, Order, Payment
from customers.models.history import TRACKED
from customers.services import update_customer
from tests.factories import (
    ActivityFactory,
    ClubFactory,
    CustomerProfileFactory,
    InboundEventFactory,
    NoteFactory,
)

BROKEN = {
    "customers_customerprofile": [
        "status = 'GONE'", "lifecycle_stage = 'FAN'", "lifecycle_pin = 'FAN'", "customer_type = 'ROBOT'",
        "email = 'Ann@Example.com'", "country = 'za'", "country = 'Z1'", "merged_into_id = id, status = 'MERGED'",
        "merged_into_id = '00000000-0000-0000-0000-000000000001'", "version = -1", "custom_fields = '[]'",
        "provenance = '1'", "external_ids = 'null'", "external_id = (SELECT external_id FROM customers_customerprofile "
        "other WHERE other.id <> customers_customerprofile.id LIMIT 1)",
    ],
    "customers_customermetrics": [
        "engagement_score = 101", "engagement_score = -1", "churn_risk_score = 101", "activity_count_30d = -1",
        "booking_count_30d = -1",
    ],
    "customers_booking": ["status = 'LOST'", "currency = 'zar'", "currency = 'R'"],
    "customers_order": ["status = 'LOST'", "currency = 'zar'"],
    "customers_payment": ["currency = '12'"],
    "timeline_activity": ["category = 'GOSSIP'"],
    "timeline_inboundevent": ["status = 'MAYBE'", "priority = 4", "duplicates = -1"],
    "timeline_note": ["type = 'RUMOUR'", "visibility = 'WORLD'", "version = -1"],
    "tenancy_tenant": ["currency = 'zar'", "region = 'za'", "at_risk_threshold = 101", "high_value_cents = 0"],
    "tenancy_club": ["currency = 'x'", "region = '1'"],
}  # fmt: skip


@pytest.fixture
def person(tenant: Tenant) -> CustomerProfile:
    other = CustomerProfileFactory()
    for model in (Booking, Order, Payment):
        model.objects.create(tenant=tenant, key="1", customer=other)
    ActivityFactory(customer=other)
    InboundEventFactory()
    NoteFactory(customer=other)
    ClubFactory()
    return CustomerProfileFactory(first_name="Ann")


@pytest.mark.parametrize(
    ("table", "change"), [(table, change) for table, changes in BROKEN.items() for change in changes]
)
def test_raw_sql_cannot_break_a_row(person: CustomerProfile, table: str, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def stamps(person: CustomerProfile) -> tuple[Any, int]:
    found = CustomerProfile.objects.get(pk=person.pk)
    return found.updated_at, found.version


def test_the_database_keeps_updated_at_where_sql_forgets_it(person: CustomerProfile) -> None:
    before = stamps(person)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_customerprofile SET first_name = 'Anna' WHERE id = %s", [person.pk])
    after = stamps(person)
    assert after[0] > before[0]
    assert after[1] == before[1] + 1


def test_what_nobody_wrote_leaves_updated_at_alone(person: CustomerProfile) -> None:
    before = stamps(person)
    CustomerProfile.objects.filter(pk=person.pk).update(stage_due_at=timezone.now(), first_name="Ann")
    assert stamps(person) == before


def test_an_edit_counts_once(person: CustomerProfile) -> None:
    version = stamps(person)[1]
    update_customer(person.pk, {"first_name": "Anna"}, by="key:a")
    assert stamps(person)[1] == version + 1


@pytest.mark.django_db
def test_updated_at_follows_every_column_with_a_history() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'customers_customerprofile_touch'"
        )
        (text,) = cursor.fetchone()
    assert [name for name in TRACKED if f"new.{name}" not in text.lower()] == []
