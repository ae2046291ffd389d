"""Forgetting a person: what names them goes from every table, and what counts stays."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone
from redis import RedisError

from crm.database import retrying
from crm.errors import Conflict
from crm.outbox.relay import wait_for_batch
from crm.outbox.services import emit
from crm.outbox.streams import forget_entries, redis_client
from crm.tenancy import audit
from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant
from customers.models import (
    AliasHolder,
    AssociationNumber,
    BookingPlayer,
    ConsentEntry,
    CustomerProfile,
    FieldWrite,
)
from customers.normalise import EXTERNAL_PREFIX
from customers.privacy import Case, family, holdings
from customers.scrubbing import EMAIL, Needles

log = structlog.get_logger(__name__)

LOCK = "SELECT id FROM customers_customerprofile WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE"
ERASED = "crm.profile.erased"
SHARED = """
    SELECT a.kind, a.value FROM customers_identityalias a
    JOIN unnest(%(kinds)s::text[], %(values)s::text[]) AS k (kind, value) ON a.kind = k.kind AND a.value = k.value
    WHERE a.tenant_id = %(tenant)s AND EXISTS (SELECT FROM customers_aliasholder h
        WHERE h.tenant_id = a.tenant_id AND h.alias_id = a.id AND h.customer_id <> ALL(%(people)s))
"""
LINKS = {
    "auth_user_id": "authUserId", "scl_member_id": "sclMemberId", "teetime_player_id": "teetimePlayerId",
    "messaging_contact_id": "messagingContactId", "email": "email", "email_display": "email",
    "phone_number": "phoneNumber",
}  # fmt: skip


class LegalHold(Conflict):
    """This customer is under a legal hold: nothing of them may be erased until it is lifted."""

    code = "LEGAL_HOLD"


class _Undo(Exception):  # noqa: N818 - not an error: it takes a trial back
    pass


def erase_customer(pk: UUID, *, by: str, reason: str = "", dry_run: bool = False) -> Counter[str]:
    """Erase a person with everybody who was merged into them; table -> rows that were changed or deleted.

    One transaction under the person's lock, so it happens as a whole or not at all, and once: of somebody who is erased
    nothing is left to do. Once it is committed, what waits of them in the Redis streams is deleted.
    dry_run: done and taken back.
    Raises CustomerNotFound, LegalHold, and redis' errors before anything is changed.
    """
    if not dry_run:
        redis_client().ping()
    return retrying(lambda: _in_one(pk, by=by, reason=reason, dry_run=dry_run))


def _in_one(pk: UUID, *, by: str, reason: str, dry_run: bool) -> Counter[str]:
    done: Counter[str] = Counter()
    try:
        with transaction.atomic():
            done = _erase(pk, by=by, reason=reason)
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    return done


def _erase(pk: UUID, *, by: str, reason: str) -> Counter[str]:
    run("SET LOCAL statement_timeout = '10min'", [])
    people = _locked(pk)
    root = CustomerProfile.objects.get(pk__in=people, merged_into=None)
    if root.legal_hold_at is not None:
        raise LegalHold
    if root.erased_at is not None:
        return Counter()
    case = Case(people, needles_of(people), by, timezone.now())
    for holding in holdings():
        if holding.erase is not None and (count := holding.erase(case)):
            case.done[holding.label] += count
    after = {"rows": dict(case.done), "reason": reason[:200]}
    audit.record("customer.erased", by=by, object_type="customer", object_id=root.pk, after=after)
    emit(ERASED, key=root.pk, payload={"id": str(root.pk), "erasedAt": case.now.isoformat()})
    transaction.on_commit(partial(_forget_entries, current_tenant().slug, case))
    return case.done


def _locked(pk: UUID) -> list[UUID]:
    """The person and everybody who was merged into them, locked: whoever was quicker has merged or parted them."""
    people: list[UUID] = []
    while people != (people := sorted(family(pk))):
        run(LOCK, [current_tenant().pk, people])
    return people


def _forget_entries(tenant: str, case: Case) -> None:
    """Once all of it is committed: no relay has anything of the person any more."""
    wait_for_batch()
    ids = "|".join(str(pk) for pk in case.people)
    try:
        forget_entries(tenant, case.needles.identifying, ids=ids, but=ERASED)
    except RedisError as error:
        log.error(
            "erasure.streams_left", error=type(error).__name__
        )  # they are short, and what is in them passes


# --- what names them
def needles_of(people: list[UUID]) -> Needles:
    """Every identifier and name that is or was known of these people and of nobody else. Eight statements.

    Names may be a namesake's, too: see Needles.
    """
    identifiers: set[tuple[str, str]] = set()
    names: set[tuple[str, str]] = set()
    for row in CustomerProfile.objects.filter(pk__in=people).values():
        identifiers |= {(kind, str(row[name])) for name, kind in LINKS.items() if row[name]}
        identifiers |= {
            (f"{EXTERNAL_PREFIX}{kind}", str(value)) for kind, value in row["external_ids"].items()
        }
        names |= {(row["first_name"], row["last_name"]), _parted(row["display_name"])}
    held: Any = AliasHolder.objects.filter(customer__in=people)
    identifiers |= set(held.values_list("alias__kind", "alias__value"))
    identifiers |= set(ConsentEntry.objects.filter(customer__in=people).values_list("kind", "value"))
    cards = AssociationNumber.objects.filter(customer__in=people).values_list("association", "number")
    identifiers |= {(f"{EXTERNAL_PREFIX}{kind}", number) for kind, number in cards}
    players = BookingPlayer.objects.filter(customer__in=people)
    names |= set(players.values_list("first_name", "last_name"))
    _add_former(people, identifiers, names)
    identifiers = {(kind, value) for kind, value in identifiers if value}
    return Needles(
        frozenset(identifiers - _shared(people, identifiers)),
        frozenset(pair for pair in map(_whole, names) if all(pair)),
    )


def _shared(people: list[UUID], identifiers: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the identifiers, however spelled, that somebody else holds as well, or by now."""
    folded = {(kind, value.lower() if kind == EMAIL else value) for kind, value in identifiers}
    asked = {
        "tenant": current_tenant().pk, "people": people,
        "kinds": [kind for kind, _ in folded], "values": [value for _, value in folded],
    }  # fmt: skip
    held = {(row["kind"], row["value"]) for row in select(SHARED, asked)}
    return {
        (kind, value)
        for kind, value in identifiers
        if (kind, value.lower() if kind == EMAIL else value) in held
    }


def _whole(pair: tuple[str, str]) -> tuple[str, str]:
    """First and last name; senders write both into one field, too."""
    first, last = pair
    return pair if first and last else _parted(first or last)


def _parted(name: str) -> tuple[str, str]:
    first, _, last = name.rpartition(" ")
    return first, last


def _add_former(
    people: Iterable[UUID], identifiers: set[tuple[str, str]], names: set[tuple[str, str]]
) -> None:
    """What the history says that they were called and recognised by before."""
    firsts, lasts = ({one[place] for one in names if one[place]} for place in (0, 1))
    for changes in FieldWrite.objects.filter(customer__in=list(people)).values_list("changes", flat=True):
        for name, pair in changes.items():
            said = {str(value) for value in pair if isinstance(value, str | int) and value}
            if name in LINKS:
                identifiers |= {(LINKS[name], value) for value in said}
            elif name.startswith("external_ids."):
                identifiers |= {(f"{EXTERNAL_PREFIX}{name.partition('.')[2]}", value) for value in said}
            elif name == "first_name":
                firsts |= said
            elif name == "last_name":
                lasts |= said
            elif name == "display_name":
                names |= {_parted(value) for value in said}
    names |= {(first, last) for first in firsts for last in lasts}
