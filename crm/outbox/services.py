"""Writing news: in the transaction of the change that it tells of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from crm.outbox.models import OutboxMessage
from crm.outbox.nudge import nudge_on_commit
from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows

COLUMNS = ("message_id", "topic", "key", "payload", "correlation_id", "historical", "created_at")
RELAY = "outbox.relay"
# For news of so many rows that their ids are not to pass through Python: a statement for the transaction of the change,
# after which nudge_relay() is called. {rows} is a query of topic, key, payload, historical, in the order to be told.
EMIT_ROWS = """
    INSERT INTO outbox_outboxmessage
        (tenant_id, message_id, topic, key, payload, correlation_id, historical, created_at)
    SELECT {tenant}, gen_random_uuid(), n.topic, n.key, n.payload, '', n.historical, now()
    FROM ({rows}) n (topic, key, payload, historical)
"""


class OutsideTransaction(RuntimeError):
    """News was to be written outside of a transaction, where it could stay when its change does not."""


@dataclass(frozen=True, slots=True)
class News:
    """One message to be.

    key:            what it is about, such as the customer's id.
    payload:        JSON values only, camelCase keys; receivers see it as it is.
    correlation_id: the inbound event that caused it.
    """

    topic: str
    key: str
    payload: Mapping[str, Any]
    correlation_id: str = ""
    historical: bool = False


def emit(
    topic: str, *, key: object, payload: Mapping[str, Any], correlation_id: str = "", historical: bool = False
) -> None:
    """Tell the world of a change once it is committed. One statement."""
    emit_many([News(topic, str(key), payload, correlation_id, historical)])


def emit_many(news: Sequence[News]) -> None:
    """Write any number of messages of the open tenant in the order given. One statement.

    Messages of one key keep the order of their transactions when each is written after locking that key's row.
    Errors: OutsideTransaction; NoTenantScope.
    """
    if not news:
        return
    if not connection.in_atomic_block:
        raise OutsideTransaction("emit() belongs into the transaction of the change it tells of")
    now = timezone.now()
    insert_rows(OutboxMessage, [_row(item, now) for item in news], COLUMNS)
    nudge_relay()


def _row(item: News, now: Any) -> dict[str, Any]:
    return {
        "message_id": uuid7(),
        "topic": item.topic,
        "key": item.key[:200],
        "payload": item.payload,
        "correlation_id": item.correlation_id[:200],
        "historical": item.historical,
        "created_at": now,
    }


def nudge_relay() -> None:
    """Let the relay look for news once the open transaction is committed."""
    nudge_on_commit(RELAY)
