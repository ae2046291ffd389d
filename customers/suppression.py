"""Who must not be written to although they are not known any more: identifiers as keyed hashes.

The keys stand outside the database, in SUPPRESSION_KEYS: the first one hashes, all of them recognise, so that a new
one can be put first. A hash can't be made anew, since what it hides was erased: an old key stays as long as its hashes.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows
from crm.tenancy.scope import current_tenant
from customers.consent import CHANNELS, Consent, State
from customers.matching import Key
from customers.models import Suppression
from customers.stamps import Stamp

Who = TypeVar("Who")
SOURCE = "erasure"
REASON = "FORGOTTEN"
ABOVE_ALL = 2  # the tier of its statements: no source speaks louder
COLUMNS = ("id", "value_hash", "kind", "reason", "at", "by", "lifted_by")


def hash_of(key: Key) -> str:
    """The keyed hash of an identifier of the open tenant, by the newest key."""
    return _hash(_keys()[0], key)


def _hash(secret: bytes, key: Key) -> str:
    kind, value = key
    text = f"{current_tenant().pk}\0{kind}\0{value}"
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _keys() -> list[bytes]:
    """Newest first; without SUPPRESSION_KEYS they follow from SECRET_KEY and its fallbacks."""
    if settings.SUPPRESSION_KEYS:
        return [key.encode() for key in settings.SUPPRESSION_KEYS]
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [
        HKDF(SHA256(), length=32, salt=None, info=b"fairway.suppression").derive(secret.encode())
        for secret in secrets
    ]


def suppress(keys: Iterable[Key], *, reason: str, by: str, now: datetime) -> None:
    """Suppress identifiers of the open tenant; one that is stays as it is. One statement."""
    rows = [
        {
            "id": uuid7(),
            "value_hash": hash_of(key),
            "kind": key[0],
            "reason": reason,
            "at": now,
            "by": by,
            "lifted_by": "",
        }
        for key in sorted(set(keys))
    ]
    conflict = "(tenant_id, value_hash) WHERE lifted_at IS NULL DO NOTHING"
    insert_rows(Suppression, rows, COLUMNS, conflict=conflict)


def suppressed(keys: Iterable[Key]) -> dict[Key, Suppression]:
    """Those of the identifiers that are suppressed. One statement, and one more where the tenant has any."""
    live: Any = Suppression.objects.filter(lifted_at=None)
    if not live.exists():
        return {}
    secrets = _keys()
    by_hash = {_hash(secret, key): key for key in set(keys) for secret in secrets}
    return {by_hash[row.value_hash]: row for row in live.filter(value_hash__in=list(by_hash))}


def statements(found: Suppression) -> tuple[Stamp, list[Consent]]:
    """What a suppression says of whoever is recognised by it: nothing on any channel, above all that sources tell."""
    stamp = Stamp.of(SOURCE, str(found.pk), found.at, tier=ABOVE_ALL)
    basis = "LEGAL_OBLIGATION"
    return stamp, [Consent(one, State.WITHDRAWN, found.at, REASON, lawful_basis=basis) for one in CHANNELS]


def of_people(people: Mapping[Who, Sequence[Key]]) -> dict[Who, Suppression]:
    """The first suppression of each of these, by the identifiers they were recognised by or have."""
    found = suppressed(key for keys in people.values() for key in keys)
    return {
        pk: min((found[key] for key in keys if key in found), key=lambda one: one.at)
        for pk, keys in people.items()
        if any(key in found for key in keys)
    }
