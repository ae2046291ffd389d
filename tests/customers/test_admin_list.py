"""The customer list: whom it shows, how they are found, and what it costs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.tenancy.admin import base
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from customers.models import CustomerProfile
from tests.factories import ClubFactory, CustomerProfileFactory, InboundEventFactory, hold
from tests.pages import LIST, Browser, at_most, staff_of


def names(browser: Browser, **query: str) -> list[str]:
    reply = browser.get(LIST, query)
    assert reply.status_code == 200, reply.headers.get("Location")
    return [str(profile) for profile in reply.context["cl"].result_list]


def person(name: str, **fields: object) -> CustomerProfile:
    first, _, last = name.partition(" ")
    return CustomerProfileFactory(first_name=first, last_name=last, **fields)


def test_a_row_tells_who_it_is_at_a_glance(tenant: Tenant) -> None:
    person(
        "Ann Botha", email="ann@example.com", phone_number="+27821234567", lifecycle_stage="MEMBER", is_vip=True,
        membership_tier="Gold", home_club_name="Fynbos",
        metrics={"last_activity_at": timezone.now() - timedelta(hours=2), "lifetime_value_cents": 123450},
        phone_is_valid=True, email_opt_in=True, sms_opt_in=False,
    )  # fmt: skip
    page = staff_of().text(LIST)
    assert "Ann Botha VIP ann@example.com +27821234567 Member Gold · Fynbos" in page
    assert (
        "E-mail: opted in SMS: opted out Push: unknown WhatsApp: unknown R 1,234.50 2 h ago just now" in page
    )


def test_a_list_comes_back_in_the_order_it_was_put_in(tenant: Tenant) -> None:
    person("Zoe Adams")
    person("Ann Zulu")
    browser = staff_of()
    by_name = ["Zoe Adams", "Ann Zulu"]
    assert names(browser, o="1") == by_name
    assert names(browser) == by_name
    assert names(browser, o="-1") == by_name[::-1]
    assert names(browser) == by_name[::-1]
    assert names(browser, o="") == names(browser) == by_name[::-1]  # the newest first, as ever
    assert names(staff_of(), o="nonsense") == names(staff_of())


def test_the_most_recently_active_come_first_and_the_silent_last(tenant: Tenant) -> None:
    now = timezone.now()
    person("Silent Sam", metrics={"last_activity_at": None})
    person("Old Olga", metrics={"last_activity_at": now - timedelta(days=9)})
    person("New Nia", metrics={"last_activity_at": now})
    assert names(staff_of()) == ["New Nia", "Old Olga", "Silent Sam"]


def test_merged_and_deleted_people_wait_behind_the_status_filter(tenant: Tenant) -> None:
    winner = person("Win Ner")
    person("Lo Ser", status="MERGED", merged_into=winner)
    person("De Leted", status="DELETED")
    browser = staff_of()
    assert names(browser) == ["Win Ner"]
    assert names(browser, status="MERGED") == ["Lo Ser"]
    assert names(browser, status="DELETED") == ["De Leted"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"stage": "MEMBER"}, ["Ann A"]),
        ({"consent": "email-yes"}, ["Ann A"]),
        ({"consent": "sms-no"}, ["Ben B"]),
        ({"consent": "email-unknown"}, ["Ben B"]),
        ({"marked": "vip"}, ["Ann A"]),
        ({"marked": "light"}, ["Guest G"]),
        ({"source": "scl"}, ["Ann A"]),
        ({"sync": "dead"}, ["Ben B"]),
        ({"stage": "MEMBER", "marked": "light"}, []),
        ({"consent": "nonsense"}, ["Ann A", "Ben B"]),
    ],
)
def test_filters_narrow_the_list(tenant: Tenant, query: dict[str, str], found: list[str]) -> None:
    person("Ann A", lifecycle_stage="MEMBER", email_opt_in=True, is_vip=True, source="scl")
    ben = person("Ben B", sms_opt_in=False)
    person("Guest G", is_light=True)
    InboundEventFactory(customer=ben, status="FAILED", is_waiting=False, dead_at=timezone.now())
    assert sorted(names(staff_of(), **query)) == found


def test_filters_by_type_club_activity_and_score(tenant: Tenant) -> None:
    now = timezone.now()
    club = ClubFactory(name="Fynbos", refs=["fynbos", "FYN-1"])
    person(
        "Ann A", customer_type="GUEST", home_club_ref="FYN-1",
        metrics={"last_activity_at": now - timedelta(days=8), "churn_risk_score": 60, "engagement_score": 50,
                 "lifetime_value_cents": 100_000},
    )  # fmt: skip
    person("Ben B", metrics={"last_activity_at": now - timedelta(days=91)})
    person("Cas C")
    browser = staff_of()
    for query in ({"type": "GUEST"}, {"club": str(club.pk)}, {"active": "30"}, {"score": "at-risk"},
                  {"score": "engaged"}, {"score": "value"}):  # fmt: skip
        assert names(browser, **query) == ["Ann A"], query
    assert names(browser, active="older") == ["Ben B"]
    assert names(browser, active="never") == ["Cas C"]
    assert names(browser, active="7") == []
    assert len(names(browser, active="x", score="x", club="x")) == 3
    assert len(names(staff_of(Role.STAFF), score="at-risk")) == 3


@pytest.mark.parametrize(
    "term",
    [
        "ann@example.com", " ANN@Example.com ", "+27 82 123 4567", "082 123 4567", "4711", "player-9",
        "auth0|ann", "GR-77",
    ],
)  # fmt: skip
def test_an_identifier_in_full_opens_its_owners_page(tenant: Tenant, term: str) -> None:
    ann = person(
        "Ann Botha", email="ann@example.com", phone_number="+27821234567", scl_member_id=4711,
        teetime_player_id="player-9", auth_user_id="auth0|ann", external_ids={"golfRsaId": "GR-77"},
    )  # fmt: skip
    person("Ben Botha")
    reply = staff_of().get(LIST, {"q": term})
    assert reply["Location"] == f"{LIST}{ann.pk}/"


def test_ids_and_merged_ids_open_the_page_too(tenant: Tenant) -> None:
    winner = person("Win Ner")
    loser = person("Lo Ser", status="MERGED", merged_into=winner)
    browser = staff_of()
    for term in (winner.pk, winner.external_id, loser.pk):
        assert browser.get(LIST, {"q": str(term)})["Location"] == f"{LIST}{winner.pk}/"


def test_a_shared_address_lists_the_household(tenant: Tenant) -> None:
    ann = person("Ann Botha", email="home@example.com")
    ben = person("Ben Botha", email="")
    hold(ben, "email", "home@example.com", is_owner=False)
    assert sorted(names(staff_of(), q="home@example.com")) == [str(ann), str(ben)]


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("bot", ["Ann Botha", "Ben Botha"]),
        ("BOTHA", ["Ann Botha", "Ben Botha"]),
        ("ann", ["Ann Botha"]),
        ("ann b", ["Ann Botha"]),
        ("botha a", ["Ann Botha"]),
        ("van der m", ["Carl van der Merwe"]),
        ("carl van der", ["Carl van der Merwe"]),
        ("mcd", ["Dora McDonald"]),
        ("o'b", ["Eve O'Brien"]),
        ("zu", ["Fay Zulu"]),
        ("é", ["Eve O'Brien", "Gus Éluard"]),
        ("eluard", ["Gus Éluard"]),
        ("bohta", ["Ann Botha", "Ben Botha"]),
        ("otha", []),
        ("nobody@example.com", []),
        ("999999", []),
        ("%", []),
    ],
)
def test_names_are_found_by_how_they_begin(tenant: Tenant, term: str, found: list[str]) -> None:
    for name in (
        "Ann Botha",
        "Ben Botha",
        "Carl van der Merwe",
        "Dora McDonald",
        "Eve O'Brien",
        "Fay Zulu",
        "Gus Éluard",
    ):
        person(name)
    assert sorted(names(staff_of(), q=term)) == found


def test_finding_nobody_says_what_can_be_searched(tenant: Tenant) -> None:
    page = staff_of().text(LIST, q="nobody")
    assert "Nobody found for “nobody”" in page
    assert "a part of a phone number or a member number" in page


def test_the_first_page_of_an_empty_tenant_says_what_to_do(tenant: Tenant) -> None:
    assert "Nobody here yet" in staff_of().text(LIST)


def test_counting_stops_where_nobody_turns_pages(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "COUNT_UP_TO", 3)
    for _ in range(5):
        CustomerProfileFactory()
    assert "More than 3 customers" in staff_of().text(LIST)


@pytest.mark.parametrize("query", [{}, {"q": "nko"}, {"q": "thandi nko"}, {"stage": "SUBSCRIBER"}])
def test_the_list_costs_the_same_however_many_rows_it_shows(tenant: Tenant, query: dict[str, str]) -> None:
    for _ in range(30):
        CustomerProfileFactory()
    browser = staff_of()
    with at_most(15):
        assert len(names(browser, **query)) == 30


def test_looking_at_the_list_is_noted_without_what_was_typed(tenant: Tenant) -> None:
    person("Ann Botha")
    browser = staff_of()
    for _ in range(3):
        browser.get(LIST, {"q": "botha", "stage": "SUBSCRIBER"})
    entry = AuditEntry.objects.get(action="customer.listed")
    assert entry.after == {"shown": 1, "page": 1, "filters": ["stage"], "searched": True}


def test_every_page_leads_to_the_search(tenant: Tenant) -> None:
    browser = staff_of()
    for path in ("/admin/", "/admin/timeline/inboundevent/", "/admin/tenancy/club/"):
        page = browser.get(path).content.decode()
        assert f'action="{LIST}" method="get"' in page
        assert 'type="search" name="q"' in page
