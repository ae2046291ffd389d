"""Who did it, in words: actors are written as user:…, key:…, token:… and job:…"""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from crm.tenancy.models import ApiKey, User


def actor_names(actors: Iterable[str]) -> dict[str, str]:
    """Actor -> name, for the staff and the open tenant's API keys among them. Two statements at most."""
    wanted = set(actors)
    users, keys = [], []
    for actor in wanted:
        kind, _, rest = actor.partition(":")
        if kind == "key":
            keys.append(rest)
        elif kind == "user":
            with suppress(ValueError):
                users.append(UUID(rest))
    names: dict[str, str] = {}
    if users:
        names |= {f"user:{user.pk}": str(user) for user in User.objects.filter(pk__in=users)}
    if keys:
        found = ApiKey.objects.filter(prefix__in=keys).values_list("prefix", "name")
        names |= {f"key:{prefix}": name for prefix, name in found}
    return names
