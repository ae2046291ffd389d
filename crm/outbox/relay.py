"""Telling the news: committed messages go out at least once, to the Redis stream in the order of their ids.

Ids are given out before the commit, so a later commit may bring a smaller id: what was sent is marked row by row.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from crm.outbox.models import OutboxMessage
from crm.outbox.nudge import UNREACHABLE
from crm.outbox.streams import OUTBOUND, redis_client
from crm.tenancy.models import Tenant
from crm.tenancy.retention import delete_in_batches
from crm.tenancy.scope import scopes_disabled

log = structlog.get_logger(__name__)

BATCH = 500
LOCK = 0x6F7574626F78  # "outbox": the advisory lock that makes the relay one, however many run
VERSION = "1.0"  # of the envelope
OLDER_PUBLIC_NAMES = frozenset({"person.became_customer", "high_value_purchase"})


class Route(NamedTuple):
    """A task that hears of a topic: called with (tenant id, [message id, …])."""

    task: str
    queue: str = "default"


Routes = Mapping[str, Sequence[Route]]


def is_public(topic: str) -> bool:
    return topic.startswith("crm.") or topic in OLDER_PUBLIC_NAMES


def relay(routes: Routes, *, budget_seconds: float = 5.0) -> int:
    """Send what is unsent, of all tenants, until nothing is left or the time is up; return how many went out.

    While Redis or the broker is away the rows stay as they are; the next call tries again.
    """
    deadline, sent = time.monotonic() + budget_seconds, 0
    try:
        while time.monotonic() < deadline:
            count = relay_batch(routes)
            sent += count
            if count < BATCH:
                break
    except UNREACHABLE as error:
        log.warning("outbox.unreachable", error=type(error).__name__)
    return sent


@transaction.atomic
def wait_for_batch() -> None:
    """Wait until what a relay is sending just now is sent. One statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


@transaction.atomic
def relay_batch(routes: Routes) -> int:
    """Send the oldest unsent messages and mark them; 0 also when another relay is at work.

    The lock spans sending and marking, else two relays could mix their order; it is the transaction's, so that
    connections may be pooled, a dead relay's lock is free at once, and a frozen one's when the server cuts it
    off. Nobody else waits for this transaction, and Redis has 2 s to answer. A crash after sending and before the
    commit sends the batch once more.
    """
    with scopes_disabled():  # one relay tells the news of all tenants
        if not _alone():
            return 0
        batch = list(OutboxMessage.objects.filter(relayed_at=None).order_by("id")[:BATCH])
        if batch:
            redis_client().ping()  # before any task is sent, so that an outage repeats nothing
            _send_to_tasks(batch, routes)
            publish([message for message in batch if is_public(message.topic)])
            OutboxMessage.objects.filter(pk__in=[message.pk for message in batch]).update(relayed_at=Now())
    return len(batch)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _send_to_tasks(batch: Iterable[OutboxMessage], routes: Routes) -> None:
    calls: dict[tuple[Route, str], list[int]] = defaultdict(list)
    for message in batch:
        for route in routes.get(message.topic, ()):
            calls[route, str(message.tenant_id)].append(message.pk)
    for (route, tenant_id), ids in calls.items():
        current_app.send_task(route.task, args=[tenant_id, ids], queue=route.queue)


def publish(messages: Sequence[OutboxMessage]) -> None:
    """Append messages to the stream, all or none."""
    slugs = dict(
        Tenant.objects.filter(pk__in={message.tenant_id for message in messages}).values_list("pk", "slug")
    )
    with redis_client().pipeline(transaction=True) as pipeline:
        for message in messages:
            data = json.dumps(envelope(message, slugs[message.tenant_id]), separators=(",", ":"))
            fields: Any = {"name": message.topic, "data": data}
            pipeline.xadd(OUTBOUND, fields, maxlen=settings.OUTBOUND_STREAM_LENGTH, approximate=True)
        pipeline.execute()


def envelope(message: OutboxMessage, tenant: str) -> dict[str, Any]:
    """What receivers see; `id` is theirs to tell a repetition by."""
    return {
        "id": str(message.message_id),
        "type": message.topic,
        "version": VERSION,
        "timestamp": message.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "tenantId": tenant,
        "source": "crm",
        "correlationId": message.correlation_id or None,
        "historical": message.historical,
        "payload": message.payload,
    }


def replay(since: datetime, *, tenant: Tenant | None = None, dry_run: bool = False) -> int:
    """Publish again, in order, what was published since then; return how many. Receivers drop what they know."""
    count, last = 0, 0
    with scopes_disabled():  # an operator refills the stream for all tenants, or the one named
        sent = OutboxMessage.objects.filter(created_at__gte=since, relayed_at__isnull=False).order_by("id")
        if tenant is not None:
            sent = sent.filter(tenant=tenant)
        while batch := list(sent.filter(id__gt=last)[:BATCH]):
            public = [message for message in batch if is_public(message.topic)]
            if not dry_run:
                publish(public)
            count, last = count + len(public), batch[-1].pk
    return count


def purge(now: datetime) -> int:
    """Delete messages sent longer than OUTBOX_DAYS ago, of all tenants."""
    with scopes_disabled():  # age alone decides
        kept_since = now - timedelta(days=settings.OUTBOX_DAYS)
        return delete_in_batches(OutboxMessage.objects.filter(relayed_at__lt=kept_since))
