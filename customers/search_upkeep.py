"""Keeping what people are found by whole: making it anew, filling gaps, forgetting words that nobody has any more."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile, SearchWord

BATCH = 1000
REFRESH = "SELECT customers_refresh_search(%s)"
FORGET = """
    DELETE FROM customers_searchword w WHERE w.tenant_id = %(tenant)s AND w.id = ANY(%(ids)s) AND (
        NOT EXISTS (SELECT FROM customers_customersearch s WHERE s.tenant_id = %(tenant)s
            AND s.lexemes @@ ('''' || w.word || '''')::tsquery)
        OR EXISTS (SELECT FROM customers_searchword o
            WHERE o.tenant_id = %(tenant)s AND o.word = w.word AND o.id < w.id)
    ) RETURNING w.id
"""


class Step(NamedTuple):
    """How far it has come: so many people, the last of them `last`."""

    people: int
    last: UUID


def rebuild(after: UUID | None = None) -> Iterator[Step]:
    """Make the rows of the open tenant's people anew, in the order of their ids, a thousand in a transaction.

    after: where an earlier run came to. Rows that are right are not written. Two statements for a thousand people.
    """
    people = CustomerProfile.objects.order_by("pk")
    yield from _refresh(people.filter(pk__gt=after) if after else people)


def fill_gaps() -> int:
    """Make the rows that are missing, of people from before there were any; gives how many."""
    return sum(step.people for step in _refresh(CustomerProfile.objects.filter(search=None).order_by("pk")))


def tidy_words(words: Collection[str] | None = None) -> int:
    """Forget the words (of all, unless told) that nobody has any more or that stand twice; gives how many.

    For the night, and for whoever takes a person's name away. Two statements for a thousand words.
    """
    rows: Any = SearchWord.objects.order_by("pk")
    if words is not None:
        rows = rows.filter(word__in=list(words))
    forgotten, last = 0, 0
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        forgotten += len(select(FORGET, {"tenant": current_tenant().pk, "ids": ids}))
        last = ids[-1]
    return forgotten


def _refresh(people: Any) -> Iterator[Step]:
    rows = people
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        run(REFRESH, [ids])
        yield Step(len(ids), ids[-1])
        rows = people.filter(pk__gt=ids[-1])
