"""A database of the benchmarks' own, on the server that is there, gone afterwards."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from crm.embedded import ROOT

OWN_REDIS = "/7"  # not the queues of a worker that may be running, nor the ones that tests look into
# One of the rows that SQL writes gets its id like ours do: ordered by time, so that an index grows at its end.
NEW_ID = """
    CREATE OR REPLACE FUNCTION bench_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid $$
"""
NEW_ID_18 = "CREATE OR REPLACE FUNCTION bench_id() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT uuidv7()'"


def at_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path))


@contextmanager
def own_database(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Make a migrated database and give the environment to measure it in; it needs the right to create databases.

    BENCH_TEMPLATE in that environment names an empty one like it, to copy when a row wants another. One that is
    given saves the migrations.
    """
    owner = environ.get("MIGRATION_DATABASE_URL") or environ["DATABASE_URL"]
    name = f"fairway_bench_{os.getpid()}"
    template = f"{name}_empty"
    env = dict(environ) | {"MIGRATION_DATABASE_URL": at_path(owner, f"/{template}")}
    env["REDIS_URL"] = at_path(environ.get("REDIS_URL", "redis://127.0.0.1:6379"), OWN_REDIS)
    env |= {"BROKER_URL": env["REDIS_URL"], "LOG_LEVEL": "ERROR", "LOG_FORMAT": "text"}
    try:
        _make_template(owner, template, env)
        create(owner, name, template=template)
        yield env | {
            "DATABASE_URL": at_path(environ["DATABASE_URL"], f"/{name}"),
            "MIGRATION_DATABASE_URL": at_path(owner, f"/{name}"),
            "BENCH_TEMPLATE": template,
        }
    finally:
        _drop_all(owner, name)


def create(owner: str, name: str, *, template: str = "template1") -> None:
    with psycopg.connect(owner, autocommit=True) as server:
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        server.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))


def _make_template(owner: str, name: str, env: Mapping[str, str]) -> None:
    """A migrated database without rows: a copy of the given one where nobody is in that, else made."""
    try:
        create(owner, name, template=env.get("BENCH_TEMPLATE", "template1"))
        is_migrated = "BENCH_TEMPLATE" in env
    except psycopg.errors.ObjectInUse:
        create(owner, name)
        is_migrated = False
    if not is_migrated:
        _migrate(env)
    with psycopg.connect(env["MIGRATION_DATABASE_URL"], autocommit=True) as database:
        database.execute(NEW_ID_18 if database.info.server_version >= 180_000 else NEW_ID)


def _migrate(env: Mapping[str, str]) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--no-input", "--verbosity", "0"]
    subprocess.run(command, env=dict(env), check=True)


def _drop_all(owner: str, prefix: str) -> None:
    with psycopg.connect(owner, autocommit=True) as server:
        found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        for (name,) in found.fetchall():
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
