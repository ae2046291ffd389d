"""How long a statement may take, where that is another time than the usual one."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction

from crm.tenancy.rows import run

LIMIT = "SELECT set_config('statement_timeout', %s, true)"


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Cut each statement of the block off after so long; an error undoes the block, not the transaction around it."""
    with transaction.atomic():
        run(LIMIT, [f"{round(seconds * 1000)}ms"])
        yield
        run(LIMIT, [f"{settings.TIMEOUTS['statement_timeout']}s"])
