"""manage.py replay_dead_letters: shows what failed for good, and tries it again."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm.tenancy.models import AuditEntry
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile
from tests.factories import InboundEventFactory
from timeline.ingestion import process_due
from timeline.models import InboundEvent, SyncStatus

GOOD = {
    "id": "e",
    "type": "web.page_view",
    "source": "web",
    "timestamp": "2026-11-20T08:00:00Z",
    "payload": {"url": "/"},
}


@pytest.fixture
def dead(tenant, other_tenant, redis):
    """Two dead letters that would apply now, one of another source that would not, one of another tenant."""
    for number in range(2):
        bury(
            f"e-{number}",
            "web",
            "web.page_view",
            {**GOOD, "id": f"e-{number}", "identity": {"email": f"p{number}@x.example"}},
        )
    bury("bad", "scl", "scl.member.created", {"id": "bad"}, days=3)
    with tenant_scope(other_tenant):
        bury("e-0", "web", "web.page_view", GOOD)


def bury(event_id, source, kind, raw, *, days=0):
    return InboundEventFactory(
        event_id=event_id, source=source, type=kind, raw=json.dumps(raw), status=SyncStatus.FAILED, is_waiting=False,
        dead_at=timezone.now() - timedelta(days=days), error_code="INVALID_PAYLOAD", attempts=1,
    )  # fmt: skip


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("replay_dead_letters", *arguments, stdout=out)
    return out.getvalue()


def waiting() -> set[str]:
    return set(InboundEvent.objects.filter(is_waiting=True).values_list("event_id", flat=True))


def test_a_dry_run_counts_tries_and_changes_nothing(dead):
    text = run("--tenant", "fynbos-group", "--dry-run")
    assert "fynbos-group: 3 dead letters." in text
    assert "2  web web.page_view: INVALID_PAYLOAD" in text
    assert "Of the oldest 3, 2 would apply, 0 be skipped, 1 fail again" in text
    assert waiting() == set()
    assert CustomerProfile.objects.count() == 0


def test_all_of_a_tenant_are_tried_again_and_nobody_elses(dead, tenant, other_tenant):
    assert "fynbos-group: 3 events are tried again." in run("--tenant", "fynbos-group")
    assert waiting() == {"e-0", "e-1", "bad"}
    assert AuditEntry.objects.get().actor == "job:replay_dead_letters"
    assert process_due(tenant).applied == 2
    assert CustomerProfile.objects.count() == 2
    with tenant_scope(other_tenant):
        assert waiting() == set()


def test_without_a_tenant_every_tenants_are(dead, other_tenant):
    assert "heathland-group: 1 events" in run()
    with tenant_scope(other_tenant):
        assert waiting() == {"e-0"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--source", "scl"], {"bad"}),
        (["--type", "web.page_view"], {"e-0", "e-1"}),
        (["--type", "member.created"], {"bad"}),
        (["--error", "OTHER"], set()),
        (["--since", "1d"], {"e-0", "e-1"}),
        (["--since", "1d", "--source", "scl"], set()),
    ],
)
def test_they_can_be_chosen(dead, arguments, expected):
    run("--tenant", "fynbos-group", *arguments)
    assert waiting() == expected


def test_an_unknown_tenant_is_refused(dead):
    with pytest.raises(CommandError, match="no tenant"):
        run("--tenant", "nobody")
