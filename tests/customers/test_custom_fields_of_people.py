"""Custom fields on people: written key by key, read back, told apart by who wrote them, found by."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers import custom_fields
from customers.changes import write_fields
from customers.models import CustomerProfile
from customers.person import Mention
from customers.stamps import Stamp
from tests.conftest import Api
from tests.factories import CustomerProfileFactory, CustomFieldFactory

LIST = "/api/v1/customers"


def error_of(reply: Any) -> tuple[int, str, dict[str, str]]:
    error = reply.json()["error"]
    return reply.status_code, error["code"], {one["field"]: one["code"] for one in error["details"]}


@pytest.fixture
def fields(tenant: Tenant) -> None:
    CustomFieldFactory(key="size", type="ENUM", choices=["S", "M", "L"])
    CustomFieldFactory(key="locker", type="INT")
    CustomFieldFactory(key="joined", type="DATE")
    CustomFieldFactory(key="seen", type="DATETIME")
    CustomFieldFactory(key="likes", type="MULTI_ENUM", choices=["golf", "wine", "braai"])
    CustomFieldFactory(key="phone2", type="PHONE")
    CustomFieldFactory(key="contains", type="STRING")
    CustomFieldFactory(key="isGood", type="BOOL")


def people(api: Api, **query: Any) -> list[str]:
    reply = api.get(LIST, {f"customFields.{name.replace('__', '.')}": value for name, value in query.items()})
    assert reply.status_code == 200, reply.content
    return sorted(row["firstName"] for row in reply.json()["data"])


def test_each_key_stays_is_set_or_is_cleared_by_itself(api: Api, fields: None) -> None:
    made = api.post(LIST, {"email": "a@example.com", "customFields": {"size": "L", "phone2": "082 123 4567"}})
    assert made.json()["customFields"] == {"size": "L", "phone2": "+27821234567"}
    at = made["Location"]
    body = api.patch(at, {"customFields": {"locker": 7, "phone2": None, "size": "M"}}).json()
    assert body["customFields"] == {"size": "M", "locker": 7}
    assert api.patch(at, {"lastName": "X"}).json()["customFields"] == {"size": "M", "locker": 7}
    assert api.patch(at, {"customFields": {}}).json()["customFields"] == {"size": "M", "locker": 7}
    assert api.patch(at, {"customFields": None}).json()["customFields"] == {}


def test_an_equal_value_is_no_change(api: Api, fields: None) -> None:
    at = api.post(LIST, {"email": "a@example.com", "customFields": {"likes": ["wine", "golf"]}})["Location"]
    tag = api.get(at)["ETag"]
    assert api.patch(at, {"customFields": {"likes": ["golf", "wine", "wine"]}})["ETag"] == tag


def test_bad_values_are_named_and_nothing_is_written(api: Api, fields: None) -> None:
    person = CustomerProfileFactory()
    values = {"size": "XL", "locker": "7", "joined": "soon", "isGood": True}
    reply = api.patch(f"{LIST}/{person.pk}", {"lastName": "New", "customFields": values})
    wrong = {"customFields.size": "INVALID_FIELD", "customFields.locker": "INVALID_FIELD",
             "customFields.joined": "INVALID_FIELD"}  # fmt: skip
    assert error_of(reply) == (400, "VALIDATION_ERROR", wrong)
    unknown = api.patch(f"{LIST}/{person.pk}", {"customFields": {"sise": "L", "locker": 7}})
    assert error_of(unknown) == (400, "UNKNOWN_FIELD", {"customFields.sise": "UNKNOWN_FIELD"})
    found = CustomerProfile.objects.get()
    assert (found.last_name, found.custom_fields) == (person.last_name, {})


def test_what_is_required_is_asked_of_new_people_and_never_cleared(api: Api, fields: None) -> None:
    CustomFieldFactory(key="mustHave", is_required=True)
    missing = {"customFields.mustHave": "MISSING_FIELD"}
    assert error_of(api.post(LIST, {"email": "a@example.com"})) == (400, "VALIDATION_ERROR", missing)
    made = api.post(LIST, {"email": "a@example.com", "customFields": {"mustHave": "x"}})
    assert made.status_code == 201
    cleared = api.patch(made["Location"], {"customFields": {"mustHave": None}})
    assert error_of(cleared) == (400, "VALIDATION_ERROR", missing)
    old = CustomerProfileFactory()
    assert api.patch(f"{LIST}/{old.pk}", {"customFields": {"locker": 3}}).status_code == 200


@pytest.mark.parametrize("newest_first", [True, False])
def test_an_older_write_never_wins_over_a_newer_one_of_the_same_key(fields: None, newest_first: bool) -> None:
    person = CustomerProfileFactory()
    now = timezone.now()
    writes = [
        (now, "staff", {"size": "L", "locker": None}),
        (now - timedelta(days=1), "api", {"size": "S", "locker": 4, "joined": "2020-01-01"}),
    ]
    for at, source, values in writes if newest_first else reversed(writes):
        stamp = Stamp.of(source, str(uuid4()), at)
        write_fields(person.pk, Mention({}, {"custom_fields": values}, stamp, "ZA"), now=at, by="test")
    person.refresh_from_db()
    assert person.custom_fields == {"size": "L", "joined": "2020-01-01"}
    told = {key: person.provenance[f"custom_fields.{key}"][5] for key in ("size", "locker", "joined")}
    assert told == {"size": "staff", "locker": "staff", "joined": "api"}


def test_people_are_found_by_what_they_have(api: Api, fields: None) -> None:
    CustomerProfileFactory(first_name="A", custom_fields={
        "size": "L", "locker": 10, "joined": "2020-05-01", "likes": ["golf", "wine"], "contains": "x, y",
        "isGood": False, "seen": "2026-11-25T06:30:00Z",
    })  # fmt: skip
    CustomerProfileFactory(first_name="B", custom_fields={"size": "M", "locker": 9, "isGood": True})
    CustomerProfileFactory(first_name="C")
    assert people(api, size="L") == ["A"]
    assert people(api, size=["L", "M"]) == ["A", "B"]
    assert people(api, likes="wine") == ["A"]
    assert people(api, isGood="false") == ["A"]
    assert people(api, contains="x, y") == ["A"]
    assert people(api, locker="10", size="L") == ["A"]
    assert people(api, locker="10", size="M") == []
    assert people(api, locker__min="10") == ["A"]
    assert people(api, locker__max="9") == ["B"]
    assert people(api, locker__min="9", locker__max="10") == ["A", "B"]
    assert people(api, joined__min="2020-05-01", joined__max="2020-05-01") == ["A"]
    assert people(api, seen__min="2026-11-25T08:30:00+02:00") == ["A"]
    assert people(api, seen__max="2026-11-25T06:29:59Z") == []


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("customFields.nope=1", "UNKNOWN_FIELD", "customFields.nope"),
        ("customFields.locker.above=1", "UNKNOWN_FIELD", "customFields.locker.above"),
        ("customFields.locker=x", "VALIDATION_ERROR", "customFields.locker"),
        ("customFields.locker=", "VALIDATION_ERROR", "customFields.locker"),
        ("customFields.size=XXL", "VALIDATION_ERROR", "customFields.size"),
        ("customFields.size.min=L", "VALIDATION_ERROR", "customFields.size.min"),
        ("customFields.locker.min=1&customFields.locker.min=2", "VALIDATION_ERROR", "customFields.locker.min"),
        ("customFields.joined.max=soon", "VALIDATION_ERROR", "customFields.joined.max"),
        ("customFields=1", "VALIDATION_ERROR", "customFields"),
        ("customFields.locker=1&customFields=1", "VALIDATION_ERROR", "customFields"),
        ("customFields=1&customFields.locker=1", "VALIDATION_ERROR", "customFields"),
        ("customFields.=1", "UNKNOWN_FIELD", "customFields."),
        ("customFields.size=a%00b", "VALIDATION_ERROR", "customFields.size[0]"),
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_named(
    api: Api, fields: None, query: str, code: str, field: str
) -> None:
    status, found, details = error_of(api.get(f"{LIST}?{query}"))
    assert (status, found, list(details)) == (400, code, [field])


def test_the_index_answers_for_equality(tenant: Tenant, fields: None) -> None:
    rows = [CustomerProfile(tenant=tenant, custom_fields={"locker": n} if n % 2 else {}) for n in range(3000)]
    CustomerProfile.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customerprofile")
    found = CustomerProfile.objects.filter(custom_fields.condition({"locker": ["7", "9"]}))
    assert "Bitmap Index Scan on customer_by_custom_field" in found.explain()
    assert found.count() == 2
