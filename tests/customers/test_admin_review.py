"""Review queues about people: duplicate candidates and privacy requests."""

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from customers.models import DuplicateCandidate, PrivacyRequest
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import at_most, staff_of

PAIRS = "/admin/customers/duplicatecandidate/"
REQUESTS = "/admin/customers/privacyrequest/"


@pytest.fixture
def pair(tenant: Tenant) -> DuplicateCandidate:
    people = [
        CustomerProfileFactory(
            first_name="Ann", last_name="Botha", phone_number="+27821234567", home_club_ref="here"
        ),
        CustomerProfileFactory(first_name="Anna", last_name="Botha", phone_number="", gender="FEMALE"),
    ]
    first, second = sorted(people, key=lambda one: one.pk)
    return DuplicateCandidate.objects.create(
        tenant=tenant, first=first, second=second, reason="the same phoneNumber", source="scl"
    )


def test_a_pair_is_compared_side_by_side(pair: DuplicateCandidate) -> None:
    browser = staff_of("MARKETING")
    with at_most(12):
        page = browser.text(f"{PAIRS}{pair.pk}/")
    assert "The same phone, told by SCL" in page
    assert "Name (differs) Ann Botha Anna Botha" in page or "Name (differs) Anna Botha Ann Botha" in page
    assert AuditEntry.objects.filter(action="customer.viewed").count() == 2


def test_a_pair_that_is_two_people_is_put_aside(pair: DuplicateCandidate) -> None:
    browser = staff_of("MARKETING")
    browser.post(f"{PAIRS}{pair.pk}/dismiss/")
    pair.refresh_from_db()
    assert pair.status == "DISMISSED"
    assert AuditEntry.objects.filter(action="duplicatecandidate.dismissed", object_id=str(pair.pk)).exists()
    assert "Possibly the same person" not in browser.text(
        f"/admin/customers/customerprofile/{pair.first_id}/"
    )


def test_several_pairs_are_put_aside_at_once(pair: DuplicateCandidate) -> None:
    staff_of().post(PAIRS, {"action": "dismiss", "_selected_action": [pair.pk]})
    pair.refresh_from_db()
    assert pair.status == "DISMISSED"


@pytest.mark.parametrize("chosen", ["", "zz", "1", "' OR 1"])
def test_a_choice_that_is_no_row_is_a_400(pair: DuplicateCandidate, chosen: str) -> None:
    reply = staff_of().post(PAIRS, {"action": "dismiss", "_selected_action": [pair.pk, chosen]})
    assert reply.status_code == 400
    pair.refresh_from_db()
    assert pair.status == "OPEN"


def test_those_who_may_not_merge_decide_nothing(pair: DuplicateCandidate) -> None:
    browser = staff_of("STAFF")
    assert browser.get(f"{PAIRS}{pair.pk}/").status_code == 403
    assert browser.post(f"{PAIRS}{pair.pk}/dismiss/").status_code == 403
    pair.refresh_from_db()
    assert pair.status == "OPEN"


def test_a_pair_across_clubs_is_not_for_staff_of_one(pair: DuplicateCandidate) -> None:
    here = ClubFactory(refs=["here"])
    browser = staff_of("MARKETING", clubs=(here,))
    assert browser.get(f"{PAIRS}{pair.pk}/").status_code == 404


def test_a_privacy_request_is_closed_by_an_admin(tenant: Tenant) -> None:
    row = PrivacyRequest.objects.create(
        tenant=tenant, key="1", customer=CustomerProfileFactory(), requested_at=timezone.now()
    )
    browser, decide = staff_of(), f"{REQUESTS}{row.pk}/decide/"
    browser.post(decide, {"done": "1", "decision": " "})
    row.refresh_from_db()
    assert row.status == "OPEN"
    assert "Erase them" in browser.text(decide)
    browser.post(decide, {"done": "1", "decision": "Erased, told by letter"})
    row.refresh_from_db()
    assert (row.status, row.decision) == ("DONE", "Erased, told by letter")
    assert "Erased, told by letter" in browser.text(decide)
    browser.post(decide, {"refused": "1", "decision": "Too late"})
    row.refresh_from_db()
    assert row.status == "DONE"
    entry = AuditEntry.objects.get(action="privacyrequest.closed")
    assert (entry.before, entry.after) == ({"status": "OPEN"}, {"status": "DONE"})


def test_the_lists_cost_the_same_however_many_rows(tenant: Tenant) -> None:
    for n in range(10):
        first, second = sorted((CustomerProfileFactory(), CustomerProfileFactory()), key=lambda one: one.pk)
        DuplicateCandidate.objects.create(tenant=tenant, first=first, second=second, reason="x")
        PrivacyRequest.objects.create(tenant=tenant, key=str(n), customer=first)
    browser = staff_of()
    for path in (PAIRS, REQUESTS):
        with at_most(8):
            browser.text(path)
