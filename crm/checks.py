"""System checks for what hurts in production. Those that ask a server run with `check --database default`."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, cast

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from redis.exceptions import RedisError

from crm.outbox.streams import redis_client

SHORTEST_KEY = 50
UNSET = "unset-secret-key"
ROLE = """
    SELECT rolsuper OR rolbypassrls,
        EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('tenancy_tenant') AND relowner = pg_roles.oid)
    FROM pg_roles WHERE rolname = current_user
"""
EXTENSIONS = "SELECT count(*) = 2 FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gin')"


@register(Tags.security)
def secret_key(**_: Any) -> list[CheckMessage]:
    """A key that everybody knows signs sessions for everybody: not only a matter of deployment."""
    if settings.EMBEDDED or settings.TESTING or settings.DEBUG:
        return []
    if settings.SECRET_KEY.startswith(UNSET):
        return [
            _error(
                1, "SECRET_KEY is not set.", "Set it, or SECRET_KEY_FILE, to 50 or more random characters."
            )
        ]
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        return [_error(1, "SECRET_KEY is too short.", f"Use {SHORTEST_KEY} or more random characters.")]
    return []


@register(Tags.security, deploy=True)
def deployment(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.EMBEDDED:
        hint = "Set DATABASE_URL and REDIS_URL to servers of your own, and leave FAIRWAY_EMBEDDED unset."
        found.append(_error(2, "The embedded PostgreSQL and Redis are for development only.", hint))
    if settings.DEBUG:
        found.append(_error(3, "DEBUG is on: error pages show settings and data.", "Set DEBUG=0."))
    if "*" in settings.ALLOWED_HOSTS or all(map(_is_local, settings.ALLOWED_HOSTS)):
        hint = "Set it to the host names that the platform is reached by, separated by commas."
        found.append(_error(4, "ALLOWED_HOSTS names no host of yours, or every host there is.", hint))
    if not settings.METRICS_TOKEN:
        hint = "Set it to a random text, and give Prometheus the same as a bearer token."
        found.append(
            _warning(1, "METRICS_TOKEN is not set: /metrics answers on the machine itself only.", hint)
        )
    if not settings.EMAIL_SERVER:
        hint = "Set it to your mail server: invitations and new passwords otherwise stay in the message log."
        found.append(_warning(5, "EMAIL_URL is not set: mail to staff goes nowhere.", hint))
    if not settings.FERNET_KEYS:
        hint = "Set it to a key of its own, so that changing SECRET_KEY does not touch what is encrypted."
        found.append(_warning(6, "FERNET_KEYS is not set: secrets are encrypted with SECRET_KEY.", hint))
    if not settings.SUPPRESSION_KEYS:
        hint = "Set it to a long random text and keep it for good: who asked to be forgotten is recognised by it."
        words = "SUPPRESSION_KEYS is not set: a change of SECRET_KEY forgets who asked to be forgotten."
        found.append(_warning(7, words, hint))
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ:
        found.append(_error(6, "Times are not kept in UTC.", "Leave TIME_ZONE and USE_TZ as they are."))
    return found


@register(Tags.security, deploy=True)
def providers(**_: Any) -> list[CheckMessage]:
    """Settings of those who carry messages to customers that can't be right together."""
    found: list[CheckMessage] = []
    if bool(settings.TWILIO_ACCOUNT_SID) != bool(settings.TWILIO_AUTH_TOKEN):
        found.append(_error(7, "One of TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN is not set.", "Set both."))
    name = settings.ANYMAIL_PROVIDER
    if name and not (name.isidentifier() and _is_there(f"anymail.backends.{name}")):
        hint = (
            "Name a module of anymail.backends, such as mailgun, and install Fairway with the extra 'email'."
        )
        found.append(_error(8, f"ANYMAIL_PROVIDER names no provider: {name}.", hint))
    wrong = [name for name in ("TWILIO_URL", "FCM_URL", "WHATSAPP_URL") if not getattr(settings, name)]
    wrong += ["MESSAGING_KEY_SECONDS"] if settings.MESSAGING_KEY_SECONDS < 1 else []
    if wrong:
        found.append(_error(9, f"Empty or zero: {', '.join(wrong)}.", "Leave it unset for its usual value."))
    if settings.MESSAGING_URL and not settings.MESSAGING_TOKEN:
        found.append(_warning(8, "MESSAGING_TOKEN is not set: Messaging will refuse our calls.", "Set it."))
    if settings.WHATSAPP_TOKEN and not settings.WHATSAPP_APP_SECRET:
        hint = "Set it to the Meta app's secret."
        words = "WHATSAPP_APP_SECRET is not set: what WhatsApp tells of messages is not believed."
        found.append(_warning(9, words, hint))
    if not settings.SEND_MESSAGES:
        hint = "Set SEND_MESSAGES=1 where customers are to get what is sent."
        found.append(_warning(10, "SEND_MESSAGES is off: nothing leaves to customers.", hint))
    return found


@register(Tags.database)
def database(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(EXTENSIONS)
            if not cursor.fetchone()[0]:
                hint = "Install PostgreSQL's contrib package on the database server."
                words = "PostgreSQL lacks an extension that search needs: pg_trgm or btree_gin."
                found.append(_error(5, words, hint))
            cursor.execute(ROLE)
            found += _role(*cursor.fetchone())
            cursor.execute("SHOW timezone")
            if cursor.fetchone()[0] not in {"UTC", "Etc/UTC"}:
                found.append(
                    _warning(4, "The database session is not in UTC.", "Leave Django's TIME_ZONE at UTC.")
                )
    return found


@register(Tags.database)
def redis_keeps_everything(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A Redis that evicts drops tasks and events that nobody has read."""
    if not databases:
        return []
    try:
        policy = cast(dict[str, str], redis_client(timeout=1.0).config_get("maxmemory-policy"))
    except RedisError:  # away, or its administrator does not let us look: doctor says which
        return []
    if set(policy.values()) <= {"noeviction"}:
        return []
    hint = "Set maxmemory-policy noeviction: a stream or queue must not lose entries."
    return [_warning(3, "Redis may throw data away when its memory is full.", hint)]


def _role(is_superuser: bool, is_owner: bool) -> list[CheckMessage]:
    """Commands that change the schema run as the owner, and rightly so."""
    if settings.AS_OWNER or not (is_superuser or is_owner):
        return []
    who = "a superuser (or bypasses row security)" if is_superuser else "the owner of the tables"
    hint = "Give DATABASE_URL a role with rights on rows only, and MIGRATION_DATABASE_URL the owner's."
    return [_warning(2, f"The application connects to PostgreSQL as {who}.", hint)]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _is_local(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "[::1]"}


def _error(number: int, words: str, hint: str) -> Error:
    return Error(words, hint=hint, id=f"crm.E{number:03}")


def _warning(number: int, words: str, hint: str) -> Warning:
    return Warning(words, hint=hint, id=f"crm.W{number:03}")
