"""A worker that freezes in the middle of a transaction is cut off, and what it had in hand is done once."""

import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers.models import CustomerMetrics, CustomerProfile
from tests.servers import beside, eventually
from timeline import ingestion
from timeline.ingestion import process_due, receive
from timeline.models import Activity, InboundEvent, SyncStatus

# Stops when its batch is applied and every lock is held, one statement before the commit.
FREEZES = """
import os, signal
from django.db import DatabaseError
from crm.database import is_away
from crm.tenancy.models import Tenant
from timeline import ingestion

settle = ingestion._settle

def settle_and_freeze(*batch):
    settle(*batch)
    os.kill(os.getpid(), signal.SIGSTOP)

ingestion._settle = settle_and_freeze
try:
    ingestion.process_due(Tenant.objects.get())
except DatabaseError as error:
    print("cut off" if is_away(error) else error)
"""
SHOWS = """
from django.db import connection
with connection.cursor() as cursor:
    for name in ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout"):
        cursor.execute(f"SHOW {name}")
        print(name, cursor.fetchone()[0])
"""


def shell(script: str, **environ: str) -> Any:
    """A process of the platform, with the settings of one."""
    return beside("manage.py", "shell", "--no-imports", "-c", script, **environ)


def visits(*numbers: int) -> list[dict[str, Any]]:
    """Of one person, whom the first of them makes known."""
    at = timezone.now() - timedelta(hours=1)
    return [
        {
            "id": f"e-{number}", "type": "web.page_view", "timestamp": at.isoformat(),
            "identity": {"email": "thandi@example.com"}, "payload": {"url": "https://club.example/"},
        }
        for number in numbers
    ]  # fmt: skip


def is_frozen(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.django_db(transaction=True)
def test_a_frozen_workers_batch_is_taken_over_and_done_once(tenant: Tenant, monkeypatch: Any) -> None:
    """The limit is 2 s here, so that the test need not wait for 30."""
    receive(visits(1, 2, 3))
    frozen = shell(FREEZES, IDLE_TRANSACTION_TIMEOUT_SECONDS="2")
    try:
        eventually(lambda: is_frozen(frozen.pid))
        monkeypatch.setattr(ingestion, "LEASE", timedelta(0))
        assert process_due(tenant).total == 0, "its rows are locked"
        receive(visits(4))
        assert process_due(tenant).applied >= 1, "who needs the same person waits until it is cut off"
        eventually(
            lambda: process_due(tenant).total == 0 and not InboundEvent.objects.filter(is_waiting=True)
        )
    finally:
        frozen.send_signal(signal.SIGCONT)
    out, _ = frozen.communicate(timeout=60)
    assert out.strip().endswith("cut off")
    assert set(InboundEvent.objects.values_list("status", "attempts")) == {(SyncStatus.SUCCESS, 0)}
    assert Activity.objects.filter(counts=True).count() == 4
    assert CustomerProfile.objects.count() == 1
    assert CustomerMetrics.objects.get().activity_count_30d == 4


def test_every_process_of_the_application_has_the_limits(db: None) -> None:
    out, _ = shell(SHOWS).communicate(timeout=60)
    assert out.split("\n")[:3] == [
        "lock_timeout 10s", "idle_in_transaction_session_timeout 30s", "statement_timeout 1min",
    ]  # fmt: skip
