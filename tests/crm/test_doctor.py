"""manage.py doctor: what is wrong, what to do, and an exit code."""

import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from crm.health import diagnosis
from crm.health.vitals import Known
from crm.heartbeats import PROBED, beat_heart
from crm.models import Heartbeat
from crm.outbox.models import OutboxMessage
from crm.outbox.services import emit
from crm.outbox.streams import REJECTED
from tests.factories import InboundEventFactory
from timeline.models import SyncStatus


@pytest.fixture(autouse=True)
def development(settings, monkeypatch):
    """Not judged as a deployment, and as the role that the application has."""
    settings.EMBEDDED = True
    monkeypatch.setattr(Known, "migrated", False)


@pytest.fixture
def alive(db, redis):
    for name in ("beat", *PROBED):
        beat_heart(name)


def doctor(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", *arguments, stdout=out)
    return int(ended.value.code), out.getvalue()


def findings() -> dict[str, dict]:
    code, text = doctor("--json")
    found = json.loads(text)
    assert code == {"OK": 0, "WARNING": 1, "BROKEN": 2}[found["status"]]
    return {finding["check"]: finding for finding in found["findings"]}


def test_all_is_well(alive):
    code, text = doctor()
    assert (code, "WARNING" in text, "BROKEN" in text) == (0, False, False), text
    for name in (
        "database",
        "migrations",
        "redis",
        "broker",
        "outbox",
        "process beat",
        "clock",
        "disk",
        "sources",
    ):
        assert f"ok       {name}:" in text


def test_every_finding_that_is_not_in_order_says_what_to_do(db, no_redis, tenant):
    InboundEventFactory(status=SyncStatus.FAILED, is_waiting=False, dead_at=timezone.now())
    found = findings()
    wrong = [finding for finding in found.values() if finding["level"] != "OK"]
    assert len(wrong) >= 6
    assert all(finding["do"] for finding in wrong)
    assert found["redis"]["level"] == "BROKEN"


def test_without_postgres_it_says_so_and_looks_at_the_rest(db, redis, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    code, text = doctor()
    assert code == 2
    assert "BROKEN   database: PostgreSQL does not answer" in text
    assert "docs/runbooks/database-down.md" in text
    assert "ok       redis" in text
    assert "outbox" not in text


@pytest.mark.parametrize("name", ["beat", *PROBED])
def test_a_silent_process_is_named(alive, name):
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - timedelta(minutes=5))
    found = findings()[f"process {name}"]
    assert found["level"] == "BROKEN"
    assert "300 s ago" in found["says"] or "301 s ago" in found["says"]


def test_late_news_stuck_events_and_dead_letters(alive, tenant):
    emit("crm.x", key="k", payload={})
    ago = timezone.now() - timedelta(minutes=10)
    OutboxMessage.objects.update(created_at=ago)
    InboundEventFactory(priority=1, received_at=ago, claimed_at=ago)
    InboundEventFactory(status=SyncStatus.FAILED, is_waiting=False, dead_at=ago)
    found = findings()
    for check in ("outbox", "events (high)", "stuck events", "dead letters"):
        assert found[check]["level"] == "WARNING", check
    assert found["events (normal)"]["level"] == "OK"


def test_rejected_entries_are_told(alive, redis):
    redis.xadd(REJECTED, {"name": "x", "reason": "no tenant"})
    assert findings()["rejected entries"]["level"] == "WARNING"


def test_a_source_that_is_silent_beyond_its_rhythm_is_named_with_both_times(alive, tenant):
    now = timezone.now()
    for minutes in range(125, 125 + 30 * 12, 12):
        InboundEventFactory(source="teetime", received_at=now - timedelta(minutes=minutes))
    found = findings()["sources"]
    assert found["level"] == "WARNING"
    assert re.search(
        r"teetime of fynbos-group has sent nothing for 2 h [456] min; .* was 1[05] min\.", found["says"]
    )


def test_a_source_that_sleeps_at_night_is_not(alive, tenant):
    now = timezone.now()
    for day in range(1, 6):
        for quarter in range(20):
            InboundEventFactory(
                source="pos", received_at=now - timedelta(days=day, hours=-14, minutes=15 * quarter)
            )
    assert findings()["sources"]["level"] == "OK"


def test_a_source_without_a_rhythm_is_not(alive, tenant):
    for _ in range(50):
        InboundEventFactory(source="import", received_at=timezone.now() - timedelta(days=2))
    assert findings()["sources"]["level"] == "OK"


def test_clocks_that_differ_are_told(alive, monkeypatch):
    real = diagnosis.time.time
    monkeypatch.setattr(diagnosis.time, "time", lambda: real() + 90)
    found = findings()["clock"]
    assert (found["level"], "90.0 s apart" in found["says"]) == ("WARNING", True)


def test_a_look_that_fails_is_a_finding_and_stops_no_other(alive):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbox_outboxmessage RENAME COLUMN relayed_at TO gone")
    code, text = doctor()
    assert code == 2
    assert "BROKEN   outbox: The look at it failed." in text
