"""Households: who is in them, and joined and split by staff and keys; customers.gathering gathers them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from crm.errors import BusinessRule, CustomerNotFound, Detail, NotFound, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows, select
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition
from customers.models import AliasHolder, CustomerProfile, Household, HouseholdMember, Status
from customers.normalise import WEAK_KINDS
from customers.parts import family_ids

MOST_MEMBERS = 50
LOCK = "SELECT id FROM customers_household WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE"
COLUMNS = ["household_id", "customer_id", "recorded_for", "role", "since", "until"]


class HouseholdNotFound(NotFound):
    """There is no household with this id, or the customer is in none."""

    code = "HOUSEHOLD_NOT_FOUND"


class HouseholdTooSmall(BusinessRule):
    """A household has at least two people, and at most 50."""

    code = "HOUSEHOLD_SIZE"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a household.

    shares: the kinds of the contacts that they share with others of it; owns: those of which they are the owner.
    """

    profile: CustomerProfile
    role: str
    since: datetime
    shares: Sequence[str] = ()
    owns: Sequence[str] = ()


# --- writing
def new_household(*, by: str, now: datetime, name: str = "") -> UUID:
    pk = uuid7()
    row = {"id": pk, "name": name, "created_at": now, "created_by": by}
    insert_rows(Household, [row], list(row))
    return pk


def add_members(household: UUID, people: Mapping[UUID, UUID], role: str, now: datetime) -> None:
    rows = [
        {"household_id": household, "customer_id": person, "recorded_for": part, "role": role, "since": now,
         "until": None}
        for part, person in people.items()
    ]  # fmt: skip
    insert_rows(HouseholdMember, rows, COLUMNS, conflict="DO NOTHING")


# --- reading
def visible(people: Any, *, inhabited: bool = True) -> Any:
    """The households of any of these people; only those of at least two, unless told."""
    theirs = HouseholdMember.objects.filter(until=None, customer__in=people.values("pk")).values("household")
    found = Household.objects.filter(pk__in=theirs)
    return found.filter(pk__in=_inhabited()) if inhabited else found


def _inhabited() -> Any:
    members = HouseholdMember.objects.filter(until=None).exclude(customer__status=Status.DELETED)
    from_two = members.values("household").annotate(people=Count("customer", distinct=True))
    return from_two.filter(people__gte=2).values("household")


def find_household(pk: UUID) -> Household:
    """Raises HouseholdNotFound."""
    found: Household | None = Household.objects.filter(pk=pk).first()
    if found is None:
        raise HouseholdNotFound("There is no household with this id.")
    return found


def household_of(customer: UUID) -> Household | None:
    """The household that somebody is in with others; of a merged person the one they were in first. One statement."""
    mine = HouseholdMember.objects.filter(customer=customer, until=None).order_by("since", "pk")
    member = mine.filter(household__in=_inhabited()).select_related("household").first()
    return member.household if member else None


def members_of(household: UUID) -> list[Member]:
    """Who is in it, in the order they came, with what they share. Two statements."""
    rows = HouseholdMember.objects.filter(household=household, until=None)
    rows = rows.exclude(customer__status=Status.DELETED).select_related("customer").order_by("since", "pk")
    people: dict[UUID, HouseholdMember] = {}
    for row in rows:
        people.setdefault(row.customer_id, row)
    shares, owns = _contacts(people)
    return [
        Member(row.customer, row.role, row.since, shares.get(pk, ()), owns.get(pk, ()))
        for pk, row in people.items()
    ]


def etag_of(household: Household) -> str:
    """The version of its name and of who is in it. One statement."""
    rows = HouseholdMember.objects.filter(household=household, until=None).order_by("pk")
    state = [household.name, *map(str, rows.values_list("customer", "role", "since"))]
    return f'"{sha256(repr(state).encode()).hexdigest()[:32]}"'


def people_of(pks: Sequence[UUID], people: Any) -> dict[UUID, list[CustomerProfile]]:
    """Who of `people` is in each of these, in the order they came. One statement."""
    rows = HouseholdMember.objects.filter(household__in=pks, until=None).exclude(
        customer__status=Status.DELETED
    )
    found: dict[UUID, dict[UUID, CustomerProfile]] = defaultdict(dict)
    rows = rows.filter(customer__in=people.values("pk")).select_related("customer")
    for row in rows.order_by("since", "pk"):
        found[row.household_id].setdefault(row.customer_id, row.customer)
    return {pk: list(people.values()) for pk, people in found.items()}


def _contacts(people: Collection[UUID]) -> tuple[dict[UUID, list[str]], dict[UUID, list[str]]]:
    """The kinds of contacts that each shares with another of these, and those that they own. One statement."""
    held = AliasHolder.objects.filter(customer__in=list(people), alias__kind__in=WEAK_KINDS)
    rows = list(
        held.values_list("alias", "alias__kind", "customer", "is_owner").order_by("alias__kind", "pk")
    )
    sharers = defaultdict(set)
    for alias, _kind, person, _owns in rows:
        sharers[alias].add(person)
    shares: dict[UUID, list[str]] = {}
    owns: dict[UUID, list[str]] = {}
    for alias, kind, person, is_owner in rows:
        if len(sharers[alias]) > 1:
            shares[person] = list(dict.fromkeys([*shares.get(person, ()), kind]))
            if is_owner:
                owns[person] = list(dict.fromkeys([*owns.get(person, ()), kind]))
    return shares, owns


# --- by staff and keys
@transaction.atomic
def create(people: Sequence[UUID], *, name: str = "", by: str) -> Household:
    """Put people together, out of the households they are in. Raises CustomerNotFound, HouseholdTooSmall."""
    now = timezone.now()
    pk = new_household(by=by, now=now, name=name)
    _move_in(pk, people, now)
    _check_size(pk, grows=True)
    audit.record("household.added", by=by, object_type="household", object_id=pk, after=_told(people, name))
    return find_household(pk)


@transaction.atomic
def change(
    pk: UUID,
    *,
    name: str | None = None,
    add: Sequence[UUID] = (),
    remove: Sequence[UUID] = (),
    by: str,
    if_match: Condition = ANY,
) -> Household:
    """Rename a household, take people in and out. Who was taken out is not put back by a shared contact.

    Raises HouseholdNotFound, PreconditionFailed, CustomerNotFound, HouseholdTooSmall.
    """
    select(LOCK, [current_tenant().pk, [pk]])
    now, household = timezone.now(), find_household(pk)
    if_match.check(etag_of(household))
    if name is not None:
        household.name = name
        household.save(update_fields=["name"])
    _move_in(pk, add, now)
    for person in remove:
        mine = HouseholdMember.objects.filter(household=pk, customer=person, until=None)
        if not mine.update(until=now):
            raise ValidationFailed(details=[Detail("remove", "INVALID_FIELD", f"{person} is not in it.")])
    _check_size(pk, grows=bool(add), may_empty=bool(remove))
    after = {"name": name, "added": [str(one) for one in add], "removed": [str(one) for one in remove]}
    audit.record("household.changed", by=by, object_type="household", object_id=pk, after=after)
    return household


def _move_in(household: UUID, people: Sequence[UUID], now: datetime) -> None:
    known = set(CustomerProfile.objects.filter(pk__in=people).values_list("pk", flat=True))
    if missing := set(people) - known:
        raise CustomerNotFound(f"There is no customer {sorted(missing)[0]}.")
    for person in people:
        parts = family_ids(person)
        mine = HouseholdMember.objects.filter(recorded_for__in=parts)
        mine.filter(until=None).exclude(household=household).update(until=now)
        mine.filter(household=household).update(until=None, role="STAFF")
        add_members(household, dict.fromkeys(parts, person), "STAFF", now)


def _check_size(household: UUID, *, grows: bool = False, may_empty: bool = False) -> None:
    """A household that people are taken out of may become small: then it is none any more.

    One that chains of shared contacts made too large can be renamed and made smaller, and not larger.
    """
    rows = HouseholdMember.objects.filter(household=household, until=None)
    count = rows.values("customer").distinct().count()
    if (count > MOST_MEMBERS and grows) or (count < 2 and not may_empty):
        raise HouseholdTooSmall


def _told(people: Sequence[UUID], name: str) -> dict[str, Any]:
    return {"name": name, "members": [str(one) for one in people]}


def title(household: Household, members: Sequence[Member]) -> str:
    return titled(household, [one.profile for one in members])


def titled(household: Household, people: Sequence[CustomerProfile]) -> str:
    """What it is called: its name, else the last names of its members."""
    names = dict.fromkeys(name for one in people if (name := one.last_name))
    return household.name or " & ".join([*names][:3]) or str(household)
