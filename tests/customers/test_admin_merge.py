import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from crm.tenancy.models import Tenant
from crm.tenancy.permissions import Role
from customers.models import CustomerProfile, MergeRecord
from customers.services import create_customer, get_customer, update_customer
from tests.factories import ClubFactory, CustomerProfileFactory, NoteFactory
from tests.pages import Browser, log_in, member

BY = "key:test"
LIST = "/admin/customers/customerprofile/"


@pytest.fixture
def ann(tenant: Tenant) -> CustomerProfile:
    return create_customer({"first_name": "Ann", "last_name": "Nel"}, {"email": "ann@x.com"}, by=BY)


@pytest.fixture
def ben(ann: CustomerProfile) -> CustomerProfile:
    ben = create_customer(
        {"first_name": "Annie", "last_name": "Nel", "gdpr_consent": False},
        {"phoneNumber": "0821234567"},
        by=BY,
    )
    update_customer(ann.pk, {"gdpr_consent": True}, by=BY)
    NoteFactory(customer=ben)
    return ben


@pytest.fixture
def browser(ann: CustomerProfile, ben: CustomerProfile) -> Browser:
    return log_in(member(Role.MARKETING).user)


def url(customer: CustomerProfile, what: str = "") -> str:
    return f"{LIST}{customer.pk}/{what}"


def test_the_other_is_found_and_compared_field_by_field(
    browser: Browser, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    found = browser.get(url(ann, "merge/"), {"q": "nel"}).content.decode()
    assert f"?with={ben.pk}" in found
    assert f"?with={ann.pk}" not in found
    page = browser.get(url(ann, "merge/"), {"with": str(ben.pk)}).content.decode()
    assert 'value="loser" aria-describedby="f2" checked> Annie' in page or "checked> Annie" in page
    assert "1 note" in page
    assert "The narrower one stands" in page
    assert "the first names differ" in page


def test_a_merge_by_hand_with_a_choice_and_its_undoing(
    browser: Browser, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    body = {"with": str(ben.pk), "reason": "same voice", "choose.first_name": "winner"}
    assert browser.post(url(ann, "merge/"), body).status_code == 302
    ann.refresh_from_db()
    assert (ann.first_name, ann.phone_number, ann.gdpr_consent) == ("Ann", "+27821234567", False)
    record = MergeRecord.objects.get()
    assert (record.rule, record.reason) == ("MANUAL", "same voice")
    assert browser.get(url(ben))["Location"] == url(ann)
    assert "was merged into this person" in browser.get(url(ann)).content.decode()
    listed = browser.get(url(ann), {"tab": "merges"}).content.decode()
    assert "Same voice" in listed
    assert browser.post(url(ann, f"merges/{record.pk}/undo/")).status_code == 302
    assert get_customer(ben.pk)[1] is None
    ann.refresh_from_db()
    assert ann.gdpr_consent is True


def test_several_chosen_in_the_list_become_one(
    browser: Browser, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    cat = create_customer({"first_name": "Cat"}, {"email": "cat@x.com"}, by=BY)
    chosen = {"action": "merge_chosen", "_selected_action": [str(one.pk) for one in (ann, ben, cat)]}
    page = browser.post(LIST, chosen).content.decode()
    assert "3 profiles are chosen" in page
    browser.post(LIST, chosen | {"apply": "1", "winner": str(ben.pk)})
    assert {get_customer(one.pk)[0].pk for one in (ann, ben, cat)} == {ben.pk}
    assert set(MergeRecord.objects.values_list("rule", flat=True)) == {"BULK"}


def test_two_chosen_in_the_list_are_compared(
    browser: Browser, ann: CustomerProfile, ben: CustomerProfile
) -> None:
    chosen = {"action": "merge_chosen", "_selected_action": [str(ann.pk), str(ben.pk)]}
    assert browser.post(LIST, chosen)["Location"] == url(ann, f"merge/?with={ben.pk}")


def test_staff_of_a_club_merge_only_whom_they_see(ann: CustomerProfile, ben: CustomerProfile) -> None:
    here = ClubFactory(refs=["here"])
    mine = CustomerProfileFactory(home_club_ref="here")
    browser = log_in(member(Role.MARKETING, clubs=(here,)).user)
    assert browser.get(url(mine, "merge/"), {"with": str(ann.pk)}).status_code == 404
    assert browser.post(url(mine, "merge/"), {"with": str(ann.pk)}).status_code == 404
    assert not MergeRecord.objects.exists()


def test_what_is_no_id_is_a_404(browser: Browser, ann: CustomerProfile) -> None:
    assert browser.get(url(ann, "merge/"), {"with": "nobody"}).status_code == 404


def locked(pk: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM customers_customerprofile WHERE id = %s FOR UPDATE", [pk])


@pytest.mark.django_db(transaction=True)
def test_several_are_merged_again_where_that_deadlocked(tenant: Tenant) -> None:
    """Somebody holds the last of them and then wants the first: PostgreSQL takes the merge back, which then is done."""
    people = sorted((CustomerProfileFactory() for _ in range(3)), key=lambda one: one.pk)
    browser, held, problems = log_in(member(Role.ADMIN).user), threading.Event(), list[BaseException]()

    def cross() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                locked(people[-1].pk)
                held.set()
                deadline, is_waiting = time.monotonic() + 60, False
                while not is_waiting and time.monotonic() < deadline:
                    cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
                    (is_waiting,) = cursor.fetchone()
                cursor.execute("SELECT pg_sleep(0.3)")  # who waits for longer notices first, and gives way
                with suppress(OperationalError):
                    locked(people[0].pk)
        except BaseException as error:  # noqa: BLE001 - whatever happens in a thread must fail the test
            problems.append(error)
        finally:
            held.set()
            connections.close_all()

    thread = threading.Thread(target=cross)
    thread.start()
    assert held.wait(60)
    chosen = {"action": "merge_chosen", "_selected_action": [str(one.pk) for one in people]}
    browser.post(LIST, chosen | {"apply": "1", "winner": str(people[0].pk)})
    thread.join(60)
    assert problems == []
    assert MergeRecord.objects.count() == 2
