"""The campaign and message endpoints."""

from typing import Any

import pytest

from campaigns import audience, sending
from campaigns.models import Campaign, CampaignRun, Message
from campaigns.queue import database_now
from crm.tenancy.models import AuditEntry, Tenant
from tests.campaigns.making import campaign, list_of, people, words
from tests.conftest import Api

LIST = "/api/v1/campaigns"


def one(found: Campaign, *more: str) -> str:
    return "/".join([LIST, str(found.pk), *more])


def test_a_campaign_is_made_changed_scheduled_and_seen_through(api: Api) -> None:
    who = people(3)
    body = {
        "name": "Offer", "channels": ["EMAIL"], "segmentId": str(list_of(who).pk), "emailTemplateId": str(words().pk),
    }  # fmt: skip
    reply = api.post(LIST, body)
    assert reply.status_code == 201, reply.content
    made = reply.json()
    assert (made["status"], made["segmentIds"], made["segmentName"]) == (
        "DRAFT",
        [body["segmentId"]],
        "Some people",
    )
    assert [(variant["name"], variant["emailTemplateId"]) for variant in made["variants"]] == [
        ("A", body["emailTemplateId"])
    ]
    where = reply["Location"]
    changed = api.patch(where, {"perMinute": 6000}, headers={"If-Match": reply["ETag"]})
    assert changed.json()["perMinute"] == 6000
    assert api.patch(where, {"name": "x"}, headers={"If-Match": reply["ETag"]}).status_code == 412
    assert api.get(f"{where}/preflight").json()["ok"] is True
    scheduled = api.post(f"{where}/schedule", {"scheduledAt": "2099-01-01T09:00:00+02:00"}).json()
    assert (scheduled["status"], scheduled["scheduledAt"]) == ("SCHEDULED", "2099-01-01T07:00:00Z")
    assert api.patch(where, {"segmentIds": []}).json()["error"]["code"] == "CAMPAIGN_ALREADY_ACTIVE"
    assert api.post(f"{where}/schedule").json()["error"]["code"] == "CAMPAIGN_ALREADY_ACTIVE"
    assert api.post(f"{where}/unschedule").json()["status"] == "DRAFT"
    assert api.post(f"{where}/unschedule").json()["error"]["code"] == "CAMPAIGN_NOT_SCHEDULED"
    assert api.post(f"{where}/execute").json()["status"] == "ACTIVE"
    assert api.delete(where).json()["error"]["code"] == "CAMPAIGN_NOT_DRAFT"
    assert api.post(f"{where}/pause").json()["status"] == "PAUSED"
    assert api.post(f"{where}/resume").json()["status"] == "ACTIVE"
    audience.build(CampaignRun.objects.get())
    stats, recipients = api.get(f"{where}/stats").json(), api.get(f"{where}/recipients").json()
    assert [row["state"] for row in recipients["data"]] == ["QUEUED"] * 3
    assert (stats["runs"][0]["targetCount"], stats["lift"]) == (3, None)
    assert api.post(f"{where}/cancel").json()["status"] == "CANCELLED"
    assert {row["reason"] for row in api.get(f"{where}/recipients?state=CANCELLED").json()["data"]} == {
        "CANCELLED"
    }


@pytest.mark.parametrize(
    ("act", "body", "status", "code"),
    [
        ("schedule", {"scheduledAt": "2020-01-01T00:00:00Z"}, 422, "INVALID_SCHEDULE"),
        ("pause", None, 409, "CAMPAIGN_NOT_ACTIVE"),
        ("resume", None, 409, "CAMPAIGN_NOT_PAUSED"),
        ("approve", None, 409, "APPROVAL_NOT_NEEDED"),
        ("winner", {"variantId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90"}, 409, "CAMPAIGN_NOT_ACTIVE"),
    ],
)
def test_what_its_state_does_not_allow_is_refused(
    api: Api, act: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    reply = api.post(one(campaign(people(1)), act), body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_without_a_segment_it_is_not_scheduled(api: Api) -> None:
    reply = api.post(one(campaign(), "schedule"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "SEGMENT_REQUIRED")


def test_a_service_message_needs_a_right_of_its_own(api: Api, tenant: Tenant) -> None:
    marketer = api.as_key_of(tenant, scopes=["crm:read", "crm:campaigns"])
    body = {"name": "Closed today", "channels": ["EMAIL"], "messageClass": "TRANSACTIONAL"}
    assert marketer.post(LIST, body).json()["error"]["code"] == "SCOPE_REQUIRED"
    made = api.post(LIST, body).json()
    assert made["messageClass"] == "TRANSACTIONAL"
    assert marketer.post(f"{LIST}/{made['id']}/execute").status_code == 403
    assert marketer.post(f"{LIST}/{made['id']}/clone").status_code == 403


def test_it_is_seen_and_tried_out_as_somebody_would_get_it(api: Api) -> None:
    (who,) = people(1, first_name="Sipho")
    found = campaign([who], variants=[{"subject": "For {{ firstName }}"}])
    seen = api.get(one(found, f"preview?customerId={who.pk}")).json()
    assert seen["subject"] == "For Sipho"
    reply = api.post(one(found, "test-send"), {"customerId": str(who.pk), "to": "me@club.example"})
    assert reply.status_code == 202
    sending.send_due(budget_seconds=5, now=database_now())
    row = Message.objects.get()
    assert (row.origin, row.address, row.state, row.counted_at) == ("TEST", "me@club.example", "SENT", None)
    assert AuditEntry.objects.filter(action="campaign.tested").exists()
    shown = api.get(f"/api/v1/messages/{row.pk}").json()
    assert "Hello" in shown["text"]
    assert [entry["id"] for entry in api.get("/api/v1/messages?origin=TEST").json()["data"]] == [row.pk]


def test_starting_one_is_limited(api: Api, tenant: Tenant) -> None:
    found = campaign(people(1))
    client = api.as_key_of(tenant, limits={"campaigns": 1})
    first = client.post(one(found, "pause"))
    assert first.headers["X-RateLimit-Limit"] == "1"
