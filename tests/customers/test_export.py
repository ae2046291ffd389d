"""POST /api/v1/customers/export, and manage.py export_customers: whom the list shows, as a file."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.tabular import text_of
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from customers import export
from customers.models import Status
from customers.payloads import profile_payload
from tests.conftest import Api
from tests.factories import ClubFactory, CustomerProfileFactory, CustomFieldFactory
from tests.pages import member

EXPORT = "/api/v1/customers/export"


def table(reply: Any) -> list[dict[str, str]]:
    assert reply.status_code == 200, reply.content
    text = reply.getvalue().decode()
    return [
        {name: text_of(cell) for name, cell in row.items()}
        for row in csv.DictReader(StringIO(text, newline=""))
    ]


def lines(reply: Any) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.content
    return [json.loads(line) for line in reply.getvalue().decode().splitlines()]


def error_of(reply: Any) -> tuple[int, str, list[str]]:
    error = reply.json()["error"]
    return reply.status_code, error["code"], [detail["field"] for detail in error["details"]]


def test_it_exports_whom_the_list_shows_in_the_chosen_columns(api: Api) -> None:
    CustomFieldFactory(key="size")
    CustomFieldFactory(key="old", archived_at="2026-01-01T00:00:00Z")
    CustomerProfileFactory(
        first_name="=1+1", last_name="Botha", phone_number="+27821234567", lifecycle_stage="MEMBER", tags=["a", "b"],
        custom_fields={"size": "L", "old": "x"},
    )  # fmt: skip
    CustomerProfileFactory(lifecycle_stage="LEAD")
    CustomerProfileFactory(lifecycle_stage="MEMBER", status=Status.DELETED)
    wanted = ["firstName", "fullName", "phoneNumber", "tags", "customFields", "customFields.old"]
    reply = api.post(f"{EXPORT}?lifecycleStage=MEMBER&customFields.size=L", {"fields": wanted})
    assert reply["Content-Type"] == "text/csv; charset=utf-8"
    assert reply["Content-Disposition"].startswith('attachment; filename="customers-')
    assert table(reply) == [
        {"firstName": "=1+1", "fullName": "=1+1 Botha", "phoneNumber": "+27821234567", "tags": '["a", "b"]',
         "customFields.size": "L", "customFields.old": "x"},
    ]  # fmt: skip
    entry = AuditEntry.objects.get(action="customer.exported")
    assert entry.actor.startswith("key:")
    assert entry.after == {
        "count": 1, "format": "CSV", "filters": {"lifecycleStage": ["MEMBER"], "customFields.size": ["L"]},
        "fields": ["firstName", "fullName", "phoneNumber", "tags", "customFields.size", "customFields.old"],
    }  # fmt: skip


def test_every_field_of_a_customer_can_be_exported_as_the_api_says_it(api: Api) -> None:
    person = CustomerProfileFactory(
        handicap="-2.1", date_of_birth="1980-02-29", external_ids={"golfRsaId": "9"}, scl_member_id=7,
        metrics={"lifetime_value_cents": 500, "last_activity_at": "2026-11-01T00:00:00Z"},
    )  # fmt: skip
    person.refresh_from_db()
    expected = profile_payload(person)
    del expected["customFields"]
    (row,) = lines(api.post(EXPORT, {"format": "NDJSON", "fields": list(expected)}))
    assert row == expected
    (usual,) = lines(api.post(EXPORT, {"format": "NDJSON"}))
    assert list(usual) == [name for name in export.USUAL if name != "customFields"]


def test_a_walk_through_many_misses_nobody(
    api: Api, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(export, "BATCH", 3)
    people = [CustomerProfileFactory() for _ in range(10)]
    with django_assert_max_num_queries(20):
        rows = lines(api.post(EXPORT, {"format": "NDJSON", "fields": ["id"]}))
    assert [row["id"] for row in rows] == [str(person.pk) for person in people]


@pytest.mark.parametrize(
    ("query", "body", "code", "field"),
    [
        ("", {"fields": ["email", "password"]}, "UNKNOWN_FIELD", "fields[1]"),
        ("", {"fields": ["customFields.nope"]}, "UNKNOWN_FIELD", "fields[0]"),
        ("", {"fields": ["provenance"]}, "UNKNOWN_FIELD", "fields[0]"),
        ("", {"fields": []}, "VALIDATION_ERROR", "fields"), ("", {"format": "XLSX"}, "VALIDATION_ERROR", "format"),
        ("", {"colour": 1}, "UNKNOWN_FIELD", "colour"), ("?take=5", {}, "UNKNOWN_FIELD", "take"),
        ("?lifecycleStage=X", {}, "VALIDATION_ERROR", "lifecycleStage"),
        ("?customFields.nope=1", {}, "UNKNOWN_FIELD", "customFields.nope"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named_and_nothing_is_exported(
    api: Api, query: str, body: dict[str, Any], code: str, field: str
) -> None:
    status, found, fields = error_of(api.post(EXPORT + query, body))
    assert (status, found, fields[0]) == (400, code, field)
    assert not AuditEntry.objects.filter(action="customer.exported").exists()


def test_it_takes_the_right_and_sees_the_clubs_of_staff(tenant: Tenant) -> None:
    club = ClubFactory(refs=["mine"])
    CustomerProfileFactory(last_name="Mine", home_club_ref="mine")
    CustomerProfileFactory(last_name="Theirs", home_club_ref="theirs")
    for role, status in ((Role.ADMIN, 200), (Role.MARKETING, 200), (Role.STAFF, 403), (Role.VIEWER, 403)):
        client = Api()
        client.force_login(member(role, clubs=(club,)).user, "django.contrib.auth.backends.ModelBackend")
        reply = client.post(EXPORT, {"format": "NDJSON", "fields": ["lastName"]})
        assert reply.status_code == status, role
        if status == 200:
            assert lines(reply) == [{"lastName": "Mine"}]


def test_another_tenants_people_are_in_no_export(api: Api, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        CustomerProfileFactory(last_name="Theirs")
    assert lines(api.post(EXPORT, {"format": "NDJSON"})) == []


def test_a_repeated_export_is_made_anew(api: Api) -> None:
    for number in (1, 2):
        CustomerProfileFactory()
        reply = api.post(EXPORT, {"format": "NDJSON"}, headers={"Idempotency-Key": "k", "Accept": "text/csv"})
        assert len(lines(reply)) == number


def test_an_operator_writes_a_file(tenant: Tenant, tmp_path: Path) -> None:
    CustomerProfileFactory(last_name="Botha", lifecycle_stage="MEMBER")
    CustomerProfileFactory(last_name="Nkosi")
    path = tmp_path / "people.ndjson"
    said = StringIO()
    call_command(
        "export_customers", tenant=tenant.slug, output=str(path), format="NDJSON", fields="lastName, id",
        filter="lifecycleStage=MEMBER", stderr=said,
    )  # fmt: skip
    assert [json.loads(line)["lastName"] for line in path.read_text().splitlines()] == ["Botha"]
    assert "1 people exported" in said.getvalue()
    assert AuditEntry.objects.get(action="customer.exported").actor == "job:export_customers"
    for options, words in (
        ({"filter": "lifecycleStage=X"}, "lifecycleStage"), ({"fields": "nope"}, "nope"),
        ({"tenant": "nobody"}, "nobody"), ({"output": str(tmp_path / "no" / "file")}, "No such file"),
    ):  # fmt: skip
        with pytest.raises(CommandError, match=words):
            call_command("export_customers", **{"tenant": tenant.slug, "output": str(path), **options})
