"""An exception as it may be logged: where and what, without the data that it was about."""

import traceback
from pathlib import Path
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from crm.observability.masking import mask_text

ROOT = Path(__file__).resolve().parents[2]
DEEPEST = 25  # frames, counted from where it was raised
# Errors whose words speak of the machine or the code. Others may quote what somebody wrote: their words stay away.
ABOUT_THE_MACHINE = (
    OSError, ImportError, AttributeError, NameError, TypeError, OperationalError, InterfaceError,
    psycopg.OperationalError, RedisError, KombuError,
)  # fmt: skip


def describe(error: BaseException) -> dict[str, Any]:
    """Type, frames and cause of an exception; its message only where that can't hold personal data.

    What PostgreSQL says of a refused row quotes the row: of it stay the SQLSTATE, the table and the constraint.
    """
    said: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if isinstance(error, ABOUT_THE_MACHINE):
        said["message"] = mask_text(str(error).partition("\n")[0])
    if isinstance(error, psycopg.Error):
        facts = {
            "sqlstate": error.sqlstate,
            "table": error.diag.table_name,
            "constraint": error.diag.constraint_name,
        }
        said |= {name: fact for name, fact in facts.items() if fact}
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    said["frames"] = [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    if cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        said["cause"] = describe(cause)
    return said


def _place(filename: str) -> str:
    path = Path(filename)
    if "site-packages" in path.parts:
        return "/".join(path.parts[path.parts.index("site-packages") + 1 :])
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else filename
