"""GET /customers/search: few people, ranked, in short."""

import pytest

from crm.tenancy.permissions import Role
from customers.models import Status
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import member

FIND = "/api/v1/customers/search"


def names(reply):
    assert reply.status_code == 200, reply.content
    return [row["name"] for row in reply.json()["data"]]


def test_a_person_in_short_with_the_reason(api):
    ann = CustomerProfileFactory(
        first_name="Ann", last_name="Botha", email="ann@example.com", phone_number="+27821234567",
        scl_member_id=4711, lifecycle_stage="MEMBER", home_club_ref="here", home_club_name="Here",
    )  # fmt: skip
    assert api.get(FIND, {"q": "botha an"}).json() == {
        "data": [
            {
                "id": str(ann.pk), "name": "Ann Botha", "initials": "AB", "email": "ann@example.com",
                "phoneNumber": "+27821234567", "sclMemberId": 4711, "lifecycleStage": "MEMBER",
                "membershipTier": None, "homeClubId": "here", "homeClubName": "Here", "isVip": False,
                "isBlocked": False, "lastActivityAt": None, "match": "START", "matchedOn": ["name", "email"],
            }
        ],
        "meta": {"take": 10, "hasMore": False},
    }  # fmt: skip
    assert api.get(FIND, {"q": "4711"}).json()["data"][0]["match"] == "IDENTIFIER"


def test_it_gives_so_many_and_says_whether_there_are_more(api):
    for _ in range(4):
        CustomerProfileFactory(last_name="Botha")
    page = api.get(FIND, {"q": "botha", "take": 3}).json()
    assert (len(page["data"]), page["meta"]) == (3, {"take": 3, "hasMore": True})


@pytest.mark.parametrize(
    ("query", "field"),
    [({}, "q"), ({"q": ""}, "q"), ({"q": "x" * 201}, "q"), ({"q": "a\0"}, "q"), ({"q": "a", "take": 0}, "take"),
     ({"q": "a", "take": 26}, "take"), ({"q": "a", "skip": 1}, "skip")],
)  # fmt: skip
def test_what_it_does_not_take_is_named(api, query, field):
    reply = api.get(FIND, query)
    assert (reply.status_code, reply.json()["error"]["details"][0]["field"]) == (400, field)


@pytest.mark.parametrize(
    "text", ["%", "'", "\\", "a' OR '1'='1", "*", ":*", "()", "a & !b", "\u202e", "<->", "𝒜" * 50, "٣"]
)
def test_no_text_breaks_it(api, text):
    assert names(api.get(FIND, {"q": text})) == []


def test_the_hidden_and_those_beyond_the_clubs_are_not_found(api):
    here = ClubFactory(refs=["here"])
    CustomerProfileFactory(first_name="Ann", last_name="Here", home_club_ref="here")
    CustomerProfileFactory(
        first_name="Ann", last_name="There", home_club_ref="there", email="there@example.com"
    )
    CustomerProfileFactory(first_name="Ann", last_name="Gone", home_club_ref="here", status=Status.DELETED)
    assert sorted(names(api.get(FIND, {"q": "ann"}))) == ["Ann Here", "Ann There"]
    staff = type(api)()
    staff.force_login(member(Role.STAFF, clubs=(here,)).user, "django.contrib.auth.backends.ModelBackend")
    assert names(staff.get(FIND, {"q": "ann"})) == ["Ann Here"]
    assert names(staff.get(FIND, {"q": "there@example.com"})) == []


def test_it_costs_the_same_however_many_it_finds(api, django_assert_max_num_queries):
    for _ in range(30):
        CustomerProfileFactory(last_name="Botha")
    api.get(FIND, {"q": "x"})
    with django_assert_max_num_queries(16):
        assert len(names(api.get(FIND, {"q": "botha", "take": 25}))) == 25
