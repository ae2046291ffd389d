"""Around a request: its id, its line, its numbers."""

import json
import logging

import pytest
import structlog
from django.test import Client
from prometheus_client import REGISTRY


@pytest.fixture
def lines(caplog):
    """The access lines' facts."""
    caplog.set_level(logging.INFO, logger="fairway.access")

    def read():
        return [record.msg for record in caplog.records if record.name == "fairway.access"]

    return read


@pytest.mark.parametrize("given", ["r-1", "A.b_c-9", "x" * 64])
def test_a_well_formed_id_is_kept(given):
    assert Client().get("/health/live", headers={"X-Request-Id": given})["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a;b", "é", "a\tb", "<script>"])
def test_any_other_is_replaced(given):
    answer = Client().get("/health/live", headers={"X-Request-Id": given})["X-Request-Id"]
    assert answer != given and len(answer) == 32


@pytest.mark.parametrize(
    "path", ["/health/live", "/api/v1/customers", "/api/v1/nothing", "/nothing", "/admin/login/"]
)
def test_every_answer_carries_one(db, path):
    assert Client().get(path)["X-Request-Id"]


def test_one_line_a_request_with_the_route_and_never_the_address(api, lines):
    api.get("/api/v1/customers?search=thandi@example.com+Nkosi", headers={"X-Request-Id": "r-7"})
    (line,) = lines()
    assert line["route"].startswith("api/v1/customers")
    assert (line["method"], line["status"], line["request_id"], line["tenant"]) == (
        "GET",
        200,
        "r-7",
        "fynbos-group",
    )
    assert line["ms"] > 0
    assert "Nkosi" not in json.dumps(line, default=str) and "thandi" not in json.dumps(line, default=str)


def test_an_unknown_address_is_not_logged(db, lines):
    Client().get("/people/thandi@example.com/")
    (line,) = lines()
    assert (line["route"], line["status"]) == ("none", 404)


def test_nothing_of_a_request_is_left_for_the_next(api):
    api.get("/api/v1/customers")
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_requests_are_counted_by_route_method_and_class_of_status(db):
    def count(**labels):
        return REGISTRY.get_sample_value("fairway_http_requests_total", labels) or 0.0

    fine = {"route": "health/live", "method": "GET", "status": "2xx"}
    lost = {"route": "none", "method": "none", "status": "4xx"}
    before = count(**fine), count(**lost)
    Client().get("/health/live")
    Client().generic("BREW", "/nothing")
    assert (count(**fine), count(**lost)) == (before[0] + 1, before[1] + 1)
