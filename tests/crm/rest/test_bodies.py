"""Bodies: bounded, strict, and never a crash."""

import json

import pytest

from crm.errors import MalformedBody, ValidationFailed
from crm.rest.parsing import depth, load_json, refuse_unstorable
from customers.models import CustomerProfile

LIST, EVENTS = "/api/v1/customers", "/api/v1/events"
MB = 1024 * 1024


def code_of(reply):
    return reply.json()["error"]["code"]


def deep(levels, inner="1"):
    return "[" * levels + inner + "]" * levels


@pytest.mark.parametrize(
    "body",
    ["{", "", " ", "nope", '{"email": "a@example.com"', '{"email": NaN}', "[Infinity]", "[-Infinity]", '{"a": 1e999}',
     '{"a": 1, "a": 2}', "{'a': 1}", "\ufeff{", '{"a": ' + "9" * 5000 + "}", b'{"email": "\xff@example.com"}',
     '{"a": "line\nbreak"}', "[1,]", "01"],
)  # fmt: skip
def test_what_is_not_json_is_400(api, body):
    reply = api.generic("POST", LIST, body)
    assert reply.status_code == 400
    assert code_of(reply) in {"INVALID_FORMAT", "VALIDATION_ERROR"}
    assert not CustomerProfile.objects.exists()


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null", "true", '[{"email": "a@example.com"}]'])
def test_a_body_that_is_no_object_is_400(api, body):
    assert code_of(api.generic("POST", LIST, body)) == "INVALID_FORMAT"


@pytest.mark.parametrize("path", [LIST, EVENTS])
def test_deep_nesting_is_400_and_no_crash(api, path):
    for levels in (101, 1_000, 100_000):
        for body in (deep(levels), '{"a":' * levels + "1" + "}" * levels, "[" * levels):
            reply = api.generic("POST", path, body)
            assert (reply.status_code, code_of(reply)) == (400, "INVALID_FORMAT")


def test_fifty_levels_are_enough(api):
    fits = '{"email": "a@example.com", "sourceDetails": {"x": ' + deep(48) + "}}"
    assert api.generic("POST", LIST, fits).status_code == 201
    assert api.generic("POST", LIST, fits.replace("a@", "b@").replace("[1]", "[[1]]")).status_code == 400


def test_a_body_above_the_limit_is_413(api):
    for path, limit, status in [(LIST, MB, 201), (EVENTS, 4 * MB, 202)]:
        body = {"email": "a@example.com"} if path == LIST else event("e")
        text = json.dumps(body)
        assert api.generic("POST", path, text + " " * (limit - len(text))).status_code == status
        reply = api.generic("POST", path, text + " " * (limit - len(text) + 1))
        assert (reply.status_code, code_of(reply)) == (413, "PAYLOAD_TOO_LARGE")
        assert api.generic("POST", path, b"x" * 5 * MB).status_code == 413


def event(name):
    return {"id": name, "type": "scl.member.created", "timestamp": "2026-11-01T00:00:00Z", "payload": {}}


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
     "application/json; charset=utf-16", "application/vnd.api+json", "nonsense"],
)  # fmt: skip
def test_other_media_types_are_415(api, kind):
    reply = api.post(LIST, '{"email": "a@example.com"}', content_type=kind)
    assert (reply.status_code, code_of(reply)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8", "APPLICATION/JSON"])
def test_json_by_any_spelling_is_taken(api, kind):
    assert api.post(LIST, '{"email": "a@example.com"}', content_type=kind).status_code == 201


def test_text_that_cannot_be_stored_is_named(api):
    body = {
        "email": "a@example.com",
        "firstName": "A\0B",
        "tags": ["ok", "\ud800"],
        "sourceDetails": {"a": {"b\0": 1}},
    }
    reply = api.post(LIST, json.dumps(body), content_type="application/json")
    assert (reply.status_code, code_of(reply)) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in reply.json()["error"]["details"]] == [
        "firstName", "tags[1]", "sourceDetails.a",
    ]  # fmt: skip


def test_a_mark_at_the_start_is_passed_over(api):
    assert api.generic("POST", LIST, '\ufeff{"email": "a@example.com"}').status_code == 201


def test_depth_counts_containers():
    assert [depth(value, 9) for value in (1, [], {}, [[]], {"a": [1, {"b": []}]}, [1, [2], 3])] == [
        0,
        1,
        1,
        2,
        4,
        2,
    ]
    assert depth(json.loads(deep(500)), 50) == 51


def test_numbers_that_cannot_be_held_are_refused():
    for text in ("1e400", "-1e400", "NaN", "1" * 5000):
        with pytest.raises(MalformedBody):
            load_json(text.encode())
    assert load_json(b"[1e308, 9007199254740993]") == [1e308, 9007199254740993]


def test_emoji_and_every_script_are_fine():
    refuse_unstorable({"👩‍🌾": ["Zoë", "ถนน", "𝒳", "\u200b", "\x01"]})
    with pytest.raises(ValidationFailed):
        refuse_unstorable(["\udfff"])
