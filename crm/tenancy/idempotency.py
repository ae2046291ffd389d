"""The first answer to a write with an Idempotency-Key, kept for 24 hours in the transaction of its effect."""

from collections.abc import Mapping
from hashlib import sha256

from django.db import connection
from django.utils import timezone

from crm.errors import IdempotencyInProgress, IdempotencyKeyReused
from crm.tenancy.models import IdempotentCall
from crm.tenancy.retention import IDEMPOTENT_CALLS_KEPT
from crm.tenancy.scope import current_tenant

LOCK = "SELECT pg_try_advisory_xact_lock(%s)"


def begin(caller: str, key: str, fingerprint: str) -> IdempotentCall | None:
    """Take the key for the open transaction; the call that was made with it already, if there is one.

    Raises IdempotencyInProgress while another transaction has the key, IdempotencyKeyReused when it was used
    for another request. Two statements.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [_lock_number(caller, key)])
        (taken,) = cursor.fetchone()
    if not taken:
        raise IdempotencyInProgress(Retry_After="1")
    call: IdempotentCall | None = IdempotentCall.objects.filter(caller=caller, key=key).first()
    if call is not None and call.created_at < timezone.now() - IDEMPOTENT_CALLS_KEPT:
        call.delete()
        return None
    if call is not None and call.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return call


def keep(
    caller: str, key: str, fingerprint: str, *, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    """Keep the answer; it lasts when the open transaction does."""
    IdempotentCall.objects.create(
        tenant=current_tenant(), caller=caller, key=key, fingerprint=fingerprint, status=status,
        headers=dict(headers), body=body,
    )  # fmt: skip


def _lock_number(caller: str, key: str) -> int:
    name = f"idempotency\n{current_tenant().pk}\n{caller}\n{key}"
    return int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
