"""How the demo is entered: a password for its logins and an API key, kept in a private file of this machine.

Both are stored as hashes only, so the file is the one place that knows them. Production has no demo logins.
"""

import json
import secrets
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from crm import env
from crm.demo.generator import TENANT
from crm.demo.group import ADMIN, BY, LOGINS, ensure_group
from crm.embedded.environment import write_private
from crm.errors import Forbidden
from crm.tenancy.audit import record
from crm.tenancy.models import ApiKey, Tenant, User
from crm.tenancy.permissions import Scope
from crm.tenancy.scope import tenant_scope
from crm.tenancy.setup import issue_key

KEY_NAME = "Demo"
GENEROSITY = 100  # times the default limits


class OnlyForDemos(Forbidden):
    """Demo logins exist only where FAIRWAY_EMBEDDED=1 or DEBUG=1 is set: production has none."""


class Access(NamedTuple):
    """What the private file holds."""

    password: str
    key: str


def access_path() -> Path:
    return Path(env.text("FAIRWAY_VAR") or settings.BASE_DIR / "var") / "demo.json"


def is_demo_machine() -> bool:
    return bool(settings.EMBEDDED or settings.DEBUG)


def ensure_access() -> Access:
    """The password and key that open the demo right now, made where the file or the database lacks them.

    A password that somebody changed is set back to the file's. DEMO_PASSWORD decides it where it is set.
    Raises OnlyForDemos, NotTheDemo.
    """
    if not is_demo_machine():
        raise OnlyForDemos
    tenant = ensure_group()
    kept = read_access()
    access = Access(
        env.text("DEMO_PASSWORD") or kept.password or secrets.token_urlsafe(12),
        _working_key(tenant, kept.key),
    )
    if access != kept:
        path = access_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(
            path, json.dumps({"adminPassword": access.password, "apiKey": access.key}, indent=2) + "\n"
        )
    ensure_password(access.password)
    return access


def access_facts() -> dict[str, str]:
    """What a person or a program needs to enter the demo. Raises as ensure_access."""
    access = ensure_access()
    return {
        "url": settings.PUBLIC_URL,
        "adminEmail": ADMIN,
        "adminPassword": access.password,
        "apiKey": access.key,
        "tenant": TENANT,
    }


def read_access() -> Access:
    """What the file says; blanks where it says nothing."""
    try:
        found = json.loads(access_path().read_text())
        return Access(str(found["adminPassword"]), str(found["apiKey"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Access("", "")


def ensure_password(password: str) -> None:
    """Let all logins of the demo in with `password`."""
    emails = [login.email for login in LOGINS]
    if not all(user.check_password(password) for user in User.objects.filter(email=ADMIN)):
        User.objects.filter(email__in=emails).update(password=make_password(password))


def _working_key(tenant: Tenant, kept: str) -> str:
    """The kept key where it still opens, else a new one; whoever holds an older one is shut out."""
    with tenant_scope(tenant), transaction.atomic():
        mine = ApiKey.objects.select_for_update().filter(name=KEY_NAME, created_by=BY, revoked_at=None)
        for key in mine:
            if kept.startswith(f"fw_{key.prefix}_") and key.opens_with(
                kept.split("_", 2)[2], now=timezone.now()
            ):
                return kept
        for key in mine:
            key.revoke()
            record("apikey.revoked", by=BY, object_type="apikey", object_id=key.pk)
        limits = {kind: GENEROSITY * most for kind, most in settings.LIMITS_PER_MINUTE.items()}
        return issue_key(KEY_NAME, [scope.value for scope in Scope], by=BY, limits=limits)[1]
