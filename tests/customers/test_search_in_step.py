"""The search table says what the rows say, whoever wrote them, in whatever order, several at once."""

import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import services
from customers.models import (
    AliasHolder,
    AssociationNumber,
    CustomerProfile,
    CustomerSearch,
    IdentityAlias,
    SearchWord,
)
from customers.search import find_people
from tests.factories import CustomerProfileFactory, TenantFactory, hold
from timeline import ingestion

pytestmark = pytest.mark.services


def as_it_stands() -> list[Any]:
    return list(CustomerSearch.objects.order_by("pk").values_list("pk", "lexemes", "phones"))


def recomputed() -> list[Any]:
    """The table as it is made anew from the rows."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_customersearch")
        cursor.execute(
            "SELECT customers_refresh_search(ARRAY(SELECT id FROM customers_customerprofile))"  # of all tenants
        )
    return as_it_stands()


NAMES = st.sampled_from(["", "Ann", "Thandi", "José", "O'Brien", "van der Merwe", "Anna-Maria", "Иван"])
WRITES = st.lists(
    st.tuples(st.sampled_from(["new", "rename", "contact", "hold", "move", "let go", "number", "remove"]),
              st.integers(0, 3), st.integers(0, 3), NAMES),
    max_size=12,
)  # fmt: skip


@given(WRITES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_writes_it_is_what_recomputing_gives(tenant: Tenant, writes: list[Any]) -> None:
    with transaction.atomic():
        for number, (act, one, other, name) in enumerate(writes):
            write(tenant, number, act, one, other, name)
        found = as_it_stands()
        assert len(found) == CustomerProfile.objects.count()
        assert recomputed() == found
        transaction.set_rollback(True)


def write(tenant: Tenant, number: int, act: str, one: int, other: int, name: str) -> None:
    people = list(CustomerProfile.objects.order_by("pk")[:4])
    if act == "new" or len(people) < 2:
        CustomerProfileFactory(first_name=name, email=f"{number}@example.com", scl_member_id=number)
        return
    person, another = people[one % len(people)], people[other % len(people)]
    held = AliasHolder.objects.filter(customer=person)
    if act == "rename":
        CustomerProfile.objects.filter(pk__in=[person.pk, another.pk]).update(last_name=name)
    elif act == "contact":
        CustomerProfile.objects.filter(pk=person.pk).update(
            email=f"{name.lower()}@x.example", phone_number=f"082 {number}"
        )
    elif act == "hold":
        hold(person, "externalIds.card", f"{name} {number}")
    elif act == "move":
        held.exclude(alias__in=AliasHolder.objects.filter(customer=another).values("alias")).update(
            customer=another
        )
    elif act == "let go":
        held.delete()
    elif act == "number":
        AssociationNumber.objects.create(tenant=tenant, key=str(number), customer=person, number=name)
    else:
        IdentityAlias.objects.filter(pk__in=list(held.values_list("alias", flat=True))).delete()


def test_a_person_who_goes_takes_their_words_along(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_customermetrics")
        cursor.execute("DELETE FROM customers_customerprofile WHERE id = %s", [person.pk])
    assert not CustomerSearch.objects.exists()


def test_events_and_acts_keep_it_in_step(tenant: Tenant) -> None:
    ingestion.receive([
        {"id": f"e{n}", "type": "scl.member.created", "source": "scl", "timestamp": "2026-11-01T00:00:00Z",
         "identity": {"sclMemberId": n},
         "payload": {"id": n, "firstName": "Zinhle", "lastName": "Mahlangu", "email": f"z{n}@example.com"}}
        for n in range(1, 4)
    ])  # fmt: skip
    ingestion.process_due(tenant)
    assert len(find_people("zinhle mahlagnu", take=5)) == 3
    made = services.create_customer({"last_name": "Qwabe"}, {"email": "new@example.com"}, by="key:test")
    services.update_customer(
        made.pk, {"first_name": "Lwazi"}, by="key:test", hints={"phoneNumber": "0821234567"}
    )
    (one,) = find_people("lwazi qwabe 1234567", take=5)
    assert one.profile == made
    found = as_it_stands()
    assert recomputed() == found


def test_what_has_nothing_to_do_with_it_writes_nothing(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    (before,) = CustomerSearch.objects.extra(select={"v": "customers_customersearch.xmin::text"}).values("v")
    CustomerProfile.objects.filter(pk=person.pk).update(tags=["golf"], first_name=person.first_name)
    (after,) = CustomerSearch.objects.extra(select={"v": "customers_customersearch.xmin::text"}).values("v")
    assert before == after


@pytest.mark.django_db(transaction=True)
def test_writers_who_bring_the_same_new_names_do_not_wait_for_each_other() -> None:
    tenant = TenantFactory()
    both_wrote = threading.Barrier(2, timeout=20)
    problems: list[BaseException] = []

    def writer(number: int, names: list[str]) -> None:
        try:
            with tenant_scope(tenant), transaction.atomic():
                for name in names:
                    CustomerProfileFactory(
                        tenant=tenant, first_name=name, email=f"{name.lower()}{number}@example.com"
                    )
                    both_wrote.wait()
        except BaseException as error:
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=writer, args=(n, names)) for n, names in
               enumerate((["Amahle", "Bongani"], ["Bongani", "Amahle"]))]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []
    with tenant_scope(tenant):
        assert {str(one.profile)[:6] for one in find_people("amhale", take=5)} == {"Amahle"}
        assert len(find_people("bonagni", take=5)) == 2
        assert set(SearchWord.objects.values_list("word", flat=True)) >= {"amahle", "bongani"}
