"""Numbers that may be a little old: kept in the cache, by tenant and by the clubs that somebody is limited to."""

from collections.abc import Callable
from typing import Any

import redis
from django.core.cache import cache
from django.http import HttpRequest

from crm.tenancy.access import club_refs
from crm.tenancy.scope import current_tenant


def remembered(request: HttpRequest, name: str, seconds: int, make: Callable[[], Any]) -> Any:
    """`make()`, or what it gave less than `seconds` ago; the cache being away only costs time."""
    refs = club_refs(request)
    key = f"home:{name}:{current_tenant().pk}:{'all' if refs is None else ','.join(sorted(refs))}"
    try:
        if (known := cache.get(key)) is not None:
            return known
        made = make()
        cache.set(key, made, seconds)
    except (redis.RedisError, OSError):
        return make()
    return made
