"""Typed readers of the environment that refuse bad values by name instead of guessing."""

import json
import os
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


class BadSetting(ValueError):
    """An environment variable holds something the platform can't use; the text names it and what is expected."""


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that <name>_FILE names (secrets as mounted files)."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def required(name: str, hint: str) -> str:
    if value := text(name):
        return value
    raise BadSetting(f"{name} is not set: {hint}")


def flag(name: str, *, default: bool) -> bool:
    raw = text(name, "1" if default else "0").strip().lower()
    if raw in TRUE:
        return True
    if raw in FALSE:
        return False
    raise BadSetting(f"{name}={raw!r} is not a yes/no value (use 1 or 0)")


def number(name: str, default: int) -> int:
    raw = text(name, str(default))
    try:
        return int(raw)
    except ValueError:
        raise BadSetting(f"{name}={raw!r} is not a whole number") from None


def items(name: str, default: str = "") -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def entries(name: str) -> list[dict[str, Any]]:
    """A JSON list of objects, such as [{"issuer": …, "jwksUrl": …}]."""
    try:
        found = json.loads(text(name) or "[]")
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise BadSetting(f"{name} is not a JSON list of objects")
    return found


def mapping(name: str) -> dict[str, Any]:
    """A JSON object, such as {"MAILGUN_API_KEY": …}. Raises BadSetting without showing it."""
    try:
        found = json.loads(text(name) or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadSetting(f"{name} is not a JSON object")
    return found


def service_account(name: str) -> str:
    """The JSON of a Google service account; blank where unset. Raises BadSetting without showing it."""
    found = mapping(name)
    wanted = ("project_id", "client_email", "private_key", "token_uri")
    if found and not all(isinstance(found.get(part), str) and found[part] for part in wanted):
        raise BadSetting(f"{name} is not a service account’s JSON, with {', '.join(wanted)}")
    return json.dumps(found, sort_keys=True) if found else ""


def rsa_key(name: str) -> str:
    """A private RSA key as PEM, of 1024 bits or more; blank where unset. Raises BadSetting without showing it."""
    key = text(name).strip()
    if not key:
        return ""
    try:
        found = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, RSAPrivateKey) or found.key_size < 1024:
        raise BadSetting(f"{name} is not a private RSA key; make one with: openssl genrsa 2048")
    return key


def mail_server(name: str) -> dict[str, Any]:
    """Django's SMTP settings for smtp://user:password@host:587 (STARTTLS), smtps://… (TLS from the start) or
    smtp+plain://… (no encryption); empty where the variable is unset or says local. Raises BadSetting.
    """
    url = text(name, "local")
    if url == "local":
        return {}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps", "smtp+plain"} or not parts.hostname:
        raise BadSetting(f"{name} must be local or look like smtp://user:password@mail.example.com:587")
    return {
        "host": parts.hostname,
        "port": parts.port or {"smtp": 587, "smtps": 465, "smtp+plain": 25}[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp",
        "use_ssl": parts.scheme == "smtps",
    }


def address(name: str, default: str = "") -> str:
    """The http(s) address of another system, without a slash at its end; blank where unset. Raises BadSetting."""
    url = text(name, default).strip().rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query):
        raise BadSetting(f"{name} must look like https://messaging.example.com/api/v1, without a login in it")
    return url


def fernet_keys(name: str) -> list[str]:
    """Fernet keys, newest first. Raises BadSetting for what is none, without showing it."""
    found = items(name)
    for number, key in enumerate(found, 1):
        try:
            is_key = len(urlsafe_b64decode(key)) == 32
        except ValueError:
            is_key = False
        if not is_key:
            hint = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            raise BadSetting(f"number {number} of {name} is no Fernet key; make one with: {hint}")
    return found


def postgres(url: str) -> dict[str, object]:
    """Django's connection settings for a postgres:// URL. Raises BadSetting for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise BadSetting("DATABASE_URL must look like postgresql://user:password@host:5432/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }
