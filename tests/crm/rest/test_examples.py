"""AP-1: the document shows for every endpoint what to send and what comes back, and both are true."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from crm.rest.docs import document
from crm.rest.examples import JSON
from tests.architecture.test_wall import rows  # noqa: F401
from tests.conftest import Api
from tests.crm.rest.contract import OPERATIONS, WITH_BODY, ask
from tests.factories import CustomerProfileFactory, InboundEventFactory

DOCS = Path(__file__).resolve().parents[3] / "docs"
HOST = "http://127.0.0.1:8000"
EXAMPLES = [(one, name) for one in WITH_BODY for name in one.examples]


def faults(schema: Any, value: Any) -> list[str]:
    """What in a value the document does not promise."""
    whole = schema | {
        "components": document()["components"],
        "$schema": "https://json-schema.org/draft/2020-12/schema",
    }
    checker = jsonschema_rs.validator_for(whole, validate_formats=True)
    return [f"{list(one.instance_path)}: {one.message}" for one in checker.iter_errors(value)]


def promised(operation: Any, status: int) -> dict[str, Any]:
    reply: dict[str, Any] = operation.says["responses"][str(status)]
    return reply


def is_file(reply: Any) -> bool:
    """What may be longer than memory, or is no JSON."""
    return bool(reply.streaming) or not reply.get("Content-Type", JSON).startswith(JSON)


def check(operation: Any, reply: Any) -> None:
    """An answer is one that the document promises, in every field."""
    content = promised(operation, reply.status_code).get("content")
    if is_file(reply):
        assert reply["Content-Type"].partition(";")[0] in content, str(operation)
        return
    assert bool(content) == bool(reply.content), (str(operation), reply.content)
    if content:
        assert faults(content[JSON]["schema"], reply.json()) == [], str(operation)


def test_every_body_and_every_reply_has_an_example_that_its_schema_allows() -> None:
    for operation in OPERATIONS:
        shown = [promised(operation, int(status)) for status in operation.says["responses"]]
        for content in filter(
            None,
            [operation.says.get("requestBody", {}).get("content"), *(one.get("content") for one in shown)],
        ):
            if JSON not in content:
                continue  # a file
            examples = content[JSON]["examples"]
            assert examples, str(operation)
            for example in examples.values():
                assert faults(content[JSON]["schema"], example["value"]) == [], (str(operation), example)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_what_comes_back_is_what_the_document_shows(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    reply = ask(api, operation, rows)
    check(operation, reply)
    if not is_file(reply) and reply.content:
        (example, *_) = promised(operation, reply.status_code)["content"][JSON]["examples"].values()
        assert unlike(example["value"], reply.json()) == []


def unlike(shown: Any, real: Any, path: str = "") -> list[str]:
    """Where a real answer has what the example does not show. Maps with keys of the sender's own are left alone."""
    if isinstance(shown, list) and isinstance(real, list):
        return [found for one in real[:3] if shown for found in unlike(shown[0], one, f"{path}[]")]
    if not isinstance(shown, dict) or not isinstance(real, dict) or not shown:
        return []
    found = [f"{path}.{name} is not shown" for name in real.keys() - shown.keys()]
    for name in real.keys() & shown.keys():
        found += unlike(shown[name], real[name], f"{path}.{name}")
    return found


@pytest.mark.parametrize(("operation", "name"), EXAMPLES, ids=lambda value: str(value))
def test_what_the_document_says_to_send_is_accepted(operation: Any, name: str, api: Any, rows: Any) -> None:  # noqa: F811
    reply = ask(api, operation, rows, body=operation.examples[name])
    assert 200 <= reply.status_code < 300, getattr(reply, "content", "")
    check(operation, reply)


# --- docs/api.md
def commands() -> list[str]:
    """The curl commands of the page."""
    text = "\n".join(re.findall(r"```sh\n(.*?)```", (DOCS / "api.md").read_text(), flags=re.DOTALL))
    return re.findall(r"^curl .*?\"http\S+\"$", text.replace("\\\n", " "), flags=re.DOTALL | re.MULTILINE)


def curl(api: Api, command: str, known: dict[str, str]) -> Any:
    """What curl would send, sent."""
    words = [re.sub(r"\$(\w+)", lambda name: known[name[1]], word) for word in shlex.split(command)][1:]
    method, body, headers, address = "", "", {}, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "--json":
            body, method = words.pop(0), method or "POST"
        else:
            assert not word.startswith("-"), f"{command}: {word} is not understood here"
            address = word
    parts = urlsplit(address)
    assert address.startswith(HOST), command
    return api.as_anyone().generic(method or "GET", f"{parts.path}?{parts.query}", body, headers=headers)


def test_the_pages_commands_work_as_they_stand(api: Api, tenant: Any) -> None:
    customer = CustomerProfileFactory(first_name="Sipho", last_name="Nkosi", email="sipho@example.com")
    event = InboundEventFactory(status="FAILED", is_waiting=False)
    known = {"KEY": api.key, "CUSTOMER": str(customer.pk), "ETAG": customer.etag, "EVENT": str(event.pk)}
    assert len(commands()) >= 8
    for command in commands():
        reply = curl(api, command, known)
        assert 200 <= reply.status_code < 300, (command, reply.content)


def test_the_pages_json_is_what_it_says(api: Api) -> None:
    """The error envelope that the page shows has the shape of a real one."""
    (shown,) = re.findall(r'```json\n(\{"error".*?)```', (DOCS / "api.md").read_text(), flags=re.DOTALL)
    real = api.post("/api/v1/customers", {"email": 7}).json()
    example = json.loads(shown)
    assert example.keys() == real.keys() and example["error"].keys() == real["error"].keys()
    assert example["error"]["details"][0].keys() == real["error"]["details"][0].keys()
