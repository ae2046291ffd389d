"""/metrics: what Prometheus sees, and who else does not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from crm.heartbeats import beat_heart
from crm.outbox.services import News, emit_many
from crm.outbox.streams import INBOUND, REJECTED
from crm.tasks import watch_sources
from crm.tenancy.scope import tenant_scope
from tests.factories import InboundEventFactory
from timeline.models import SyncStatus
from timeline.stream import Consumer


def scraped(client: Client | None = None) -> dict:
    """name{sorted labels} -> value."""
    answer = (client or Client()).get("/metrics")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_the_state_of_all_tenants(tenant, other_tenant, redis):
    emit_many([News("crm.x", str(number), {}) for number in range(3)])
    InboundEventFactory(priority=1, received_at=timezone.now() - timedelta(seconds=50))
    with tenant_scope(other_tenant):
        InboundEventFactory(priority=1, received_at=timezone.now() - timedelta(seconds=90))
        InboundEventFactory(priority=3)
        InboundEventFactory(status=SyncStatus.FAILED, is_waiting=False, dead_at=timezone.now())
    beat_heart("beat")
    found = scraped()
    assert found["fairway_database_up"] == found["fairway_redis_up"] == 1
    assert found["fairway_outbox_unsent"] == 3
    assert found["fairway_events_waiting{priority=high}"] == 2
    assert found["fairway_events_waiting{priority=normal}"] == 0
    assert found["fairway_events_waiting{priority=low}"] == 1
    assert 89 < found["fairway_events_oldest_due_seconds{priority=high}"] < 120
    assert found["fairway_events_oldest_due_seconds{priority=normal}"] == 0
    assert found["fairway_events_dead_letters"] == 1
    assert found["fairway_heartbeat_age_seconds{process=beat}"] < 30
    assert "fairway_heartbeat_age_seconds{process=events}" not in found


def test_the_streams_and_queues(tenant, redis):
    for _ in range(5):
        redis.xadd(INBOUND, {"name": "x", "data": "{"})
    assert scraped()["fairway_stream_unread"] == 5
    consumer = Consumer("test")
    consumer.run(once=True)
    redis.xadd(INBOUND, {"name": "x", "data": "{"})
    redis.lpush("fairway:events", "a", "b")
    found = scraped()
    assert found["fairway_stream_unread"] == 1
    assert found["fairway_stream_unacknowledged"] == 0
    assert found["fairway_stream_rejected"] == redis.xlen(REJECTED) == 5
    assert found["fairway_queue_messages{queue=events}"] == 2
    assert found["fairway_queue_messages{queue=sends}"] == 0


def test_what_this_process_counted(db, redis):
    before = scraped().get("fairway_http_requests_total{method=GET,route=health/live,status=2xx}", 0)
    Client().get("/health/live")
    assert scraped()["fairway_http_requests_total{method=GET,route=health/live,status=2xx}"] == before + 1
    assert "fairway_http_request_seconds_count{method=GET,route=health/live}" in scraped()


def test_it_costs_few_statements_however_many_tenants(
    tenant, other_tenant, redis, django_assert_max_num_queries
):
    with django_assert_max_num_queries(8):
        scraped()


def test_without_servers_it_says_that_they_are_away(db, no_redis, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    found = scraped()
    assert found["fairway_database_up"] == found["fairway_redis_up"] == 0
    assert not [
        name for name in found if name.startswith(("fairway_events", "fairway_stream", "fairway_outbox"))
    ]


def test_a_silent_source_is_told_by_a_ratio(tenant, redis):
    now = timezone.now()
    for minutes in range(125, 125 + 30 * 10, 10):
        InboundEventFactory(source="teetime", received_at=now - timedelta(minutes=minutes))
        InboundEventFactory(source="scl", received_at=now - timedelta(minutes=minutes - 120))
    assert watch_sources() == 1
    found = scraped()
    assert found["fairway_source_silence_ratio{source=teetime,tenant=fynbos-group}"] > 1
    assert found["fairway_source_silence_ratio{source=scl,tenant=fynbos-group}"] < 0.5


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"])
def test_behind_a_proxy_on_this_machine_nobody_is_near(db, header):
    answer = Client().get("/metrics", headers={header: "203.0.113.9"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert "fairway" not in answer.content.decode()


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.8", "", "nonsense"])
def test_from_elsewhere_the_token_is_needed(db, redis, settings, address):
    settings.METRICS_TOKEN = "a-long-token"
    far = Client(REMOTE_ADDR=address)
    assert far.get("/metrics").status_code == 403
    assert far.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert far.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403
    assert far.get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200


def test_without_a_token_set_an_empty_one_opens_nothing(db, settings):
    settings.METRICS_TOKEN = ""
    assert (
        Client(REMOTE_ADDR="203.0.113.9").get("/metrics", headers={"Authorization": "Bearer "}).status_code
        == 403
    )
