"""Secrets at rest: columns that only this platform's key opens, and turning to a new key without a pause.

The keys stand outside the database, in FERNET_KEYS: the first one locks, all of them open. So a new key is put
first, `manage.py rotate_secrets` locks everything anew, and the old one is dropped.
"""

import base64
from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import connection, models
from psycopg import sql

BATCH = 500
TOKENS = (
    "SELECT {key}, {column} FROM {table} WHERE {column} <> '' AND ({key} > %(last)s) IS NOT FALSE"
    " ORDER BY {key} LIMIT %(most)s"
)
REPLACE = "UPDATE {table} SET {column} = %(renewed)s WHERE {key} = %(pk)s AND {column} = %(token)s"


def lock(text: str) -> str:
    return keyring().encrypt(text.encode()).decode()


def unlock(token: str) -> str:
    """Raises cryptography's InvalidToken when none of the keys opens it: never the ciphertext in its place."""
    return keyring().decrypt(token.encode()).decode()


def keyring() -> MultiFernet:
    """The keys, newest first; without FERNET_KEYS they follow from SECRET_KEY and its fallbacks."""
    keys = settings.FERNET_KEYS or [
        _derived(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    return MultiFernet([Fernet(key) for key in keys])


def _derived(secret: str) -> str:
    key = HKDF(SHA256(), length=32, salt=None, info=b"fairway.secrets").derive(secret.encode())
    return base64.urlsafe_b64encode(key).decode()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that lies encrypted in the database, in its dumps and its backups. Blank and NULL stay what they are.

    It can't be searched: the same text looks different each time.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return unlock(value) if value else value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return (
            lock(value) if isinstance(value, str) and value else super().get_db_prep_save(value, connection)
        )

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it can't be searched by {lookup_name}")
        return super().get_lookup(lookup_name)


def secret_columns() -> list[tuple[str, str, str]]:
    """Table, primary key and column of everything that is encrypted."""
    return sorted(
        (model._meta.db_table, str(model._meta.pk.column), str(field.column))
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField)
    )


def rotate(*, dry_run: bool = False) -> Iterator[tuple[str, int, int]]:
    """Lock every secret of every tenant with the newest key: table.column, how many, how many no key opens.

    May run beside everything else and any number of times: a row that changes meanwhile has the new key already.
    """
    for table, key, column in secret_columns():
        locked = lost = 0
        for pk, token in _tokens(table, key, column):
            try:
                renewed = keyring().rotate(token.encode()).decode()
            except InvalidToken:
                lost += 1
                continue
            locked += 1
            if not dry_run:
                _replace(table, key, column, renewed, pk, token)
        yield f"{table}.{column}", locked, lost


def _tokens(table: str, key: str, column: str) -> Iterator[tuple[Any, str]]:
    names = {"table": sql.Identifier(table), "key": sql.Identifier(key), "column": sql.Identifier(column)}
    last = None
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(TOKENS).format(**names), {"last": last, "most": BATCH})
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


def _replace(table: str, key: str, column: str, renewed: str, pk: Any, token: str) -> None:
    names = {"table": sql.Identifier(table), "key": sql.Identifier(key), "column": sql.Identifier(column)}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(REPLACE).format(**names), {"renewed": renewed, "pk": pk, "token": token})
