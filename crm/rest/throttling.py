"""How often a credential may call: so many requests a minute of each kind, counted in Redis."""

import time
from typing import Any

import structlog
from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from crm.errors import RateLimited
from crm.outbox.streams import redis_client
from crm.tenancy.auth import Credential

WINDOW = 60
PATIENCE = 0.3  # seconds that Redis has to answer
PAUSE = 5.0  # seconds in which it isn't asked again after it did not
log = structlog.get_logger(__name__)


class Outage:
    """Since Redis did not answer: when to ask it again, and when to say so again. One per process."""

    ask_again = say_again = 0.0


class CredentialThrottle(BaseThrottle):
    """A fixed window of a minute for each credential and kind of call; X-RateLimit-* are on every answer.

    While Redis is away nobody is counted and nobody is stopped.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        credential = request.auth
        if not isinstance(credential, Credential):
            return True
        bucket = view.bucket_of(request.method)
        limit = limit_of(credential, bucket)
        now = time.time()
        used = _count(f"limit:{credential.tenant.pk}:{credential.id}:{bucket}:{int(now // WINDOW)}")
        if used is None:
            return True
        left = WINDOW - now % WINDOW
        view.headers |= {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used)),
            "X-RateLimit-Reset": str(int(now + left)),
        }
        if used > limit:
            raise RateLimited(Retry_After=str(int(left) + 1))
        return True


def limit_of(credential: Credential, bucket: str) -> int:
    """Requests a minute: the key's own, else the tenant's, else the platform's."""
    for limits in (credential.limits, credential.tenant.limits):
        if isinstance(limit := limits.get(bucket), int):
            return limit
    return int(settings.LIMITS_PER_MINUTE[bucket])


def _count(name: str) -> int | None:
    """This call's number in its window; None when Redis does not say."""
    if time.monotonic() < Outage.ask_again:
        return None
    try:
        with redis_client(timeout=PATIENCE).pipeline(transaction=True) as pipe:
            key = f"fairway:{name}"
            pipe.incr(key)
            pipe.expire(key, 2 * WINDOW)
            return int(pipe.execute()[0])
    except RedisError as exc:
        Outage.ask_again = time.monotonic() + PAUSE
        if time.monotonic() > Outage.say_again:
            Outage.say_again = time.monotonic() + 60
            log.warning("limits.not_counted", error=type(exc).__name__)
        return None
