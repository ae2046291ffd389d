"""GET /api/v1/customers."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from crm.rest import paging
from crm.tenancy.scope import tenant_scope
from customers.models import Status
from tests.factories import CustomerProfileFactory, hold

LIST = "/api/v1/customers"
DAY = datetime(2026, 11, 1, tzinfo=UTC)


def names(reply):
    assert reply.status_code == 200, reply.content
    return [row["lastName"] for row in reply.json()["data"]]


def code_of(reply):
    return reply.json()["error"]["code"]


def people(*last_names, **fields):
    return [CustomerProfileFactory(last_name=name, **fields) for name in last_names]


def test_it_lists_with_total_skip_take_and_has_more(api):
    people("A", "B", "C")
    body = api.get(LIST, {"take": 2, "sort": "lastName"}).json()
    assert [row["lastName"] for row in body["data"]] == ["A", "B"]
    cursor = body["meta"].pop("nextCursor")
    assert body["meta"] == {"total": 3, "skip": 0, "take": 2, "hasMore": True}
    assert names(api.get(LIST, {"cursor": cursor, "sort": "lastName"})) == ["C"]
    body = api.get(LIST, {"take": 2, "skip": 2, "sort": "lastName"}).json()
    assert body["meta"] == {"total": 3, "skip": 2, "take": 2, "hasMore": False}
    assert api.get(LIST, {"skip": 9}).json() == {
        "data": [], "meta": {"total": 3, "skip": 9, "take": 25, "hasMore": False},
    }  # fmt: skip


def test_the_most_recently_active_come_first_and_the_never_active_last(api):
    for name, day in [("Old", 1), ("Never", None), ("New", 9)]:
        CustomerProfileFactory(
            last_name=name, metrics={"last_activity_at": day and DAY + timedelta(days=day)}
        )
    assert names(api.get(LIST)) == ["New", "Old", "Never"]
    assert names(api.get(LIST, {"sort": "lastActivityAt"})) == ["Old", "New", "Never"]


@pytest.mark.parametrize("take", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "sort",
    [
        "",
        "lastActivityAt",
        "-engagementScore,lastName",
        "firstName,-lastActivityAt",
        "-updatedAt",
        "-lifetimeValue",
        "handicap,-membershipExpiry",
        "-memberSince,lastBookingAt,-activityCount30d",
    ],
)
def test_a_walk_by_cursor_sees_everyone_once_in_order(api, sort, take):
    for number in range(13):
        CustomerProfileFactory(
            first_name=["Ann", "Bo"][number % 2],
            last_name=f"N{number % 5}",
            handicap=None if number % 4 else number / 10,
            membership_expiry=None if number % 3 else f"2027-01-0{number % 9 + 1}",
            member_since=None if number % 2 else f"2020-01-0{number % 4 + 1}",
            metrics={
                "last_activity_at": None if number % 3 else DAY + timedelta(days=number // 4, microseconds=1),
                "engagement_score": number % 4,
            },
        )
    query = {"sort": sort} if sort else {}
    whole = [row["id"] for row in api.get(LIST, query | {"take": 100}).json()["data"]]
    walked, cursor = [], ""
    while cursor is not None:
        body = api.get(LIST, query | {"take": take, "cursor": cursor}).json()
        walked += [row["id"] for row in body["data"]]
        assert set(body["meta"]) == {"take", "hasMore", "nextCursor"}
        cursor = body["meta"]["nextCursor"]
    assert walked == whole
    assert len(set(whole)) == 13


def test_a_walk_is_not_disturbed_by_what_comes_in_behind_it(api):
    people("C", "D", "E")
    cursor = api.get(LIST, {"sort": "lastName", "take": 1, "cursor": ""}).json()["meta"]["nextCursor"]
    people("A", "B")
    assert names(api.get(LIST, {"sort": "lastName", "cursor": cursor})) == ["D", "E"]


def test_a_cursor_that_is_none_is_400(api, tenant, other_tenant):
    people("A", "B")
    with tenant_scope(other_tenant):
        people("A", "B")
    cursor = api.get(LIST, {"take": 1, "cursor": ""}).json()["meta"]["nextCursor"]
    theirs = api.as_key_of(other_tenant).get(LIST, {"take": 1, "cursor": ""}).json()["meta"]["nextCursor"]
    for bad in ("x", "null", "W10=", cursor[:-1], cursor + "x", cursor.swapcase(), theirs, "a:b:c", "é"):
        reply = api.get(LIST, {"cursor": bad})
        assert (reply.status_code, reply.json()["error"]["details"][0]["field"]) == (400, "cursor")
    assert api.get(LIST, {"cursor": cursor, "sort": "lastName"}).status_code == 400
    assert api.get(LIST, {"cursor": cursor, "skip": 1}).status_code == 400


@pytest.mark.parametrize(
    "query",
    [{"take": 101}, {"take": 0}, {"take": -1}, {"take": "x"}, {"take": "1e2"}, {"take": ""}, {"skip": -1},
     {"skip": 10_001}, {"skip": "9" * 30}, {"sort": "password"}, {"sort": "metrics__engagement_score"},
     {"sort": "--lastName"}, {"sort": "?"}, {"fields": "id,secret"},
     {"status": "NOPE"}, {"status": ""}, {"lifecycleStage": "Chief"}, {"emailOptIn": "maybe"},
     {"engagementMin": 101}, {"engagementMin": "1;drop table"}, {"createdAfter": "yesterday"},
     {"createdAfter": "0000-01-01T00:00:00Z"}, {"createdAfter": "0001-01-01T00:00:00+14:00"},
     {"updatedSince": "99999-01-01T00:00:00Z"}, {"type": "x"}, {"customerType": "x"}, {"isVip": "perhaps"},
     {"engagementMax": -1}, {"churnRiskMax": 101}, {"lifetimeValueMin": "1.5"}, {"membershipExpiryAfter": "2027"},
     {"lastActivityBefore": "soon"}, {"tagsAny": ""}, {"homeClubId": "x" * 101}, {"nonsense": 1}, {"country": "GBR"},
     {"tags": ""}, {"search": "a\0b"}, {"source": "\0"}, {"tags": "a\0b"}, {"customFields.x": "1"}],
)  # fmt: skip
def test_parameters_out_of_bounds_are_400_with_a_path(api, query):
    reply = api.get(LIST, query)
    assert (reply.status_code, len(reply.json()["error"]["details"])) == (400, 1)


INJECTED = (
    "' OR '1'='1", "1; DROP TABLE customers_customerprofile;--", "') UNION SELECT NULL--", "pg_sleep(5)",
    "' || pg_sleep(5) || '", "%%%%", "_____", "email__startswith", "tenant__slug", "provenance", "-pk", "?",
    "metrics__tenant__slug", "id,(SELECT 1)", "{}", "\\", "$1", "\u202e",
)  # fmt: skip


@pytest.mark.parametrize("text", INJECTED)
def test_no_text_reaches_the_database_as_anything_but_text(api, text):
    people("A")
    names_ = (
        "search",
        "sort",
        "fields",
        "status",
        "source",
        "tags",
        "type",
        "cursor",
        "updatedSince",
        "skip",
        text,
    )
    for name in names_:
        reply = api.get(LIST, {name: text})
        assert reply.status_code in (200, 400), name
        if reply.status_code == 200:
            assert reply.json()["data"] == [], name
        else:
            assert reply.json()["error"]["details"], name


def test_sparse_fields_give_just_those(api):
    people("A")
    (row,) = api.get(LIST, {"fields": "lastName,engagementScore"}).json()["data"]
    assert row == {"lastName": "A", "engagementScore": 0}


def test_merged_and_deleted_people_show_only_when_asked_for(api):
    winner, *_ = people("Active")
    people("Inactive", status=Status.INACTIVE)
    people("Deleted", status=Status.DELETED)
    people("Merged", status=Status.MERGED, merged_into=winner)
    assert set(names(api.get(LIST))) == {"Active", "Inactive"}
    assert names(api.get(LIST, {"status": "MERGED"})) == ["Merged"]
    assert set(names(api.get(LIST + "?status=MERGED,DELETED"))) == {"Merged", "Deleted"}
    assert set(names(api.get(LIST + "?status=MERGED&status=DELETED"))) == {"Merged", "Deleted"}


def test_each_filter_narrows(api):
    CustomerProfileFactory(
        last_name="Hit", lifecycle_stage="LEAD", email_opt_in=True, tags=["vip", "golf"], source="scl",
        customer_type="WHOLESALE", created_at=DAY, updated_at=DAY, is_vip=True, is_blocked=True, is_pending=True,
        email_verified=True, phone_verified=True, sms_opt_in=False, push_opt_in=True,
        whatsapp_opt_in=True, gdpr_consent=True, country="GB", language="en-GB", home_club_ref="club-fynbos",
        membership_tier="Gold", membership_status="ACTIVE", membership_expiry="2027-01-01",
        metrics={"engagement_score": 80, "churn_risk_score": 70, "lifetime_value_cents": 5, "last_activity_at": DAY},
    )  # fmt: skip
    now = timezone.now()
    CustomerProfileFactory(
        last_name="Miss", email_opt_in=False, tags=["golf"], created_at=now, updated_at=now
    )
    CustomerProfileFactory(last_name="Guest", is_light=True, tags=["vip"], source="scl")
    assert names(api.get(LIST, {"isLight": "true"})) == ["Guest"]
    before, after = "2026-10-31T00:00:00Z", "2026-11-02T00:00:00Z"
    for query in (
        {"lifecycleStage": "LEAD"}, {"emailOptIn": "true"}, {"tags": "vip"}, {"tags": "golf,vip"},
        {"source": "scl"}, {"type": "WHOLESALE"}, {"engagementMin": 80}, {"churnRiskMin": 70},
        {"createdAfter": before, "createdBefore": after}, {"search": "hit"}, {"customerType": "WHOLESALE,AFFILIATE"},
        {"tagsAny": "vip,nothing"}, {"source": "scl,web"}, {"isVip": "true"}, {"isBlocked": "true"},
        {"isPending": "true"}, {"isLight": "false", "isVip": "true"}, {"emailVerified": "true"},
        {"phoneVerified": "true"},
        {"smsOptIn": "false"},
        {"pushOptIn": "true"}, {"whatsappOptIn": "true"}, {"gdprConsent": "true"}, {"country": "GB,IE"},
        {"language": "en-GB"}, {"homeClubId": "club-fynbos"}, {"membershipTier": "Gold,Silver"},
        {"membershipStatus": "ACTIVE"}, {"membershipExpiryAfter": "2027-01-01", "membershipExpiryBefore": "2027-01-02"},
        {"engagementMin": 80, "engagementMax": 80}, {"churnRiskMin": 1, "churnRiskMax": 70},
        {"lifetimeValueMin": 5, "lifetimeValueMax": 5}, {"updatedBefore": after}, {"lastActivityAfter": before},
        {"lastActivityAfter": before, "lastActivityBefore": after},
    ):  # fmt: skip
        assert names(api.get(LIST, query)) == ["Hit"], query
    for query in (
        {"emailOptIn": "false"},
        {"createdAfter": after},
        {"updatedSince": after},
        {"search": "Mis"},
    ):
        assert names(api.get(LIST, query)) == ["Miss"], query
    assert len(names(api.get(LIST, {"updatedSince": before}))) == 2
    assert names(api.get(LIST, {"tags": "vip,nothing"})) == []


def test_search_finds_by_identifier_and_by_the_start_of_names(api):
    nkosi = CustomerProfileFactory(
        first_name="Thandi", last_name="Nkosi", email="thandi@example.com", phone_number="+27821234567",
        scl_member_id=4711,
    )  # fmt: skip
    family = CustomerProfileFactory(first_name="Sipho", last_name="van der Merwe", email="")
    hold(family, "phoneNumber", "+27820000001")
    for text in ("THANDI@example.com ", "082 123 4567", "+27 82 123 4567", "4711", "nko", "Than", "thandi nko",
                 "Nkosi Thandi"):  # fmt: skip
        assert names(api.get(LIST, {"search": text})) == ["Nkosi"], text
    for text in ("0820000001", "van der", "van der merwe", "sipho van"):
        assert names(api.get(LIST, {"search": text})) == ["van der Merwe"], text
    for text in ("kosi", "nobody@example.com", "%", "_", "x' OR '1'='1"):
        assert names(api.get(LIST, {"search": text})) == [], text
    assert len(names(api.get(LIST, {"search": ""}))) == 2
    assert nkosi.pk


def test_totals_are_exact_up_to_a_bound_and_an_estimate_beyond(api, monkeypatch):
    people(*"ABCDEF")
    monkeypatch.setattr(paging, "FARTHEST", 5)
    meta = api.get(LIST, {"take": 2}).json()["meta"]
    assert meta["totalIsExact"] is False
    assert meta["total"] >= 6
    assert api.get(LIST, {"take": 2, "search": "A"}).json()["meta"]["total"] == 1


def test_a_page_costs_a_handful_of_queries(api, django_assert_max_num_queries):
    people(*[f"N{number}" for number in range(30)])
    api.get(LIST)
    with django_assert_max_num_queries(4):
        assert len(names(api.get(LIST))) == 25
