"""POST /api/v1/customers and /customers/resolve."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection

from customers.models import CustomerProfile
from tests.conftest import Api
from tests.factories import CustomerProfileFactory
from timeline.models import Activity

LIST, RESOLVE = "/api/v1/customers", "/api/v1/customers/resolve"
NAUGHTY = [
    "Robert'); DROP TABLE customers;--", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "{{7*7}}", "${7*7}",
    "Ω≈ç√∫", "👩‍🚀", "田中さん", "\u0300\u0301", "' OR 1=1 --", "../../etc/passwd", "\\", '"', "null",
    "\t", "%s%n", "a" * 200, "İstanbul", "ﷺ", "\x7f", "-1",
]  # fmt: skip


def code_of(reply):
    return reply.json()["error"]["code"]


def test_it_creates_and_says_where(api):
    reply = api.post(
        LIST,
        {"email": " Thandi.Nkosi@Example.com", "phoneNumber": "082 123 4567", "firstName": "Thandi",
         "lifecycleStage": "LEAD", "externalIds": {"golfRsaId": 12}, "sclMemberId": "48490"},
    )  # fmt: skip
    body = reply.json()
    assert reply.status_code == 201, body
    assert reply["Location"] == f"{LIST}/{body['id']}"
    assert api.get(reply["Location"]).json() == body
    assert reply["ETag"] == api.get(reply["Location"])["ETag"]
    wanted = {
        "email": "thandi.nkosi@example.com", "emailDisplay": "Thandi.Nkosi@Example.com",
        "phoneNumber": "+27821234567", "sclMemberId": 48490, "externalIds": {"golfRsaId": "12"},
        "lifecycleStage": "LEAD", "status": "ACTIVE", "emailOptIn": None, "source": "api", "engagementScore": 0,
    }  # fmt: skip
    assert {name: body[name] for name in wanted} == wanted
    assert Activity.objects.get().type == "PROFILE_CREATED"


@pytest.mark.parametrize("stage", ["SUBSCRIBER", "CUSTOMER", "MEMBER", "ADVOCATE", "CHURNED"])
def test_a_new_customer_stands_where_it_is_said(api, stage):
    assert (
        api.post(LIST, {"email": "a@example.com", "lifecycleStage": stage}).json()["lifecycleStage"] == stage
    )


@pytest.mark.parametrize(
    "body", [{}, {"firstName": "A"}, {"email": None}, {"phoneNumber": "12"}, {"externalIds": {}}]
)
def test_without_a_usable_identifier_nobody_is_made(api, body):
    reply = api.post(LIST, body)
    assert (reply.status_code, code_of(reply)) == (400, "VALIDATION_ERROR")
    assert not CustomerProfile.objects.exists()


@pytest.mark.parametrize(
    "body", [{"email": "nope"}, {"email": "a@b"}, {"sclMemberId": "x7"}, {"email": "a@b.c\n"}]
)
def test_an_identifier_that_cannot_be_read_is_named(api, body):
    reply = api.post(LIST, body)
    assert reply.status_code in (400, 201)
    if reply.status_code == 400:
        assert reply.json()["error"]["details"][0]["field"] in body


def test_a_phone_that_cannot_be_dialled_is_named_where_it_is_all_there_is(api):
    """product.md §7: kept raw when invalid, then never used to match."""
    reply = api.post(LIST, {"phoneNumber": "ext 12"})
    (detail,) = reply.json()["error"]["details"]
    assert (reply.status_code, detail["field"], detail["code"]) == (400, "phoneNumber", "INVALID_FIELD")
    assert "can't be dialled from ZA" in detail["message"]
    kept = api.post(LIST, {"phoneNumber": "ext 12", "email": "a@example.com"}).json()
    assert (kept["phoneNumber"], kept["phoneIsValid"]) == ("ext 12", False)
    assert api.post(LIST, {"phoneNumber": "ext 12", "email": "b@example.com"}).status_code == 201


@pytest.mark.parametrize("day", ["1899-12-30", "2026-11-27", "9999-12-31", "0001-01-01"])
@time_machine.travel("2026-11-25T12:00Z", tick=False)
def test_a_birth_date_that_nobody_can_have_is_named(api, day):
    known = api.post(LIST, {"email": "a@example.com", "dateOfBirth": "1900-01-01"}).json()
    for reply in (
        api.post(LIST, {"email": "b@example.com", "dateOfBirth": day}),
        api.patch(f"{LIST}/{known['id']}", {"dateOfBirth": day}),
    ):
        (detail,) = reply.json()["error"]["details"]
        assert (reply.status_code, detail["field"]) == (400, "dateOfBirth")
    assert api.patch(f"{LIST}/{known['id']}", {"dateOfBirth": "2026-11-25"}).status_code == 200


def test_a_taken_identifier_is_409_with_the_owners_id_unless_shared(api):
    owner = api.post(LIST, {"email": "family@example.com"}).json()
    reply = api.post(LIST, {"email": "FAMILY@example.com", "firstName": "Kid"})
    assert (reply.status_code, code_of(reply)) == (409, "DUPLICATE_RESOURCE")
    assert owner["id"] in json.dumps(reply.json()["error"]["details"])
    kid = api.post(LIST, {"email": "family@example.com", "firstName": "Kid", "shared": True})
    assert kid.status_code == 201
    found = api.get(RESOLVE, {"email": "family@example.com"}).json()
    assert (found["profile"]["id"], found["ambiguous"]) == (owner["id"], True)


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_text_comes_back_as_it_went(api, text):
    reply = api.post(
        LIST,
        {"authUserId": "u1", "firstName": text, "tags": ["x" + text[:90]], "sourceDetails": {text: text}},
    )
    assert reply.status_code == 201, reply.content
    body = api.get(reply["Location"]).json()
    assert body["sourceDetails"] == {text: text}
    assert (body["firstName"] or "") == " ".join(text.split())


def test_reading_finds_and_makes_nobody(api):
    reply = api.get(RESOLVE, {"email": "nobody@example.com"})
    assert (reply.status_code, code_of(reply)) == (404, "CUSTOMER_NOT_FOUND")
    assert not CustomerProfile.objects.exists()


def test_posting_finds_or_makes(api):
    made = api.post(RESOLVE, {"email": "a@example.com", "phone": "0821234567"})
    body = made.json()
    assert made.status_code == 200
    assert {name: body[name] for name in ("isNew", "matchedBy", "confidence", "ambiguous")} == {
        "isNew": True, "matchedBy": [], "confidence": 100, "ambiguous": False,
    }  # fmt: skip
    for hints, matched, confidence in [
        ({"email": "A@example.com", "phoneNumber": "+27821234567"}, ["email", "phoneNumber"], 99),
        ({"email": "a@example.com"}, ["email"], 95),
        ({"phone": "082 123 4567"}, ["phoneNumber"], 85),
        ({"email": "a@example.com", "sclMemberId": 7}, ["email"], 95),
        ({"sclMemberId": 7}, ["sclMemberId"], 100),
        ({"externalIds": {"golfRsaId": "1"}, "sclMemberId": 7}, ["sclMemberId"], 100),
        ({"externalIds": {"golfRsaId": "1"}}, ["externalIds.golfRsaId"], 100),
    ]:
        found = api.post(RESOLVE, hints).json()
        assert found["profile"]["id"] == body["profile"]["id"]
        assert (found["isNew"], found["matchedBy"], found["confidence"]) == (False, matched, confidence), (
            hints
        )
    found = api.get(RESOLVE + "?externalIds[golfRsaId]=1").json()
    assert (found["profile"]["id"], found["isNew"]) == (body["profile"]["id"], False)


@pytest.mark.parametrize("send", ["get", "post"])
@pytest.mark.parametrize(
    "hints", [{}, {"phone": "12"}, {"email": ""}, {"email": "a@example.com", "foo": "1"},
              {"phone": "0821234567", "phoneNumber": "0829999999"}],
)  # fmt: skip
def test_without_a_hint_that_can_be_used_it_is_400(api, send, hints):
    assert getattr(api, send)(RESOLVE, hints).status_code == 400
    assert not CustomerProfile.objects.exists()


def test_reading_and_making_need_their_scopes(api, tenant):
    reader = api.as_key_of(tenant, scopes=["crm:read"])
    assert code_of(reader.post(RESOLVE, {"email": "a@example.com"})) == "SCOPE_REQUIRED"
    CustomerProfileFactory(email="a@example.com")
    assert reader.get(RESOLVE, {"email": "a@example.com"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_person(tenant, api):
    def send(number):
        try:
            hints = {"email": "a@example.com"} | (
                {"sclMemberId": 7} if number % 2 else {"phone": "0821234567"}
            )
            return Api(api.key).post(RESOLVE, hints).json()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(send, range(32)))
    assert len({body["profile"]["id"] for body in found}) == 1
    assert sum(body["isNew"] for body in found) == 1
    assert CustomerProfile.objects.count() == 1
