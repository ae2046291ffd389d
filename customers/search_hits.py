"""Whom a condition on CustomerSearch finds, and who of them comes first. Nothing here sorts more than FEW people.

`wanted` is such a condition; `within` the people that whoever asks is limited to, None for all. Hidden people (merged
away, deleted) are left out of every order.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import Case, F, IntegerField, OuterRef, Q, Subquery, Value, When

from customers.models import CustomerMetrics, CustomerProfile, CustomerSearch

FEW = 1000  # hits that are put in order exactly
# Of more hits, those among so many most recently active people come first; looked through in steps.
RECENT = (0, 300, 3000)


def listed(within: Any) -> Any:
    return (CustomerProfile.objects.all() if within is None else within).listed()


def hits(wanted: Q, within: Any = None) -> list[UUID]:
    """Some of those who are wanted, hidden ones too: all when they are no more than FEW, else one more."""
    found = CustomerSearch.objects.filter(wanted)
    if within is not None:
        found = found.filter(customer__in=within.values("pk"))
    return list(found.values_list("pk", flat=True)[: FEW + 1])


def ranked(ids: Sequence[UUID], within: Any, better: Sequence[Q] = ()) -> list[tuple[UUID, int]]:
    """The people with the place of the first of `better` that holds for them (its length if none); best first.

    Among equals the most recently active first. One statement.
    """
    if not ids:
        return []
    cases = [When(condition, then=Value(place)) for place, condition in enumerate(better)]
    place = Case(*cases, default=Value(len(better)), output_field=IntegerField())
    people = CustomerSearch.objects.filter(pk__in=ids, customer__in=listed(within).values("pk"))
    rows = people.values_list("pk", place, "customer__metrics__last_activity_at")
    return [(pk, place) for pk, place, _ in sorted(rows, key=_best_first)]


def latest(wanted: Q, within: Any, take: int) -> list[UUID]:
    """The most recently active of those who are wanted; where they are many, of those among the RECENT, then any."""
    found = hits(wanted, within)
    first = recent(wanted, within, take) if len(found) > FEW else []
    if len(first) >= take:
        return first
    return list(dict.fromkeys([*first, *(pk for pk, _ in ranked(found, within))]))[:take]


def recent(wanted: Q, within: Any, take: int) -> list[UUID]:
    """Those of the most recently active people who are wanted, looked through in growing steps until they suffice."""
    order = (F("last_activity_at").desc(nulls_last=True), F("customer").desc())
    # A subquery for a value: one for existence may be turned into a look at all hits.
    hit = Subquery(CustomerSearch.objects.filter(wanted, pk=OuterRef("customer")).values("pk")[:1])
    active = CustomerMetrics.objects.order_by(*order).values_list("customer", hit)
    found: list[UUID] = []
    for start, end in pairwise(RECENT):
        rows = list(active[start:end])
        ids = [pk for pk, is_hit in rows if is_hit]
        shown = set(listed(within).filter(pk__in=ids).values_list("pk", flat=True)) if ids else ()
        found += [pk for pk in ids if pk in shown]
        if len(found) >= take or len(rows) < end - start:
            break
    return found[:take]


def _best_first(row: tuple[UUID, int, datetime | None]) -> tuple[int, float, int]:
    pk, place, at = row
    return place, -at.timestamp() if at else float("inf"), -pk.int
