"""The API as its OpenAPI document has it, for tests that go through all of it: what is new is tested unasked."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.conf import settings

from crm.rest.docs import document
from crm.rest.examples import JSON, resolved
from crm.tenancy.models import ApiKey, Tenant, TenantModel
from crm.tenancy.scope import tenant_scope
from tests.architecture.test_wall import API, Call, filled, named
from tests.conftest import Api
from tests.factories import issue_key


class Operation(NamedTuple):
    """One method of one address. route: as the URLconf has it. says: the document's words."""

    method: str
    route: str
    says: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"

    @property
    def call(self) -> Call:
        """What the wall sends."""
        return API[self.route][self.method]

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of the body, where there is one."""
        content = self.says.get("requestBody", {}).get("content", {}).get(JSON)
        return content and dict(resolved(content["schema"], SCHEMAS))

    @property
    def examples(self) -> dict[str, Any]:
        """What the document says to send, by name."""
        content = self.says.get("requestBody", {}).get("content", {}).get(JSON, {})
        return {name: one["value"] for name, one in content.get("examples", {}).items()}

    def parameters(self, where: str = "query") -> dict[str, dict[str, Any]]:
        return {one["name"]: one["schema"] for one in self.says.get("parameters", ()) if one["in"] == where}

    def takes(self, header: str) -> bool:
        return header in self.parameters("header")


SCHEMAS: dict[str, Any] = document()["components"]["schemas"]


def route_of(path: str) -> str:
    """The URLconf's way to write a path of the document."""
    wanted = re.sub(r"{\w+}", "<>", path.lstrip("/"))
    return next(route for route in API if re.sub(r"<[^>]*>", "<>", route) == wanted)


OPERATIONS = [
    Operation(method.upper(), route_of(path), says)
    for path, methods in document()["paths"].items()
    for method, says in methods.items()
]
READS = [one for one in OPERATIONS if one.method == "GET"]
WRITES = [one for one in OPERATIONS if one.method != "GET"]
WITH_BODY = [one for one in OPERATIONS if one.body]


def unlimited(tenant: Tenant) -> Api:
    """A client that may ask as often as it likes."""
    return Api(issue_key(tenant, limits=dict.fromkeys(settings.LIMITS_PER_MINUTE, 10**9))[1])


def ask(api: Any, operation: Operation, rows: Any, body: Any = ..., query: Any = None, **headers: str) -> Any:
    """An operation as the wall asks for it, but for what is given. body: bytes are sent as they are."""
    path = filled(operation.route, *named(operation.route, rows))
    if query is None:
        path += operation.call.query
    elif query:
        path += f"?{query}"
    sent = (operation.call.body if body is ... else body) if operation.method != "GET" else None
    if not isinstance(sent, bytes | str):
        sent = "" if sent is None else json.dumps(sent)
    named_so = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.generic(operation.method, path, sent, headers=named_so)


def valid_body(operation: Operation) -> Any:
    """A body that is accepted: the document's first example, else the wall's."""
    return next(iter(operation.examples.values()), operation.call.body)


def everything_of(tenant: Tenant) -> dict[str, list[Any]]:
    """Every row of a tenant by model, but for keys, whose use leaves a stamp."""
    models = [one for one in apps.get_models() if issubclass(one, TenantModel) and one is not ApiKey]
    with tenant_scope(tenant):
        return {one._meta.label: list(one._base_manager.order_by("pk").values()) for one in models}


def closed_places(value: Any, schema: Any, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """The objects in a body that take no other names than theirs: where they lie, and which names they have."""
    schema = resolved(schema, SCHEMAS)
    if not isinstance(value, dict):
        return
    if schema.get("additionalProperties") is False:
        yield path, set(schema.get("properties", {}))
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            yield from closed_places(value[name], inner, f"{path}.{name}" if path else name)


def error_of(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]
