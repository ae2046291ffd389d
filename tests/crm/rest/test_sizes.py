"""X14: too large, too deep, too many, too long: refused at once with the right status, by every endpoint."""

import json
import time
from typing import Any

import pytest
from django.conf import settings

from crm.rest.examples import resolved
from tests.architecture.test_wall import rows  # noqa: F401
from tests.crm.rest.contract import (
    OPERATIONS,
    SCHEMAS,
    WITH_BODY,
    WRITES,
    ask,
    error_of,
    unlimited,
    valid_body,
)

QUICK = 2.0  # seconds of this process's work: a machine that is busy with others must not matter
DEEP = 100_000
EVENT = {"id": "e", "type": "web.page_view", "timestamp": "2026-11-01T00:00:00Z"}


@pytest.fixture
def api(tenant: Any) -> Any:
    return unlimited(tenant)


def answer(api: Any, *arguments: Any, **options: Any) -> Any:
    began = time.process_time()
    reply = ask(api, *arguments, **options)
    assert time.process_time() - began < QUICK, arguments[0]
    assert reply.status_code < 500, (arguments[0], reply.content)
    return reply


def limit(operation: Any) -> int:
    is_events = operation.route == "api/v1/events"
    return settings.EVENTS_BODY_LIMIT if is_events else settings.API_BODY_LIMIT


@pytest.mark.parametrize("operation", WRITES, ids=str)
def test_a_body_of_one_byte_too_many_is_413(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    body = b" " * (limit(operation) + 1)
    assert error_of(answer(api, operation, rows, body=body)) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("operation", [one for one in WRITES if one.method != "DELETE"], ids=str)
def test_a_body_without_end_to_its_depth_is_400(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        body = opened * DEEP + "1" + closed * DEEP
        assert error_of(answer(api, operation, rows, body=body[: limit(operation)])) == (
            400,
            "INVALID_FORMAT",
        )
        unclosed = opened * DEEP
        assert error_of(answer(api, operation, rows, body=unclosed)) == (400, "INVALID_FORMAT")


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_text_that_is_too_long_is_named(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    if operation.route == "api/v1/events":
        return  # each event is judged by itself: tests/timeline/test_envelope.py
    example = valid_body(operation)
    for name, schema in operation.body["properties"].items():
        schema = resolved(schema, SCHEMAS)
        for length in (schema.get("maxLength", 900_000) + 1, 900_000):
            reply = answer(api, operation, rows, body=example | {name: "x" * length})
            if "maxLength" in schema:
                fields = {detail["field"] for detail in reply.json()["error"]["details"]}
                assert reply.status_code == 400 and name in fields, name


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_lists_and_maps_that_are_too_full_are_refused_once(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    """By their path, and not member by member; a body of events is judged event by event."""
    name = next(iter(operation.body["properties"]))
    for crowd in (["x"] * 100_000, {f"k{number}": 1 for number in range(50_000)}):
        reply = answer(api, operation, rows, body=valid_body(operation) | {name: crowd})
        if operation.route != "api/v1/events":
            assert error_of(reply) == (400, "VALIDATION_ERROR")
            assert [detail["field"] for detail in reply.json()["error"]["details"]] == [name]


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_odd_values_of_every_property_are_no_fault(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    example = valid_body(operation)
    for name in operation.body["properties"]:
        for value in (10**400, -1, 1e308, [[[[]]]], {"": {"": {}}}, ["x"] * 1000, None, True, ""):
            answer(api, operation, rows, body=example | {name: value})


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_parameters_that_are_too_long_or_too_many_are_no_fault(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    for name in operation.parameters():
        for value in ("x" * 100_000, "9" * 5000, "a," * 20_000):
            assert answer(api, operation, rows, query=f"{name}={value}").status_code in (400, 403, 404), name
    crowd = "&".join(f"p{number}=1" for number in range(990))
    assert answer(api, operation, rows, query=crowd).status_code == 400


def test_a_thousand_events_are_taken_and_one_more_is_413(api: Any) -> None:
    events = [EVENT | {"id": f"e-{number}"} for number in range(settings.EVENTS_PER_CALL + 1)]
    assert error_of(api.post("/api/v1/events", events)) == (413, "PAYLOAD_TOO_LARGE")
    assert error_of(api.post("/api/v1/events", {"events": events})) == (413, "PAYLOAD_TOO_LARGE")
    assert api.post("/api/v1/events", events[:-1]).json()["accepted"] == settings.EVENTS_PER_CALL


def test_four_megabytes_of_events_are_taken(api: Any) -> None:
    body = json.dumps([EVENT | {"payload": {"url": "x" * (settings.EVENTS_BODY_LIMIT - 200)}}])
    assert api.generic("POST", "/api/v1/events", body).status_code in (202, 422)
