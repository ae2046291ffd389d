"""A3.5: tags in one spelling, given and taken by API and staff, for one and for many, with acts; flags likewise."""

from typing import Any

import pytest
from django.db import connection

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.scope import tenant_scope
from customers import tags
from customers.models import CustomerProfile, FieldChange, Tag, TagMove
from customers.services import create_customer, update_customer
from tests.conftest import Api
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import LIST, at_most, staff_of
from timeline.models import Activity

BY = "key:a"
TAGS = "/admin/customers/tag/"


@pytest.fixture
def ann(tenant: Tenant) -> CustomerProfile:
    return create_customer({"first_name": "Ann", "tags": ["VIP"]}, {"email": "ann@example.com"}, by=BY)


def tagged(*names: str, **fields: Any) -> CustomerProfile:
    person = CustomerProfileFactory(**fields)
    tags.tag_one(person.pk, add=names, by=BY)
    return person


def tags_of(person: CustomerProfile) -> list[str]:
    return CustomerProfile.objects.get(pk=person.pk).tags


def acts_of(person: CustomerProfile) -> list[tuple[str, str]]:
    found = Activity.objects.filter(customer=person.pk, type__startswith="TAG_").order_by("id")
    return [(entry.type, entry.metadata["tag"]) for entry in found]


def test_the_api_gives_and_takes_tags_and_can_be_repeated(api: Api, ann: CustomerProfile) -> None:
    path = f"/api/v1/customers/{ann.pk}/tags"
    for _ in range(2):
        reply = api.post(path, {"tags": [" Winter   league ", "vip", "winter LEAGUE"]})
        assert (reply.status_code, reply.json()) == (200, {"tags": ["VIP", "Winter league"]})
    for _ in range(2):
        assert api.delete(f"{path}?tags=vip,unknown").json() == {"tags": ["Winter league"]}
    assert acts_of(ann) == [("TAG_ADDED", "Winter league"), ("TAG_REMOVED", "VIP")]
    news = OutboxMessage.objects.filter(topic="crm.profile.updated").order_by("id")
    assert [one.payload["tags"] for one in news] == [["VIP", "Winter league"], ["Winter league"]]
    kept = AuditEntry.objects.filter(action="customer.tagged").order_by("at")
    assert [entry.after for entry in kept] == [
        {"tags": ["VIP", "Winter league"]},
        {"tags": ["Winter league"]},
    ]
    assert FieldChange.objects.filter(field="tags").count() == 3


@pytest.mark.parametrize(
    "body", [{"tags": []}, {"tags": ["a,b"]}, {"tags": ["  "]}, {"tags": ["x" * 101]}, {}]
)
def test_what_can_be_no_tag_is_refused(api: Api, ann: CustomerProfile, body: Any) -> None:
    reply = api.post(f"/api/v1/customers/{ann.pk}/tags", body)
    assert reply.status_code == 400
    assert reply.json()["error"]["details"][0]["field"].startswith("tags")


def test_an_edit_of_the_whole_list_makes_the_same_acts_and_spelling(api: Api, ann: CustomerProfile) -> None:
    reply = api.patch(f"/api/v1/customers/{ann.pk}", {"tags": ["vip", "New", "new"]})
    assert reply.json()["tags"] == ["VIP", "New"]
    assert acts_of(ann) == [("TAG_ADDED", "New")]
    assert not Activity.objects.filter(type="PROFILE_UPDATED").exists()


def test_a_list_filter_knows_every_spelling(api: Api, ann: CustomerProfile) -> None:
    assert api.get("/api/v1/customers?tags=vip").json()["meta"]["total"] == 1
    assert api.get("/api/v1/customers?tags=vip,other").json()["meta"]["total"] == 0


def test_the_list_of_tags_counts_who_has_them(api: Api, ann: CustomerProfile, other_tenant: Tenant) -> None:
    tagged("vip", "Winter")
    tagged("winter", status="DELETED")
    with tenant_scope(other_tenant):
        tagged("VIP", "Theirs")
    assert api.get("/api/v1/tags?sort=-customers").json()["data"] == [
        {"name": "VIP", "customers": 2},
        {"name": "Winter", "customers": 1},
    ]


def test_tagging_many_costs_the_same_as_one_and_tells_of_each(tenant: Tenant) -> None:
    people = [CustomerProfileFactory() for _ in range(30)]
    tags.tag_one(people[0].pk, add=["Season"], by=BY)
    with at_most(14):
        assert tags.tag_many([one.pk for one in people], add=["season", "2026"], by="user:x") == 30
    assert all(tags_of(one) == ["Season", "2026"] for one in people)
    assert acts_of(people[0]) == [("TAG_ADDED", "Season"), ("TAG_ADDED", "2026")]
    assert tags.tag_many([one.pk for one in people], add=["season"], by="user:x") == 0


def test_a_tag_renamed_takes_everybody_along(ann: CustomerProfile) -> None:
    others = [tagged("VIP", "Other") for _ in range(3)]
    tag = tags.rename_tag(Tag.objects.get(key="vip"), "Very important", by="user:x")
    assert tag.name == "Very important"
    assert [tags_of(one) for one in (ann, *others)] == [
        ["Very important"],
        *[["Very important", "Other"]] * 3,
    ]
    assert not TagMove.objects.exists()
    assert ("TAG_REMOVED", "VIP") not in acts_of(ann)
    tags.rename_tag(tag, "VERY important", by="user:x")
    assert tags_of(ann) == ["VERY important"]


def test_a_tag_merged_into_another_leaves_one_of_both(ann: CustomerProfile) -> None:
    both = tagged("VIP", "Gold")
    vip = Tag.objects.get(key="vip")
    with pytest.raises(tags.Conflict):
        tags.rename_tag(vip, "gold", by="user:x")
    tags.rename_tag(vip, "gold", by="user:x", merge=True)
    assert (tags_of(ann), tags_of(both)) == (["Gold"], ["Gold"])
    assert [tag.name for tag in Tag.objects.all()] == ["Gold"]


def test_a_tag_removed_is_gone_from_everybody_with_an_act(ann: CustomerProfile, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        theirs = tagged("VIP")
    tags.remove_tag(Tag.objects.get(key="vip"), by="user:x")
    assert tags_of(ann) == []
    assert acts_of(ann) == [("TAG_REMOVED", "VIP")]
    with tenant_scope(other_tenant):
        assert tags_of(theirs) == ["VIP"]


def test_a_long_move_goes_on_where_it_was_left(ann: CustomerProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [tagged("VIP") for _ in range(5)]
    monkeypatch.setattr(tags, "BATCH", 2)
    monkeypatch.setattr(tags, "AT_ONCE", -1.0)
    tags.rename_tag(Tag.objects.get(key="vip"), "Gold", by="user:x")
    assert TagMove.objects.exists()
    tags.move_due(budget_seconds=60)
    assert {tuple(tags_of(one)) for one in (ann, *people)} == {("Gold",)}
    assert not TagMove.objects.exists()


def test_a_filter_by_tag_reads_its_index(tenant: Tenant) -> None:
    people = [
        CustomerProfile(tenant=tenant, tags=["VIP"] if number % 100 == 0 else ["Other"])
        for number in range(3000)
    ]
    CustomerProfile.objects.bulk_create(people)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customerprofile")
        cursor.execute("SET LOCAL enable_seqscan = off")  # 3,000 rows are soon read, a million are not
    plan = CustomerProfile.objects.filter(tags__contains=["VIP"]).order_by().explain()
    assert "customer_tags" in plan
    assert "customer_tags" in tags.with_people().explain()


# --- staff pages
def test_a_person_is_tagged_and_marked_on_their_page(ann: CustomerProfile) -> None:
    browser, path = staff_of(), f"{LIST}{ann.pk}/"
    browser.post(f"{path}tags/", {"add": "committee, winter"})
    browser.post(f"{path}tags/", {"remove": "VIP"})
    assert tags_of(ann) == ["committee", "winter"]
    browser.post(f"{path}mark/", {"mark": "is_vip", "on": "1"})
    browser.post(f"{path}mark/", {"mark": "is_blocked", "on": "1"})
    browser.post(f"{path}mark/", {"mark": "is_blocked", "on": ""})
    page = browser.text(path)
    for words in (
        "Marked as VIP",
        "Blocked",
        "No longer blocked",
        "Tagged: committee",
        "Take the VIP mark off",
    ):
        assert words in page, words
    assert browser.post(f"{path}mark/", {"mark": "status", "on": "1"}).status_code == 404
    assert "is no tag" in browser.post(f"{path}tags/", {"add": "x" * 120}, follow=True).content.decode()


def test_a_pinned_stage_is_lifted_with_a_click(ann: CustomerProfile) -> None:
    update_customer(ann.pk, {"lifecycle_pin": "MEMBER"}, by="user:x")
    browser = staff_of()
    assert "Lift the fixed stage" in browser.text(f"{LIST}{ann.pk}/")
    browser.post(f"{LIST}{ann.pk}/mark/", {"mark": "lifecycle_pin"})
    assert CustomerProfile.objects.get().lifecycle_stage == "SUBSCRIBER"


@pytest.mark.parametrize("role", ["STAFF", "VIEWER"])
def test_who_may_not_edit_does_not_tag(ann: CustomerProfile, role: str) -> None:
    browser = staff_of(role)
    for rest, form in (("tags/", {"add": "x"}), ("mark/", {"mark": "is_vip", "on": "1"})):
        assert browser.post(f"{LIST}{ann.pk}/{rest}", form).status_code == 403
    chosen = {"action": "tag_chosen", "index": "0", "_selected_action": str(ann.pk), "apply": "1", "add": "x"}
    browser.post(LIST, chosen)
    assert tags_of(ann) == ["VIP"]


def test_everybody_chosen_is_shown_and_then_tagged(ann: CustomerProfile) -> None:
    ben = CustomerProfileFactory(first_name="Ben")
    browser = staff_of("MARKETING")
    chosen = {"action": "tag_chosen", "index": "0", "_selected_action": [str(ann.pk), str(ben.pk)]}
    page = browser.post(LIST, chosen).content.decode()
    assert "2 people are chosen" in page
    assert "Ben" in page
    empty = browser.post(LIST, chosen | {"apply": "1", "add": " , "}).content.decode()
    assert "Name at least one tag" in empty
    done = browser.post(LIST, chosen | {"apply": "1", "add": "Season", "remove": "vip"}, follow=True)
    assert "2 people changed." in done.content.decode()
    assert (tags_of(ann), tags_of(ben)) == (["Season"], ["Season"])
    found = browser.text(LIST, tag="season")
    assert "Ben" in found


def test_staff_of_one_club_tag_their_own_people_only(ann: CustomerProfile) -> None:
    club = ClubFactory(refs=["c1"])
    mine = CustomerProfileFactory(home_club_ref="c1")
    browser = staff_of("MARKETING", clubs=(club,))
    chosen = {"action": "tag_chosen", "index": "0", "select_across": "1", "_selected_action": str(mine.pk)}
    browser.post(LIST, chosen | {"apply": "1", "add": "Season"})
    assert (tags_of(ann), tags_of(mine)) == (["VIP"], ["Season"])
    tag = Tag.objects.get(key="vip")
    assert browser.post(f"{TAGS}{tag.pk}/change/", {"name": "Other"}).status_code == 403
    assert browser.post(f"{TAGS}{tag.pk}/take-away/").status_code == 403


def test_tags_are_renamed_merged_and_taken_away_on_their_page(ann: CustomerProfile) -> None:
    tagged("Gold")
    browser, tag = staff_of(), Tag.objects.get(key="vip")
    page = browser.text(TAGS)
    assert "VIP 1" in page
    path = f"{TAGS}{tag.pk}/change/"
    assert "1 person has this tag" in browser.text(path)
    assert "There is a tag “Gold” already" in browser.post(path, {"name": "gold"}).content.decode()
    assert browser.post(path, {"name": "gold", "merge": "on"}).status_code == 302
    assert tags_of(ann) == ["Gold"]
    gold = Tag.objects.get()
    browser.post(f"{TAGS}{gold.pk}/take-away/")
    assert tags_of(ann) == []
