"""The segment endpoints."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.scope import tenant_scope
from crm.tenancy.setup import open_tenant
from customers.merging import merge_customers
from segments import membership, previews
from segments.models import Segment, SegmentEntry, SegmentMember
from segments.ready_made import furnish_segments
from segments.services import create_segment
from tests.conftest import Api
from tests.factories import ClubFactory, CustomerProfileFactory, CustomFieldFactory
from tests.pages import at_most, log_in, member
from tests.segments.test_membership import BY, VIP, follow, made, members

LIST = "/api/v1/segments"


def one(segment: Segment, *more: str) -> str:
    return "/".join([LIST, str(segment.pk), *more])


def test_a_segment_is_made_read_changed_and_deleted(api: Api) -> None:
    reply = api.post(LIST, {"name": "VIPs", "criteria": VIP, "category": "VALUE"})
    assert reply.status_code == 201, reply.content
    body = reply.json()
    assert body["criteria"] == {"combinator": "AND", "rules": VIP}
    assert (body["state"], body["refreshFrequency"], body["memberCount"]) == ("STALE", "LIVE", 0)
    where = reply["Location"]
    read = api.get(where)
    assert read["ETag"] == reply["ETag"]
    changed = api.patch(where, {"refreshFrequency": "DAILY"}, headers={"If-Match": read["ETag"]})
    assert changed.json()["refreshFrequency"] == "DAILY"
    assert api.patch(where, {"name": "x"}, headers={"If-Match": read["ETag"]}).status_code == 412
    assert api.delete(where).status_code == 204
    assert api.get(where).json()["error"]["code"] == "SEGMENT_NOT_FOUND"
    actions = AuditEntry.objects.filter(object_type="segment").order_by("at").values_list("action", flat=True)
    assert list(actions) == ["segment.created", "segment.changed", "segment.deleted"]


@pytest.mark.parametrize(
    ("body", "status", "code", "fields"),
    [
        ({"name": "x", "criteria": [{"field": "handicup", "operator": "lte", "value": 1}]}, 422,
         "INVALID_SEGMENT_RULE", ["rules[0].field"]),
        ({"name": "x", "criteria": {"rules": [{"field": "handicap", "operator": "lte", "value": "low"},
                                              {"field": "isVip", "operator": "near", "value": 1}]}}, 422,
         "INVALID_SEGMENT_RULE", ["rules[0].value", "rules[1].operator"]),
        ({"name": "x"}, 422, "INVALID_SEGMENT_RULE", ["criteria"]),
        ({"name": " ", "criteria": VIP}, 400, "VALIDATION_ERROR", ["name"]),
        ({"name": "x", "type": "STATIC", "criteria": VIP}, 400, "VALIDATION_ERROR", ["criteria"]),
        ({"name": "x", "type": "STATIC", "refreshFrequency": "LIVE"}, 400, "VALIDATION_ERROR", ["refreshFrequency"]),
        ({"name": "x", "criteria": "all"}, 400, "VALIDATION_ERROR", ["criteria"]),
        ({"name": "x", "criteria": VIP, "colour": "red"}, 400, "UNKNOWN_FIELD", ["colour"]),
        ({"name": "x", "criteria": VIP, "clubId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90"}, 400, "VALIDATION_ERROR",
         ["clubId"]),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_with_its_place(
    api: Api, body: dict[str, Any], status: int, code: str, fields: list[str]
) -> None:
    reply = api.post(LIST, body)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code), error
    assert [detail["field"] for detail in error["details"]] == fields
    assert not Segment.objects.exists()


def test_a_taken_name_is_a_conflict_and_can_be_used_again_once_it_is_free(api: Api) -> None:
    first = api.post(LIST, {"name": "VIPs", "criteria": VIP}).json()
    second = api.post(LIST, {"name": "VIPs", "criteria": VIP})
    assert second.status_code == 409
    assert second.json()["error"]["details"][0]["message"] == first["id"]
    api.delete(f"{LIST}/{first['id']}")
    assert api.post(LIST, {"name": "VIPs", "criteria": VIP}).status_code == 201


def test_segments_may_speak_of_each_other_but_not_in_a_circle(api: Api) -> None:
    def of(*ids: str) -> list[dict[str, Any]]:
        return [{"field": "segments", "operator": "in", "value": list(ids)}]

    base = api.post(LIST, {"name": "base", "criteria": VIP}).json()["id"]
    left = api.post(LIST, {"name": "left", "criteria": of(base)}).json()["id"]
    right = api.post(LIST, {"name": "right", "criteria": of(base)}).json()["id"]
    top = api.post(LIST, {"name": "top", "criteria": of(left, right)})
    assert top.status_code == 201, "two ways to the same one are no circle"
    for criteria, code in (
        (of(top.json()["id"]), "CYCLIC_SEGMENTS"),
        (of("0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90"), "SEGMENT_NOT_FOUND"),
    ):
        reply = api.patch(f"{LIST}/{base}", {"criteria": criteria})
        assert reply.status_code == 422
        assert reply.json()["error"]["details"][0]["code"] == code
    used = api.delete(f"{LIST}/{base}")
    assert (used.status_code, used.json()["error"]["code"]) == (409, "SEGMENT_IN_USE")
    assert {detail["message"].split(" (")[0] for detail in used.json()["error"]["details"]} == {
        "left",
        "right",
    }
    assert [use["name"] for use in api.get(f"{LIST}/{base}/consumers").json()["data"]] == ["left", "right"]


def test_members_are_listed_with_who_put_them_in(api: Api) -> None:
    vip = CustomerProfileFactory(is_vip=True, metrics={"engagement_score": 40})
    other = CustomerProfileFactory(metrics={"engagement_score": 90})
    segment = made()
    until = (timezone.now() + timedelta(days=3)).isoformat()
    reply = api.post(one(segment, "members"), {"members": [
        {"customerId": str(other.pk), "reason": "Sponsor", "confidence": 80, "expiresAt": until},
        {"customerId": str(vip.pk)}, {"customerId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90"},
    ]})  # fmt: skip
    assert reply.status_code == 200, reply.content
    assert [result["status"] for result in reply.json()["results"]] == ["ADDED", "UNCHANGED", "REJECTED"]
    assert reply.json()["results"][2]["error"]["code"] == "CUSTOMER_NOT_FOUND"
    assert reply.json()["memberCount"] == 2
    with at_most(12):
        rows = api.get(one(segment, "members") + "?sort=-engagementScore").json()["data"]
    assert [row["engagementScore"] for row in rows] == [90, 40]
    assert (rows[0]["assignedBy"], rows[0]["reason"], rows[0]["confidence"]) == ("MANUAL", "Sponsor", 80)
    assert rows[0]["expiresAt"] and rows[0]["assignedByActor"].startswith("key:")
    gone = api.delete(one(segment, "members") + f"?customerIds={other.pk},{vip.pk}")
    assert [result["status"] for result in gone.json()["results"]] == ["REMOVED", "REMOVED"]
    assert members(segment) == set()
    log = api.get(one(segment, "changes") + f"?customerId={vip.pk}").json()["data"]
    assert [(row["change"], row["cause"]) for row in log] == [("LEFT", "BY_HAND"), ("JOINED", "FIRST_FILL")]


def test_a_merged_id_puts_in_who_is_there_now(api: Api) -> None:
    winner, loser = CustomerProfileFactory(), CustomerProfileFactory()
    merge_customers(winner.pk, loser.pk, by=BY)
    segment = made(None, type="STATIC")
    reply = api.post(one(segment, "members"), {"members": [{"customerId": str(loser.pk)}]})
    assert reply.json()["results"] == [{"customerId": str(winner.pk), "status": "ADDED"}]


def test_adding_again_with_the_same_key_is_done_once(api: Api) -> None:
    person, segment = CustomerProfileFactory(), made(None, type="STATIC")
    for _ in range(2):
        reply = api.post(
            one(segment, "members"),
            {"members": [{"customerId": str(person.pk)}]},
            headers={"Idempotency-Key": "a"},
        )
        assert reply.json()["results"][0]["status"] == "ADDED"
    assert SegmentEntry.objects.count() == 1


def test_a_refresh_is_asked_for_and_done_by_a_worker(api: Api) -> None:
    segment = made(refresh_frequency="MANUAL")
    person = CustomerProfileFactory(is_vip=True)
    reply = api.post(one(segment, "refresh"))
    assert (reply.status_code, reply.json()["nextRefreshAt"] is not None) == (202, True)
    membership.refresh_due()
    assert members(segment) == {person.pk}


def test_copies_and_snapshots(api: Api) -> None:
    vip, other = CustomerProfileFactory(is_vip=True), CustomerProfileFactory()
    segment = made()
    api.post(one(segment, "members"), {"members": [{"customerId": str(other.pk)}]})
    copy = api.post(one(segment, "clone"))
    again = api.post(one(segment, "clone"))
    assert (copy.json()["name"], again.json()["name"]) == ("VIPs (Copy)", "VIPs (Copy) 2")
    assert copy["Location"] == f"{LIST}/{copy.json()['id']}"
    frozen = api.post(one(segment, "snapshot"), {"name": "VIPs of today"}).json()
    assert (frozen["type"], frozen["name"]) == ("STATIC", "VIPs of today")
    membership.refresh_due()
    assert members(Segment(pk=copy.json()["id"])) == {vip.pk, other.pk}
    type(vip).objects.update(is_vip=False)
    follow()
    assert members(segment) == {other.pk}
    assert members(Segment(pk=frozen["id"])) == {vip.pk, other.pk}


def test_rules_are_tried_out(api: Api) -> None:
    for _ in range(3):
        CustomerProfileFactory(is_vip=True)
    CustomerProfileFactory()
    found = api.post(f"{LIST}/preview", {"criteria": VIP}).json()
    assert (found["count"], len(found["sample"]), found["warnings"]) == (3, 3, [])
    for value, code in ((None, "EVERYBODY"), ("Nobody at all", "NOBODY")):
        rule = {"field": "lastName", "operator": "isNotNull"} | (
            {"operator": "eq", "value": value} if value else {}
        )
        assert api.post(f"{LIST}/preview", {"criteria": [rule]}).json()["warnings"][0]["code"] == code
    assert not Segment.objects.exists()


def test_a_preview_that_takes_too_long_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "PATIENCE", 0.05)
    slow = previews.matching

    def sleepy(*given: Any, **options: Any) -> Any:
        return slow(*given, **options).extra(where=["pg_sleep(1) IS NOT NULL"])

    monkeypatch.setattr(previews, "matching", sleepy)
    CustomerProfileFactory(is_vip=True)
    found = api.post(f"{LIST}/preview", {"criteria": VIP}).json()
    assert (found["count"], found["sample"]) == (None, [])
    assert found["warnings"][0]["code"] == "SLOW"
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_overlap(api: Api) -> None:
    for fields in ({"is_vip": True}, {"is_vip": True, "country": "ZA"}, {"country": "ZA"}, {"country": "ZA"}):
        CustomerProfileFactory(**fields)
    vips, at_home = made(), made([{"field": "country", "operator": "eq", "value": "ZA"}], name="ZA")
    found = api.get(one(vips, "overlap") + f"?with={at_home.pk}").json()
    assert (found["both"], found["onlyHere"], found["onlyThere"], found["share"]) == (1, 1, 2, 0.25)


def test_the_list_is_filtered_sorted_and_walked(api: Api) -> None:
    for name, kind in (("B", "DYNAMIC"), ("A", "STATIC"), ("C", "DYNAMIC")):
        create_segment(name, by=BY, type=kind, criteria=VIP if kind == "DYNAMIC" else None)

    def names(query: str) -> list[str]:
        return [row["name"] for row in api.get(f"{LIST}?{query}").json()["data"]]

    assert names("") == ["A", "B", "C"]
    assert names("sort=-name&type=DYNAMIC") == ["C", "B"]
    assert names("state=STALE") == ["B", "C"]
    assert names("search=c") == ["C"]
    page = api.get(f"{LIST}?take=2&cursor=&fields=name").json()
    assert page["data"] == [{"name": "A"}, {"name": "B"}]
    assert api.get(f"{LIST}?cursor={page['meta']['nextCursor']}").json()["data"][0]["name"] == "C"


def test_system_segments_stay(api: Api) -> None:
    segment = create_segment("Gold", by=BY, criteria=VIP, is_system=True, key="gold")
    for reply in (api.delete(one(segment)), api.patch(one(segment), {"criteria": [*VIP, *VIP]})):
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "SYSTEM_SEGMENT")
    assert api.patch(one(segment), {"name": "Platinum", "isActive": False}).status_code == 200


def test_staff_of_a_club_see_its_people_and_its_segments_only(tenant: Tenant) -> None:
    mine, theirs = ClubFactory(refs=["mine"]), ClubFactory(refs=["theirs"])
    seen = CustomerProfileFactory(is_vip=True, home_club_ref="mine")
    CustomerProfileFactory(is_vip=True, home_club_ref="theirs")
    segment, other = made(), made(name="Theirs", club_id=theirs.pk)
    made(name="Mine", club_id=mine.pk)
    browser = log_in(member("STAFF", clubs=[mine]).user)
    assert [row["name"] for row in browser.get(LIST).json()["data"]] == ["Mine", "VIPs"]
    assert browser.get(one(other)).status_code == 404
    rows = browser.get(one(segment, "members")).json()["data"]
    assert [row["customerId"] for row in rows] == [str(seen.pk)]
    assert rows[0]["engagementScore"] is None, "scores are kept from staff"
    assert (
        browser.get(one(segment, "members") + "?sort=engagementScore").json()["error"]["code"]
        == "FIELD_MASKED"
    )


def test_a_customer_tells_their_segments_and_is_found_by_one(api: Api) -> None:
    vip, _ = CustomerProfileFactory(is_vip=True), CustomerProfileFactory()
    segment, listed = made(), made(None, type="STATIC", name="A list")
    api.post(one(listed, "members"), {"members": [{"customerId": str(vip.pk)}]})
    person = api.get(f"/api/v1/customers/{vip.pk}").json()
    assert [row["name"] for row in person["segments"]] == ["A list", "VIPs"]
    assert person["segments"][1]["id"] == str(segment.pk)
    chosen = api.get(f"/api/v1/customers/{vip.pk}?fields=id,segments").json()
    assert chosen.keys() == {"id", "segments"}
    found = api.get(f"/api/v1/customers?segmentId={segment.pk}").json()["data"]
    assert [row["id"] for row in found] == [str(vip.pk)]
    assert api.get("/api/v1/customers?segmentId=x").status_code == 400


def test_it_says_why_somebody_is_in_it(api: Api, tenant: Tenant) -> None:
    person = CustomerProfileFactory(is_vip=True, metrics={"churn_risk_score": 20})
    segment = made([*VIP, {"field": "churnRiskScore", "operator": "gte", "value": 60}])
    found = api.get(one(segment, "explain") + f"?customerId={person.pk}").json()
    assert (found["isMember"], found["belongs"], found["matchesRules"]) == (False, False, False)
    vip, churn = found["rules"]
    assert (vip["path"], vip["holds"], vip["actual"], vip["decides"]) == ("rules[0]", True, True, False)
    assert (churn["holds"], churn["actual"], churn["decides"], churn["masked"]) == (False, 20, True, False)
    api.post(one(segment, "members"), {"members": [{"customerId": str(person.pk), "reason": "Sponsor"}]})
    found = api.get(one(segment, "explain") + f"?customerId={person.pk}").json()
    assert (found["isMember"], found["belongs"], found["byHand"]["reason"]) == (True, True, "Sponsor")
    viewer = log_in(member("VIEWER").user)
    churn = viewer.get(one(segment, "explain") + f"?customerId={person.pk}").json()["rules"][1]
    assert (churn["holds"], churn["actual"], churn["masked"]) == (None, None, True)


def test_what_rules_can_be_about(api: Api) -> None:
    CustomFieldFactory(key="size", type="ENUM", choices=["L", "XL"])
    found = api.get(f"{LIST}/fields").json()
    fields = {field["name"]: field for field in found["fields"]}
    assert "lte" in fields["handicap"]["operators"]
    assert [choice["value"] for choice in fields["customFields.size"]["choices"]] == ["L", "XL"]
    assert {"activities", "bookings"} <= {relation["name"] for relation in found["relations"]}
    assert api.get(f"{LIST}/schema").json()["$schema"].startswith("https://json-schema.org/")


def test_every_template_can_be_used_as_it_is(api: Api) -> None:
    shelf = api.get(f"{LIST}/templates").json()["data"]
    assert len(shelf) >= 18
    for template in shelf:
        body = {name: value for name, value in template.items() if name not in ("key", "group")}
        reply = api.post(LIST, body)
        assert reply.status_code == 201, (template["key"], reply.content)


def test_every_tenant_has_the_automatic_segments_once(db: None) -> None:
    tenant = open_tenant("new-group", "New Group", by=BY)
    with tenant_scope(tenant):
        there = Segment.objects.filter(is_system=True)
        keys = set(there.values_list("key", flat=True))
        assert {"valueHigh", "stageMember"} <= keys
        there.filter(key="valueHigh").update(name="Our best")
        assert furnish_segments(by=BY) == 0
        person = CustomerProfileFactory(lifecycle_stage="MEMBER", metrics={"lifetime_value_cents": 60_000})
        membership.refresh_due(budget_seconds=120)
        mine = Segment.objects.filter(pk__in=SegmentMember.objects.filter(customer=person).values("segment"))
        assert {"valueHigh", "stageMember"} <= set(mine.values_list("key", flat=True))
