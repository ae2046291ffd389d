"""X9: what only looks changes nothing, and what changes something asks for a token."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from crm.tenancy.models import Tenant, User
from tests import everything
from tests.architecture.test_wall import API, PUBLIC, STAFF, filled, named, rows
from tests.conftest import Api

# Looking may leave these behind: who looked, the session's last use, when a key was last used; and the page that
# turns on the second factor prepares its secret, the same each time it is opened.
TRACES = {
    "tenancy_auditentry",
    "django_session",
    "tenancy_loginsession",
    "tenancy_secondfactor",
}
STAMPS = {"tenancy_apikey": "last_used_at", "tenancy_user": "last_login"}
__all__ = ["rows"]  # the fixture of the wall: one of each thing that an address of the API can name
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def world(tenant: Tenant) -> everything.Everything:
    return everything.build(tenant)


def database() -> dict[str, str]:
    """A fingerprint of every table, but for the traces of looking."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - TRACES
    return {table: fingerprint(table) for table in sorted(tables)}


def fingerprint(table: str) -> str:
    row = f"to_jsonb(t) - '{STAMPS[table]}'" if table in STAMPS else "to_jsonb(t)"
    with connection.cursor() as cursor:
        rows = f"SELECT ({row})::text AS r FROM {table} t"
        cursor.execute(f"SELECT md5(coalesce(string_agg(r, ',' ORDER BY r), '')) FROM ({rows}) s")
        return str(cursor.fetchone()[0])


def test_opening_every_staff_page_changes_nothing(world: everything.Everything, staff: User) -> None:
    client = Client()
    client.force_login(staff, BACKEND)
    client.get("/admin/")
    before = database()
    for name, path in everything.addresses(world).items():
        assert client.get(path).status_code < 500, (name, path)
        client.head(path)
    assert {table for table, seen in database().items() if seen != before[table]} == set()


def test_reading_every_address_of_the_api_changes_nothing(api: Api, rows: dict[str, Any]) -> None:
    before = database()
    for route, calls in API.items():
        if "GET" in calls:
            reply = api.get(filled(route, *named(route, rows)) + calls["GET"].query)
            assert reply.status_code == calls["GET"].status, route
    for route in PUBLIC:
        api.as_anyone().get(filled(route))
    assert {table for table, seen in database().items() if seen != before[table]} == set()


@pytest.mark.parametrize("route", [*STAFF, "admin/login/", "admin/logout/"])
def test_every_staff_address_refuses_a_post_without_its_token(route: str, staff: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff, BACKEND)
    reply = client.post(filled(route), {"action": "dismiss", "index": "0", "reason": "x"})
    assert reply.status_code == 403, reply.status_code
    assert b"out of date" in reply.content


def test_pages_say_what_browsers_must_not_do(staff: User) -> None:
    client = Client()
    client.force_login(staff, BACKEND)
    reply = client.get("/admin/")
    policy = reply["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (reply["X-Content-Type-Options"], reply["X-Frame-Options"]) == ("nosniff", "DENY")
    assert reply["Referrer-Policy"] == "same-origin"
    cookies = client.post("/admin/login/").cookies
    assert all(cookie["httponly"] and cookie["samesite"] for cookie in cookies.values())
