"""Which people a member of staff may see: those of their clubs."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from crm.tenancy.access import club_refs
from customers.models import CustomerProfile


def visible_people(request: HttpRequest) -> Any:
    """The customers that the request may see, every status."""
    people = CustomerProfile.objects.all()
    refs = club_refs(request)
    return people if refs is None else people.at_clubs(refs)


def of_visible_people(request: HttpRequest, rows: Any, *columns: str) -> Any:
    """Rows whose `columns` (customer, unless told) all point at people the request may see."""
    if club_refs(request) is None:
        return rows
    people = visible_people(request).values("pk")
    condition = Q()
    for column in columns or ("customer",):
        condition &= Q(**{f"{column}__in": people})
    return rows.filter(condition)
