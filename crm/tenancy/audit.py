"""Writing the audit log."""

from collections.abc import Mapping
from typing import Any

import structlog

from crm.tenancy.models import AuditEntry
from crm.tenancy.scope import current_tenant


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
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        ip=ip,
    )
