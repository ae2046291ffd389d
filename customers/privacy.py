"""Who holds what of a person: the registry that access exports and erasure walk.

Every app registers its tables that tell of people, as it registers movers for merging: what of it is told to the
person, and how it is erased, or why it stays. A test fails for a table with a way to a customer that nobody registered.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from crm.errors import CustomerNotFound
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.scrubbing import Needles

FAMILY = """
    WITH RECURSIVE up AS (
        SELECT id, merged_into_id FROM customers_customerprofile WHERE tenant_id = %(tenant)s AND id = %(id)s
        UNION SELECT p.id, p.merged_into_id FROM customers_customerprofile p JOIN up ON p.id = up.merged_into_id
        WHERE p.tenant_id = %(tenant)s
    ), family AS (
        SELECT id FROM up WHERE merged_into_id IS NULL
        UNION SELECT p.id FROM customers_customerprofile p JOIN family f ON p.merged_into_id = f.id
        WHERE p.tenant_id = %(tenant)s
    )
    SELECT id FROM family
    UNION SELECT p.customer_id FROM customers_profilepart p JOIN family f ON f.id = p.root_id
        WHERE p.tenant_id = %(tenant)s
"""
Told = Callable[[Sequence[UUID]], Iterable[Mapping[str, Any]]]


@dataclass(slots=True)
class Case:
    """An erasure at work.

    people: the person and everybody who was merged into them, whose rows go together.
    about:  ids of things of theirs by the audit log's word for them (note, activity), for what is said of those.
    done:   what went, in words -> rows.
    """

    people: list[UUID]
    needles: Needles
    by: str
    now: datetime
    about: dict[str, list[str]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Holding:
    """A table with data of people.

    title: the section of an access export; None where nothing of it is told.
    told:  its rows of some people, as JSON-able maps in the words of the API.
    erase: takes what is personal away; gives how many rows it changed. None where nothing is, see `kept`.
    kept:  what stays of it after an erasure, and why.
    """

    model: type[Model]
    kept: str
    title: str | None = None
    told: Told | None = None
    erase: Callable[[Case], int] | None = None
    position: int = 50

    @property
    def label(self) -> str:
        """How a count of its rows is called: by its section, else by its table."""
        return self.title or str(self.model._meta.verbose_name_plural)


_holdings: dict[type[Model], Holding] = {}


def holds(holding: Holding) -> None:
    """Register what a table holds. Those of a smaller position are told and erased first."""
    _holdings[holding.model] = holding


def holdings() -> list[Holding]:
    return sorted(_holdings.values(), key=lambda one: (one.position, one.model._meta.label))


def family(pk: UUID) -> list[UUID]:
    """The person and everybody who was ever merged into them. Raises CustomerNotFound. One statement."""
    found = select(FAMILY, {"tenant": current_tenant().pk, "id": pk})
    if not found:
        raise CustomerNotFound("There is no customer with this id.")
    return [row["id"] for row in found]
