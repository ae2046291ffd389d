"""T3: every statement of a request or a task carries its tenant."""

import json
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile
from tests.architecture.sources import ROOT
from tests.architecture.statements import EXCEPTIONS, Statement, watched, without_tenant
from tests.architecture.test_matrix import undone
from tests.architecture.test_wall import API, STAFF, filled, model_of, named, rows, send, staff_rows  # noqa: F401
from tests.factories import CustomerProfileFactory
from tests.pages import staff_of
from timeline import ingestion
from timeline.models import InboundEvent

SAMPLES = sorted((ROOT / "timeline" / "sources" / "examples").glob("*.json"))


def test_no_statement_of_the_api_is_without_its_tenant(api: Any, rows: Any) -> None:  # noqa: F811
    calls = [(method, route, call) for route, calls in API.items() for method, call in calls.items()]
    with watched() as statements:
        for method, route, call in calls:
            with undone():  # what one call ends, the next may need
                assert send(api, method, route, named(route, rows), call).status_code < 400, (method, route)
    assert len(statements) > 50
    assert "\n".join(without_tenant(statements)) == ""


def test_no_statement_of_the_staff_pages_is_without_its_tenant(tenant: Tenant) -> None:
    things = staff_rows()
    browser = staff_of()
    seen = 0
    with watched() as statements:
        for route in STAFF:
            thing = things.get(model_of(route))
            reply = browser.get(
                filled(route, thing.pk if thing else ""), {"q": "thandi"} if "<" not in route else {}
            )
            assert reply.status_code < 500, route
            seen += reply.status_code == 200
    assert seen > 20
    assert "\n".join(without_tenant(statements)) == ""


def test_no_statement_of_a_task_is_without_its_tenant(
    tenant: Tenant, other_tenant: Tenant, redis: Any
) -> None:
    events = [one for path in SAMPLES for one in examples(path)]
    with tenant_scope(other_tenant):
        ingestion.receive(events)
    ingestion.receive(events)
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}
    with watched() as statements:
        for name, task in sorted(ours.items()):
            if name == "crm.heartbeat":
                continue  # asks its message, and has no tenant table
            task.run(*ARGUMENTS.get(name, lambda tenant: ())(tenant))
    assert InboundEvent.objects.filter(is_waiting=False).count() > 20
    with tenant_scope(other_tenant):
        assert not CustomerProfile.objects.exists()
    assert "\n".join(without_tenant(statements)) == ""


ARGUMENTS: dict[str, Any] = {
    "campaigns.send": lambda tenant: (str(tenant.pk), "0"),
    "campaigns.work": lambda tenant: (str(tenant.pk),),
    "customers.look_for_duplicates": lambda tenant: (str(tenant.pk), [news_of_somebody(tenant)]),
    "segments.follow": lambda tenant: (str(tenant.pk),),
    "segments.refresh_due": lambda tenant: (str(tenant.pk),),
    "timeline.process_events": lambda tenant: (str(tenant.pk),),
}


def news_of_somebody(tenant: Tenant) -> int:
    payload = {"id": str(CustomerProfileFactory(tenant=tenant).pk)}
    message: OutboxMessage = OutboxMessage.objects.create(
        tenant=tenant, topic="crm.profile.created", key="k", payload=payload
    )
    return message.pk


def examples(path: Path) -> list[Any]:
    return [
        {**one, "tenantId": None, "timestamp": timezone.now().isoformat()}
        for one in json.loads(path.read_text())
    ]


def test_exceptions_are_few_and_have_reasons() -> None:
    assert len(EXCEPTIONS) <= 21
    assert all(len(reason) > 10 for reason in EXCEPTIONS.values())


@pytest.mark.parametrize(
    ("sql", "is_fine"),
    [
        ('SELECT * FROM "customers_booking" WHERE "customers_booking"."tenant_id" = %s', True),
        ("SELECT * FROM customers_booking b WHERE b.tenant_id = %s", True),
        ("SELECT * FROM customers_booking WHERE id = %s", False),
        ("UPDATE customers_booking SET holes = 9 WHERE id = %s", False),
        ("DELETE FROM customers_booking", False),
        (
            "SELECT (SELECT count(*) FROM timeline_activity a) FROM customers_booking b WHERE b.tenant_id = %s",
            False,
        ),
        ("INSERT INTO customers_booking (id) VALUES (%s)", False),
        ("SELECT * FROM tenancy_tenant WHERE id = %s", True),
    ],
)
def test_the_eye_sees(sql: str, is_fine: bool) -> None:
    tenant = "0198c6b2-0000-7000-8000-000000000000"
    statement = Statement(sql.replace('"', ""), f"['{tenant}']", tenant)
    assert (without_tenant([statement]) == []) is is_fine
