"""Tasks, called as the plain functions they are, and once through real processes."""

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import requests
from django.utils import timezone

from crm.embedded.servers import free_port
from crm.heartbeats import PROBED, silences
from crm.models import Heartbeat
from crm.outbox.models import OutboxMessage
from crm.outbox.services import emit
from crm.tasks import apply_retention, purge_outbox, relay_outbox
from crm.tenancy.models import AuditEntry, IdempotentCall
from crm.tenancy.retention import BATCH
from crm.tenancy.scope import scopes_disabled, tenant_scope
from customers.models import CustomerProfile
from tests.factories import InboundEventFactory
from tests.servers import celery, eventually
from timeline import ingestion, tasks
from timeline.models import EventBody, InboundEvent, SyncStatus
from timeline.models.events import first_id


def event(number: int) -> dict:
    return {
        "id": f"e-{number}",
        "type": "web.page_view",
        "timestamp": "2026-11-20T08:00:00Z",
        "identity": {"email": f"p{number}@example.com"},
        "payload": {"url": "https://club.example/"},
    }


def queued(redis, queue: str) -> list[tuple[str, str]]:
    headers = [json.loads(message)["headers"] for message in redis.lrange(f"fairway:{queue}", 0, -1)]
    return [(header["task"], header["argsrepr"]) for header in headers]


# --- events
def test_processing_works_off_a_tenants_events(tenant, redis):
    ingestion.receive([event(1), event(2)])
    assert tasks.process_events(str(tenant.pk)) == 2
    assert CustomerProfile.objects.count() == 2
    assert tasks.process_events(str(tenant.pk)) == 0
    assert queued(redis, "events") == []


def test_where_a_turn_was_not_enough_it_lines_up_again_behind_the_others(tenant, redis, monkeypatch):
    ingestion.receive([event(1)])
    monkeypatch.setattr(tasks, "BUDGET", -1.0)
    tasks.process_events(str(tenant.pk))
    assert queued(redis, "events") == [("timeline.process_events", f"('{tenant.pk}',)")]


def test_the_sweeper_finds_what_a_lost_nudge_left_in_every_tenant(tenant, other_tenant, redis):
    ingestion.receive([event(1)])
    with tenant_scope(other_tenant):
        ingestion.receive([event(1)])
    assert tasks.sweep_events() == 2
    assert {args for _, args in queued(redis, "events")} == {f"('{tenant.pk}',)", f"('{other_tenant.pk}',)"}
    for one in (tenant, other_tenant):
        tasks.process_events(str(one.pk))
    assert tasks.sweep_events() == 0


# --- retention
def days_ago(days: float):
    return timezone.now() - timedelta(days=days)


def old_event(days: float, number: int, **fields) -> InboundEvent:
    return InboundEventFactory(pk=UUID(int=first_id(days_ago(days)).int + number), **fields)


def test_bodies_of_settled_events_go_after_ninety_days_and_the_events_stay(tenant, other_tenant):
    settled = {"status": SyncStatus.SUCCESS, "is_waiting": False}
    old_event(91, 1, **settled)
    with tenant_scope(other_tenant):
        old_event(91, 2, **settled)
    kept = [
        old_event(89, 3, **settled),
        old_event(91, 4),
        old_event(91, 5, status=SyncStatus.FAILED, is_waiting=False, dead_at=timezone.now()),
    ]
    assert apply_retention() == 2
    with scopes_disabled():
        assert set(EventBody.objects.values_list("pk", flat=True)) == {event.pk for event in kept}
        assert InboundEvent.objects.count() == 5


def test_unresolved_dead_letters_are_closed_after_ninety_days_with_a_notice(tenant, other_tenant):
    dead = {"status": SyncStatus.FAILED, "is_waiting": False}
    for number in range(3):
        old_event(100, number, dead_at=days_ago(91), **dead)
    fresh = old_event(100, 9, dead_at=days_ago(89), **dead)
    with tenant_scope(other_tenant):
        old_event(100, 10, dead_at=days_ago(89), **dead)
    assert apply_retention() == 3
    assert list(InboundEvent.objects.dead()) == [fresh]
    notice = AuditEntry.objects.get(action="events.discarded")
    assert (notice.actor, notice.after["count"]) == ("job:retention", 3)
    assert AuditEntry.objects.get(action="retention.applied").after == {"DEAD_LETTERS": 3}
    assert apply_retention() == 3
    assert AuditEntry.objects.order_by("-at")[0].after == {"EVENT_BODIES": 3}
    with tenant_scope(other_tenant):
        assert not AuditEntry.objects.exists()


def test_stored_answers_go_after_a_day(tenant, other_tenant):
    def call(key: str, hours: float) -> None:
        made = timezone.now() - timedelta(hours=hours)
        IdempotentCall.objects.create(
            tenant=tenant, caller="c", key=key, fingerprint="f", status=201, created_at=made
        )

    call("old", 24.1)
    call("new", 23.9)
    assert apply_retention() == 1
    assert IdempotentCall.objects.get().key == "new"


def test_much_is_deleted_in_short_statements(tenant, redis, django_assert_num_queries):
    OutboxMessage.objects.bulk_create(
        OutboxMessage(tenant=tenant, topic="x", key="k", payload={}, relayed_at=days_ago(8))
        for _ in range(BATCH + 10)
    )
    with django_assert_num_queries(3):
        assert purge_outbox() == BATCH + 10


def test_the_relay_uses_the_table_of_routes(tenant, redis):
    emit("crm.x", key="k", payload={})
    assert relay_outbox() == 1


# --- real processes
@pytest.mark.django_db(transaction=True)
def test_worker_and_beat_do_the_work_and_do_it_again_after_a_kill(tenant, redis, tmp_path):
    """One worker, killed with kill -9 with work in its hands; its successor finds everything by itself."""
    work = (
        "worker",
        "--queues",
        ",".join(PROBED),
        "--concurrency",
        "1",
        "--without-gossip",
        "--without-mingle",
    )
    worker = celery(*work)
    metrics = {"WORKER_METRICS_PORT": str(free_port()), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    started = [worker, celery("beat")]
    try:
        eventually(lambda: Heartbeat.objects.count() == 1 + len(PROBED))
        assert all(age is not None for age in silences().values())
        ingestion.receive([event(number) for number in range(500)])
        eventually(lambda: CustomerProfile.objects.count() > 0)
        for pid in (worker.pid, *children_of(worker.pid)):
            os.kill(pid, signal.SIGKILL)
        redis.flushdb()
        ingestion.receive([event(number) for number in range(500, 520)])
        started.append(celery(*work, **metrics))
        eventually(lambda: not InboundEvent.objects.filter(is_waiting=True).exists(), within=120)
        eventually(lambda: not OutboxMessage.objects.filter(relayed_at=None).exists())
        assert CustomerProfile.objects.count() == 520
        assert InboundEvent.objects.filter(status=SyncStatus.SUCCESS).count() == 520
        counted = requests.get(f"http://127.0.0.1:{metrics['WORKER_METRICS_PORT']}/metrics", timeout=5).text
        assert 'fairway_tasks_total{state="SUCCESS",task="timeline.process_events"}' in counted
    finally:
        for one in started:
            one.terminate()
        said = "".join(one.communicate(timeout=60)[0] for one in started)
    assert "Traceback" not in said
    assert "example.com" not in said


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
