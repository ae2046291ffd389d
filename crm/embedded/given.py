"""Databases that are given by their address: whether they let us in, told in one line before anything starts."""

from collections.abc import Mapping

import psycopg

from crm.embedded import EmbeddedError

PATIENCE = 10  # seconds
EXAMPLE = "postgresql://user:password@host:5432/name"
NAMES = ("DATABASE_URL", "MIGRATION_DATABASE_URL")


def check_databases(environ: Mapping[str, str]) -> None:
    """Raise EmbeddedError with the variable and the reason where one can't be used; the address may hold a password."""
    for name in NAMES:
        if url := environ.get(name):
            try:
                psycopg.connect(url, connect_timeout=PATIENCE).close()
            except psycopg.ProgrammingError:
                raise EmbeddedError(f"{name} is no address such as {EXAMPLE}") from None
            except psycopg.Error as problem:
                reason = str(problem).strip().partition("\n")[0]
                raise EmbeddedError(f"{name} can't be used: {reason}") from None
