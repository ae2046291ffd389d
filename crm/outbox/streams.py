"""The Redis streams in and out, and the client that speaks to them."""

import json
import re
from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

INBOUND = "crm-events"
REJECTED = "crm-events-rejected"
OUTBOUND = "crm-outbound"


def redis_client(*, timeout: float = 2.0) -> Redis:
    """A client that gives up after `timeout` seconds and never tries again: the caller knows what a failure means."""
    return _client(settings.REDIS_URL, timeout)


@cache
def _client(url: str, timeout: float) -> Redis:
    return Redis.from_url(
        url,
        socket_connect_timeout=min(timeout, 0.5),
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )


def forget_entries(tenant: str, pattern: str, *, ids: str, but: str, step: int = 1000) -> int:
    """Delete the entries of a tenant in which the pattern is found from all streams; how many that were.

    ids: a pattern for what is looked for in what goes out too, where names stand beside an id alone.
    but: the topic whose messages stay.
    An entry that waits to be read is not accepted yet. Raises redis' errors when it is away.
    """
    deleted = 0
    client: Any = redis_client()
    for stream, looked_for in ((INBOUND, pattern), (REJECTED, pattern), (OUTBOUND, f"{pattern}|{ids}")):
        wanted = re.compile(looked_for, re.IGNORECASE)
        last = "-"
        while entries := client.xrange(stream, min=last, count=step):
            found = [
                entry
                for entry, fields in entries
                if fields.get(b"name") != but.encode() and _is_of(tenant, wanted, fields)
            ]
            deleted += int(client.xdel(stream, *found)) if found else 0
            last = f"({entries[-1][0].decode()}"
    return deleted


def _is_of(tenant: str, wanted: re.Pattern[str], fields: dict[bytes, bytes]) -> bool:
    data = fields.get(b"data", b"").decode(errors="replace")
    if wanted.search(data) is None:
        return False
    try:
        told: Any = json.loads(data)
    except ValueError:
        return True  # nobody can say whose it is
    named = (
        told.get("tenantId") or (told.get("payload") or {}).get("tenantId")
        if isinstance(told, dict)
        else None
    )
    return named in (None, tenant)
