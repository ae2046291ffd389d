"""Customers in the order of the alphabet: of names as people compare them, with the nameless last."""

import json

import pytest
from django.db import connection

from customers.listing import ORDERING, listed
from customers.models import CustomerProfile
from tests.factories import CustomerProfileFactory

LIST = "/api/v1/customers"
IN_ORDER = ["adams", "Álvarez", "alvarez", "botha", "de Villiers", "Ebden", "éclair", "Zulu", "Жуков"]


def people(names):
    return [CustomerProfileFactory(last_name=name, first_name="") for name in names]


@pytest.mark.parametrize("take", [1, 3, 100])
@pytest.mark.parametrize("sort", ["lastName", "-lastName", "lastName,-createdAt", "-lastName,firstName"])
def test_neither_capitals_nor_accents_count_and_the_nameless_are_last_either_way(api, sort, take):
    people(["", *reversed(IN_ORDER), ""])
    whole = api.get(LIST, {"sort": sort, "take": 100}).json()["data"]
    names = [row["lastName"] for row in whole]
    assert names[-2:] == [None, None]
    named = [name.lower().replace("á", "a") for name in names[:-2]]
    wanted = [name.lower().replace("á", "a") for name in IN_ORDER]
    assert named == (wanted[::-1] if sort.startswith("-") else wanted)
    walked, cursor = [], ""
    while cursor is not None:
        page = api.get(LIST, {"sort": sort, "take": take, "cursor": cursor}).json()
        walked += [row["id"] for row in page["data"]]
        cursor = page["meta"]["nextCursor"]
    assert walked == [row["id"] for row in whole]


@pytest.mark.parametrize("sort", ["lastName", "-lastName"])
def test_an_index_serves_each_direction_and_a_walk(api, tenant, sort):
    people(IN_ORDER)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    sorts = ORDERING.read([sort])
    rows = ORDERING.apply(listed(CustomerProfile.objects.all(), {}), sorts)
    first = rows[:3]
    middle = ORDERING.after(rows, sorts, ORDERING.cursor(list(first)[-1], sorts))[0]
    index = f"customer_by_last_name_{'desc' if sort.startswith('-') else 'asc'}"
    for page in (first, middle[:3]):
        plan = json.dumps(json.loads(page.explain(format="json")))
        assert index in plan and '"Sort"' not in plan, plan
    assert "by_last_name" in json.dumps(json.loads(middle.explain(format="json"))[0])
