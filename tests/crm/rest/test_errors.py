"""What goes wrong is told in one envelope."""

import time

import pytest
from django.db import OperationalError, connection
from django.test import Client

from customers import views
from tests.conftest import Api

ENVELOPE = {"code", "message", "details", "requestId"}


def error_of(reply):
    body = reply.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == ENVELOPE
    assert body["error"]["requestId"] == reply["X-Request-Id"] != ""
    assert reply["Content-Type"] == "application/json"
    return body["error"]


def test_an_unknown_address(api):
    for path in (
        "/api/",
        "/api/v1/nothing",
        "/api/v1/customers/",
        "/api/v2/customers",
        "/api/v1/customers/a/b",
    ):
        for client in (api, api.as_anyone()):
            reply = client.get(path)
            assert (reply.status_code, error_of(reply)["code"]) == (404, "RESOURCE_NOT_FOUND"), path


def test_other_pages_keep_their_own_404(client, db):
    assert "text/html" in client.get("/nothing").headers["Content-Type"]


def test_a_method_that_is_not_offered(api):
    for method in ("PUT", "OPTIONS", "TRACE", "BODY", "DISPATCH", "QUERY"):
        reply = api.generic(method, "/api/v1/customers")
        assert (reply.status_code, error_of(reply)["code"]) == (405, "METHOD_NOT_ALLOWED"), method
        assert reply["Allow"] == "GET, HEAD, POST"


def test_an_answer_that_is_not_json_is_not_offered(api):
    reply = api.get("/api/v1/customers", headers={"Accept": "text/html"})
    assert (reply.status_code, error_of(reply)["code"]) == (406, "NOT_ACCEPTABLE")


def test_nobody_learns_what_is_offered_without_a_credential(api):
    reply = api.as_anyone().get("/api/v1/customers?nonsense=1", headers={"Accept": "text/html"})
    assert (reply.status_code, error_of(reply)["code"]) == (401, "UNAUTHORIZED")


def test_fields_are_named_by_their_path_as_sent(api):
    reply = api.post(
        "/api/v1/customers",
        {"firstName": 7, "tags": ["ok", 5, ""], "isVip": "yes", "dateOfBirth": "soon", "customFields": [],
         "externalIds": {"golfRsaId": []}, "handicap": 99, "sclMemberId": 1.5},
    )  # fmt: skip
    error = error_of(reply)
    assert (reply.status_code, error["code"]) == (400, "VALIDATION_ERROR")
    assert {detail["field"]: detail["code"] for detail in error["details"]} == {
        "firstName": "INVALID_FORMAT",
        "tags[1]": "INVALID_FORMAT",
        "tags[2]": "MISSING_FIELD",
        "isVip": "INVALID_FORMAT",
        "dateOfBirth": "INVALID_FORMAT",
        "customFields": "INVALID_FORMAT",
        "externalIds.golfRsaId": "INVALID_FORMAT",
        "handicap": "INVALID_FIELD",
        "sclMemberId": "INVALID_FORMAT",
    }


def test_unknown_fields_and_parameters_are_each_named(api):
    reply = api.post(
        "/api/v1/customers", {"email": "a@example.com", "id": 1, "engagementScore": 100, "x.y": 1}
    )
    error = error_of(reply)
    assert (reply.status_code, error["code"]) == (400, "UNKNOWN_FIELD")
    assert [detail["field"] for detail in error["details"]] == ["id", "engagementScore", "x.y"]
    for method in (api.get, api.post):
        reply = method("/api/v1/customers?foo=1&format=json&email[x]=1")
        assert [detail["field"] for detail in error_of(reply)["details"]] == ["foo", "format", "email[x]"]


def test_a_parameter_given_twice_is_refused(api):
    reply = api.get("/api/v1/customers?take=1&take=2")
    assert (reply.status_code, error_of(reply)["details"][0]["field"]) == (400, "take")


def test_a_fault_of_ours_gives_an_id_and_nothing_else(api, monkeypatch):
    monkeypatch.setattr(views, "listed", lambda _: 1 / 0)
    api.raise_request_exception = False
    reply = api.get("/api/v1/customers")
    error = error_of(reply)
    assert (reply.status_code, error["code"]) == (500, "INTERNAL_ERROR")
    assert "division" not in str(error)


def test_the_database_away_is_503_with_a_time_to_wait(api, monkeypatch):
    def away(*_):
        raise OperationalError("server closed the connection unexpectedly at 10.0.0.7")

    monkeypatch.setattr(views, "listed", away)
    reply = api.get("/api/v1/customers")
    error = error_of(reply)
    assert (reply.status_code, error["code"], reply["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "5")
    assert "10.0.0.7" not in str(error)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_refuses_everyone_is_503_at_the_door(api):
    """The real server, refusing the connection: there is no such database."""
    connection.close()
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "there_is_no_such_database"
    try:
        reply = Api(api.key).get("/api/v1/customers")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
    assert (reply.status_code, error_of(reply)["code"]) == (503, "SERVICE_UNAVAILABLE")


@pytest.mark.django_db(transaction=True)
def test_a_request_that_froze_until_the_database_cut_it_off_is_503(api, monkeypatch):
    def freeze(*_, **__):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            time.sleep(0.5)
            cursor.execute("SELECT 1")

    monkeypatch.setattr(views.services, "create_customer", freeze)
    reply = api.post("/api/v1/customers", {"email": "thandi@example.com"})
    assert (reply.status_code, error_of(reply)["code"]) == (503, "SERVICE_UNAVAILABLE")


def test_answers_are_not_to_be_kept_by_caches(api):
    for path in ("/api/v1/customers", "/api/v1/customers/x"):
        assert api.get(path)["Cache-Control"] == "no-store"


def test_a_host_that_is_not_ours_is_400(db):
    reply = Client().get("/api/v1/customers", headers={"Host": "evil.example"})
    assert reply.status_code == 400
    assert error_of(reply)["code"] == "VALIDATION_ERROR"


def test_the_front_door_leads_to_the_admin(client, db):
    assert client.get("/")["Location"] == "/admin/"


@pytest.mark.django_db(transaction=True)
def test_a_page_without_its_database_is_503_and_says_so(client, staff):
    """F2: staff read what is the matter, and a proxy knows that it passes."""
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "there_is_no_such_database"
    try:
        reply = client.get("/admin/customers/customerprofile/")
    finally:
        connection.settings_dict["NAME"] = name
        connection.close()
    assert (reply.status_code, reply["Retry-After"]) == (503, "5")
    assert "database can’t be reached" in reply.content.decode()
