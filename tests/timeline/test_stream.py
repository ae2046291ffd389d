"""The Redis stream crm-events: at least once in, once applied, whatever dies."""

import json
import random
import signal
import time
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, connections
from redis import Redis

from crm.tenancy.models import Tenant
from crm.tenancy.scope import scopes_disabled, tenant_scope
from tests.servers import CLOSED, eventually, program, redis_at
from timeline import stream
from timeline.models import EventBody, InboundEvent
from timeline.stream import GROUP, INBOUND, REJECTED, Consumer

pytestmark = pytest.mark.services

committed = pytest.mark.django_db(transaction=True)


def add(redis: Redis, number: int, *, tenant: str | None = "fynbos-group", **envelope: Any) -> bytes:
    data = {
        "id": f"e-{number}",
        "type": "web.page_view",
        "timestamp": "2026-11-20T08:00:00Z",
        "identity": {"email": f"p{number}@example.com"},
        "payload": {"url": "https://club.example/"},
        **({"tenantId": tenant} if tenant else {}),
        **envelope,
    }
    return redis.xadd(INBOUND, {"name": "web.page_view", "data": json.dumps(data)})  # type: ignore[return-value]


def consume(**options: Any) -> int:
    return Consumer("test", **options).run(once=True)


def rejected(redis: Redis) -> list[str]:
    return [fields[b"reason"].decode() for _, fields in redis.xrange(REJECTED)]


def pending(redis: Redis) -> int:
    return redis.xpending(INBOUND, GROUP)["pending"]


# --- what comes in
def test_entries_are_received_and_acknowledged(tenant: Tenant, redis: Redis) -> None:
    for number in range(3):
        add(redis, number)
    assert consume() == 3
    assert sorted(InboundEvent.objects.values_list("event_id", flat=True)) == ["e-0", "e-1", "e-2"]
    assert pending(redis) == 0
    assert consume() == 0


def test_a_flat_job_of_messaging_is_received_and_kept_as_it_came(tenant: Tenant, redis: Redis) -> None:
    payload = {"eventId": "m-1", "tenantId": "fynbos-group", "contactId": "c-1", "email": "zoë@example.com"}
    redis.xadd(INBOUND, {"name": "contact.created", "data": json.dumps({"payload": payload})})
    consume()
    event = InboundEvent.objects.get()
    assert (event.type, event.source, event.event_id) == ("contact.created", "messaging", "m-1")
    raw = json.loads(EventBody.objects.get().raw)
    assert raw == {"name": "contact.created", "data": {"payload": payload}}


def test_each_tenant_gets_its_own_by_slug_or_id(tenant: Tenant, other_tenant: Tenant, redis: Redis) -> None:
    add(redis, 1)
    add(redis, 2, tenant=str(other_tenant.pk))
    add(redis, 3, tenant="heathland-group")
    add(redis, 4, tenant=str(tenant.pk))
    consume()
    assert set(InboundEvent.objects.values_list("event_id", flat=True)) == {"e-1", "e-4"}
    with tenant_scope(other_tenant):
        assert set(InboundEvent.objects.values_list("event_id", flat=True)) == {"e-2", "e-3"}
    assert rejected(redis) == []


def test_many_entries_are_stored_in_few_statements(
    tenant: Tenant, redis: Redis, django_assert_max_num_queries: Any
) -> None:
    for number in range(500):
        add(redis, number)
    with django_assert_max_num_queries(8):
        assert consume() == 500


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "x"}, "fields “name” and “data”"),
        ({"data": "{}"}, "fields “name” and “data”"),
        ({"name": "x", "data": "{"}, "not readable JSON"),
        ({"name": "x", "data": b"\xff\xfe"}, "not readable JSON"),
        ({"name": b"\xff", "data": "{}"}, "not readable JSON"),
        ({"name": "x", "data": "[" * 100_000}, "not readable JSON"),
        ({"name": "x", "data": "[]"}, "must be a JSON object"),
        ({"name": "web.page_view", "data": '{"payload": {}}'}, "data.payload.eventId is required"),
        ({"name": "web.page_view", "data": '{"id": "e", "timestamp": "2026-11-20T08:00:00Z"}'}, "names no tenant"),
        (
            {"name": "x", "data": '{"id": "e", "timestamp": "2026-11-20T08:00:00Z", "tenantId": "nobody"}'},
            "no active tenant “nobody”",
        ),
        (
            {"name": "x", "data": '{"id": "e", "timestamp": "2099-01-01T00:00:00Z", "tenantId": "fynbos-group"}'},
            "timestamp is more than a day ahead",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_received_is_kept_aside_with_the_reason(
    tenant: Tenant, redis: Redis, fields: dict[str, Any], reason: str
) -> None:
    pk = redis.xadd(INBOUND, fields)
    add(redis, 1)
    consume()
    ((_, kept),) = redis.xrange(REJECTED)
    assert reason in kept.pop(b"reason").decode()
    assert kept.pop(b"entry") == pk
    assert kept == {
        name.encode(): value if isinstance(value, bytes) else value.encode() for name, value in fields.items()
    }
    assert InboundEvent.objects.count() == 1
    assert pending(redis) == 0


def test_an_inactive_tenant_gets_nothing(tenant: Tenant, other_tenant: Tenant, redis: Redis) -> None:
    Tenant.objects.filter(pk=other_tenant.pk).update(is_active=False)
    add(redis, 1, tenant="heathland-group")
    consume()
    assert "no active tenant" in rejected(redis)[0]


def test_a_default_tenant_serves_entries_that_name_none_only(
    tenant: Tenant, other_tenant: Tenant, redis: Redis
) -> None:
    add(redis, 1, tenant=None)
    add(redis, 2, tenant="heathland-group")
    consume(default_tenant="fynbos-group")
    assert InboundEvent.objects.get().event_id == "e-1"
    with tenant_scope(other_tenant):
        assert InboundEvent.objects.get().event_id == "e-2"


def test_entries_that_the_database_refuses_are_kept_aside_and_hold_up_no_others(
    tenant: Tenant, redis: Redis
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON timeline_inboundevent
                FOR EACH ROW WHEN (NEW.event_id IN ('e-7', 'e-8', 'e-19')) EXECUTE FUNCTION refuse()
            """
        )
    for number in range(20):
        add(redis, number)
    consume()
    assert InboundEvent.objects.count() == 17
    assert rejected(redis) == ["It could not be stored: ProgrammingError."] * 3
    assert pending(redis) == 0


def test_odd_characters_are_received(tenant: Tenant, redis: Redis) -> None:
    add(redis, 1, payload={"url": "\ud800\u0000 “Zoë” 🏌"}, stray="\ud800\u0000")
    consume()
    assert rejected(redis) == []
    assert InboundEvent.objects.count() == 1


# --- groups, takeovers, trimming
def test_entries_from_before_the_group_are_received(tenant: Tenant, redis: Redis) -> None:
    add(redis, 1)
    assert redis.xinfo_groups(INBOUND) == []
    assert consume() == 1


def test_after_flushall_the_group_is_made_again_and_work_goes_on(tenant: Tenant, redis: Redis) -> None:
    consumer = Consumer("test")
    add(redis, 1)
    consumer.run(once=True)
    redis.flushdb()
    add(redis, 2)
    assert consumer.run(once=True) == 1
    redis.flushdb()
    assert consumer.run(once=True) == 0
    assert redis.xinfo_groups(INBOUND)[0]["name"] == GROUP.encode()
    assert InboundEvent.objects.count() == 2


def test_what_a_dead_consumer_left_is_taken_over(tenant: Tenant, redis: Redis, monkeypatch: Any) -> None:
    for number in range(1200):
        add(redis, number)
    dead = Consumer("dead")
    dead.made_group(stream.ResponseError("NOGROUP"))
    while dead.read(block=None):
        dead.cursor = stream.NEW
    assert pending(redis) == 1200
    assert consume() == 0
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    assert consume() == 1200
    assert pending(redis) == 0
    assert InboundEvent.objects.count() == 1200


def test_entries_that_were_trimmed_away_unread_are_reported(tenant: Tenant, redis: Redis) -> None:
    add(redis, 1)
    consumer = Consumer("test")
    consumer.made_group(stream.ResponseError("NOGROUP"))
    assert len(consumer.read(block=None)) == 1
    redis.xtrim(INBOUND, maxlen=0, approximate=False)
    consumer.cursor, consumer.tidied_at = stream.OWN, time.monotonic()
    assert consumer.run(once=True) == 1
    assert "trimmed" in rejected(redis)[0]
    assert pending(redis) == 0


def test_the_stream_is_trimmed_to_what_some_group_still_needs(tenant: Tenant, redis: Redis) -> None:
    first = [add(redis, number) for number in range(600)]
    redis.xgroup_create(INBOUND, "another", id="0")
    consume()
    consumer = Consumer("test")
    consumer.tidy()
    assert redis.xlen(INBOUND) == 600
    redis.xreadgroup("another", "it", {INBOUND: ">"}, count=600)
    redis.xack(INBOUND, "another", *first[:500])
    consumer.tidy()
    assert 100 <= redis.xlen(INBOUND) < 300
    assert redis.xrange(INBOUND, min=first[500], max=first[500])


def test_consumers_that_are_gone_are_forgotten_unless_entries_hang_on_them(
    tenant: Tenant, redis: Redis, monkeypatch: Any
) -> None:
    add(redis, 1)
    Consumer("gone").run(once=True)
    add(redis, 2)
    holding = Consumer("holding")
    holding.cursor = stream.NEW
    holding.read(block=None)
    monkeypatch.setattr(stream, "GONE_MS", -1)
    Consumer("test").tidy()
    names = {consumer["name"] for consumer in redis.xinfo_consumers(INBOUND, GROUP)}
    assert b"gone" not in names and b"holding" in names


def test_a_consumer_that_stops_takes_its_name_away(tenant: Tenant, redis: Redis) -> None:
    add(redis, 1)
    consumer = Consumer("test")
    consumer.run(once=True)
    consumer.leave()
    assert redis.xinfo_consumers(INBOUND, GROUP) == []


# --- faults
@committed
def test_while_postgres_is_away_nothing_is_acknowledged_and_afterwards_nothing_is_missing(
    tenant: Tenant, redis: Redis, monkeypatch: Any
) -> None:
    for number in range(10):
        add(redis, number)
    consumer, real = Consumer("test"), stream.receive

    def cut_off(*arguments: Any, **options: Any) -> Any:
        """Another session ends ours, as a restart of the server does."""
        monkeypatch.setattr(stream, "receive", real)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        other = connections["default"].copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        other.close()
        assert pending(redis) == 10
        return real(*arguments, **options)

    monkeypatch.setattr(stream, "receive", cut_off)
    assert consumer.run(once=True) == 10
    assert InboundEvent.objects.count() == 10
    assert pending(redis) == 0


def test_while_redis_is_away_it_waits_and_ends_when_it_is_told(tenant: Tenant, settings: Any) -> None:
    with redis_at(CLOSED, settings):
        stopping = Event()
        thread = Thread(target=Consumer("test", stopping=stopping).run)
        thread.start()
        time.sleep(0.5)
        assert thread.is_alive()
        stopping.set()
        thread.join(5)
        assert not thread.is_alive()


@committed
def test_a_consumer_killed_between_commit_and_acknowledgement_doubles_nothing(
    tenant: Tenant, redis: Redis, monkeypatch: Any
) -> None:
    for number in range(50):
        add(redis, number)
    died = program(
        "shell",
        "-c",
        "import os, signal; from timeline.stream import Consumer\n"
        "Consumer.settle = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Consumer('killed').run(once=True)",
    )
    assert died.wait(60) == -signal.SIGKILL, died.communicate()[0]
    assert InboundEvent.objects.count() == 50
    assert pending(redis) == 50
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    assert consume() == 50
    assert InboundEvent.objects.count() == 50
    assert pending(redis) == 0


@committed
def test_two_consumers_killed_at_random_moments_lose_and_double_nothing(
    tenant: Tenant, redis: Redis, monkeypatch: Any
) -> None:
    count, dice = 6000, random.Random(seed := random.randrange(2**32))
    for number in range(count):
        add(redis, number)
    running = [program("consume_events") for _ in range(2)]
    eventually(InboundEvent.objects.exists)
    for one in running:
        time.sleep(dice.random() * 0.3)
        one.kill()
        one.communicate()
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    consume()
    assert InboundEvent.objects.count() == EventBody.objects.count() == count, f"seed {seed}"
    assert pending(redis) == 0


@committed
def test_the_command_ends_cleanly_when_asked_to(tenant: Tenant, redis: Redis) -> None:
    running = program("consume_events")
    for number in range(20):
        add(redis, number)
    eventually(lambda: InboundEvent.objects.count() == 20)
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate(timeout=15)
    assert running.returncode == 0
    assert "20 entries received" in out
    assert redis.xinfo_consumers(INBOUND, GROUP) == []


@committed
def test_the_command_once_empties_the_stream_and_ends(tenant: Tenant, redis: Redis) -> None:
    for number in range(1100):
        add(redis, number)
    out, _ = program("consume_events", "--once").communicate(timeout=60)
    assert "1100 entries received" in out
    with scopes_disabled():
        assert InboundEvent.objects.count() == 1100
