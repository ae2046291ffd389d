"""The OpenAPI document is complete and true: what it promises is what the API does."""

import json
import os
import re
from collections.abc import Iterator
from contextvars import Context
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import get_resolver
from hypothesis import HealthCheck, Phase, assume, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from crm.rest.docs import document
from crm.rest.views import ApiView
from crm.wsgi import application
from tests.architecture.test_wall import SPARE_TAG, rows  # noqa: F401
from tests.factories import issue_key

EXAMPLES = {"few": 8, "many": int(os.environ.get("SCHEMATHESIS_EXAMPLES", "300"))}
# Bodies can be wrong in ways no schema can say (an address that is none, a time in the future), and the wall
# tests who gets in.
NOT_CHECKED = ("positive_data_acceptance", "ignored_auth")
OPERATIONS = sorted((path, method) for path, methods in document()["paths"].items() for method in methods)


@pytest.fixture
def served() -> Iterator[None]:
    """The real WSGI application inside the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_it_is_valid_and_nothing_in_it_is_guessed(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "openapi.yaml"))


def test_it_is_served_to_everyone_as_json_and_as_yaml(client):
    reply = client.get("/api/schema/")
    assert reply.json() == document()
    assert reply.json()["openapi"].startswith("3.1")
    yaml = client.get("/api/schema/", headers={"Accept": "application/yaml"})
    assert yaml.content.startswith(b"openapi: 3.1")


def test_every_method_of_every_view_is_in_it_with_its_errors():
    views = []
    for pattern in get_resolver().url_patterns:
        for inner in getattr(pattern, "url_patterns", []):
            view = getattr(inner.callback, "cls", None) if hasattr(inner, "callback") else None
            if view is not None and issubclass(view, ApiView):
                path = f"/{pattern.pattern}{inner.pattern}".replace("<str:pk>", "{id}")
                path = re.sub(r"<\w+:(\w+)>", r"{\1}", path)
                views += [(path, method.lower()) for method in view.scopes]
    assert sorted(views) == OPERATIONS
    for path, method in OPERATIONS:
        operation = document()["paths"][path][method]
        assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys(), (path, method)
        assert operation["summary"]
        assert operation["operationId"]
        assert operation["security"][0]["bearer"][0].startswith("crm:")
        for code, reply in operation["responses"].items():
            assert "X-Request-Id" in reply["headers"], (path, method, code)


@pytest.mark.parametrize("how_many", ["few", pytest.param("many", marks=pytest.mark.proof)])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: " ".join(reversed(operation)))
def test_nothing_that_is_sent_gets_an_answer_outside_of_it(tenant, served, rows, operation, mode, how_many):  # noqa: F811
    path, method = operation
    key = issue_key(tenant, limits=dict.fromkeys(("read", "write", "events"), 10**9))[1]
    kinds = {"customers": "customer", "custom-fields": "field", "households": "household", "duplicates": "duplicate",
             "events": "event", "segments": "segment", "templates": "template", "campaigns": "campaign",
             "messages": "message", "suppressions": "suppression",
             "activityId": "activity", "noteId": "note"}  # fmt: skip
    ids = {name: rows[kind].pk for name, kind in kinds.items()} | {"name": SPARE_TAG}
    schema = schemathesis.openapi.from_wsgi("/api/schema/", application)
    left_out = [CHECKS.get_one(name) for name in NOT_CHECKED]

    @hypothesis_settings(
        max_examples=EXAMPLES[how_many], deadline=None, database=None, phases=[Phase.generate],
        derandomize=how_many == "few",
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=schema[path][method].as_strategy(mode, headers={"Authorization": f"Bearer {key}"}))
    def check(case: Any) -> None:
        # One text that is too long is two that are not, once it is sent: commas stand between the values of a list.
        lists = [value for value in (case.query or {}).values() if isinstance(value, list)]
        assume(not any("," in str(one) for value in lists for one in value))
        if mode == GenerationMode.POSITIVE:
            for parameter in ("tenantId", "cursor"):
                (case.query or {}).pop(parameter, None)
            if case.path_parameters:
                for name in case.path_parameters:
                    case.path_parameters[name] = str(ids[path.split("/")[3] if name == "id" else name])
        case.validate_response(Context().run(case.call), excluded_checks=left_out)

    check()


def test_no_schema_offers_a_choice_that_everything_fits_twice() -> None:
    """Of [{}, null] null fits both, so that oneOf would refuse it."""
    text = json.dumps(document())
    assert '"oneOf": [{},' not in text
