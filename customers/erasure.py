"""Forgetting a person: what names them goes from every table, and what counts stays."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.errors import Conflict
from crm.outbox.services import emit
from crm.outbox.streams import forget_entries
from crm.tenancy import audit
from crm.tenancy.rows import run
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
from customers.scrubbing import Needles

LOCK = "SELECT id FROM customers_customerprofile WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE"
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

    One transaction, so it happens as a whole or not at all, and once: of somebody who is erased nothing is left to do.
    dry_run: done and taken back. Entries of the person that still wait in the Redis streams are deleted before it.
    Raises CustomerNotFound, LegalHold, and redis' errors before anything is changed.
    """
    people = family(pk)
    needles = needles_of(people)
    if not dry_run:
        forget_entries(current_tenant().slug, needles.identifying)
    done: Counter[str] = Counter()
    try:
        with transaction.atomic():
            done = _erase(people, needles, by=by, reason=reason)
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    return done


def _erase(people: list[UUID], needles: Needles, *, by: str, reason: str) -> Counter[str]:
    run("SET LOCAL statement_timeout = '10min'", [])
    run(LOCK, [current_tenant().pk, people])
    rows = CustomerProfile.objects.filter(pk__in=people)
    root = rows.get(merged_into=None)
    if root.legal_hold_at is not None:
        raise LegalHold
    if root.erased_at is not None:
        return Counter()
    case = Case(people, needles, by, timezone.now())
    for holding in holdings():
        if holding.erase is not None and (count := holding.erase(case)):
            case.done[holding.label] += count
    after = {"rows": dict(case.done), "reason": reason[:200]}
    audit.record("customer.erased", by=by, object_type="customer", object_id=root.pk, after=after)
    emit("crm.profile.erased", key=root.pk, payload={"id": str(root.pk), "erasedAt": case.now.isoformat()})
    return case.done


# --- what names them
def needles_of(people: list[UUID]) -> Needles:
    """Every identifier and name that is or was known of these people. Seven statements."""
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
    return Needles(
        frozenset((kind, value) for kind, value in identifiers if value),
        frozenset((first, last) for first, last in names if first and last),
    )


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
