"""The contestants of a row do the same work: else their times say nothing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from tests.bench import processing_limit, processing_naive
from tests.bench.database import NEW_ID
from tests.bench.population import settle_in
from tests.bench.traffic import Traffic
from tests.factories import TenantFactory
from tests.timeline.world import world
from timeline.ingestion import process_due

PEOPLE, EVENTS = 57, 110  # most people have two events, of different types
VOLATILE = {"id", "key", "customerId", "updatedAt", "createdAt"}


def world_after(tenant: Tenant, process: Any, now: datetime) -> dict[str, Any]:
    """What stands in a tenant's rows after the events were processed in one of the ways."""
    settle_in(tenant, PEOPLE, now=now)
    Traffic(tenant, PEOPLE, now).arrive(1, EVENTS)
    process(tenant)
    with tenant_scope(tenant):
        news = [
            (topic, sorted((name, value) for name, value in payload.items() if name not in VOLATILE))
            for topic, payload in OutboxMessage.objects.values_list("topic", "payload")
        ]
        return world() | {"news": sorted(news, key=str)}


@pytest.fixture
def closed_afterwards() -> Iterator[None]:
    """The contestants keep connections of their own for as long as their process lives."""
    yield
    for way in (processing_limit, processing_naive):
        way.own_connection().close()
        way.own_connection.cache_clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("closed_afterwards")
def test_all_ways_to_process_events_leave_the_same_world_behind() -> None:
    with connection.cursor() as cursor:
        cursor.execute(NEW_ID)
    ours, limit, naive = (TenantFactory(), TenantFactory(), TenantFactory())
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        expected = world_after(ours, process_due, now)
    assert world_after(limit, processing_limit.process_all, now) == expected
    assert world_after(naive, processing_naive.process_all, now) == expected
