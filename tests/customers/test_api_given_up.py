"""Null for an identifier: the person loses it, and whoever looks by it no longer finds them."""

import pytest
from django.utils import timezone

from customers.models import AliasHolder, CustomerProfile, IdentityAlias
from customers.services import create_customer, update_customer
from timeline.consistency import check
from timeline.ingestion import process_due, receive

LIST, RESOLVE = "/api/v1/customers", "/api/v1/customers/resolve"
EVERY = {
    "email": "a@example.com", "phoneNumber": "+27821234567", "authUserId": "auth|1", "sclMemberId": 7,
    "teetimePlayerId": "tt-1", "messagingContactId": "m-1", "externalIds": {"golfRsaId": "g-1", "old": "o-1"},
}  # fmt: skip
STRONG = ["authUserId", "sclMemberId", "teetimePlayerId", "messagingContactId"]


@pytest.fixture
def ann(api):
    return f"{LIST}/{api.post(LIST, EVERY).json()['id']}"


def found(api, **hints):
    reply = api.get(RESOLVE, hints)
    return reply.json()["profile"]["id"] if reply.status_code == 200 else None


def broken():
    return {one.name for one in check(now=timezone.now()) if one.wrong}


@pytest.mark.parametrize("kind", ["email", "phoneNumber", *STRONG])
def test_null_clears_it_and_nobody_is_found_by_it(api, ann, kind):
    changed = api.patch(ann, {kind: None})
    assert (changed.status_code, changed.json()[kind]) == (200, None)
    assert found(api, **{kind: EVERY[kind]}) is None
    assert changed.json() == api.get(ann).json()
    (change,) = api.get(f"{ann}/history", {"field": kind, "take": 1}).json()["data"]
    assert (change["from"], change["to"], change["source"]) == (EVERY[kind], None, "api")
    assert broken() == set()
    again = api.post(RESOLVE, {kind: EVERY[kind]}).json()
    assert again["isNew"] and not ann.endswith(again["profile"]["id"])
    assert api.patch(ann, {kind: None})["ETag"] == changed["ETag"]


def test_external_ids_go_one_by_one_or_all_at_once(api, ann):
    assert api.patch(ann, {"externalIds": {"old": None}}).json()["externalIds"] == {"golfRsaId": "g-1"}
    assert found(api, **{"externalIds[old]": "o-1"}) is None
    assert found(api, **{"externalIds[golfRsaId]": "g-1"})
    (change,) = api.get(f"{ann}/history", {"field": "externalIds.old", "take": 1}).json()["data"]
    assert (change["from"], change["to"]) == ("o-1", None)
    assert api.patch(ann, {"externalIds": None}).json()["externalIds"] == {}
    assert found(api, **{"externalIds[golfRsaId]": "g-1"}) is None
    assert not IdentityAlias.objects.filter(kind__startswith="externalIds.").exists()


@pytest.mark.parametrize(
    "change", [*({kind: None} for kind in STRONG), {"externalIds": {"old": None}}, {"externalIds": None}]
)
def test_a_strong_one_needs_the_admin_scope_where_there_is_one(api, tenant, ann, change):
    writer = api.as_key_of(tenant, scopes=["crm:write"])
    before = api.get(ann).content
    reply = writer.patch(ann, {**change, "firstName": "X"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "SCOPE_REQUIRED")
    assert "crm:admin" in reply.json()["error"]["message"] and api.get(ann).content == before
    assert api.patch(ann, change).status_code == 200
    assert writer.patch(ann, change).status_code == 200  # nothing to take any more
    assert writer.patch(ann, {"email": None, "phoneNumber": None}).status_code == 200


def test_a_shared_one_passes_to_whoever_has_held_it_longest(api, ann):
    others = [
        api.post(LIST, {"email": "a@example.com", "authUserId": f"auth|{n}", "shared": True}).json()["id"]
        for n in (2, 3)
    ]
    api.patch(ann, {"email": None})
    assert found(api, email="a@example.com") == others[0]
    assert AliasHolder.objects.filter(alias__value="a@example.com").count() == 2
    api.patch(f"{LIST}/{others[1]}", {"email": None})
    assert found(api, email="a@example.com") == others[0]
    assert broken() == set()


def test_another_one_can_be_given_then(api, ann):
    assert api.patch(ann, {"sclMemberId": 8}).status_code == 409
    assert api.patch(ann, {"sclMemberId": None}).status_code == 200
    assert api.patch(ann, {"sclMemberId": 8}).json()["sclMemberId"] == 8
    assert found(api, sclMemberId=8) and not found(api, sclMemberId=7)


def test_an_email_that_was_replaced_stays_theirs(api, ann):
    api.patch(ann, {"email": "b@example.com"})
    api.patch(ann, {"email": None})
    assert found(api, email="b@example.com") is None
    assert ann.endswith(found(api, email="a@example.com"))


def test_nobody_is_made_by_nulls(api):
    assert api.post(LIST, dict.fromkeys(EVERY)).status_code == 400
    made = api.post(LIST, {**dict.fromkeys(EVERY), "email": "b@example.com"})
    assert (made.status_code, made.json()["externalIds"]) == (201, {})
    assert api.post(RESOLVE, {"email": "b@example.com", "sclMemberId": None}).status_code == 400


def test_a_stale_change_takes_nothing(api, ann):
    assert api.patch(ann, {"email": None}, headers={"If-Match": '"other"'}).status_code == 412
    assert found(api, email="a@example.com")


@pytest.mark.services
def test_a_source_that_says_it_again_teaches_it_again_but_the_contact_point_stays_cleared(api, tenant, ann):
    api.patch(ann, {"email": None})
    receive([{
        "id": "e-1", "type": "web.page_view", "timestamp": timezone.now().isoformat(), "source": "web",
        "identity": {"email": "a@example.com", "authUserId": "auth|1"}, "payload": {"url": "https://club.example/"},
    }])  # fmt: skip
    process_due(tenant)
    assert ann.endswith(found(api, email="a@example.com"))
    assert api.get(ann).json()["email"] is None


def test_staff_who_clear_an_email_do_the_same(tenant):
    made = create_customer({"email": "a@example.com"}, {"email": "a@example.com"}, by="user:x")
    update_customer(made.pk, {"email": ""}, by="user:x")
    assert not IdentityAlias.objects.exists() and CustomerProfile.objects.get().email == ""
