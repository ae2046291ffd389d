"""The Redis streams in and out, and the client that speaks to them."""

from functools import cache

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
