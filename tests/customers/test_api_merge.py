from typing import Any
from uuid import uuid4

import pytest

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile, MergeRecord
from customers.services import create_customer, update_customer
from tests.conftest import Api

BY = "key:test"
BULK = "/api/v1/customers/merge"


@pytest.fixture
def ann(tenant: Tenant) -> CustomerProfile:
    return create_customer({"first_name": "Ann", "last_name": "Nel"}, {"email": "ann@x.com"}, by=BY)


@pytest.fixture
def ben(ann: CustomerProfile) -> CustomerProfile:
    return create_customer({"first_name": "Annie"}, {"phoneNumber": "0821234567"}, by=BY)


def url(customer: CustomerProfile, what: str = "") -> str:
    return f"/api/v1/customers/{customer.pk}" + (f"/{what}" if what else "")


def code_of(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


def test_a_merge_is_looked_at_made_read_and_undone(
    api: Api, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    seen = api.get(url(ann, "merge-preview"), {"with": str(ben.pk)}).json()
    (first_name,) = [line for line in seen["fields"] if line["field"] == "firstName"]
    assert (first_name["winner"]["value"], first_name["loser"]["value"], first_name["result"]) == (
        "Ann", "Annie", "Annie",
    )  # fmt: skip
    assert (first_name["stands"], first_name["canChoose"], first_name["loser"]["source"]) == (
        "loser",
        True,
        "api",
    )
    assert (seen["conflict"], seen["moves"]["activity"]) == ("the first names differ", 1)

    body = {"loserId": str(ben.pk), "reason": "same voice", "fields": {"firstName": "winner"}}
    reply = api.post(url(ann, "merge"), body)
    assert reply.status_code == 200, reply.content
    made = reply.json()
    assert (made["merged"], made["profile"]["firstName"], made["profile"]["phoneNumber"]) == (
        True, "Ann", "+27821234567",
    )  # fmt: skip
    assert reply["ETag"] == api.get(url(ann))["ETag"]
    assert made["merge"]["rule"] == "API"
    assert {change["field"] for change in made["merge"]["changes"]} >= {"phoneNumber"}

    gone = api.get(url(ben)).json()
    assert (gone["id"], gone["mergedFrom"]) == (str(ann.pk), str(ben.pk))
    (listed,) = api.get(url(ann, "merges")).json()["data"]
    assert (listed["id"], listed["canUndo"], listed["reason"]) == (made["merge"]["id"], True, "same voice")

    undone = api.post(url(ben, "unmerge"), {"reason": "two after all"}).json()
    assert (undone["loser"]["id"], undone["loser"]["firstName"], undone["winner"]["phoneNumber"]) == (
        str(ben.pk), "Annie", None,
    )  # fmt: skip
    assert undone["merge"]["undoneReason"] == "two after all"
    assert api.get(url(ben)).json()["id"] == str(ben.pk)
    assert code_of(api.post(url(ben, "unmerge"), {})) == (404, "MERGE_NOT_FOUND")
    assert code_of(api.post(url(ann, "unmerge"), {"mergeId": listed["id"]})) == (409, "MERGE_UNDONE")


def test_what_can_not_be_merged_is_said(api: Api, ann: CustomerProfile, ben: CustomerProfile) -> None:
    def merge(**body: Any) -> tuple[int, str]:
        return code_of(api.post(url(ann, "merge"), body))

    assert merge(loserId=str(ann.pk)) == (422, "INVALID_MERGE")
    assert merge(loserId=str(uuid4())) == (404, "CUSTOMER_NOT_FOUND")
    assert merge() == (400, "VALIDATION_ERROR")
    assert merge(loserId=str(ben.pk), fields={"emailOptIn": "loser"}) == (400, "VALIDATION_ERROR")
    assert merge(loserId=str(ben.pk), fields={"shoe": "loser"}) == (400, "VALIDATION_ERROR")
    assert merge(loserId=str(ben.pk), why="x") == (400, "UNKNOWN_FIELD")
    stale = api.post(url(ann, "merge"), {"loserId": str(ben.pk)}, headers={"If-Match": '"nothing"'})
    assert code_of(stale) == (412, "PRECONDITION_FAILED")
    update_customer(ben.pk, {"status": "DELETED"}, by=BY)
    assert merge(loserId=str(ben.pk)) == (409, "CUSTOMER_DELETED")
    assert code_of(api.get(url(ann, "merge-preview"), {"with": str(ann.pk)})) == (422, "INVALID_MERGE")
    assert not MergeRecord.objects.exists()


def test_many_are_merged_and_each_is_answered(api: Api, ann: CustomerProfile, ben: CustomerProfile) -> None:
    merges = [
        {"key": "a", "winnerId": str(ann.pk), "loserId": str(ben.pk)},
        {"key": "b", "winnerId": str(ben.pk), "loserId": str(ann.pk)},
        {"key": "c", "winnerId": str(ann.pk), "loserId": str(uuid4())},
    ]
    reply = api.post(BULK, {"merges": merges}).json()
    assert [(one["key"], one["status"]) for one in reply["results"]] == [
        ("a", "MERGED"), ("b", "ALREADY_ONE"), ("c", "REJECTED"),
    ]  # fmt: skip
    assert (reply["merged"], reply["rejected"]) == (1, 1)
    assert MergeRecord.objects.get().rule == "BULK"


def test_the_same_merge_twice_by_its_key_is_one(api: Api, ann: CustomerProfile, ben: CustomerProfile) -> None:
    first, again = (
        api.post(url(ann, "merge"), {"loserId": str(ben.pk)}, headers={"Idempotency-Key": "m-1"})
        for _ in range(2)
    )
    assert first.json() == again.json()
    assert first.json()["merged"] is True
