"""What is deleted when its time is over."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models

from crm.tenancy.models import IdempotentCall
from crm.tenancy.scope import scopes_disabled

BATCH = 5000
IDEMPOTENT_CALLS_KEPT = timedelta(hours=24)


def delete_in_batches(rows: models.QuerySet[Any]) -> int:
    """Delete the rows in short statements, so that no lock is held for long; one statement for 5,000 rows."""
    deleted = 0
    while count := rows.filter(pk__in=rows.values("pk")[:BATCH]).delete()[0]:
        deleted += count
    return deleted


def purge_idempotent_calls(now: datetime) -> int:
    """Forget the stored answers to calls with an Idempotency-Key once their promised day is over, of all tenants."""
    with scopes_disabled():  # age alone decides, whoever the caller was
        return delete_in_batches(IdempotentCall.objects.filter(created_at__lt=now - IDEMPOTENT_CALLS_KEPT))
