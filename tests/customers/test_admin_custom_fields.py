"""Custom fields for staff: Settings > Custom fields, the card on a person's page, the fields of the form."""

from typing import Any

import pytest

from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from customers import custom_fields
from customers.models import CustomerProfile, CustomField
from customers.services import update_customer
from tests.conftest import Api
from tests.customers.test_admin_edit import ADD, change, filled
from tests.factories import CustomerProfileFactory, CustomFieldFactory
from tests.pages import LIST, staff_of, words

FIELDS = "/admin/customers/customfield/"


def test_an_admin_defines_changes_archives_and_deletes(tenant: Tenant) -> None:
    browser = staff_of()
    answers = {
        "label": "Shirt size",
        "key": "shirtSize",
        "type": "ENUM",
        "choices": "S\nM\n\n M \n",
        "is_required": "on",
    }
    assert browser.post(f"{FIELDS}add/", answers).status_code == 302
    field = CustomField.objects.get()
    assert (field.choices, field.is_required, field.created_by[:5]) == (["S", "M"], True, "user:")
    assert "Shirt size shirtSize One of some choices S, M Required" in browser.text(FIELDS)
    page = f"{FIELDS}{field.pk}/change/"
    assert browser.post(page, {"label": "Polo", "choices": "S\nM\nL"}).status_code == 302
    field.refresh_from_db()
    assert (field.label, field.choices, field.key) == ("Polo", ["S", "M", "L"], "shirtSize")
    assert "is archived" in words(browser.post(f"{FIELDS}{field.pk}/archive/", follow=True))
    assert "Polo" not in browser.text(FIELDS)
    assert "Polo" in browser.text(FIELDS, state="archived")
    assert "is filled in again" in words(browser.post(f"{FIELDS}{field.pk}/archive/", follow=True))
    assert "is deleted" in words(browser.post(f"{FIELDS}{field.pk}/remove/", follow=True))
    assert not CustomField.objects.exists()
    assert AuditEntry.objects.filter(object_type="customfield").count() == 5


def test_what_makes_no_sense_is_said_beside_its_field(tenant: Tenant) -> None:
    CustomFieldFactory(key="taken")
    browser = staff_of()
    for answers, field in (
        ({"key": "taken", "type": "STRING"}, "key"),
        ({"key": "1st", "type": "STRING"}, "key"),
        ({"key": "a", "type": "ENUM"}, "choices"),
    ):
        reply = browser.post(f"{FIELDS}add/", {"label": "X", **answers})
        assert list(reply.context["adminform"].form.errors) == [field]
    assert CustomField.objects.count() == 1


def test_choices_of_a_type_without_any_are_left_out(tenant: Tenant) -> None:
    answers = {"label": "X", "key": "x", "type": "INT", "choices": "typed, then out of sight"}
    assert staff_of().post(f"{FIELDS}add/", answers).status_code == 302
    field = CustomField.objects.get()
    assert field.choices == []
    assert "Choices" not in staff_of().text(f"{FIELDS}{field.pk}/change/")


def test_a_field_too_many_and_one_in_use_are_explained(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = CustomFieldFactory(key="size")
    CustomerProfileFactory(custom_fields={"size": "L"})
    browser = staff_of()
    assert "Archive it" in words(browser.post(f"{FIELDS}{field.pk}/remove/", follow=True))
    monkeypatch.setattr(custom_fields, "MOST_FIELDS", 1)
    reply = browser.post(f"{FIELDS}add/", {"label": "X", "key": "x", "type": "STRING"}, follow=True)
    assert "as many custom fields as there can be" in words(reply)
    assert CustomField.objects.get() == field


@pytest.mark.parametrize("role", [Role.MARKETING, Role.STAFF, Role.VIEWER])
def test_only_admins_define(tenant: Tenant, role: Role) -> None:
    field = CustomFieldFactory()
    browser = staff_of(role)
    assert browser.get(FIELDS).status_code == 403
    for name in ("archive", "remove"):
        assert browser.post(f"{FIELDS}{field.pk}/{name}/").status_code == 403
    assert CustomField.objects.get().archived_at is None


def test_the_page_shows_what_is_known_where_from_and_what_is_empty(tenant: Tenant) -> None:
    for key, label, kind in (
        ("locker", "Locker", "INT"), ("good", "Good", "BOOL"), ("born", "Joined", "DATE"), ("site", "Site", "URL"),
        ("likes", "Likes", "MULTI_ENUM"), ("none", "Nothing", "STRING"), ("mail2", "Other mail", "EMAIL"),
    ):  # fmt: skip
        CustomFieldFactory(
            key=key, label=label, type=kind, choices=["a", "b"] if kind == "MULTI_ENUM" else []
        )
    CustomFieldFactory(key="old", label="Oldest", archived_at="2026-01-01T00:00:00Z")
    person = CustomerProfileFactory(custom_fields={"old": "gone"})
    browser = staff_of()
    assert "7 fields are empty" in browser.text(f"{LIST}{person.pk}/")
    update_customer(person.pk, {"custom_fields": {
        "locker": 0, "good": False, "born": "2020-02-01", "site": "https://a.example/", "likes": ["a", "b"],
        "mail2": "x@example.com",
    }}, by="user:x")  # fmt: skip
    reply = browser.get(f"{LIST}{person.pk}/")
    page = words(reply)
    for shown in (
        "Good no",
        "Joined 1 Feb 2020",
        "Likes a, b",
        "Locker 0 from staff",
        "1 field is empty Nothing",
    ):
        assert shown in page, shown
    assert 'href="https://a.example/"' in reply.content.decode()
    assert "Oldest" not in page


def test_the_form_has_a_fitting_input_for_each_type_and_writes_what_changed(tenant: Tenant) -> None:
    values: dict[str, Any] = {
        "STRING": "a", "TEXT": "b\nc", "INT": 5, "DECIMAL": 0.1, "BOOL": True, "DATE": "2020-02-29",
        "DATETIME": "2026-11-25T06:30:15Z", "ENUM": "S", "MULTI_ENUM": ["S", "M"], "URL": "https://a.example/",
        "EMAIL": "a@example.com", "PHONE": "+27821234567",
    }  # fmt: skip
    for kind in values:
        CustomFieldFactory(key=kind, type=kind, choices=["S", "M"] if "ENUM" in kind else [])
    person = CustomerProfileFactory(custom_fields=values)
    browser = staff_of()
    path = f"{LIST}{person.pk}/change/"
    sent = filled(browser, path) | {
        "custom_MULTI_ENUM": ["S", "M"], "custom_DATETIME": "2026-11-25T08:30:15",
    }  # fmt: skip
    assert browser.post(path, sent).status_code == 302
    person.refresh_from_db()
    assert (person.custom_fields, person.provenance) == (values, {})
    sent |= {"custom_INT": "6", "custom_BOOL": "false", "custom_DATE": "", "custom_DATETIME": "2026-11-25T10:00",
             "custom_PHONE": "082 123 4568", "custom_MULTI_ENUM": ["M"]}  # fmt: skip
    assert browser.post(path, sent).status_code == 302
    person.refresh_from_db()
    expected = values | {"INT": 6, "BOOL": False, "DATETIME": "2026-11-25T08:00:00Z", "PHONE": "+27821234568",
                         "MULTI_ENUM": ["M"]}  # fmt: skip
    del expected["DATE"]
    assert person.custom_fields == expected
    assert "custom_fields.INT" in person.provenance
    assert "custom_fields.URL" not in person.provenance


def test_a_bad_value_is_named_beside_its_input(tenant: Tenant) -> None:
    CustomFieldFactory(key="site", type="URL")
    CustomFieldFactory(key="must", is_required=True)
    person = CustomerProfileFactory()
    reply = change(staff_of(), person, custom_site="javascript:alert(1)")
    assert list(reply.context["form"].errors) == ["custom_site"]
    added = staff_of().post(ADD, {"email": "a@example.com", "customer_type": "REGISTERED"})
    assert list(added.context["form"].errors) == ["custom_must"]
    assert CustomerProfile.objects.get().custom_fields == {}


def test_up_to_four_fields_are_columns_of_the_list(tenant: Tenant, api: Api) -> None:
    for number in range(4):
        CustomFieldFactory(key=f"f{number}", label=f"Field {number}", type="BOOL", is_listed=True)
    CustomFieldFactory(key="other", label="Not listed")
    CustomerProfileFactory(custom_fields={"f0": True, "f1": False})
    browser = staff_of()
    page = browser.text(LIST)
    assert "Last active Field 0 Field 1 Field 2 Field 3 Known since" in page
    assert "yes no – –" in page
    assert "Not listed" not in page
    answers = {"label": "Fifth", "key": "fifth", "type": "STRING", "is_listed": "on"}
    reply = browser.post(f"{FIELDS}add/", answers)
    assert list(reply.context["adminform"].form.errors) == ["is_listed"]
    refused = api.post("/api/v1/custom-fields", {"key": "a", "label": "A", "type": "INT", "showInList": True})
    assert refused.json()["error"]["details"][0]["field"] == "showInList"
    CustomField.objects.filter(key="f0").update(archived_at="2026-01-01T00:00:00Z")
    assert "Field 0" not in browser.text(LIST)
    assert browser.post(f"{FIELDS}add/", answers).status_code == 302


def test_who_does_not_see_custom_fields_has_no_column_of_them(tenant: Tenant) -> None:
    CustomFieldFactory(key="f", label="Field", is_listed=True)
    CustomerProfileFactory()
    tenant.masks = {"STAFF": {"customFields": "HIDDEN"}}
    tenant.save()
    assert "column-own_f" in staff_of("MARKETING").get(LIST).content.decode()
    assert "column-own_f" not in staff_of("STAFF").get(LIST).content.decode()
