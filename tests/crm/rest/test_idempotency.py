"""Writes with an Idempotency-Key: however often they are sent, they happen once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from crm.tenancy.idempotency import begin
from crm.tenancy.models import IdempotentCall
from customers import services
from customers.models import CustomerProfile
from tests.conftest import Api
from tests.factories import CustomerProfileFactory
from timeline.models import Activity, InboundEvent

LIST = "/api/v1/customers"


def keyed(key):
    return {"headers": {"Idempotency-Key": key}}


def code_of(reply):
    return reply.json()["error"]["code"]


def test_the_same_call_gets_the_first_answer_again(api):
    first = api.post(LIST, {"email": "a@example.com"}, **keyed("k"))
    again = api.post(LIST, {"email": "a@example.com"}, **keyed("k"))
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert [again[name] for name in ("ETag", "Location", "Content-Type")] == [
        first[name] for name in ("ETag", "Location", "Content-Type")
    ]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert CustomerProfile.objects.count() == 1


def test_every_kind_of_write_can_be_repeated(api):
    customer = CustomerProfileFactory()
    one = f"{LIST}/{customer.pk}"
    for send in (
        lambda: api.patch(one, {"lastName": "New"}, **keyed("patch")),
        lambda: api.post(f"{one}/activities", {"type": "PHONE_CALL"}, **keyed("activity")),
        lambda: api.post("/api/v1/events", event("e-1"), **keyed("event")),
        lambda: api.delete(one, **keyed("delete")),
        lambda: api.post(f"{one}/restore", **keyed("restore")),
    ):
        first, again = send(), send()
        assert first.status_code < 300
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again["Idempotency-Replayed"] == "true"
    assert Activity.objects.filter(type="PHONE_CALL").count() == 1
    assert InboundEvent.objects.get().duplicates == 0


def event(name):
    return {"id": name, "type": "scl.member.created", "timestamp": "2026-11-01T00:00:00Z", "payload": {}}


def test_another_body_address_or_method_is_422(api):
    api.post(LIST, {"email": "a@example.com"}, **keyed("k"))
    for reply in (
        api.post(LIST, {"email": "b@example.com"}, **keyed("k")),
        api.post(f"{LIST}/resolve", {"email": "a@example.com"}, **keyed("k")),
        api.delete(f"{LIST}/{CustomerProfile.objects.get().pk}", **keyed("k")),
    ):
        assert (reply.status_code, code_of(reply)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert CustomerProfile.objects.count() == 1


def test_other_keys_and_tenants_are_apart(api, tenant, other_tenant):
    first = api.post(LIST, {"email": "a@example.com"}, **keyed("k"))
    theirs = api.as_key_of(other_tenant).post(LIST, {"email": "a@example.com"}, **keyed("k"))
    assert theirs.status_code == 201
    assert theirs.json()["id"] != first.json()["id"]
    assert (
        code_of(api.as_key_of(tenant).post(LIST, {"email": "a@example.com"}, **keyed("k")))
        == "DUPLICATE_RESOURCE"
    )


def test_an_error_of_the_caller_is_replayed_and_leaves_nothing(api):
    CustomerProfileFactory(email="taken@example.com")
    body = {"email": "taken@example.com", "phoneNumber": "082 123 4567"}
    first = api.post(LIST, body, **keyed("k"))
    assert code_of(first) == "DUPLICATE_RESOURCE"
    again = api.post(LIST, body, **keyed("k"))
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (409, first.content, "true")
    assert api.get(f"{LIST}/resolve", {"phone": "0821234567"}).status_code == 404


def test_a_fault_of_ours_is_not_kept(api, monkeypatch):
    api.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr(services, "create_customer", lambda *_, **__: 1 / 0)
        assert api.post(LIST, {"email": "a@example.com"}, **keyed("k")).status_code == 500
    assert api.post(LIST, {"email": "a@example.com"}, **keyed("k")).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "schlüssel", "a\x00b", "a\tb"])
def test_a_key_that_is_none_is_400(api, key):
    reply = api.post(LIST, {"email": "a@example.com"}, **keyed(key))
    assert (reply.status_code, reply.json()["error"]["details"][0]["field"]) == (400, "Idempotency-Key")
    assert not CustomerProfile.objects.exists()


def test_the_longest_key_is_255(api):
    assert api.post(LIST, {"email": "a@example.com"}, **keyed("k" * 255)).status_code == 201


def test_reading_takes_no_notice_of_a_key(api):
    assert api.get(LIST, **keyed("")).status_code == 200
    assert not IdempotentCall.objects.exists()


def test_after_a_day_the_key_is_free_again(api):
    api.post(LIST, {"email": "a@example.com"}, **keyed("k"))
    with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59)):
        assert api.post(LIST, {"email": "a@example.com"}, **keyed("k"))["Idempotency-Replayed"] == "true"
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        assert api.post(LIST, {"email": "b@example.com"}, **keyed("k")).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_make_one_object(tenant, api):
    body = {"email": "a@example.com", "phoneNumber": "082 123 4567"}

    def send(_):
        try:
            return Api(api.key).post(LIST, body, **keyed("k"))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(send, range(40)))
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert {reply.content for reply in replies if reply.status_code == 201} == {
        api.post(LIST, body, **keyed("k")).content
    }
    assert {code_of(reply) for reply in replies if reply.status_code == 409} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert CustomerProfile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_first_call_runs_the_second_is_409(tenant, api):
    def send():
        try:
            return Api(api.key).post(LIST, {"email": "a@example.com"}, **keyed("k"))
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as elsewhere:
        begin(f"key:{api.key.split('_')[1]}", "k", "the first call")
        reply = elsewhere.submit(send).result()
    assert (reply.status_code, code_of(reply), reply["Retry-After"]) == (409, "IDEMPOTENCY_IN_PROGRESS", "1")
    assert send().status_code == 201
