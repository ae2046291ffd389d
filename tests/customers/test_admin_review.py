"""Review queues about people: duplicate candidates and privacy requests."""

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from customers.models import Booking, CustomerProfile, DuplicateCandidate, Payment, PrivacyRequest
from tests.factories import ClubFactory, CustomerProfileFactory, NoteFactory
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
    pair.first.provenance = {"phone_number": [1, 0, 1_750_000_000_000_000, 70, "e", "scl"]}
    pair.first.save()
    browser = staff_of("MARKETING")
    with at_most(16):
        page = browser.text(f"{PAIRS}{pair.pk}/")
    assert "The same phone, told by SCL" in page
    assert "Name (differs) Ann Botha Anna Botha" in page or "Name (differs) Anna Botha Ann Botha" in page
    assert "SCL, " in page, "where a value is from, and since when"
    assert "1 pair waits for a decision" in page
    assert AuditEntry.objects.filter(action="customer.viewed").count() == 2
    swapped = browser.text(f"{PAIRS}{pair.pk}/?swap")
    assert ("Ann Botha Anna Botha" in page) != ("Ann Botha Anna Botha" in swapped)


@pytest.mark.parametrize(
    ("role", "status"), [("ADMIN", 200), ("MARKETING", 200), ("STAFF", 403), ("VIEWER", 403)]
)
def test_who_may_merge_sees_the_page_of_a_pair(pair: DuplicateCandidate, role: str, status: int) -> None:
    assert staff_of(role).get(f"{PAIRS}{pair.pk}/").status_code == status


def test_what_hangs_on_each_of_the_two_is_counted(pair: DuplicateCandidate) -> None:
    for number in range(3):
        Booking.objects.create(tenant=pair.tenant, customer=pair.first, key=f"b{number}")
    Payment.objects.create(tenant=pair.tenant, customer=pair.second, key="p")
    NoteFactory(customer=pair.second)
    page = staff_of().text(f"{PAIRS}{pair.pk}/")
    assert "Bookings 3 – Payments – 1 Notes – 1" in page


def test_countries_languages_and_genders_are_said_in_words(pair: DuplicateCandidate) -> None:
    CustomerProfile.objects.filter(pk=pair.first_id).update(country="ZA", language="en-ZA", gender="female")
    CustomerProfile.objects.filter(pk=pair.second_id).update(country="GB", language="af", gender="FEMALE")
    browser = staff_of()
    page = browser.text(f"{PAIRS}{pair.pk}/")
    assert "Gender Female Female" in page, "spelt otherwise is no difference"
    assert "Country (differs) South Africa United Kingdom" in page
    assert "Language (differs) English (South Africa) Afrikaans" in page
    merge = browser.text(f"/admin/customers/customerprofile/{pair.first_id}/merge/?with={pair.second_id}")
    assert all(words in merge for words in ("South Africa", "United Kingdom", "Afrikaans", "Female"))
    assert not {"ZA", "GB", "en-ZA", "FEMALE"} & set(merge.split())


def test_reasons_stand_in_words_with_what_they_weigh(pair: DuplicateCandidate) -> None:
    pair.source, pair.score, pair.vetoes = "finder", 97.34, ["born", "unheard-of"]
    pair.reasons = [["phone", "SAME", 17.2], ["surname", "SAME", 7.0], ["given", "FORM", 4.1], ["born", "OTHER", -4.6],
                    ["shoe", "SAME", 9], "nonsense"]  # fmt: skip
    pair.save()
    browser = staff_of()
    page = browser.text(f"{PAIRS}{pair.pk}/")
    assert "97 %" in page
    assert (
        "Same phone +17.2 Same last name +7.0 A form of the same first name +4.1 Another birth date −4.6"
        in page
    )
    assert "Never merged unasked: the birth dates differ" in page
    line = "Same phone, same last name, a form of the same first name, another birth date"
    assert line in browser.text(PAIRS)
    line = f"s{line[1:]}"
    assert line in browser.text(f"/admin/customers/customerprofile/{pair.first_id}/")


def another(pair: DuplicateCandidate, **fields: object) -> DuplicateCandidate:
    first, second = sorted([CustomerProfileFactory(), CustomerProfileFactory()], key=lambda one: one.pk)
    return DuplicateCandidate.objects.create(
        tenant=pair.tenant, first=first, second=second, source="finder", **fields
    )


def test_the_next_pair_follows_each_decision_and_the_last_leads_back_to_the_list(
    pair: DuplicateCandidate,
) -> None:
    surest, middle = another(pair, score=99.0, band="AUTO"), another(pair, score=60.0)
    page = staff_of("MARKETING")
    assert [row.pk for row in DuplicateCandidate.objects.waiting().in_queue_order()] == [
        surest.pk, middle.pk, pair.pk
    ]  # fmt: skip
    shown = page.get(f"{PAIRS}{middle.pk}/").content.decode()
    assert f'href="{PAIRS}{surest.pk}/" data-key="k"' in shown
    assert f'href="{PAIRS}{pair.pk}/" data-key="j"' in shown
    for decided, following in ((middle, pair), (pair, surest)):
        reply = page.post(f"{PAIRS}{decided.pk}/dismiss/")
        assert reply["Location"] == f"{PAIRS}{following.pk}/"
    assert page.post(f"{PAIRS}{surest.pk}/dismiss/")["Location"] == PAIRS
    assert not DuplicateCandidate.objects.waiting().exists()


def test_the_queue_stays_as_narrow_as_the_list_was(pair: DuplicateCandidate) -> None:
    sure = [another(pair, score=99.0, band="AUTO", reasons=[["email", "SAME", 18.0]]) for _ in range(2)]
    browser = staff_of()
    assert str(pair.pk) not in browser.get(f"{PAIRS}?why=email").content.decode()
    reply = browser.post(f"{PAIRS}{sure[1].pk}/dismiss/?why=email&band=AUTO")
    assert reply["Location"] == f"{PAIRS}{sure[0].pk}/?why=email&band=AUTO"
    reply = browser.post(f"{PAIRS}{sure[0].pk}/dismiss/?why=email&band=AUTO")
    assert reply["Location"] == f"{PAIRS}?why=email&band=AUTO"


def test_the_last_decision_is_undone_by_whoever_took_it(pair: DuplicateCandidate) -> None:
    mine, somebody = staff_of("MARKETING"), staff_of("MARKETING")
    mine.post(f"{PAIRS}{pair.pk}/dismiss/")
    somebody.post(f"{PAIRS}undo/")
    pair.refresh_from_db()
    assert pair.status == "DISMISSED", "it was not theirs"
    assert mine.post(f"{PAIRS}undo/")["Location"] == f"{PAIRS}{pair.pk}/"
    pair.refresh_from_db()
    assert (pair.status, pair.decided_by, pair.decided_at) == ("OPEN", "", None)
    assert AuditEntry.objects.filter(action="duplicatecandidate.reopened").exists()
    mine.post(f"{PAIRS}undo/")


def test_a_pair_that_is_two_people_is_put_aside(pair: DuplicateCandidate) -> None:
    browser = staff_of("MARKETING")
    browser.post(f"{PAIRS}{pair.pk}/dismiss/")
    pair.refresh_from_db()
    assert (pair.status, pair.decided_by[:5]) == ("DISMISSED", "user:")
    assert AuditEntry.objects.filter(action="duplicatecandidate.dismissed", object_id=str(pair.pk)).exists()
    assert "Possibly the same person" not in browser.text(
        f"/admin/customers/customerprofile/{pair.first_id}/"
    )
    assert str(pair.pk) not in browser.get(PAIRS).content.decode()
    assert str(pair.pk) in browser.get(f"{PAIRS}?status=DISMISSED").content.decode()


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


def test_a_pair_is_merged_into_the_left_and_parted_again(pair: DuplicateCandidate) -> None:
    browser = staff_of("MARKETING")
    assert browser.post(f"{PAIRS}{pair.pk}/merge/{pair.pk}/").status_code == 404
    assert browser.post(f"{PAIRS}{pair.pk}/merge/{pair.second_id}/")["Location"] == PAIRS
    pair.refresh_from_db()
    pair.first.refresh_from_db()
    assert (pair.status, pair.first.merged_into_id) == ("MERGED", pair.second_id)
    assert browser.post(f"{PAIRS}{pair.pk}/merge/{pair.second_id}/")["Location"] == f"{PAIRS}{pair.pk}/"
    assert browser.post(f"{PAIRS}undo/")["Location"] == f"{PAIRS}{pair.pk}/"
    pair.refresh_from_db()
    pair.first.refresh_from_db()
    assert (pair.status, pair.first.status) == ("OPEN", "ACTIVE")
