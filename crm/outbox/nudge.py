"""Background work: how a task is declared, and how a worker is asked to run it soon.

Rows are the record of what is to be done and sweepers find them; a nudge only makes it happen sooner. So a nudge
may be lost, and must never slow down or break whoever sends it.
"""

import time
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

import structlog
from celery import current_app, shared_task
from django.db import connection, transaction
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from crm.outbox.streams import redis_client

log = structlog.get_logger(__name__)
Function = TypeVar("Function", bound=Callable[..., Any])

# What must be quick, what may be long, and the rest; the later ones are for the apps above.
QUEUES = ("events-high", "events", "default", "sends", "journeys", "scoring", "mirror")
PATIENCE = 0.3  # seconds that Redis has to answer
PAUSE = 5.0  # seconds without nudges after one that failed
WAITING = 10  # seconds for which a nudge that no worker has taken yet stands for those that follow
EXPIRES = 600  # seconds after which a message that nobody took is dropped: sweepers have sent newer ones
MARK = "nudge"  # the message header that names the mark in Redis
UNREACHABLE = (RedisError, KombuError, OSError)


class Policy(Enum):
    """What becomes of a task whose worker dies over it. Every task states one."""

    HARMLESS_TO_LOSE = "rows and a sweeper bring the work back: acknowledged when taken"
    IDEMPOTENT = "the message is the only record: acknowledged when done, run again after a crash"


def background_task(name: str, policy: Policy) -> Callable[[Function], Function]:
    """Declare a Celery task by name; importers may go on calling it as the plain function it is."""
    late = policy is Policy.IDEMPOTENT
    declare: Callable[[Function], Function] = shared_task(
        name=name, policy=policy, acks_late=late, reject_on_worker_lost=late
    )
    return declare


class Pause:
    """How long nobody is asked, because the last one who was did not answer. One per process."""

    until = 0.0


def nudge(task: str, *args: str, queue: str = "default") -> bool:
    """Ask a worker to run a task soon; call it after the commit. Gives whether a worker is now sure to be asked.

    Never raises. A broker that does not answer costs half a second once, then nothing for 5 s.
    The same nudge is not sent again while one waits in the queue: that one will see what this one would.
    """
    if time.monotonic() < Pause.until:
        return False
    mark = ":".join((f"fairway:{MARK}", queue, task, *args))
    try:
        if redis_client(timeout=PATIENCE).set(mark, 1, nx=True, ex=WAITING):
            current_app.send_task(task, args=args, queue=queue, expires=EXPIRES, headers={MARK: mark})
    except UNREACHABLE as error:
        Pause.until = time.monotonic() + PAUSE
        log.warning("nudge.unreachable", task=task, error=type(error).__name__)
        return False
    return True


def nudge_on_commit(task: str, *, queue: str = "default") -> None:
    """Nudge once when the open transaction commits, however often this is called in it."""
    if not any(getattr(waiting[1], "task", None) == task for waiting in connection.run_on_commit):
        transaction.on_commit(_Nudge(task, queue))


class _Nudge:
    """A nudge to come, recognisable among what waits for a commit."""

    def __init__(self, task: str, queue: str) -> None:
        self.task, self.queue = task, queue

    def __call__(self) -> None:
        nudge(self.task, queue=self.queue)


def taken(headers: dict[str, Any] | None) -> None:
    """A worker starts on a message: from now on, a nudge like it means new work and is sent."""
    mark = (headers or {}).get(MARK)
    if mark:
        try:
            redis_client(timeout=PATIENCE).delete(mark)
        except RedisError:  # the mark ends by itself
            log.warning("nudge.unreachable", task="")
