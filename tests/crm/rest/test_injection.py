"""X8: filters, orders, searches, ids and keys are names or values, never look-ups and never SQL."""

import json
import time
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from tests.architecture.test_wall import filled, named, rows  # noqa: F401
from tests.crm.rest.contract import OPERATIONS, READS, WITH_BODY, ask, error_of, unlimited, valid_body

SQL = (
    "' OR '1'='1",
    '" OR 1=1 --',
    "1; DROP TABLE customers_customerprofile--",
    "') UNION SELECT password FROM tenancy_user--",
    "'; SELECT pg_sleep(60)--",
    "1 AND (SELECT 1 FROM pg_sleep(60))=1",
    "(SELECT count(*) FROM tenancy_tenant)",
    "$$; COPY tenancy_user TO PROGRAM 'id'; $$",
    "E'\\x27' || version()",
    "%' ESCAPE '",
)
LOOKUPS = (
    "email__startswith",
    "tenant__slug",
    "metrics__tenant__apikey__secret_hash",
    "customer__tenant_id",
    "pk__in",
    "?",
    "-?",
    "RawSQL('1')",
    "{{7*7}}",
    "%(tenant)s",
    "../../etc/passwd",
    "a" * 20_000,
)
STRINGS = SQL + LOOKUPS
NAMED = ("sort", "fields")  # parameters that name columns
FUZZY = ("search", "q")  # may find what only resembles
SLOW = 1.0  # seconds of this process's work, and the time of a statement is bounded too
ASLEEP = 30.0


@pytest.fixture
def api(tenant: Any) -> Any:
    return unlimited(tenant)


def quick(api: Any, *arguments: Any, **options: Any) -> Any:
    """An answer, which is neither a fault nor slow."""
    began, began_work = time.monotonic(), time.process_time()
    reply = ask(api, *arguments, **options)
    assert reply.status_code < 500, (arguments[0], options, reply.content)
    assert time.process_time() - began_work < SLOW, (arguments[0], options)
    assert time.monotonic() - began < ASLEEP, (arguments[0], options)
    return reply


def chosen(how_many: str, key: str) -> tuple[str, ...]:
    return STRINGS if how_many == "all" else tuple(Random(key).sample(STRINGS, 4))


@pytest.mark.parametrize("how_many", ["some", pytest.param("all", marks=pytest.mark.proof)])
@pytest.mark.parametrize("operation", READS, ids=str)
def test_no_parameter_takes_sql_or_a_lookup(operation: Any, how_many: str, api: Any, rows: Any) -> None:  # noqa: F811
    for name, schema in operation.parameters().items():
        for text in STRINGS if name in NAMED else chosen(how_many, f"{operation} {name}"):
            reply = quick(api, operation, rows, query=f"{name}={quote(text)}")
            if name in NAMED:
                assert error_of(reply) in ((400, "UNKNOWN_FIELD"), (400, "VALIDATION_ERROR")), text
                assert {detail["field"].partition("[")[0] for detail in reply.json()["error"]["details"]} == {
                    name
                }
            elif reply.status_code == 200 and schema.get("type") == "string" and name not in FUZZY:
                assert reply.json().get("data", []) == [], f"{name}={text} finds something"


@pytest.mark.parametrize("operation", READS, ids=str)
def test_no_filter_can_be_made_a_lookup(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    known = set(operation.parameters())
    tries = {f"{name}__{lookup}" for name in known for lookup in ("gt", "startswith", "in", "tenant__slug")}
    tries |= {"tenant__slug", "pk__gte", "id__in", "metrics__isnull", "email[gt]", "sort[]", "filter"}
    reply = quick(api, operation, rows, query="&".join(f"{name}=a" for name in sorted(tries)))
    assert error_of(reply) == (400, "UNKNOWN_FIELD")
    assert {detail["field"] for detail in reply.json()["error"]["details"]} >= tries


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if "<" in one.route], ids=str)
def test_an_id_is_an_id(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    for text in SQL:
        odd = [quote(text, safe="")] * operation.route.count("<")
        for ids in (odd, [*named(operation.route, rows)[:-1], odd[0]]):
            address = filled(operation.route, *ids) + operation.call.query
            reply = api.generic(operation.method, address, json.dumps(valid_body(operation) or {}))
            assert reply.status_code in (400, 404), (text, reply.content)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_no_text_or_key_of_a_body_is_more_than_that(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    """Every property in turn holds every string, or an object with keys of them."""
    example = valid_body(operation)
    for name in operation.body["properties"]:
        for value in [*chosen("some", f"{operation} {name}"), {text[:300]: text for text in STRINGS}]:
            quick(api, operation, rows, body=example | {name: value})
            quick(api, operation, rows, body=example | {name: [value]})
