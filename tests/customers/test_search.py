"""Finding people: by names, contacts, numbers and old ids, misspelt or half typed, the best match first."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.tenancy.masks import masks_of
from crm.tenancy.models import Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import Eyes, seen_by, tenant_scope
from customers import search_hits
from customers.models import AssociationNumber, CustomerMetrics, CustomerProfile
from customers.search import Rank, find_people, matching
from tests.factories import CustomerProfileFactory, hold

pytestmark = pytest.mark.services


def person(name: str, **fields: Any) -> CustomerProfile:
    first, _, last = name.partition(" ")
    return CustomerProfileFactory(first_name=first, last_name=last, **fields)


def found(text: str, take: int = 10) -> list[str]:
    return [str(one.profile) for one in find_people(text, take=take)]


@pytest.fixture
def cast(tenant: Tenant) -> None:
    thandi = person(
        "Thandi Nkosi", email="thandi.nkosi@fynbos.example", phone_number="+27821234567", phone_is_valid=True,
        scl_member_id=47110, external_ids={"golfRsaId": "GR-77/A"},
    )  # fmt: skip
    hold(thandi, "email", "old.address84@mail.example")
    hold(thandi, "phoneNumber", "+442079460000")
    AssociationNumber.objects.create(
        tenant=tenant, key="n", customer=thandi, association="CDH", number="CDH 1009"
    )
    person("José O'Brien", email="", display_name="Pepe the Great")
    person("Sipho van der Merwe", email="")
    person("Anna-Maria Hernández", email="")


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    "text",
    [
        "thandi", "Nko", "THANDI NKOSI", "nkosi thandi", "nko tha", "thandi.nkosi@fynbos.example",
        "thandi.nkosi@fyn", "thandi.nk", "@fynbos.example", "fynbos.ex", "old.address", "address", "old.address84",
        "082 123 4567", "+27 82 123 4567", "0027821234567", "27821234567", "123 45", "4567", "nkosi 123456",
        "020 7946 0000", "946000", "47110", "4711", "GR-77/A", "gr77a", "gr-77", "CDH 1009", "cdh1009", "'thandi':*",
    ],
)  # fmt: skip
def test_a_person_is_found_by_whatever_is_known_of_them(text: str) -> None:
    assert found(text) == ["Thandi Nkosi"]


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jose", "Pepe the Great"), ("JOSÉ", "Pepe the Great"), ("obrien", "Pepe the Great"),
        ("o'brien", "Pepe the Great"), ("O’B", "Pepe the Great"), ("brien", "Pepe the Great"),
        ("pepe", "Pepe the Great"), ("great jose", "Pepe the Great"), ("van der m", "Sipho van der Merwe"),
        ("merwe", "Sipho van der Merwe"), ("hernandez", "Anna-Maria Hernández"),
        ("anna-maria", "Anna-Maria Hernández"), ("maria an", "Anna-Maria Hernández"),
    ],
)  # fmt: skip
def test_names_are_found_as_people_spell_them(text: str, name: str) -> None:
    assert found(text) == [name]


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Thnadi", "Thandi Nkosi"), ("Nkosy", "Thandi Nkosi"), ("thandy nkosi", "Thandi Nkosi"),
        ("nkois thadni", "Thandi Nkosi"), ("nkosii", "Thandi Nkosi"), ("thandi.nkosy@fynbos.example", "Thandi Nkosi"),
        ("Hernadnes", "Anna-Maria Hernández"), ("obrein", "Pepe the Great"),
    ],
)  # fmt: skip
def test_a_slip_of_the_keys_finds_them_too(text: str, name: str) -> None:
    (one,) = find_people(text, take=10)
    assert (str(one.profile), one.rank) == (name, Rank.SIMILAR)


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    "text",
    ["kosi", "andi", "thandi botha", "%", "_", "' OR 1=1", "\\", "nobody@fynbos.example", "999 999", "12", "0", "",
     "thandi & nkosi | x", "0198c6b2-0000-7000-8000-000000000000", "47110 thandi x"],
)  # fmt: skip
def test_what_nobody_has_finds_nobody(text: str) -> None:
    assert found(text) == []


@pytest.mark.usefixtures("cast")
def test_it_says_where_the_term_was_found() -> None:
    def where(text: str) -> tuple[str, ...]:
        return tuple(kind for kind, _ in find_people(text, take=1)[0].matched_on)

    assert where("nkosi") == ("name", "email")
    assert where("thandi 1234567") == ("name", "email", "phoneNumber")
    assert where("gr-77") == ("externalIds.golfRsaId",)
    assert where("47110") == ("sclMemberId",)
    assert where("old.address") == ("email",)
    assert where("thnadi") == ("name",)


def test_the_best_reason_comes_first_and_then_who_was_active_last(tenant: Tenant) -> None:
    now = timezone.now()
    for name, days in (
        ("Ann Marsh", 9),
        ("Ann Marshall", 1),
        ("Mars Ann", 3),
        ("Ann Marsh", 2),
        ("Ann Marsj", 0),
    ):
        person(name, email="", metrics={"last_activity_at": now - timedelta(days=days)})
    people = find_people("ann marsh", take=10)
    assert [(str(one.profile), one.rank) for one in people] == [
        ("Ann Marsh", Rank.FULL_NAME), ("Ann Marsh", Rank.FULL_NAME), ("Ann Marshall", Rank.START),
        ("Ann Marsj", Rank.SIMILAR), ("Mars Ann", Rank.SIMILAR),
    ]  # fmt: skip
    assert people[0].profile.metrics.last_activity_at > people[1].profile.metrics.last_activity_at


def test_an_identifier_in_full_comes_before_names_and_fragments(tenant: Tenant) -> None:
    person("Ann Botha", phone_number="+27824711000", phone_is_valid=True)
    member = person("Ben Botha", scl_member_id=4711)
    people = find_people("4711", take=10)
    assert [(str(one.profile), one.rank) for one in people] == [
        (str(member), Rank.IDENTIFIER), ("Ann Botha", Rank.START),
    ]  # fmt: skip
    assert list(CustomerProfile.objects.filter(matching("4711"))) == [member]


def test_old_ids_lead_to_the_winner(tenant: Tenant) -> None:
    winner = person("Win Ner")
    between = person("Be Tween", status="MERGED", merged_into=winner)
    loser = person("Lo Ser", status="MERGED", merged_into=between)
    for old in (winner.pk, winner.external_id, loser.pk, loser.external_id, f" {loser.pk} ".upper()):
        assert found(str(old)) == ["Win Ner"]
    assert found("lo ser") == []


def test_the_deleted_and_the_merged_are_not_found_by_name(tenant: Tenant) -> None:
    person("Gone Away", status="DELETED")
    assert found("gone") == []
    assert CustomerProfile.objects.filter(matching("gone")).count() == 1  # where a list asks for them


def test_another_tenant_is_never_found(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        theirs = person(
            "Behind Thewall", email="behind@wall.example", phone_number="+27821234567", scl_member_id=4711
        )
    for text in (
        "behind",
        "thewal",
        "thewlal",
        "behind@wall.example",
        "1234567",
        "4711",
        str(theirs.pk),
        "b",
    ):
        assert found(text) == []
        assert not CustomerProfile.objects.filter(matching(text)).exists()
    with tenant_scope(other_tenant):
        assert found("thewlal") == ["Behind Thewall"]


@pytest.mark.usefixtures("cast")
def test_nobody_is_found_by_what_is_kept_from_who_asks() -> None:
    masks = masks_of(Role.VIEWER, {})
    with seen_by(Eyes("user:x", masks)):
        for text in ("address", "old.address84@mail.example", "@fynbos.example", "fynbos.ex", "123 45",
                     "gr-77", "CDH 1009", "082 123 4567", "thandi 123456", "thandi.nkosy@fynbos.example"):  # fmt: skip
            assert found(text) == [], text
        (one,) = find_people("nkosi", take=5)
        assert one.matched_on == (("name", "Thandi Nkosi"),)
        assert found("47110") == found("4711") == found("thnadi") == ["Thandi Nkosi"]


def test_whoever_is_limited_finds_no_further(tenant: Tenant) -> None:
    person("Ann Here", home_club_ref="here", scl_member_id=1)
    person("Ann There", home_club_ref="there", email="there@example.com", scl_member_id=2)
    within = CustomerProfile.objects.all().at_clubs(["here"])
    for text in ("ann", "an", "a", "amn"):
        assert [str(one.profile) for one in find_people(text, take=5, within=within)] in (["Ann Here"], []), (
            text
        )
    for text in ("there", "there@example.com", "2"):
        assert find_people(text, take=5, within=within) == []
    assert [str(one.profile) for one in find_people("1", take=5, within=within)] == ["Ann Here"]


def test_short_and_common_terms_name_the_recently_active_first(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_hits, "FEW", 5)
    monkeypatch.setattr(search_hits, "RECENT", (0, 3, 8))
    now = timezone.now()
    for days in range(20):
        person(
            f"Li Nkosi{'' if days % 2 else 'ana'}",
            email="",
            metrics={"last_activity_at": now - timedelta(days=days)},
        )
    for text in ("n", "nk", "li", "nkosi", "nkosi li"):
        people = find_people(text, take=4)
        assert len(people) == 4, text
        active = [one.profile.metrics.last_activity_at for one in people]
        assert active == sorted(active, reverse=True), text
        assert active[0] >= now - timedelta(days=1), text
    assert len(found("nkosi", take=6)) == 6  # more than are among the recent


TERMS = (
    "nkosi",
    "nko",
    "n",
    "person7@example.com",
    "person77@ex",
    "123 45",
    "4711",
    "thandi nko",
    "gr-77",
    "nkosy",
)


def test_every_way_to_look_goes_by_the_index(tenant: Tenant) -> None:
    populate(tenant)
    with CaptureQueriesContext(connection) as queries:
        for text in TERMS:
            found(text)
    looked = [query["sql"] for query in queries if "@@" in query["sql"] or "stems &&" in query["sql"]]
    assert len(looked) > len(TERMS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customersearch, customers_searchword, customers_customermetrics")
        for index in ("customer_search_words", "search_word_stems"):  # as autovacuum does
            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [index])
        cursor.execute("SET LOCAL enable_seqscan = off")  # a small table is read as a whole for less
        for statement in looked:
            cursor.execute("EXPLAIN " + statement)
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan.replace("Subquery", ""), plan
            used = ("customer_search_words", "search_word_stems", "customers_customersearch_pkey")
            assert any(index in plan for index in used), plan


def populate(tenant: Tenant) -> None:
    """Two thousand people of some common names, and as many rare ones."""
    firsts, lasts = ("Thandi", "Sipho", "Anna", "Johan"), ("Nkosi", "Botha", "Dlamini", "Smith")
    people = [
        CustomerProfile(
            tenant=tenant, first_name=firsts[n % 4], last_name=lasts[n // 4 % 4], display_name=rare(n),
            email=f"person{n}@example.com", phone_number=f"+2782{n:07}",
        )
        for n in range(2000)
    ]  # fmt: skip
    CustomerProfile.objects.bulk_create(people)
    CustomerMetrics.objects.bulk_create([CustomerMetrics(tenant=tenant, customer=one) for one in people])


def rare(number: int) -> str:
    """A word of letters, another one for each number."""
    return "".join(chr(ord("a") + number // 12**place % 12) * 2 for place in range(4))
