"""/health, /health/live, /health/ready: true whatever is down, and quick."""

import socket
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from crm.health import views
from crm.health.vitals import Known
from crm.heartbeats import PROBED, beat_heart
from crm.models import Heartbeat
from crm.outbox.models import OutboxMessage
from crm.outbox.services import emit
from tests.factories import InboundEventFactory
from timeline.models import SyncStatus

FAR = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(autouse=True)
def nothing_known_yet(monkeypatch):
    monkeypatch.setattr(views.Last, "at", float("-inf"))
    monkeypatch.setattr(Known, "migrated", False)


@pytest.fixture
def alive(db, redis):
    """Redis answers; beat and a worker of each queue have just shown a sign of life."""
    for name in ("beat", *PROBED):
        beat_heart(name)


@pytest.fixture
def no_postgres(db, monkeypatch):
    """Whoever connects to PostgreSQL anew is refused."""
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")


def get(path: str, **headers: str):
    began = time.monotonic()
    answer = Client().get(path, headers=headers)
    return answer.status_code, answer.json(), time.monotonic() - began


# --- live and ready
def test_live_needs_nothing(no_postgres, no_redis, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert get("/health/live")[:2] == (200, {"status": "ok"})


def test_ready_when_everything_is_in_order(alive):
    checks = {"database": "ok", "migrations": "ok", "outbox": "ok", "redis": "ok"}
    assert get("/health/ready")[:2] == (200, {"status": "ok", "checks": checks})


def test_ready_though_degraded_without_redis(db, no_redis):
    status, body, seconds = get("/health/ready")
    assert (status, body["status"], body["checks"]["redis"]) == (200, "degraded", "degraded")
    assert seconds < 2


def test_not_ready_without_postgres(no_postgres, redis):
    status, body, seconds = get("/health/ready")
    assert (status, body) == (
        503,
        {"status": "unavailable", "checks": {"database": "unavailable", "redis": "ok"}},
    )
    assert seconds < 2


def test_not_ready_within_three_seconds_when_postgres_never_answers(db, redis, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(deaf.getsockname()[1]))
        status, _, seconds = get("/health/ready")
    assert status == 503
    assert seconds < 3.5


def test_not_ready_while_migrations_are_pending(alive):
    MigrationRecorder.Migration.objects.filter(app="timeline").latest("id").delete()
    status, body, _ = get("/health/ready")
    assert (status, body["checks"]["migrations"]) == (503, "unavailable")


@pytest.mark.django_db(transaction=True)
def test_not_ready_on_a_server_that_takes_no_writes(alive):
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            status, body, _ = get("/health/ready")
        finally:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert (status, body["checks"]["outbox"]) == (503, "unavailable")


def test_many_who_ask_share_one_look(alive, monkeypatch):
    looks = []
    monkeypatch.setattr(views.report, "ready", lambda real=views.report.ready: looks.append(1) or real())
    for _ in range(20):
        assert get("/health/ready")[0] == 200
    assert len(looks) == 1


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics"])
def test_a_pods_address_plain_http_and_a_stale_session_are_no_obstacle(no_postgres, redis, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "stale"
    answer = client.get(path, headers={"Host": "10.1.2.3:8000"})
    assert answer.status_code in {200, 503}
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics"])
def test_they_are_for_reading_only(db, path):
    assert Client().post(path).status_code == 405
    assert Client().head(path).status_code in {200, 503}


# --- summary
def test_the_summary_has_the_numbers(alive, tenant):
    emit("crm.x", key="k", payload={})
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(seconds=30))
    InboundEventFactory(priority=1, received_at=timezone.now() - timedelta(seconds=20))
    InboundEventFactory(priority=2)
    InboundEventFactory(status=SyncStatus.FAILED, is_waiting=False, dead_at=timezone.now())
    status, body, _ = get("/health")
    assert (status, body["status"], body["version"]) == (200, "ok", "0.1.0")
    assert body["outbox"]["unsent"] == 1
    assert 29 < body["outbox"]["oldestSeconds"] < 60
    assert body["events"]["high"]["waiting"] == 1
    assert 19 < body["events"]["high"]["oldestSeconds"] < 60
    assert body["events"]["normal"]["waiting"] == 1
    assert body["events"]["low"] == {
        "status": "ok", "waiting": 0, "oldestSeconds": None, "stillSeconds": None,
    }  # fmt: skip
    assert body["deadLetters"]["count"] == 1
    assert body["beat"]["lastSeenSeconds"] < 10
    assert set(body["workers"]) == {"status", "events-high", "events", "default", "sends"}


@pytest.mark.parametrize("name", ["beat", "events-high", "events", "default", "sends"])
def test_a_process_that_is_up_but_takes_nothing_is_seen_within_two_minutes(alive, name):
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - timedelta(seconds=95))
    _, body, _ = get("/health")
    part = body["beat"] if name == "beat" else body["workers"][name]
    assert (body["status"], part["status"]) == ("degraded", "degraded")


def test_a_process_that_never_was_is_told_from_one_that_lives(db, redis):
    _, body, _ = get("/health")
    assert body["beat"] == {"status": "degraded", "lastSeenSeconds": None}


@pytest.mark.parametrize(("priority", "age"), [(1, 61), (2, 301), (3, 3601)])
def test_events_that_wait_too_long_degrade(alive, tenant, priority, age):
    InboundEventFactory(priority=priority, received_at=timezone.now() - timedelta(seconds=age))
    _, body, _ = get("/health")
    assert (body["status"], body["events"]["status"]) == ("degraded", "degraded")


def test_an_event_that_waits_for_its_retry_is_not_late(alive, tenant):
    soon = timezone.now() + timedelta(seconds=3)
    InboundEventFactory(priority=1, received_at=timezone.now() - timedelta(hours=1), next_attempt_at=soon)
    _, body, _ = get("/health")
    assert body["events"]["high"] == {
        "status": "ok", "waiting": 1, "oldestSeconds": None, "stillSeconds": None,
    }  # fmt: skip


def test_news_that_nobody_relays_degrades_but_stays_ready(alive, tenant):
    emit("crm.x", key="k", payload={})
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    assert get("/health")[1]["outbox"]["status"] == "degraded"
    assert get("/health/ready")[0] == 200


def test_without_postgres_the_summary_says_so_and_no_more(no_postgres, redis):
    status, body, seconds = get("/health")
    assert (status, body["status"], body["database"]) == (503, "unavailable", {"status": "unavailable"})
    assert "outbox" not in body
    assert seconds < 2


def test_others_learn_the_state_but_no_numbers_and_no_version(alive, tenant):
    status, body, _ = get("/health", **FAR)
    assert (status, set(body)) == (200, {"status", "checks"})


def test_an_operator_elsewhere_brings_the_token(alive, settings):
    settings.METRICS_TOKEN = "a-long-token"
    assert "version" in get("/health", Authorization="Bearer a-long-token", **FAR)[1]
    assert "version" not in get("/health", Authorization="Bearer a-long-tokem", **FAR)[1]
