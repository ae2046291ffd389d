"""Everything that may happen, with no rest between."""

import time
from collections.abc import Callable

import psycopg
import redis

from tests.rig.frame import resumes, scenario
from tests.rig.platform import Rig


@scenario("F1", times=60)
def anything_at_any_time(rig: Rig, times: int) -> None:
    """`times` seconds of whatever may happen, at no fixed pace and with no rest."""
    faults: list[Callable[[], None]] = [
        *(lambda name=name: rig.kill(name) for name in ("web", "worker", "consumer", "beat", "valkey")),  # type: ignore[misc]
        *(lambda name=name: rig.kill_child(name) for name in ("web", "worker")),  # type: ignore[misc]
        rig.crash_postgres, rig.end_all_sessions, rig.flush_redis, rig.lose_redis,
    ]  # fmt: skip
    deadline = time.monotonic() + times
    while time.monotonic() < deadline:
        rig.wait(rig.dice.expovariate(1 / 3))
        _try(rig.dice.choice(faults))
    rig.until(lambda: rig.get("/health/ready").status_code == 200, within=60, what="the platform is ready")
    resumes(rig)


def _try(fault: Callable[[], None]) -> None:
    """A server that is away already can't be broken again."""

    try:
        fault()
    except (psycopg.Error, redis.RedisError):
        return
