"""Versions of single things and addresses of new ones, for every operation that has them."""

import re
from typing import Any

import pytest

from tests.architecture.test_wall import API, filled, named, rows  # noqa: F401
from tests.crm.rest.contract import OPERATIONS, READS, ask, error_of

SINGLE = [one for one in READS if one.takes("If-None-Match")]
GUARDED = [one for one in OPERATIONS if one.takes("If-Match")]
MAKING = [one for one in OPERATIONS if "201" in one.says["responses"]]


def test_every_single_thing_has_a_version_and_every_change_of_one_can_be_guarded() -> None:
    assert {one.route for one in SINGLE} == {
        route for route in API if route.endswith(">") and "GET" in API[route]
    }
    guarded = {(one.method, one.route) for one in GUARDED}
    changes = {(one.method, one.route) for one in OPERATIONS if one.method in ("PATCH", "PUT", "DELETE")}
    unversioned = {
        ("DELETE", "api/v1/segments/<str:pk>/members")
    }  # who is in one, which its version says nothing of
    assert {(method, route) for method, route in changes if "GET" in API[route]} - unversioned <= guarded
    assert {(method, "api/v1/customers/<str:pk>/tags") for method in ("POST", "DELETE")} <= guarded


@pytest.mark.parametrize("operation", SINGLE, ids=str)
def test_what_the_client_has_is_not_sent_again(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    first = ask(api, operation, rows)
    tag = first["ETag"]
    assert re.fullmatch(r'"[\w-]+"', tag) and "304" in operation.says["responses"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = ask(api, operation, rows, If_None_Match=known)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag), known
        assert "X-Request-Id" in again and "Content-Type" not in again
    head = api.head(filled(operation.route, *named(operation.route, rows)), headers={"If-None-Match": tag})
    assert (head.status_code, head["ETag"]) == (304, tag)
    for other in ('"other"', "", "nonsense"):
        assert ask(api, operation, rows, If_None_Match=other).content == first.content


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_a_change_made_from_another_version_is_412_and_changes_nothing(
    operation: Any,
    api: Any,
    rows: Any,  # noqa: F811
) -> None:
    assert "412" in operation.says["responses"]
    route = operation.route if "GET" in API[operation.route] else operation.route.rpartition("/")[0]
    path = filled(route, *named(operation.route, rows)) + (
        "?includeDeleted=true" if "restore" in operation.route else ""
    )
    before = api.get(path)
    for stale in ('"other"', f"W/{before['ETag']}", "nonsense"):
        assert error_of(ask(api, operation, rows, If_Match=stale)) == (412, "PRECONDITION_FAILED"), stale
    for known in ("*", before["ETag"], f'W/{before["ETag"]}, "other"'):
        assert error_of(ask(api, operation, rows, If_None_Match=known)) == (412, "PRECONDITION_FAILED"), known
    assert api.get(path).content == before.content
    assert (
        ask(api, operation, rows, If_Match=f'"other", {before["ETag"]}').status_code == operation.call.status
    )


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_a_star_is_any_version_that_there_is(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    assert ask(api, operation, rows, If_Match="*").status_code == operation.call.status


@pytest.mark.parametrize("operation", SINGLE, ids=str)
def test_a_read_of_another_version_than_the_one_meant_is_412(
    operation: Any,
    api: Any,
    rows: Any,  # noqa: F811
) -> None:
    tag = ask(api, operation, rows)["ETag"]
    assert error_of(ask(api, operation, rows, If_Match='"other"')) == (412, "PRECONDITION_FAILED")
    assert ask(api, operation, rows, If_Match=f'"other", {tag}').status_code == 200


@pytest.mark.parametrize("operation", MAKING, ids=str)
def test_what_was_made_lies_where_the_reply_says(operation: Any, api: Any, rows: Any) -> None:  # noqa: F811
    made = ask(api, operation, rows, Idempotency_Key="once")
    assert "Location" in operation.says["responses"]["201"]["headers"]
    found = api.get(made["Location"])
    assert (found.status_code, found.json()["id"]) == (200, made.json()["id"])
    if "ETag" in made:
        assert found["ETag"] == made["ETag"]
    assert ask(api, operation, rows, Idempotency_Key="once")["Location"] == made["Location"]
