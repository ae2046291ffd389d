"""Households: of those who share a contact, and as staff and keys put them together."""

from collections import defaultdict
from typing import Any

import pytest

from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from customers import households
from customers.deduplication import find_all
from customers.gathering import gather_everybody
from customers.models import CustomerProfile, Household, HouseholdMember
from tests.conftest import Api
from tests.factories import ClubFactory, CustomerProfileFactory, house
from tests.pages import LIST, at_most, staff_of
from tests.timeline.test_identity_events import deliver, member, said

PAGE = "/admin/customers/household/"
FAMILY = ("Pieter", "Anna", "Jan", "Jana")


def household(api: Api, customer: CustomerProfile) -> Any:
    return api.get(f"/api/v1/customers/{customer.pk}/household").json()


def named(first: str) -> CustomerProfile:
    found: CustomerProfile = CustomerProfile.objects.get(first_name=first)
    return found


@pytest.fixture
def family(tenant: Tenant) -> list[CustomerProfile]:
    deliver(tenant, *(member(number, first) for number, first in enumerate(FAMILY, 1)))
    return [named(first) for first in FAMILY]


def test_a_family_of_four_at_one_address_is_one_household_that_says_who_owns_it(
    api: Api, family: list[CustomerProfile]
) -> None:
    told = household(api, family[2])
    assert (told["name"], Household.objects.count()) == ("Nel", 1)
    assert {one["displayName"] for one in told["members"]} == {f"{first} Nel" for first in FAMILY}
    assert all(one["shares"] == ["email"] for one in told["members"])
    assert [one["displayName"] for one in told["members"] if one["owns"]] == ["Pieter Nel"]


def test_who_comes_later_joins_and_two_households_with_a_common_contact_become_one(
    api: Api, tenant: Tenant, family: list[CustomerProfile]
) -> None:
    deliver(
        tenant, member(8, "Karel", email="other@example.com"), member(9, "Kate", email="other@example.com")
    )
    assert Household.objects.count() == 2
    visit = {"url": "https://club.example/"}
    deliver(tenant, said("web.page_view", visit, identity={"sclMemberId": 9, "email": "nel@example.com"}))
    assert {one["displayName"] for one in household(api, family[0])["members"]} == {
        f"{first} Nel" for first in (*FAMILY, "Karel", "Kate")
    }


def test_who_shares_a_contact_since_before_there_were_households_is_gathered_later(
    tenant: Tenant, family: list[CustomerProfile]
) -> None:
    deliver(
        tenant, *(member(number, first, email="botha@x.com") for number, first in ((8, "Karel"), (9, "Kate")))
    )
    deliver(tenant, *(member(number, email="front@desk.com", first=f"P{number}") for number in range(20, 34)))
    HouseholdMember.objects.all().delete()
    Household.objects.all().delete()
    assert gather_everybody() == 2
    assert homes() == {frozenset(FAMILY), frozenset(("Karel", "Kate"))}
    before = set(HouseholdMember.objects.values_list("pk", flat=True))
    assert gather_everybody() == 0, "once is enough"
    find_all()
    assert set(HouseholdMember.objects.values_list("pk", flat=True)) == before


def test_gathering_everybody_keeps_to_what_staff_said(tenant: Tenant, family: list[CustomerProfile]) -> None:
    home = Household.objects.get()
    households.change(home.pk, remove=[family[3].pk], by="user:staff")
    HouseholdMember.objects.filter(customer=family[2].pk).delete()
    gather_everybody()
    gather_everybody()
    assert homes() == {frozenset(FAMILY[:3])}


def homes() -> set[frozenset[str]]:
    found = defaultdict(set)
    for row in HouseholdMember.objects.filter(until=None).select_related("customer"):
        found[row.household_id].add(row.customer.first_name)
    return {frozenset(names) for names in found.values()}


def test_who_has_an_address_alone_is_in_no_household(api: Api, tenant: Tenant) -> None:
    deliver(tenant, member(1, "Pieter"))
    reply = api.get(f"/api/v1/customers/{named('Pieter').pk}/household")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "HOUSEHOLD_NOT_FOUND")


def test_an_address_of_many_is_an_office_and_no_household(tenant: Tenant) -> None:
    firsts = [
        "Abe",
        "Bob",
        "Cat",
        "Dan",
        "Eve",
        "Fay",
        "Gus",
        "Hal",
        "Ian",
        "Jim",
        "Kim",
        "Lee",
        "Max",
        "Ned",
    ]
    deliver(tenant, *(member(number, first) for number, first in enumerate(firsts, 1)))
    assert CustomerProfile.objects.count() == len(firsts)
    assert HouseholdMember.objects.count() <= 12


def test_who_staff_took_out_is_not_put_back_by_the_shared_address(
    api: Api, tenant: Tenant, family: list[CustomerProfile]
) -> None:
    browser = staff_of(Role.MARKETING)
    pk = household(api, family[0])["id"]
    browser.post(f"{PAGE}{pk}/edit/", {"remove": str(family[1].pk)})
    deliver(tenant, member(5, "Kim"))
    assert {one["displayName"] for one in household(api, family[0])["members"]} == {
        "Pieter Nel", "Jan Nel", "Jana Nel", "Kim Nel",
    }  # fmt: skip
    browser.post(f"{PAGE}{pk}/edit/", {"add": str(family[1].pk)})
    assert len(household(api, family[1])["members"]) == 5
    assert AuditEntry.objects.filter(action="household.changed").count() == 2


def test_a_key_puts_people_together_out_of_where_they_were(api: Api, family: list[CustomerProfile]) -> None:
    friend = CustomerProfileFactory(first_name="Fred", last_name="Smit")
    body = {"name": "Saturday four", "customerIds": [str(friend.pk), str(family[3].pk)]}
    made = api.post("/api/v1/households", body)
    assert (made.status_code, made.json()["name"]) == (201, "Saturday four")
    assert len(household(api, family[0])["members"]) == 3
    one = f"/api/v1/households/{made.json()['id']}"
    changed = api.patch(one, {"name": "", "add": [str(family[2].pk)], "remove": [str(friend.pk)]}).json()
    assert (changed["name"], len(changed["members"])) == ("Nel", 2)
    assert api.get("/api/v1/households").json()["meta"]["total"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"customerIds": []}, 400, "VALIDATION_ERROR"),
        ({"customerIds": ["0190d1c0-0000-7000-8000-000000000001"] * 2}, 404, "CUSTOMER_NOT_FOUND"),
        ({"customerIds": "all"}, 400, "VALIDATION_ERROR"),
    ],
)
def test_what_can_t_be_a_household_is_refused(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    reply = api.post("/api/v1/households", body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_the_same_person_twice_is_no_household(api: Api, tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    reply = api.post("/api/v1/households", {"customerIds": [str(person.pk)] * 2})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "HOUSEHOLD_SIZE")
    assert not Household.objects.exists()


def test_one_that_grew_too_large_by_itself_can_be_named_and_made_smaller(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(households, "MOST_MEMBERS", 3)
    people = [CustomerProfileFactory() for _ in range(5)]
    path = f"/api/v1/households/{house(*people).pk}"
    assert api.patch(path, {"name": "The mill"}).status_code == 200
    assert api.patch(path, {"remove": [str(people[0].pk)]}).status_code == 200
    refused = api.patch(path, {"add": [str(people[0].pk)]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "HOUSEHOLD_SIZE")


# --- pages
def test_the_page_of_a_person_shows_their_household_and_so_does_the_list(
    family: list[CustomerProfile],
) -> None:
    browser = staff_of()
    page = browser.text(f"{LIST}{family[1].pk}/")
    assert "Household Nel" in page
    assert "Pieter Nel owner of the e-mail" in page
    assert "Jan Nel shares the e-mail" in page
    assert "Pieter Nel, Anna Nel" in browser.text(PAGE)


def test_staff_take_somebody_in_by_their_e_mail(family: list[CustomerProfile]) -> None:
    CustomerProfileFactory(first_name="Gran", last_name="Nel", email="gran@example.com")
    pk = Household.objects.get().pk
    browser = staff_of(Role.MARKETING)
    browser.post(f"{PAGE}{pk}/edit/", {"add": "gran@example.com"})
    assert "Gran Nel put in by staff" in browser.text(f"{PAGE}{pk}/")
    reply = browser.post(f"{PAGE}{pk}/edit/", {"add": "nobody"}, follow=True)
    assert "Give an e-mail address or the id" in reply.content.decode()


def test_staff_of_some_clubs_see_their_people_in_it_and_no_others(tenant: Tenant) -> None:
    club = ClubFactory(refs=["here"])
    mine, theirs = CustomerProfileFactory(home_club_ref="here"), CustomerProfileFactory(last_name="Elsewhere")
    pk = house(mine, theirs).pk
    browser = staff_of(clubs=(club,))
    for path in (f"{PAGE}{pk}/", PAGE, f"{LIST}{mine.pk}/"):
        assert "Elsewhere" not in browser.text(path)
    assert staff_of(clubs=(ClubFactory(refs=["away"]),)).get(f"{PAGE}{pk}/").status_code == 404


def test_the_list_asks_no_more_for_more_households(tenant: Tenant) -> None:
    for _ in range(20):
        house(CustomerProfileFactory(), CustomerProfileFactory())
    browser = staff_of()
    with at_most(12):
        browser.get(PAGE)
