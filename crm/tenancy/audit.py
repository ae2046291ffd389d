"""Writing the audit log."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.utils import timezone

from crm.tenancy.models import AuditEntry, uuid7
from crm.tenancy.rows import run
from crm.tenancy.scope import current_tenant

ONE_LOOK = timedelta(minutes=5)
# By the index of what was looked at: a busy key has thousands of looks in five minutes, a person has few.
LOOK = """
    WITH quick AS (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO tenancy_auditentry
        (id, tenant_id, at, actor, action, object_type, object_id, after, request_id, ip)
    SELECT %(id)s, %(tenant)s, %(at)s, %(actor)s, %(action)s, %(type)s, %(object)s, %(after)s::jsonb,
        %(request)s, %(ip)s::inet
    FROM quick
    WHERE NOT EXISTS (
        SELECT FROM tenancy_auditentry
        WHERE tenant_id = %(tenant)s AND object_type = %(type)s AND object_id = %(object)s AND at > %(since)s
            AND actor || '' = %(actor)s AND action = %(action)s AND after IS NOT DISTINCT FROM %(after)s::jsonb)
"""


def record(
    action: str,
    *,
    by: str,
    object_type: str = "",
    object_id: object = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    ip: str | None = None,
) -> None:
    """Note an act in the open tenant's audit log, in the caller's transaction."""
    AuditEntry.objects.create(
        tenant=current_tenant(),
        actor=by,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        before=before,
        after=after,
        request_id=_request_id(),
        ip=ip,
    )


def record_look(
    action: str,
    *,
    by: str,
    object_type: str,
    object_id: object = "",
    after: Mapping[str, Any] | None = None,
    ip: str | None = None,
    within: timedelta = ONE_LOOK,
) -> None:
    """Note that somebody looked, unless the same look of theirs is in the log already since `within`. One statement.

    A look changes nothing, so its entry needs no disk before the answer: after a crash of the database the last
    half second of looks may be missing, never anything else.
    """
    now = timezone.now()
    run(LOOK, {
        "id": uuid7(), "tenant": current_tenant().pk, "at": now, "since": now - within, "actor": by, "action": action,
        "type": object_type, "object": str(object_id), "after": None if after is None else json.dumps(after),
        "request": _request_id(), "ip": ip,
    })  # fmt: skip


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
