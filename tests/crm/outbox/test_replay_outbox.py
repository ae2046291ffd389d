"""manage.py replay_outbox: refills the outbound stream."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm.outbox.models import OutboxMessage
from crm.outbox.relay import relay
from crm.outbox.services import emit
from crm.tenancy.arguments import moment
from crm.tenancy.scope import tenant_scope

TOPIC = "crm.profile.updated"


@pytest.fixture
def sent(tenant, other_tenant, redis):
    """Five messages on the stream, one of them another tenant's, and one that is internal; then Redis is emptied."""
    for number in range(4):
        emit(TOPIC, key=number, payload={"n": number})
    emit("timeline.activity_recorded", key="x", payload={})
    with tenant_scope(other_tenant):
        emit(TOPIC, key=9, payload={"n": 9})
    relay({})
    before = told(redis)
    redis.flushdb()
    return before


def told(redis):
    return [json.loads(fields[b"data"]) for _, fields in redis.xrange("crm-outbound")]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("replay_outbox", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_stream_is_as_it_was(sent, redis):
    assert "5 messages were published" in run("--since", "1h")
    assert told(redis) == sent


def test_for_one_tenant(sent, redis):
    run("--since", "1h", "--tenant", "heathland-group")
    assert [message["payload"]["n"] for message in told(redis)] == [9]


def test_a_dry_run_only_counts(sent, redis):
    assert "5 messages would be published" in run("--since", "1h", "--dry-run")
    assert redis.xlen("crm-outbound") == 0


def test_older_messages_are_left_out(sent, redis, tenant):
    OutboxMessage.objects.filter(key__in=["0", "1"]).update(created_at=timezone.now() - timedelta(hours=2))
    run("--since", "1h")
    assert [message["payload"]["n"] for message in told(redis)] == [2, 3, 9]


def test_what_waits_for_the_relay_is_left_to_the_relay(sent, redis, tenant):
    emit(TOPIC, key="new", payload={})
    assert "5 messages" in run("--since", "1h")


def test_it_says_when_older_messages_are_gone(sent):
    assert "keeps 7 days" in run("--since", "2020-01-01")


def test_an_unknown_tenant_is_named_with_those_there_are(sent):
    with pytest.raises(CommandError, match="fynbos-group"):
        run("--since", "1h", "--tenant", "nobody")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T06:00", datetime(2026, 11, 21, 6, tzinfo=UTC)),
        ("2026-11-21T06:00Z", datetime(2026, 11, 21, 6, tzinfo=UTC)),
        ("2026-11-21T06:00+02:00", datetime(2026, 11, 21, 4, tzinfo=UTC)),
    ],
)
def test_since_may_be_a_day_or_a_moment(text, expected):
    assert moment(text) == expected


@pytest.mark.parametrize(("text", "ago"), [("90m", 90), ("6h", 360), ("2d", 2880)])
def test_since_may_be_a_time_ago(text, ago):
    assert abs(timezone.now() - timedelta(minutes=ago) - moment(text)) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "2026-11-21T26:00", "-6h", "6", "999999d"])
def test_anything_else_is_refused_in_words(text):
    with pytest.raises(CommandError, match="since"):
        run("--since", text)
