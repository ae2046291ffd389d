"""POST /api/v1/events, and looking at what came of them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile
from tests.factories import InboundEventFactory
from timeline.ingestion import process_due
from timeline.models import InboundEvent, SyncStatus

EVENTS = "/api/v1/events"


def event(name="e-1", **changes):
    base = {
        "id": name, "type": "scl.member.created", "timestamp": "2026-11-01T07:46:23Z", "source": "scl",
        "identity": {"sclMemberId": 48490, "email": "thabo@example.com"},
        "payload": {"id": 48490, "firstName": "Thabo", "lastName": "Nkosi", "status": "ACTIVE"},
    }  # fmt: skip
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def code_of(reply):
    return reply.json()["error"]["code"]


def statuses(reply):
    return [result["status"] for result in reply.json()["results"]]


def test_one_event_an_array_and_an_object_of_events_are_taken(api, tenant):
    for number, body in enumerate(
        [
            event("a"),
            [event("b"), event("c")],
            {"events": [event("d")]},
            {"events": [event("e")], "tenantId": tenant.slug},
        ]
    ):
        reply = api.post(EVENTS, body)
        assert reply.status_code == 202, number
        assert reply.json()["accepted"] == len(reply.json()["results"])
    assert InboundEvent.objects.count() == 5


def test_the_receipt_says_what_became_of_each(api):
    api.post(EVENTS, event("known"))
    reply = api.post(
        EVENTS,
        [event("new"), event("known"), event(timestamp=None), "text", event("new"), event("odd", type="x.y")],
    )
    body = reply.json()
    assert reply.status_code == 202
    assert statuses(reply) == ["ACCEPTED", "DUPLICATE", "REJECTED", "REJECTED", "DUPLICATE", "ACCEPTED"]
    assert [body[name] for name in ("accepted", "duplicates", "rejected")] == [2, 2, 2]
    assert [result["index"] for result in body["results"]] == [0, 1, 2, 3, 4, 5]
    assert [result["id"] for result in body["results"]] == ["new", "known", "e-1", None, "new", "odd"]
    error = body["results"][2]["error"]
    assert (error["code"], error["details"][0]["field"]) == ("VALIDATION_ERROR", "timestamp")
    assert "error" not in body["results"][0]


def test_a_bad_payload_is_accepted_and_becomes_a_dead_letter(api, tenant):
    assert (
        statuses(api.post(EVENTS, [event("bad", payload={"id": []}), event("odd", type="x.y")]))
        == ["ACCEPTED"] * 2
    )
    process_due(tenant)
    for name in ("bad", "odd"):
        shown = api.get(f"{EVENTS}/{name}").json()
        assert (shown["status"], shown["deadAt"] is not None, shown["errorCode"] is not None) == (
            "FAILED",
            True,
            True,
        )
    assert {row["eventId"] for row in api.get(EVENTS, {"dead": "true"}).json()["data"]} == {"bad", "odd"}


def test_all_rejected_is_422_with_the_receipt_beside_the_error(api):
    ahead = (timezone.now() + timedelta(days=2)).isoformat()
    reply = api.post(EVENTS, [event(timestamp=ahead), event(timestamp="1969-12-31T23:59:59Z"), 7])
    body = reply.json()
    assert (reply.status_code, body["error"]["code"], body["rejected"]) == (422, "EVENTS_REJECTED", 3)
    assert [detail["field"] for detail in body["error"]["details"]] == [
        "[0].timestamp",
        "[1].timestamp",
        "[2]",
    ]
    assert body["error"]["requestId"] == reply["X-Request-Id"]
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize(
    "body", ["7", '"x"', "null", "[]", '{"events": []}', '{"events": {}}', '{"events": null}', ""]
)
def test_a_body_without_events_is_400(api, body):
    assert api.generic("POST", EVENTS, body).status_code == 400


def test_something_beside_the_events_is_named(api):
    reply = api.post(EVENTS, {"events": [event()], "dryRun": True})
    assert (reply.status_code, code_of(reply)) == (400, "UNKNOWN_FIELD")
    assert not InboundEvent.objects.exists()


def test_more_than_a_thousand_is_413(api):
    many = [event(f"e-{number}", payload={}) for number in range(1001)]
    assert code_of(api.post(EVENTS, many)) == "PAYLOAD_TOO_LARGE"
    assert api.post(EVENTS, many[:1000]).json()["accepted"] == 1000


def test_another_tenants_events_are_refused(api, tenant, other_tenant):
    for body in (event(tenantId=other_tenant.slug), {"events": [event()], "tenantId": str(other_tenant.pk)}):
        assert (api.post(EVENTS, body).status_code, code_of(api.post(EVENTS, body))) == (
            403,
            "TENANT_MISMATCH",
        )
    reply = api.post(
        EVENTS, [event("theirs", tenantId=other_tenant.slug), event("ours", tenantId=tenant.slug)]
    )
    assert statuses(reply) == ["REJECTED", "ACCEPTED"]
    assert reply.json()["results"][0]["error"]["code"] == "TENANT_MISMATCH"
    assert list(InboundEvent.objects.values_list("event_id", flat=True)) == ["ours"]


def test_a_key_for_some_sources_sends_and_sees_only_those(api, tenant):
    api.post(EVENTS, event("scl"))
    shop = api.as_key_of(tenant, sources=["ecommerce"])
    reply = shop.post(EVENTS, [event("x"), event("y", source="ecommerce", type="order.created")])
    assert statuses(reply) == ["REJECTED", "ACCEPTED"]
    assert [row["eventId"] for row in shop.get(EVENTS).json()["data"]] == ["y"]
    assert shop.get(f"{EVENTS}/scl").status_code == 404
    assert shop.get(f"{EVENTS}/stats").json()["counts"] == [
        {"source": "ecommerce", "status": "PENDING", "count": 1}
    ]
    assert shop.post(f"{EVENTS}/scl/replay").status_code == 404


def test_odd_text_inside_one_event_costs_nobody_else(api):
    odd = json.dumps([event("ok"), event("odd", payload={"a": "x\0\ud800", "deep": None})])
    odd = odd.replace("null", "[" * 60 + "]" * 60)
    reply = api.generic("POST", EVENTS, odd)
    assert statuses(reply) == ["ACCEPTED", "REJECTED"]
    reply = api.generic("POST", EVENTS, json.dumps([event("nul", payload={"a": "x\0\ud800"})]))
    assert statuses(reply) == ["ACCEPTED"]


def test_numbers_beyond_what_doubles_hold_are_kept(api):
    reply = api.generic("POST", EVENTS, json.dumps(event("big", payload={"n": 2**63})))
    assert statuses(reply) == ["ACCEPTED"]
    assert api.get(f"{EVENTS}/big").json()["body"]["payload"]["n"] == 2**63


def test_ten_thousand_sent_twice_in_any_order_are_there_once(api):
    for start in (0, 500, 250, 0, 500):
        batch = [event(f"e-{number}", payload={}) for number in range(start, start + 500)]
        assert api.post(EVENTS, batch[::-1]).status_code == 202
    assert InboundEvent.objects.count() == 1000


def test_an_applied_event_leads_to_its_customer(api, tenant):
    api.post(EVENTS, event())
    process_due(tenant)
    shown = api.get(f"{EVENTS}/e-1").json()
    assert (shown["status"], shown["customerId"]) == ("SUCCESS", str(CustomerProfile.objects.get().pk))
    assert api.get(EVENTS, {"customerId": shown["customerId"]}).json()["meta"]["total"] == 1
    assert shown["body"] == event()


# --- looking
def test_filters_narrow_and_the_newest_arrival_is_first(api):
    now = timezone.now()
    failed = {"status": SyncStatus.FAILED, "dead_at": now, "is_waiting": False, "error_code": "X"}
    long_ago = now - timedelta(days=3)
    InboundEventFactory(event_id="old", received_at=long_ago, source="web", type="web.page_view")
    InboundEventFactory(event_id="failed", **failed)
    InboundEventFactory(event_id="busy", claimed_at=now)
    InboundEventFactory(event_id="new")
    found = lambda **query: [row["eventId"] for row in api.get(EVENTS, query).json()["data"]]  # noqa: E731
    assert found() == ["new", "busy", "failed", "old"]
    assert found(sort="receivedAt") == ["old", "failed", "busy", "new"]
    assert (
        found(source="web")
        == found(type="web.page_view")
        == found(to=(now - timedelta(days=2)).isoformat())
        == ["old"]
    )
    assert found(**{"from": (now - timedelta(days=2)).isoformat()}) == ["new", "busy", "failed"]
    assert found(status="PROCESSING") == ["busy"]
    assert found(status="PENDING") == ["new", "old"]
    assert found(status="FAILED,PROCESSING") == ["busy", "failed"]
    assert found(dead="true") == found(errorCode="X") == ["failed"]
    assert found(dead="false") == ["new", "busy", "old"]
    assert found(eventId="busy") == ["busy"]
    for query in ({"status": "NOPE"}, {"customerId": "x"}, {"from": "x"}, {"dead": "x"}, {"sort": "source"}):
        assert api.get(EVENTS, query).status_code == 400


def test_an_event_is_found_by_our_id_or_the_senders(api, other_tenant):
    mine = InboundEventFactory(event_id="c66f511b-3784-41fa-b502-b6a0256d0495", raw='{"a": 1}')
    twin = InboundEventFactory(event_id=mine.event_id, source="web")
    with tenant_scope(other_tenant):
        theirs = InboundEventFactory(event_id="theirs")
    assert api.get(f"{EVENTS}/{mine.pk}").json()["body"] == {"a": 1}
    assert api.get(f"{EVENTS}/{mine.event_id}").json()["id"] == str(twin.pk)
    for name in (theirs.pk, "theirs", "nothing", "%00", "x" * 500):
        reply = api.get(f"{EVENTS}/{name}")
        assert (reply.status_code, code_of(reply)) == (404, "EVENT_NOT_FOUND")
    mine.body.delete()
    assert api.get(f"{EVENTS}/{mine.pk}").json()["body"] is None


def test_stats_count_by_source_and_status(api):
    now = timezone.now()
    for status in (SyncStatus.SUCCESS, SyncStatus.SUCCESS, SyncStatus.FAILED):
        InboundEventFactory(
            status=status, is_waiting=False, dead_at=now if status == SyncStatus.FAILED else None
        )
    InboundEventFactory(received_at=now - timedelta(days=2))
    body = api.get(f"{EVENTS}/stats").json()
    assert body["counts"] == [
        {"source": "scl", "status": "FAILED", "count": 1}, {"source": "scl", "status": "SUCCESS", "count": 2},
    ]  # fmt: skip
    assert (body["waiting"], body["dead"]) == (1, 1)
    longer = api.get(f"{EVENTS}/stats", {"from": (now - timedelta(days=3)).isoformat()}).json()
    assert sum(row["count"] for row in longer["counts"]) == 4


def test_stats_tell_each_type_with_its_failures_repetitions_and_delay(api, tenant):
    now = timezone.now()
    ago = now - timedelta(seconds=60)
    for took in (10, 20):
        InboundEventFactory(
            type="scl.payment.received", status=SyncStatus.SUCCESS, is_waiting=False, duplicates=2, received_at=ago,
            processed_at=ago + timedelta(seconds=took),
        )  # fmt: skip
    InboundEventFactory(
        status=SyncStatus.FAILED, attempts=2, next_attempt_at=now - timedelta(seconds=5), received_at=ago
    )
    InboundEventFactory(
        status=SyncStatus.FAILED, attempts=1, next_attempt_at=now + timedelta(seconds=5), received_at=ago
    )
    body = api.get(f"{EVENTS}/stats").json()
    assert body["kinds"][0] == {
        "source": "scl", "type": "scl.member.created", "status": "FAILED", "count": 2, "attempts": 3, "duplicates": 0,
        "averageLagSeconds": None, "longestLagSeconds": None,
    }  # fmt: skip
    assert body["kinds"][1] == {
        "source": "scl", "type": "scl.payment.received", "status": "SUCCESS", "count": 2, "attempts": 0,
        "duplicates": 4,
        "averageLagSeconds": 15.0, "longestLagSeconds": 20.0,
    }  # fmt: skip
    assert (body["waiting"], body["retrying"], body["dead"]) == (2, 2, 0)
    assert 5 <= body["oldestDueSeconds"] < 60, (
        "one has waited since its retry was due, the other is not due yet"
    )
    idle = api.as_key_of(tenant, sources=["web"]).get(f"{EVENTS}/stats").json()
    assert (idle["kinds"], idle["oldestDueAt"], idle["oldestDueSeconds"]) == ([], None, None)


# --- again
def test_replaying_one_puts_it_back_in_the_queue(api):
    dead = InboundEventFactory(status=SyncStatus.FAILED, dead_at=timezone.now(), is_waiting=False, attempts=4)
    reply = api.post(f"{EVENTS}/{dead.event_id}/replay")
    assert (reply.status_code, reply.json()["status"], reply.json()["attempts"]) == (202, "PENDING", 0)
    again = api.post(f"{EVENTS}/{dead.pk}/replay")
    assert (again.status_code, code_of(again)) == (409, "RESOURCE_CONFLICT")


def test_replaying_many_takes_a_filter_and_can_be_tried_first(api, tenant):
    api.post(EVENTS, [event("bad", payload={"id": []}), event("odd", type="x.y")])
    process_due(tenant)
    skipped = InboundEventFactory(status=SyncStatus.SKIPPED, is_waiting=False)
    trial = api.post(f"{EVENTS}/replay", {"dryRun": True})
    assert (trial.status_code, trial.json()["count"], trial.json()["sample"]["failed"]) == (200, 2, 2)
    assert {group["type"] for group in trial.json()["groups"]} == {"scl.member.created", "x.y"}
    assert InboundEvent.objects.dead().count() == 2
    only = api.post(f"{EVENTS}/replay", {"filter": {"type": "x.y"}})
    assert (only.status_code, only.json()) == (202, {"replayed": 1})
    assert api.post(f"{EVENTS}/replay", {}).json() == {"replayed": 1}
    assert api.post(f"{EVENTS}/replay", {"filter": {"status": ["SKIPPED"]}}).json() == {"replayed": 1}
    skipped.refresh_from_db()
    assert skipped.is_waiting
    for body in ({"filter": {"nope": 1}}, {"filter": 7}, {"dryRun": "yes"}, {"filter": {"status": "FAILED"}}):
        assert api.post(f"{EVENTS}/replay", body).status_code == 400


def test_half_a_surrogate_pair_anywhere_is_never_a_500_and_the_others_are_kept(api: Any) -> None:
    good = {
        "id": "good",
        "type": "web.page_view",
        "timestamp": "2026-11-01T00:00:00Z",
        "payload": {"url": "x"},
    }
    reply = api.post("/api/v1/events", json.dumps([good, {**good, "id": "\ud800"}]))
    assert [result["status"] for result in reply.json()["results"]] == ["ACCEPTED", "REJECTED"]
    assert api.post("/api/v1/events", json.dumps({"events": [good], "\ud800": 1})).status_code == 400


@pytest.mark.parametrize("query", ["authUserId=%00", "externalIds[x]=%00", "externalIds[%00]=1"])
def test_a_nul_in_a_hint_is_a_400(api: Any, query: str) -> None:
    assert api.get(f"/api/v1/customers/resolve?{query}").status_code == 400


def test_a_nul_in_a_page_address_is_a_400(client: Any) -> None:
    assert client.get("/admin/customers/customerprofile/?q=%00").status_code == 400


def test_an_event_that_was_kept_with_half_a_surrogate_pair_can_be_read(api: Any) -> None:
    api.post(EVENTS, json.dumps(event("odd", payload={"id": 1, "note": "\ud800", "\udc00": "\U0001f3cc"})))
    reply = api.get(f"{EVENTS}/odd")
    assert reply.json()["body"]["payload"] == {"id": 1, "note": "?", "?": "\U0001f3cc"}


def test_a_rejected_id_is_not_echoed_at_length(api: Any) -> None:
    reply = api.post(EVENTS, event("x" * 10_000))
    assert len(reply.json()["results"][0]["id"]) == 200


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("ends", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_stretch_of_time_beyond_the_calendar_is_a_400(api: Any, name: str, ends: str) -> None:
    reply = api.get(f"{EVENTS}/stats", {name: ends})
    assert reply.status_code == 400
    assert reply.json()["error"]["details"] == [
        {"field": name, "code": "INVALID_FIELD", "message": "must be from 1900 to 2999"}
    ]
