"""X7: what an endpoint does not offer can't be written through it, whatever the field is called."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps

from tests.architecture.test_wall import rows  # noqa: F401
from tests.crm.rest.contract import (
    OPERATIONS,
    SCHEMAS,
    WRITES,
    ask,
    closed_places,
    error_of,
    everything_of,
    unlimited,
    valid_body,
)  # fmt: skip
from timeline.models import InboundEvent

CREDENTIAL = {"tenantId"}  # may be named, and must then be the credential's


@pytest.fixture
def api(tenant: Any) -> Any:
    return unlimited(tenant)


def names() -> set[str]:
    """Every column of every model and every property of every reply, as Python and as JSON would write it."""
    columns = {
        name
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        for name in (field.name, field.attname)
    }
    camel = {re.sub(r"_(\w)", lambda letter: letter[1].upper(), name) for name in columns}
    properties = {name for schema in SCHEMAS.values() for name in schema.get("properties", {})}
    return columns | camel | properties | {"tenant_id", "__class__", "pk", "_state"}


NAMES = names() - CREDENTIAL
CLOSED = [
    (operation, path, own)
    for operation in WRITES
    if operation.method != "DELETE"
    for path, own in (
        closed_places(valid_body(operation), operation.body) if operation.body else [("", set())]
    )
]


def portions(names: set[str]) -> Iterator[list[str]]:
    """As many as one request may have."""
    assert len(names) > 200
    found = sorted(names)
    yield from (found[start : start + 300] for start in range(0, len(found), 300))


def put(body: Any, path: str, more: dict[str, Any]) -> Any:
    """A copy of a body with more names in the object at a path."""
    body = copy.deepcopy(body or {})
    place = body
    for name in path.split(".") if path else ():
        place = place[name]
    place |= {name: value for name, value in more.items() if name not in place}
    return body


@pytest.mark.parametrize(
    ("operation", "path", "own"), CLOSED, ids=[f"{operation} {path}".strip() for operation, path, _ in CLOSED]
)
def test_every_name_that_is_not_offered_is_refused_and_named(
    operation: Any,
    path: str,
    own: set[str],
    api: Any,
    tenant: Any,
    rows: Any,  # noqa: F811
) -> None:
    before = everything_of(tenant)
    for foreign in portions(NAMES - own):
        reply = ask(api, operation, rows, put(valid_body(operation), path, dict.fromkeys(foreign, 1)))
        assert error_of(reply) == (400, "UNKNOWN_FIELD")
        refused = {detail["field"] for detail in reply.json()["error"]["details"]}
        assert {f"{path}.{name}" if path else name for name in foreign} <= refused
    assert everything_of(tenant) == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_parameter_that_is_not_offered_is_refused_and_named(
    operation: Any,
    api: Any,
    rows: Any,  # noqa: F811
) -> None:
    for foreign in portions(NAMES - set(operation.parameters())):
        reply = ask(api, operation, rows, query="&".join(f"{name}=1" for name in foreign))
        assert error_of(reply) == (400, "UNKNOWN_FIELD")
        assert {detail["field"] for detail in reply.json()["error"]["details"]} >= set(foreign)


def test_an_events_envelope_is_open_but_writes_no_column(api: Any, tenant: Any, other_tenant: Any) -> None:
    """Senders may add what they like: it is kept with the body, and has no effect on the row."""
    said = {
        "id": "e-1", "type": "web.page_view", "timestamp": "2026-11-01T00:00:00Z", "source": "web",
        "identity": {"email": "thandi@example.com"}, "payload": {"url": "https://club.example/"},
    }  # fmt: skip
    columns = {field.attname for field in InboundEvent._meta.concrete_fields} | NAMES
    open_names = sorted(
        columns - {"tenantId", "tenant", *said, "version", "metadata", "historical", "name", "data"}
    )
    reply = api.post("/api/v1/events", said | dict.fromkeys(open_names, str(other_tenant.pk)))
    assert reply.status_code == 202, reply.content
    row = InboundEvent.objects.get()
    assert (row.tenant_id, row.status, row.is_waiting, row.claims, row.attempts) == (
        tenant.pk,
        "PENDING",
        True,
        0,
        0,
    )
    assert (row.customer_id, row.activity_id, row.dead_at, row.error) == (None, None, None, "")
