"""emit() and emit_many(): news lives and dies with its change."""

import json

import pytest
from django.db import transaction
from redis import Redis

from crm.outbox.models import OutboxMessage
from crm.outbox.services import News, OutsideTransaction, emit, emit_many
from crm.tenancy.scope import NoTenantScope, tenant_scope

TOPIC = "crm.profile.created"


def test_a_message_is_written_as_given(tenant):
    emit(
        TOPIC,
        key="k1",
        payload={"id": "k1", "name": 'Zoë "Z" O’Brien 🏌'},
        correlation_id="e-1",
        historical=True,
    )
    message = OutboxMessage.objects.get()
    assert (message.topic, message.key, message.correlation_id, message.historical) == (
        TOPIC,
        "k1",
        "e-1",
        True,
    )
    assert message.payload == {"id": "k1", "name": 'Zoë "Z" O’Brien 🏌'}
    assert message.relayed_at is None
    assert message.message_id.version == 7


def test_many_take_one_statement_and_keep_their_order(tenant, django_assert_num_queries):
    with django_assert_num_queries(1):
        emit_many([News(TOPIC, str(number), {"n": number}) for number in range(1000)])
    assert list(OutboxMessage.objects.order_by("id").values_list("key", flat=True)) == [
        str(n) for n in range(1000)
    ]


def test_none_take_no_statement(tenant, django_assert_num_queries):
    with django_assert_num_queries(0):
        emit_many([])


@pytest.mark.django_db(transaction=True)
def test_a_hundred_changes_taken_back_have_said_nothing(tenant, redis: Redis):
    for number in range(100):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            emit(TOPIC, key=number, payload={})
            raise ZeroDivisionError
    assert OutboxMessage.objects.count() == 0
    assert redis.keys("*") == []


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_it_is_refused(tenant):
    with pytest.raises(OutsideTransaction):
        emit(TOPIC, key="k", payload={})
    assert OutboxMessage.objects.count() == 0


def test_outside_of_a_tenant_it_is_refused(db):
    with pytest.raises(NoTenantScope):
        emit(TOPIC, key="k", payload={})


def test_another_tenant_sees_nothing_of_it(tenant, other_tenant):
    emit(TOPIC, key="k", payload={})
    with tenant_scope(other_tenant):
        assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_relay_is_nudged_once_when_the_transaction_commits(tenant, redis: Redis):
    with transaction.atomic():
        for number in range(20):
            emit(TOPIC, key=number, payload={})
        assert redis.llen("fairway:default") == 0
    (sent,) = redis.lrange("fairway:default", 0, -1)
    assert json.loads(sent)["headers"]["task"] == "outbox.relay"


@pytest.mark.django_db(transaction=True)
def test_it_does_not_need_redis(tenant, no_redis):
    with transaction.atomic():
        emit(TOPIC, key="k", payload={})
    assert OutboxMessage.objects.count() == 1
