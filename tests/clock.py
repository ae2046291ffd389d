"""A clock that stands still until the test moves it: Python's, and in the open transaction PostgreSQL's too."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine
from django.db import connection

FUNCTIONS = ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp")
# What stands in the search path before pg_catalog is found first.
SETUP = "CREATE SCHEMA frozen; SET LOCAL search_path = frozen, public, pg_catalog;" + "".join(
    f"CREATE FUNCTION frozen.{name}() RETURNS timestamptz LANGUAGE sql STABLE "
    "AS $$ SELECT current_setting('frozen.at')::timestamptz $$;"
    for name in FUNCTIONS
)


class Clock:
    """`now` is the moment at which it stands."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self.traveller = traveller
        self.now = datetime.now(UTC)
        self.show()

    def forward(self, **how_far: float) -> None:
        self.now += timedelta(**how_far)
        self.show()

    def show(self) -> None:
        self.traveller.move_to(self.now, tick=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('frozen.at', %s, true)", [self.now.isoformat()])


@contextmanager
def frozen(at: datetime) -> Iterator[Clock]:
    """Both clocks stand at `at`. In a test that has a transaction, whose end brings PostgreSQL's back."""
    with connection.cursor() as cursor:
        cursor.execute(SETUP)
    with time_machine.travel(at, tick=False) as traveller:
        yield Clock(traveller)
