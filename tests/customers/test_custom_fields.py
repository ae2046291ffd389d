"""/api/v1/custom-fields: defining what a tenant keeps about people."""

from typing import Any

import pytest

from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile, CustomField
from customers.models.custom import MOST_FIELDS
from tests.conftest import Api
from tests.factories import CustomerProfileFactory, CustomFieldFactory

FIELDS = "/api/v1/custom-fields"
SIZE = {"key": "shirtSize", "label": "Shirt size", "type": "ENUM", "choices": ["S", "M"]}


def error_of(reply: Any) -> tuple[int, str, list[str]]:
    error = reply.json()["error"]
    return reply.status_code, error["code"], [detail["field"] for detail in error["details"]]


def test_a_field_is_defined_read_changed_and_listed(api: Api) -> None:
    made = api.post(FIELDS, SIZE | {"helpText": "For the shop.", "required": True})
    assert made.status_code == 201, made.content
    read = api.get(made["Location"]).json()
    assert read == made.json()
    assert read["key"] == "shirtSize"
    assert (read["required"], read["archived"], read["helpText"]) == (True, False, "For the shop.")
    changed = api.patch(
        made["Location"], {"label": "Polo", "choices": ["S", "M", "L"], "required": False}
    ).json()
    assert (changed["label"], changed["choices"], changed["required"]) == ("Polo", ["S", "M", "L"], False)
    CustomFieldFactory(key="aaa", label="Zebra")
    body = api.get(FIELDS, {"fields": "key"}).json()
    assert (body["data"], body["meta"]["total"]) == ([{"key": "shirtSize"}, {"key": "aaa"}], 2)
    assert [row["key"] for row in api.get(FIELDS, {"sort": "key", "type": "ENUM"}).json()["data"]] == [
        "shirtSize"
    ]
    actions = list(
        AuditEntry.objects.filter(object_type="customfield").order_by("at").values_list("action", flat=True)
    )
    assert actions == ["customfield.added", "customfield.changed"]


@pytest.mark.parametrize(
    ("change", "code", "fields"),
    [
        ({"key": "1st"}, "VALIDATION_ERROR", ["key"]), ({"key": "with space"}, "VALIDATION_ERROR", ["key"]),
        ({"key": "a.b"}, "VALIDATION_ERROR", ["key"]), ({"key": "a" * 65}, "VALIDATION_ERROR", ["key"]),
        ({"label": ""}, "VALIDATION_ERROR", ["label"]),
        ({"type": "COLOUR"}, "VALIDATION_ERROR", ["type"]), ({"choices": []}, "VALIDATION_ERROR", ["choices"]),
        ({"choices": [" "]}, "VALIDATION_ERROR", ["choices[0]"]), ({"type": "INT"}, "VALIDATION_ERROR", ["choices"]),
        ({"choices": ["x" * 101]}, "VALIDATION_ERROR", ["choices[0]"]),
        ({"archived": True}, "UNKNOWN_FIELD", ["archived"]), ({"colour": 1}, "UNKNOWN_FIELD", ["colour"]),
    ],
)  # fmt: skip
def test_a_definition_that_makes_no_sense_is_refused(
    api: Api, change: dict[str, Any], code: str, fields: list[str]
) -> None:
    reply = api.post(FIELDS, SIZE | change)
    status, found, named = error_of(reply)
    assert (status, found, set(named)) == (400, code, set(fields))
    assert not CustomField.objects.exists()


def test_key_and_type_stay_for_ever(api: Api) -> None:
    field = CustomFieldFactory()
    for change in ({"key": "other"}, {"type": "INT"}):
        assert error_of(api.patch(f"{FIELDS}/{field.pk}", change)) == (400, "UNKNOWN_FIELD", list(change))


def test_a_taken_key_is_409_and_another_tenants_is_free(api: Api, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        CustomFieldFactory(key="shirtSize")
    assert api.post(FIELDS, SIZE).status_code == 201
    assert error_of(api.post(FIELDS, SIZE))[:2] == (409, "DUPLICATE_RESOURCE")


def test_an_unused_field_is_deleted_and_a_used_one_archived(api: Api) -> None:
    field = CustomFieldFactory(key="size")
    address = f"{FIELDS}/{field.pk}"
    person = CustomerProfileFactory(custom_fields={"size": "L"})
    assert error_of(api.delete(address))[:2] == (409, "CUSTOM_FIELD_IN_USE")
    archived = api.patch(address, {"archived": True}).json()
    assert archived["archived"]
    assert archived["archivedAt"]
    at = f"/api/v1/customers/{person.pk}"
    assert error_of(api.patch(at, {"customFields": {"size": "M"}})) == (
        400,
        "VALIDATION_ERROR",
        ["customFields.size"],
    )
    assert api.get(at).json()["customFields"] == {"size": "L"}
    assert [row["key"] for row in api.get(FIELDS, {"archived": "true"}).json()["data"]] == ["size"]
    assert api.get(FIELDS, {"archived": "false"}).json()["data"] == []
    assert api.patch(at, {"customFields": {"size": None}}).json()["customFields"] == {}
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_five_hundred_fields_are_defined_written_filtered_and_no_more(
    api: Api, tenant: Tenant, django_assert_max_num_queries: Any
) -> None:
    rows = [CustomField(tenant=tenant, key=f"f{n}", label=f"F {n}", type="INT") for n in range(MOST_FIELDS)]
    CustomField.objects.bulk_create(rows)
    assert error_of(api.post(FIELDS, SIZE))[:2] == (422, "TOO_MANY_CUSTOM_FIELDS")
    person = CustomerProfileFactory()
    values = {f"f{n}": n for n in range(MOST_FIELDS)}
    with django_assert_max_num_queries(20):
        reply = api.patch(f"/api/v1/customers/{person.pk}", {"customFields": values})
    assert (reply.status_code, reply.json()["customFields"]) == (200, values)
    found = api.get("/api/v1/customers", {"customFields.f499": "499", "customFields.f0.max": "0"}).json()[
        "data"
    ]
    assert [row["id"] for row in found] == [str(person.pk)]
    last = CustomField.objects.get(key="f0")
    assert api.patch(f"{FIELDS}/{last.pk}", {"archived": True}).status_code == 200
    assert api.post(FIELDS, SIZE).status_code == 201
    assert error_of(api.patch(f"{FIELDS}/{last.pk}", {"archived": False}))[:2] == (
        422,
        "TOO_MANY_CUSTOM_FIELDS",
    )
    assert CustomerProfile.objects.get().custom_fields == values
