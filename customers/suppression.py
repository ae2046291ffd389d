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
from django.db.models import Q

from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows
from crm.tenancy.scope import current_tenant
from customers.consent import CHANNELS, Consent, State
from customers.matching import Key
from customers.models import PlatformComplaint, Suppression
from customers.stamps import Stamp

Who = TypeVar("Who")
SOURCE = "erasure"
REASON = "FORGOTTEN"
PLATFORM = "platform"  # in the place of the tenant, where a hash is of all of them
ABOVE_ALL = 2  # the tier of its statements: no source speaks louder
COLUMNS = (
    "id", "value_hash", "kind", "reason", "channel", "purpose", "club_ref", "source", "at", "by", "expires_at",
    "lifted_by",
)  # fmt: skip
# A later end counts, none above all; nothing else about one that is there changes.
LONGER = """
    (tenant_id, value_hash, reason, channel, purpose, club_ref) WHERE lifted_at IS NULL DO UPDATE
    SET at = EXCLUDED.at, by = EXCLUDED.by, expires_at = EXCLUDED.expires_at
    WHERE customers_suppression.expires_at < coalesce(EXCLUDED.expires_at, 'infinity')
"""
EVEN_SERVICE = ("HARD_BOUNCE", "SOFT_BOUNCES", "INVALID", "COMPLAINT", "CARRIER")  # stop service messages too


def hash_of(key: Key) -> str:
    """The keyed hash of an identifier of the open tenant, by the newest key."""
    return _hash(_keys()[0], key)


def _hash(secret: bytes, key: Key, of: str = "") -> str:
    kind, value = key
    text = f"{of or current_tenant().pk}\0{kind}\0{value}"
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


def suppress(
    keys: Iterable[Key],
    *,
    reason: str,
    by: str,
    now: datetime,
    channel: str = "",
    purpose: str = "",
    club_ref: str = "",
    source: str = "",
    expires_at: datetime | None = None,
) -> None:
    """Suppress identifiers of the open tenant; one that is stays as it is. One statement, two of a complaint.

    A complaint keeps every tenant from sending marketing there.
    """
    wanted = sorted(set(keys))
    about = {"reason": reason, "channel": channel, "purpose": purpose, "club_ref": club_ref, "source": source}
    told = {**about, "at": now, "by": by, "expires_at": expires_at, "lifted_by": ""}
    rows = [{"id": uuid7(), "value_hash": hash_of(key), "kind": key[0], **told} for key in wanted]
    insert_rows(Suppression, rows, COLUMNS, conflict=LONGER)
    if reason == Suppression.Reason.COMPLAINT:
        PlatformComplaint.objects.bulk_create(
            [PlatformComplaint(value_hash=_hash(_keys()[0], key, PLATFORM), at=now) for key in wanted],
            ignore_conflicts=True,
        )


def suppressed(keys: Iterable[Key]) -> dict[Key, Suppression]:
    """Those of the identifiers whose owner asked to be forgotten. One statement, one more where the tenant has any."""
    found = _live(keys, Suppression.objects.filter(reason=Suppression.Reason.ERASED))
    return {key: rows[0] for key, rows in found.items()}


def standing_over(keys: Iterable[Key], now: datetime) -> dict[Key, list[Suppression]]:
    """What stands against writing to each of the identifiers. Two statements at most."""
    return _live(keys, Suppression.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now)))


def complained_anywhere(keys: Iterable[Key]) -> set[Key]:
    """Those of the identifiers whose owner reported a message of any tenant as spam. One statement."""
    by_hash = {_hash(secret, key, PLATFORM): key for key in set(keys) for secret in _keys()}
    found = PlatformComplaint.objects.filter(pk__in=list(by_hash)).values_list("pk", flat=True)
    return {by_hash[one] for one in found}


def _live(keys: Iterable[Key], rows: Any) -> dict[Key, list[Suppression]]:
    live = rows.filter(lifted_at=None)
    if not live.exists():
        return {}
    secrets = _keys()
    by_hash = {_hash(secret, key): key for key in set(keys) for secret in secrets}
    found: dict[Key, list[Suppression]] = {}
    for row in live.filter(value_hash__in=list(by_hash)).order_by("at", "pk"):
        found.setdefault(by_hash[row.value_hash], []).append(row)
    return found


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
