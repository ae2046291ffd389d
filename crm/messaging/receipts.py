"""What providers tell later of a message, and what people answer, whichever provider it comes from."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from crm.messaging.keywords import Meaning
from crm.messaging.reading import mapping, objects, words

LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What became of a message after it was taken.

    BOUNCED:      it came back, and the address is dead where `is_permanent`.
    FAILED:       it did not arrive for a reason that is not the address's, such as a filter of the carrier.
    OPTED_OUT:    the provider will not bring them anything any more, because they said so.
    """

    SENT = "SENT"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    BOUNCED = "BOUNCED"
    FAILED = "FAILED"
    COMPLAINED = "COMPLAINED"
    OPTED_OUT = "OPTED_OUT"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One thing that a provider tells of a message. All texts come from outside.

    key: ours, where the provider gives it back; else `provider_id` says which message.
    at:  by the provider's clock; None where it does not say.
    """

    kind: Kind
    key: str = ""
    provider_id: str = ""
    at: datetime | None = None
    code: str = ""
    detail: str = ""
    is_permanent: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person sent back. provider_id: by which a repeated delivery of it is known again."""

    sender: str
    to: str
    text: str
    meaning: Meaning | None
    provider_id: str = ""
    at: datetime | None = None


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is the HMAC-SHA256 of a body, in hex, with or without “sha256=” before it.

    Compared in constant time. Without a secret nothing is signed.
    """
    expected = hmac.new(secret.encode(), body, sha256).hexdigest()
    given = signature.strip().removeprefix("sha256=").lower()
    return bool(secret) and hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def epoch(value: Any) -> datetime | None:
    """A moment from seconds since 1970, as a number or digits; None for anything else or out of reason."""
    try:
        at = datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return at if datetime(2000, 1, 1, tzinfo=UTC) < at < LATEST else None


def moment(value: Any) -> datetime | None:
    """A moment from ISO 8601 with a zone; None for anything else or out of reason."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None:
        return None
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        return None
    return at if datetime(2000, 1, 1, tzinfo=UTC) < at < LATEST else None


OF_MESSAGING = {
    "message.sent": Kind.SENT,
    "message.delivered": Kind.DELIVERED,
    "message.bounced": Kind.BOUNCED,
    "message.complained": Kind.COMPLAINED,
    "message.failed": Kind.FAILED,
    "message.unsubscribed": Kind.OPTED_OUT,
    "email.opened": Kind.OPENED,
    "email.clicked": Kind.CLICKED,
}


def of_messaging(said: Any) -> Iterator[Receipt]:
    """Receipts from the Messaging service's callback: {"receipts": [{"type", "idempotencyKey", "messageId", …}]}."""
    for item in objects(mapping(said).get("receipts")):
        kind = OF_MESSAGING.get(words(item.get("type")))
        if kind is None:
            continue
        key, name = words(item.get("idempotencyKey"), 200), words(item.get("messageId"), 200)
        code, why = words(item.get("code"), 50), words(item.get("reason"))
        is_permanent = item.get("permanent") is True
        receipt = Receipt(kind, key, name, moment(item.get("occurredAt")), code, why, is_permanent)
        if receipt.key or receipt.provider_id:
            yield receipt
