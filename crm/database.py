"""What an error of the database means, where Django's classes don't say."""

import psycopg
from django.db import InterfaceError, OperationalError

CUT_OFF = (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.TransactionTimeout)


def is_away(error: BaseException | None) -> bool:
    """Whether the database, or our connection to it, is gone: no fault of what was being done.

    PostgreSQL files a session that it cut off for being frozen under internal errors.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return error is not None and isinstance(error.__cause__, CUT_OFF)
