"""relay(): every committed message goes out at least once, in order, whoever dies."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from crm.outbox import relay as relay_module
from crm.outbox.models import OutboxMessage
from crm.outbox.relay import LOCK, Route, purge, relay, relay_batch
from crm.outbox.services import News, emit, emit_many
from crm.tenancy.scope import scopes_disabled, tenant_scope
from tests.servers import CLOSED

pytestmark = pytest.mark.services

TOPIC = "crm.profile.updated"
committed = pytest.mark.django_db(transaction=True)


def news(count: int, topic: str = TOPIC) -> None:
    with transaction.atomic():
        emit_many([News(topic, str(number), {"n": number}) for number in range(count)])


def told(redis: Redis) -> list[dict]:
    return [json.loads(fields[b"data"]) for _, fields in redis.xrange("crm-outbound")]


def test_receivers_see_the_envelope(tenant, redis):
    emit(TOPIC, key="k", payload={"id": "k"}, correlation_id="evt-1", historical=True)
    message = OutboxMessage.objects.get()
    assert relay({}) == 1
    ((_, fields),) = redis.xrange("crm-outbound")
    assert fields[b"name"] == TOPIC.encode()
    assert json.loads(fields[b"data"]) == {
        "id": str(message.message_id),
        "type": TOPIC,
        "version": "1.0",
        "timestamp": message.created_at.isoformat().replace("+00:00", "Z"),
        "tenantId": "fynbos-group",
        "source": "crm",
        "correlationId": "evt-1",
        "historical": True,
        "payload": {"id": "k"},
    }


def test_one_relay_tells_the_news_of_all_tenants_in_the_order_of_ids(tenant, other_tenant, redis):
    for number in range(0, 1200, 2):
        emit(TOPIC, key=number, payload={"n": number})
        with tenant_scope(other_tenant):
            emit(TOPIC, key=number + 1, payload={"n": number + 1})
    assert relay({}) == 1200
    assert [message["payload"]["n"] for message in told(redis)] == list(range(1200))
    assert {message["tenantId"] for message in told(redis)} == {"fynbos-group", "heathland-group"}
    assert relay({}) == 0


@pytest.mark.parametrize(
    ("topic", "public"),
    [
        ("crm.profile.merged", True), ("crm.churn.risk.high", True), ("person.became_customer", True),
        ("high_value_purchase", True), ("timeline.activity_recorded", False), ("crmx", False),
    ],
)  # fmt: skip
def test_only_public_topics_go_to_the_stream(tenant, redis, topic, public):
    emit(topic, key="k", payload={})
    relay({})
    assert redis.xlen("crm-outbound") == int(public)
    assert not OutboxMessage.objects.filter(relayed_at=None).exists()


def test_tasks_hear_of_their_topics_with_the_tenant_and_the_messages(tenant, other_tenant, redis):
    routes = {TOPIC: [Route("segments.refresh_for", "default"), Route("journeys.on_event", "journeys")]}
    news(3)
    with tenant_scope(other_tenant):
        news(2)
    emit("crm.other", key="k", payload={})
    relay(routes)
    sent = [json.loads(message) for message in redis.lrange("fairway:journeys", 0, -1)]
    with scopes_disabled():
        expected = {
            str(one.pk): list(
                OutboxMessage.objects.filter(tenant=one, topic=TOPIC)
                .order_by("pk")
                .values_list("pk", flat=True)
            )
            for one in (tenant, other_tenant)
        }
    heard = {}
    for message in sent:
        (tenant_id, ids), _, _ = decoded(message)
        assert message["headers"]["task"] == "journeys.on_event"
        heard[tenant_id] = ids
    assert heard == expected
    assert redis.llen("fairway:default") == 2  # one for each tenant, too


def decoded(message: dict) -> list:
    return json.loads(base64.b64decode(message["body"]))


@committed
def test_a_smaller_id_that_commits_later_is_not_lost(tenant, redis):
    written, proceed = threading.Event(), threading.Event()

    def slow() -> None:
        with tenant_scope(tenant), transaction.atomic():
            emit(TOPIC, key="slow", payload={"who": "slow"})
            written.set()
            proceed.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(10)
    with transaction.atomic():
        emit(TOPIC, key="fast", payload={"who": "fast"})
    assert relay({}) == 1
    proceed.set()
    thread.join()
    assert relay({}) == 1
    assert [message["payload"]["who"] for message in told(redis)] == ["fast", "slow"]
    ids = dict(OutboxMessage.objects.values_list("key", "id"))
    assert ids["slow"] < ids["fast"]


@committed
def test_two_relays_at_once_send_ten_thousand_messages_once_each_and_in_order(tenant, redis):
    news(10_000)

    def work() -> int:
        try:
            total = 0
            while OutboxMessage.objects.filter(relayed_at=None).exists():
                total += relay({}, budget_seconds=0.3)
            return total
        finally:
            connection.close()

    def scoped_work() -> int:
        with tenant_scope(tenant):
            return work()

    with ThreadPoolExecutor(2) as pool:
        counts = [future.result() for future in [pool.submit(scoped_work) for _ in range(2)]]
    assert sum(counts) == 10_000
    assert [message["payload"]["n"] for message in told(redis)] == list(range(10_000))


@committed
def test_while_another_relay_is_at_work_this_one_leaves_at_once(tenant, redis):
    news(3)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            held.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    began = time.monotonic()
    assert relay({}) == 0
    assert time.monotonic() - began < 1
    done.set()
    thread.join()
    assert relay({}) == 3


@committed
def test_a_relay_that_dies_between_sending_and_marking_sends_again(tenant, redis):
    news(3)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        relay_batch({})
        raise KeyboardInterrupt
    assert OutboxMessage.objects.filter(relayed_at=None).count() == 3
    assert relay({}) == 3
    ids = [message["id"] for message in told(redis)]
    assert ids == ids[:3] * 2


@committed
def test_while_redis_is_away_the_rows_stay_and_nothing_is_raised(tenant, no_redis):
    news(3)
    for _ in range(5):
        assert relay({}) == 0
    assert OutboxMessage.objects.filter(relayed_at=None).count() == 3


@committed
def test_a_broker_that_is_away_leaves_the_batch_whole(tenant, redis):
    """Tasks are asked first: the stream doesn't get the same messages again with every try."""
    news(3)
    current_app.conf.broker_url, current_app.amqp._producer_pool, current_app._pool = CLOSED, None, None
    for _ in range(3):
        assert relay({TOPIC: [Route("journeys.on_event")]}) == 0
    assert redis.xlen("crm-outbound") == 0


def test_the_stream_is_kept_short(tenant, redis, settings):
    settings.OUTBOUND_STREAM_LENGTH = 100
    news(1500)
    relay({})
    assert redis.xlen("crm-outbound") < 400


def test_a_run_ends_when_its_time_is_up(tenant, redis, monkeypatch):
    monkeypatch.setattr(relay_module, "BATCH", 10)
    news(100)
    assert relay({}, budget_seconds=0) == 0
    assert 0 < relay({}, budget_seconds=0.02) <= 100


def test_what_was_sent_is_purged_after_a_week_and_what_was_not_never(tenant, other_tenant, redis):
    news(2)
    with tenant_scope(other_tenant):
        news(1)
    relay({})
    news(1)
    now = timezone.now()
    OutboxMessage.objects.filter(relayed_at=None).update(created_at=now - timedelta(days=30))
    assert purge(now + timedelta(days=6, hours=23)) == 0
    assert purge(now + timedelta(days=7, minutes=1)) == 3
    assert OutboxMessage.objects.get().relayed_at is None
