"""SQL by hand, kept in step with the models: what a statement does not name gets the model's default."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connections, models
from django.utils import timezone

from crm.tenancy.models import uuid7

MADE: dict[Callable[..., Any], str] = {timezone.now: "now()", uuid7: "bench_id()", uuid4: "gen_random_uuid()"}


def expressions(model: type[models.Model], values: Mapping[str, str]) -> dict[str, str]:
    """An SQL expression for every column of a table that has to be given one: of `values`, else the default."""
    fields = [f for f in model._meta.concrete_fields if f.column in values or not _is_identity(f)]
    unknown = set(values) - {f.column for f in fields}
    if unknown:
        raise ValueError(f"{model._meta.db_table} has no {', '.join(sorted(unknown))}")
    return {f.column: values[f.column] if f.column in values else default(f) for f in fields}


def insert_into(model: type[models.Model], values: Mapping[str, str], source: str) -> str:
    """INSERT … SELECT for all columns of a table: `values` are SQL expressions by column over the FROM `source`."""
    found = expressions(model, values)
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(found)}) SELECT {', '.join(found.values())} {source}"
    )


def _is_identity(field: Any) -> bool:
    return isinstance(field, models.BigAutoField | models.AutoField)


def json_object(names: Iterable[str], value: str) -> str:
    """A JSON object with one value under all names, as an SQL expression."""
    pairs = ", ".join(f"'{name}', {value}" for name in names)
    return f"jsonb_build_object({pairs})"


def default(field: Any) -> str:
    """A field's default as an SQL expression."""
    if field.default in MADE:
        return MADE[field.default]
    value = field.get_default()
    if value is None:
        return "NULL"
    if isinstance(field, models.JSONField):
        return f"'{json.dumps(value)}'::jsonb"
    if isinstance(value, list):
        return "'{}'"
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"


def connect() -> "psycopg.Connection[Any]":
    """A plain connection to the database that Django is on, statements prepared from their first use on."""
    found = connections["default"].settings_dict
    connection = psycopg.connect(
        host=found["HOST"],
        port=found["PORT"] or None,
        user=found["USER"],
        password=found["PASSWORD"] or None,
        dbname=found["NAME"],
        autocommit=True,
    )
    connection.prepare_threshold = 0
    return connection
