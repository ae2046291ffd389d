"""PR-7: who changed which field, when, from what to what; whatever order it came in and whoever wrote it."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from crm.tenancy.models import Tenant
from crm.tenancy.rows import update_rows
from crm.tenancy.scope import tenant_scope
from customers import history
from customers.admin.history import said
from customers.models import CustomerProfile, FieldChange, FieldWrite
from customers.models.history import TRACKED
from customers.services import create_customer, update_customer
from tests.conftest import Api
from tests.factories import CustomerProfileFactory, CustomFieldFactory, StaffMembershipFactory
from tests.pages import LIST, at_most, staff_of
from timeline.ingestion import process_due, receive

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Kept out of the history, each for its reason.
UNTRACKED = {
    "id": "never changes",
    "tenant_id": "never changes",
    "external_id": "never changes",
    "email_display": "goes with email",
    "phone_is_valid": "follows from phone_number",
    "lifecycle_stage": "computed; its changes are in the timeline",
    "stages_reached": "evidence of the stage",
    "stage_due_at": "computed",
    "is_light": "computed",
    "source": "who first told of them",
    "handicap_updated_at": "goes with handicap",
    "email_opt_in_at": "goes with its flag",
    "sms_opt_in_at": "goes with its flag",
    "push_opt_in_at": "goes with its flag",
    "whatsapp_opt_in_at": "goes with its flag",
    "gdpr_consent_at": "goes with its flag",
    "merged_into_id": "a merge has its own record",
    "merged_at": "a merge has its own record",
    "merge_reason": "a merge has its own record",
    "deleted_at": "follows from status",
    "erased_at": "an erasure has its own entry in the audit log",
    "processing_restricted_at": "a restriction has its own entries in the audit log",
    "legal_hold_at": "a hold has its own entries in the audit log",
    "guardian_id": "the audit log has who set it",
    "created_at": "since when they are known",
    "created_by": "who made the row",
    "updated_at": "bookkeeping",
    "updated_by": "bookkeeping",
    "version": "bookkeeping",
    "provenance": "bookkeeping",
}


def member(
    name: str, minutes: int, *, source: str = "scl", kind: str = "scl.member.updated"
) -> dict[str, Any]:
    return {
        "id": f"{source}-{minutes}", "type": kind, "source": source,
        "timestamp": (NOON + timedelta(minutes=minutes)).isoformat(),
        "identity": {"email": "p@example.com", "sclMemberId": 7},
        "payload": {"id": 7, "email": "p@example.com", "lastName": name},
    }  # fmt: skip


def player(name: str, minutes: int) -> dict[str, Any]:
    event = member(name, minutes, source="teetime", kind="teetime.player.updated")
    return event | {
        "payload": {"id": "pl-1", "email": "p@example.com", "surname": name, "changes": ["surname"]}
    }


def chain(field: str = "last_name") -> list[tuple[Any, Any, str]]:
    found = FieldChange.objects.filter(field=field).order_by("at")
    return [(row.before, row.after, row.source) for row in found]


def test_every_column_is_followed_or_left_out_for_a_reason() -> None:
    columns = {column.attname for column in CustomerProfile._meta.concrete_fields}
    assert columns == {*TRACKED, *UNTRACKED}


@pytest.mark.django_db
def test_the_triggers_follow_the_columns_that_have_a_history() -> None:
    with connection.cursor() as cursor:
        for act in ("insert", "update"):
            cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [f"customers_fieldwrite_on_{act}"])
            (text,) = cursor.fetchone()
            assert [name for name in TRACKED if f"n.{name}" not in text and name not in history.LINKS] == []


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_three_sources_in_any_order_leave_one_chain(tenant: Tenant, order: Any, at_once: bool) -> None:
    said = [member("Botha", 0), player("Nkosi", 1), member("Dlamini", 2)]
    for number in order:
        receive([said[number]])
        if not at_once:
            process_due(tenant)
    process_due(tenant)
    person = CustomerProfile.objects.get()
    update_customer(person.pk, {"last_name": "Zulu"}, by="user:x")
    assert chain() == [
        (None, "Botha", "scl"),
        ("Botha", "Nkosi", "teetime"),
        ("Nkosi", "Dlamini", "scl"),
        ("Dlamini", "Zulu", "staff"),
    ]


def test_repeating_what_stands_is_no_change(tenant: Tenant) -> None:
    for minutes in (0, 5, 9):
        receive([member("Botha", minutes)])
        process_due(tenant)
    assert chain() == [(None, "Botha", "scl")]


def test_a_late_word_stands_where_it_belongs_and_the_chain_ends_in_the_truth(tenant: Tenant) -> None:
    for name, minutes in (("Botha", 0), ("Botha", 9), ("Nkosi", 5)):
        receive([member(name, minutes)])
        process_due(tenant)
    assert chain() == [(None, "Botha", "scl"), ("Botha", "Nkosi", "scl"), ("Nkosi", "Botha", "scl")]
    assert CustomerProfile.objects.get().last_name == "Botha"


def test_identifiers_have_a_history_too(tenant: Tenant) -> None:
    person = create_customer({}, {"email": "p@example.com"}, by="key:a")
    update_customer(person.pk, {}, hints={"externalIds.golfRsaId": "GR-7", "sclMemberId": 7}, by="key:b")
    assert chain("external_ids.golfRsaId") == [(None, "GR-7", "api")]
    assert chain("scl_member_id") == [(None, 7, "api")]
    assert FieldChange.objects.get(field="scl_member_id").by == "key:b"


def test_custom_fields_are_followed_key_by_key(tenant: Tenant) -> None:
    CustomFieldFactory(key="shoe", type="INT")
    CustomFieldFactory(key="left", type="BOOL")
    person = create_customer({"custom_fields": {"shoe": 9}}, {"email": "p@example.com"}, by="key:a")
    update_customer(person.pk, {"custom_fields": {"shoe": 10, "left": True}}, by="key:a")
    update_customer(person.pk, {"custom_fields": {"shoe": None}}, by="key:a")
    assert chain("custom_fields.shoe") == [(None, 9, "api"), (9, 10, "api"), (10, None, "api")]
    assert chain("custom_fields.left") == [(None, True, "api")]


def test_staff_read_labels_not_keys(tenant: Tenant) -> None:
    CustomFieldFactory(key="shoe", label="Shoe size", type="INT")
    person = create_customer({"custom_fields": {"shoe": 9}}, {"email": "p@example.com"}, by="key:a")
    update_customer(person.pk, {}, hints={"externalIds.golfRsaId": "GR-7"}, by="key:a")
    history = staff_of().text(f"{LIST}{person.pk}/", tab="history")
    assert "Shoe size set to “9”" in history
    assert "Golf RSA set to “GR-7”" in history
    assert "shoe " not in history
    assert "Shoe size 9" in staff_of().text(f"{LIST}{person.pk}/", tab="data")


def test_sets_of_rows_and_bare_sql_are_seen(tenant: Tenant) -> None:
    people = [CustomerProfileFactory(first_name="Ann") for _ in range(3)]
    with transaction.atomic():
        history.say_who("job:clean-up")
        update_rows(CustomerProfile, [{"id": one.pk, "first_name": "Anna"} for one in people], ["first_name"])
    CustomerProfile.objects.filter(pk=people[0].pk).update(first_name="Hanna")
    by = FieldChange.objects.filter(field="first_name", after="Anna").values_list("by", "source")
    assert list(by) == [("job:clean-up", "crm")] * 3
    last = FieldChange.objects.get(after="Hanna")
    assert (last.before, last.customer_id) == ("Anna", people[0].pk)


def test_computed_columns_leave_no_history(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    CustomerProfile.objects.filter(pk=person.pk).update(lifecycle_stage="LEAD", version=9)
    assert FieldWrite.objects.count() == 0


def test_nobody_rewrites_history(tenant: Tenant) -> None:
    create_customer({"first_name": "Ann"}, {"email": "p@example.com"}, by="key:a")
    for act in (lambda: FieldWrite.objects.update(by="key:b"), lambda: FieldWrite.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()


def test_erasure_blanks_what_was_said_and_keeps_who_when_and_which(tenant: Tenant) -> None:
    person = create_customer({"last_name": "Botha"}, {"email": "p@example.com"}, by="key:a")
    other = create_customer({"last_name": "Nkosi"}, {"email": "q@example.com"}, by="key:a")
    update_customer(person.pk, {"last_name": "Zulu"}, by="user:x")
    history.erase_values([person.pk])
    kept = history.changes_of(person.pk).filter(field="last_name").order_by("at")
    assert [(c.before, c.after, c.by, c.is_erased) for c in kept] == [
        (None, None, "key:a", True),
        (None, None, "user:x", True),
    ]
    assert history.changes_of(other.pk, ["last_name"]).get().after == "Nkosi"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        FieldWrite.objects.update(by="key:b")


def test_the_api_tells_each_change_and_its_event(api: Api, tenant: Tenant) -> None:
    CustomFieldFactory(key="shoe", type="INT")
    receive([member("Botha", 0)])
    process_due(tenant)
    person = CustomerProfile.objects.get()
    path = f"/api/v1/customers/{person.pk}"
    assert api.patch(path, {"lastName": "Nkosi", "customFields": {"shoe": 9}}).status_code == 200
    rows = api.get(f"{path}/history?field=lastName").json()["data"]
    assert [(row["from"], row["to"], row["source"], row["eventId"]) for row in rows] == [
        ("Botha", "Nkosi", "api", None),
        (None, "Botha", "scl", "scl-0"),
    ]
    assert rows[1]["at"] == "2026-03-01T12:00:00Z"
    assert rows[0]["by"].startswith("key:")
    assert rows[0]["byName"]
    assert rows[0]["requestId"]
    (shoe,) = api.get(f"{path}/history?field=customFields.shoe").json()["data"]
    assert (shoe["field"], shoe["to"]) == ("customFields.shoe", 9)


def test_the_api_walks_and_refuses_what_has_no_history(api: Api, tenant: Tenant) -> None:
    person = create_customer({"last_name": "0"}, {"email": "p@example.com"}, by="key:a")
    for number in range(1, 7):
        update_customer(person.pk, {"last_name": str(number), "first_name": str(number)}, by="key:a")
    path, seen, cursor = f"/api/v1/customers/{person.pk}/history", [], ""
    while cursor is not None:
        page = api.get(f"{path}?take=4&cursor={cursor}").json()
        seen += [row["id"] for row in page["data"]]
        cursor = page["meta"]["nextCursor"]
    assert len(seen) == len(set(seen)) == FieldChange.objects.count()
    for field in ("engagementScore", "lastName.x", "customFields.", "nonsense"):
        refused = api.get(f"{path}?field={field}")
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (400, "field")


def test_the_page_says_it_in_sentences(tenant: Tenant) -> None:
    sam = StaffMembershipFactory().user
    person = create_customer(
        {"last_name": "Botha", "tags": ["early"], "is_vip": True, "handicap": 12}, {"email": "p@example.com"},
        by="key:a",
    )  # fmt: skip
    update_customer(
        person.pk, {"last_name": "Nkosi", "tags": ["committee"], "handicap": None}, by=f"user:{sam.pk}"
    )
    page = staff_of().text(f"{LIST}{person.pk}/", tab="history")
    for sentence in (
        "Last name set to “Botha”", "Last name changed from “Botha” to “Nkosi”", "VIP set to yes",
        "Tags added “committee”; removed “early”", "Handicap cleared, was “12", "Sam Starter staff",
    ):  # fmt: skip
        assert sentence in page, sentence
    one = staff_of().text(f"{LIST}{person.pk}/", tab="history", field="is_vip")
    assert "VIP set to yes" in one
    assert "set to “Botha”" not in one
    nobody = CustomerProfileFactory()
    assert "Nothing has changed yet" in staff_of().text(f"{LIST}{nobody.pk}/", tab="history")


def test_the_tab_costs_the_same_however_much_there_is(tenant: Tenant) -> None:
    person, browser = CustomerProfileFactory(), staff_of()
    for number in range(30):
        update_customer(person.pk, {"last_name": str(number)}, by=f"user:{StaffMembershipFactory().user.pk}")
    with at_most(27):
        browser.text(f"{LIST}{person.pk}/", tab="history")


def test_another_tenant_sees_nothing_of_it(tenant: Tenant, other_tenant: Tenant) -> None:
    person = create_customer({"first_name": "Ann"}, {"email": "p@example.com"}, by="key:a")
    with tenant_scope(other_tenant):
        assert not FieldWrite.objects.exists()
        assert not history.changes_of(person.pk).exists()


def test_a_page_reads_the_index_of_one_customer(tenant: Tenant) -> None:
    person = create_customer({"first_name": "Ann"}, {"email": "p@example.com"}, by="key:a")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = history.changes_of(person.pk).order_by("-at", "-pk")[:26].explain()
    assert "field_writes_of_customer" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("field", "before", "after", "words"),
    [
        ("email_opt_in", None, False, "set to no"),
        ("email_opt_in", False, None, "cleared, was no"),
        ("email_opt_in", False, True, "changed from no to yes"),
        ("tags", None, ["captain", "junior"], "added “captain”, “junior”"),
        ("tags", ["captain"], None, "removed “captain”"),
        ("tags", ["captain", "junior"], ["junior", "vip"], "added “vip”; removed “captain”"),
        ("tags", ["a", "b"], ["b", "a"], "put in another order"),
        ("handicap", None, "0.0", "set to “0.0”"),
    ],
)
def test_a_change_is_said_in_words_that_fit(field: str, before: object, after: object, words: str) -> None:
    assert said(FieldChange(field=field, before=before, after=after)) == words
