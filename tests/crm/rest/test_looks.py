"""Looking at people through the API leaves an entry in the audit log: who, at whom, at what, and no more than that."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crm.tenancy import audit
from crm.tenancy.models import AuditEntry, Tenant, uuid7
from customers.models import CustomerProfile, Status
from tests.architecture.test_wall import API, named, rows, send
from tests.conftest import Api
from tests.factories import CustomerProfileFactory
from tests.pages import at_most, log_in, member

__all__ = ["rows"]  # the fixture of the wall: one of each thing that an address of the API can name
LIST = "/api/v1/customers"
# What a GET says of a person, address by address; the others say nothing of anybody.
LOOKS = {
    "api/v1/customers": "customer.listed",
    "api/v1/customers/search": "customer.listed",
    "api/v1/customers/resolve": "profile",
    "api/v1/customers/<str:pk>": "profile",
    "api/v1/customers/<str:pk>/activities": "timeline",
    "api/v1/customers/<str:pk>/activities/<str:activityId>": "timeline",
    "api/v1/customers/<str:pk>/notes": "notes",
    "api/v1/customers/<str:pk>/notes/<str:noteId>": "notes",
    "api/v1/customers/<str:pk>/notes/<str:noteId>/history": "notes",
    "api/v1/customers/<str:pk>/history": "history",
    "api/v1/customers/<str:pk>/provenance": "provenance",
    "api/v1/customers/<str:pk>/consents": "consents",
    "api/v1/customers/<str:pk>/household": "household",
    "api/v1/customers/<str:pk>/merge-preview": "profile",
    "api/v1/customers/<str:pk>/merges": "merges",
    "api/v1/households": "customer.listed",
    "api/v1/events/<str:pk>": "event.viewed",
    "api/v1/campaigns/<str:pk>/preview": "preview",
    "api/v1/campaigns/<str:pk>/recipients": "customer.listed",
    "api/v1/messages": "customer.listed",
    "api/v1/messages/<str:pk>": "message",
    "api/v1/segments/<str:pk>/changes": "customer.listed",
    "api/v1/segments/<str:pk>/explain": "segment",
    "api/v1/segments/<str:pk>/members": "customer.listed",
    "api/v1/segments/<str:pk>/preview": "customer.listed",
}
OF_MANY = "api/v1/households/<str:pk>"
SAYS_NOTHING_OF_ANYBODY = {
    "api/v1/campaigns",
    "api/v1/campaigns/<str:pk>",
    "api/v1/campaigns/<str:pk>/preflight",
    "api/v1/campaigns/<str:pk>/stats",
    "api/v1/custom-fields",
    "api/v1/custom-fields/<str:pk>",
    "api/v1/consistency",
    "api/v1/duplicates",
    "api/v1/tags",
    "api/v1/events",
    "api/v1/events/stats",
    "api/v1/segments",
    "api/v1/segments/<str:pk>",
    "api/v1/segments/<str:pk>/consumers",
    "api/v1/segments/fields",
    "api/v1/segments/schema",
    "api/v1/segments/templates",
    "api/v1/segments/<str:pk>/overlap",
    "api/v1/suppressions",  # hashes
    "api/v1/templates",
    "api/v1/templates/<str:pk>",
    "api/v1/templates/<str:pk>/preview",
    "api/v1/templates/gallery",
    "api/v1/templates/variables",
}


def looks() -> list[dict[str, Any]]:
    """What the log has of looks; making the rows left entries too."""
    entries = AuditEntry.objects.filter(action__regex=r"\.(viewed|listed)$").order_by("at", "id")
    return list(entries.values("action", "object_id", "after"))


def test_every_address_says_whether_it_shows_people() -> None:
    reads = {route for route, calls in API.items() if "GET" in calls}
    known = {*LOOKS, OF_MANY, *SAYS_NOTHING_OF_ANYBODY}
    assert reads <= known, reads - known


@pytest.mark.parametrize("route", LOOKS)
def test_a_look_is_one_entry_however_often_in_five_minutes(
    route: str, api: Api, rows: dict[str, Any]
) -> None:
    for _ in range(3):
        assert send(api, "GET", route, named(route, rows), API[route]["GET"]).status_code == 200
    (entry,) = looks()
    said = LOOKS[route]
    about = {
        "customer.listed": "",
        "event.viewed": str(rows["event"].pk),
        "segment": str(rows["loser"].pk),
        "preview": str(rows["loser"].pk),
        "message": str(rows["message"].customer_id),
    }.get(said, str(rows["customer"].pk))
    assert entry["object_id"] == about
    if "." in said:
        assert entry["action"] == said
    else:
        assert (entry["action"], entry["after"]) == ("customer.viewed", {"part": said})


def test_a_look_at_a_household_is_one_at_each_of_its_people(api: Api, rows: dict[str, Any]) -> None:
    for _ in range(2):
        reply = send(api, "GET", OF_MANY, named(OF_MANY, rows), None).json()
    assert len(reply["members"]) > 1
    shown = {(one["customerId"], "household") for one in reply["members"]}
    assert {(entry["object_id"], entry["after"]["part"]) for entry in looks()} == shown
    assert len(looks()) == len(shown)


def test_looks_of_others_at_others_and_later_are_entries_of_their_own(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = CustomerProfileFactory(), CustomerProfileFactory()
    second = api.as_key_of(tenant)
    for client, person in ((api, one), (api, other), (second, one)):
        client.get(f"{LIST}/{person.pk}")
    assert len(looks()) == 3
    later = timezone.now() + audit.ONE_LOOK + timedelta(seconds=1)
    monkeypatch.setattr("crm.tenancy.audit.timezone.now", lambda: later)
    api.get(f"{LIST}/{one.pk}")
    assert len(looks()) == 4
    entry = AuditEntry.objects.latest("at")
    assert (entry.actor.partition(":")[0], entry.ip, bool(entry.request_id)) == ("key", "127.0.0.1", True)


def test_a_search_is_one_entry_with_its_count_and_nothing_of_what_was_typed(api: Api) -> None:
    for _ in range(4):
        CustomerProfileFactory(last_name="Searched")
    api.get(LIST, {"search": "searched", "status": "ACTIVE", "take": 3})
    (entry,) = looks()
    assert entry["after"] == {"shown": 3, "filters": ["status"], "searched": True}


def test_an_id_that_was_merged_away_is_a_look_at_the_winner(api: Api) -> None:
    winner = CustomerProfileFactory()
    merged = CustomerProfileFactory(status=Status.MERGED, merged_into=winner)
    api.get(f"{LIST}/{merged.pk}")
    assert [one["object_id"] for one in looks()] == [str(winner.pk)]


@pytest.mark.parametrize("address", ["/01900000-0000-7000-8000-000000000000", "/nonsense", "?take=1000"])
def test_who_saw_nothing_did_not_look(api: Api, address: str) -> None:
    assert api.get(f"{LIST}{address}").status_code in (400, 404)
    api.head(f"{LIST}/{CustomerProfileFactory().pk}")
    assert looks() == []


def test_a_colleague_at_the_documentation_is_named(tenant: Tenant) -> None:
    colleague, person = member("STAFF"), CustomerProfileFactory()
    log_in(colleague.user).get(f"{LIST}/{person.pk}")
    assert AuditEntry.objects.get().actor == f"user:{colleague.user_id}"


def test_a_look_costs_one_statement(api: Api) -> None:
    person = CustomerProfileFactory()
    api.get(f"{LIST}/{person.pk}")
    with at_most(4):  # the key, the person, their segments, and the look
        api.get(f"{LIST}/{person.pk}")


@pytest.fixture
def long_log(tenant: Tenant) -> Tenant:
    """20,000 entries of 200 people and 40 actors over a year."""
    start, kinds = timezone.now(), ("customer.viewed", "customer.listed", "note.added", "apikey.issued")
    AuditEntry.objects.bulk_create(
        AuditEntry(
            id=uuid7(), tenant=tenant, at=start - timedelta(minutes=n * 26), actor=f"user:{n % 40}",
            action=kinds[0] if n % 50 else kinds[n % 4], object_type="customer", object_id=str(n % 200),
        )
        for n in range(20_000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tenancy_auditentry")
    return tenant


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "audit_by_time"),
        ({"actor": "user:7"}, "audit_by_actor"),
        ({"action": "apikey.issued"}, "audit_by_action"),
        ({"object_type": "customer", "object_id": "7"}, "audit_by_object"),
        ({"actor": "user:7", "at__gte": "2026-01-01T00:00:00Z"}, "audit_by_actor"),
    ],
)
def test_the_log_is_read_by_its_indexes(long_log: Tenant, filters: dict[str, Any], index: str) -> None:
    plan = AuditEntry.objects.filter(**filters).order_by("-at")[:50].explain()
    assert index in plan, plan
    assert "Seq Scan" not in plan


def test_looking_again_reads_the_last_looks_only(long_log: Tenant) -> None:
    person = CustomerProfile(pk=uuid7())
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN " + audit.LOOK,
            {"id": uuid7(), "tenant": long_log.pk, "at": timezone.now(), "since": timezone.now(), "actor": "key:x",
             "action": "customer.viewed", "type": "customer", "object": str(person.pk), "after": None, "request": "",
             "ip": None},
        )  # fmt: skip
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "audit_by_object" in plan, plan
