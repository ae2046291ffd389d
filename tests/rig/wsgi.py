"""The web process of the rig: the platform's own, which meets the fate that a request names around its commit.

Served as `gunicorn "tests.rig.wsgi:load()"`.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any

FATE = "X-Rig-Fate"
BEFORE, BETWEEN, AFTER = (
    "before",
    "between",
    "after",
)  # the commit; it and what follows from it; that and the answer
ROLLBACK = "rollback"


class Fate(threading.local):
    of_request = ""


fate = Fate()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def load() -> Callable[..., Iterable[bytes]]:
    from django.db import OperationalError
    from django.db.backends.base.base import BaseDatabaseWrapper

    from crm.wsgi import application

    commit: Any = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def fated_commit(self: Any) -> None:
        if fate.of_request == BEFORE:
            die()
        if fate.of_request == ROLLBACK:
            raise OperationalError("the server closed the connection unexpectedly")
        commit(self)
        if fate.of_request == BETWEEN:
            die()

    def fated(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        fate.of_request = environ.get("HTTP_X_RIG_FATE", "")
        answer = application(environ, start_response)
        if fate.of_request == AFTER:
            die()
        return answer

    BaseDatabaseWrapper._commit = fated_commit  # type: ignore[attr-defined]
    return fated
