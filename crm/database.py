"""What an error of the database means, where Django's classes don't say."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, connection

Result = TypeVar("Result")
Given = ParamSpec("Given")
DEADLOCK_RETRIES = 5
TRANSIENT = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)
CUT_OFF = (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.TransactionTimeout)


def is_away(error: BaseException | None) -> bool:
    """Whether the database, or our connection to it, is gone: no fault of what was being done.

    PostgreSQL files a session that it cut off for being frozen under internal errors.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return error is not None and isinstance(error.__cause__, CUT_OFF)


def retrying(work: Callable[[], Result]) -> Result:
    """Do `work`, a transaction of its own, again where two deadlocked; inside another transaction just do it."""
    attempts = 0 if connection.in_atomic_block else DEADLOCK_RETRIES
    for attempt in range(attempts + 1):
        try:
            return work()
        except OperationalError as error:
            if not isinstance(error.__cause__, TRANSIENT) or attempt == attempts:
                raise
            time.sleep(0.02 * 2**attempt)
    raise AssertionError


def retried(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """`work`, a transaction, done by `retrying`."""

    @wraps(work)
    def done(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        return retrying(lambda: work(*args, **kwargs))

    return done
