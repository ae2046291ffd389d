"""The environment that the project's own processes run in."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from crm.embedded import VAR
from crm.embedded.postgres import Postgres
from crm.embedded.roles import APPLICATION, OWNER
from crm.embedded.servers import HOST
from crm.embedded.valkey import Valkey


def servers_to_embed(
    environ: Mapping[str, str], directory: Path, *, durable: bool = True
) -> tuple[Postgres | None, Valkey | None]:
    """The servers that the environment does not give an address of, not started."""
    postgres = None if environ.get("DATABASE_URL") else Postgres(directory / "postgres", durable=durable)
    valkey = None if environ.get("REDIS_URL") else Valkey(directory / "valkey", durable=durable)
    return postgres, valkey


def environment(
    environ: Mapping[str, str],
    directory: Path,
    *,
    postgres: Postgres | None,
    valkey: Valkey | None,
    secret_key: str,
) -> dict[str, str]:
    """The given environment, with addresses of the embedded servers and local defaults of what it leaves open."""
    defaults = {"SECRET_KEY": secret_key, "FAIRWAY_EMBEDDED": "1", "PYTHONUNBUFFERED": "1"}
    made = dict(environ) | {name: value for name, value in defaults.items() if not environ.get(name)}
    made["FAIRWAY_VAR"] = str(directory)
    if postgres is not None:
        made |= {"DATABASE_URL": postgres.url(APPLICATION), "MIGRATION_DATABASE_URL": postgres.url(OWNER)}
    if valkey is not None:
        made |= {"REDIS_URL": valkey.url}
    return made


def beside_run(environ: Mapping[str, str], var: Path = VAR) -> dict[str, str]:
    """The environment of the `make run` that is under way in `var`; the given one where none is."""
    try:
        facts = json.loads((var / "run.json").read_text())
    except (FileNotFoundError, PermissionError):
        return dict(environ)
    database, port = facts["databaseUrl"], urlsplit(facts["url"]).port
    given = {"DATABASE_URL": database, "REDIS_URL": facts["redisUrl"], "PORT": str(port)} | dict(environ)
    made = environment(given, var, postgres=None, valkey=None, secret_key=kept_secret_key(var))
    if database.startswith(ours := f"postgresql://{APPLICATION}@{HOST}:"):
        made["MIGRATION_DATABASE_URL"] = database.replace(ours, f"postgresql://{OWNER}@{HOST}:", 1)
    return made


def kept_secret_key(directory: Path) -> str:
    """The secret key of this checkout, made once."""
    path = directory / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all or nothing."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)
