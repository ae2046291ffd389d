"""Reading, changing, deleting and restoring one customer over HTTP."""

from uuid import uuid4

import pytest

from crm.outbox.models import OutboxMessage
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile, Status
from customers.payloads import profile_payload
from customers.serializers import CustomerChange
from tests.factories import CustomerProfileFactory, CustomFieldFactory, hold

LIST = "/api/v1/customers"


def code_of(reply):
    return reply.json()["error"]["code"]


def url(customer, *more):
    return "/".join([LIST, str(getattr(customer, "pk", customer)), *more])


@pytest.fixture
def thandi(tenant):
    return CustomerProfileFactory(first_name="Thandi", last_name="Nkosi", email="thandi@example.com")


def test_it_reads_the_whole_profile_bare_with_its_etag(api, thandi):
    reply = api.get(url(thandi))
    assert (reply.status_code, reply["ETag"]) == (200, thandi.etag)
    assert reply.json() == {**profile_payload(CustomerProfile.objects.get()), "segments": []}
    assert {
        "engagementScoreAt",
        "churnRiskScoreAt",
        "lastBookingAt",
        "homeClubName",
        "createdAt",
    } <= reply.json().keys()


def test_what_is_not_there_is_404_whatever_it_looks_like(api, thandi, other_tenant):
    with tenant_scope(other_tenant):
        theirs = CustomerProfileFactory()
    bodies = set()
    for pk in (uuid4(), theirs.pk, "nonsense", "0", "%00", "x" * 5000, thandi.email):
        reply = api.get(url(pk))
        assert reply.status_code == 404
        bodies.add((code_of(reply), reply.json()["error"]["message"]))
    assert bodies == {("CUSTOMER_NOT_FOUND", "There is no customer with this id.")}


def test_a_merged_id_answers_with_the_winner_for_ever(api, thandi):
    first = CustomerProfileFactory(status=Status.MERGED, merged_into=thandi)
    older = CustomerProfileFactory(status=Status.MERGED, merged_into=first)
    for loser in (first, older):
        reply = api.get(url(loser))
        assert (reply.status_code, reply.json()["id"]) == (200, str(thandi.pk))
        assert reply.json()["mergedFrom"] == str(loser.pk)
        assert reply["ETag"] == thandi.etag
    assert "mergedFrom" not in api.get(url(thandi)).json()
    changed = api.patch(url(older), {"lastName": "Dlamini"})
    assert (changed.json()["id"], changed.json()["lastName"]) == (str(thandi.pk), "Dlamini")


def test_absent_stays_and_null_clears(api, thandi):
    api.patch(
        url(thandi),
        {"gender": "female", "tags": ["a", "b", "a"], "handicap": 12.44, "sourceDetails": {"x": 1}},
    )
    body = api.patch(
        url(thandi), {"firstName": "  Thandeka ", "gender": None, "tags": None, "handicap": None}
    ).json()
    assert [body[name] for name in ("firstName", "lastName", "gender", "tags", "handicap", "sourceDetails")] == [
        "Thandeka", "Nkosi", None, [], None, {"x": 1},
    ]  # fmt: skip


CONTRACT = """
    id tenantId externalId authUserId email emailVerified phoneNumber phoneVerified sclMemberId teetimePlayerId
    messagingContactId externalIds firstName lastName displayName fullName dateOfBirth gender country language status
    lifecycleStage tags customerType isVip isBlocked isPending source sourceDetails engagementScore engagementScoreAt
    churnRiskScore churnRiskScoreAt lifetimeValue lastActivityAt lastActivityType lastActiveAt lastSeenAt
    activityCount30d bookingCount30d lastBookingAt lastEmailOpenAt lastEmailClickAt handicap handicapUpdatedAt
    homeClubId homeClubName membershipTier membershipStatus memberSince membershipExpiry emailOptIn emailOptInAt
    smsOptIn smsOptInAt pushOptIn pushOptInAt whatsappOptIn whatsappOptInAt gdprConsent gdprConsentAt
    dataRetentionDate mergedInto mergedAt mergeReason customerNotes internalNotes customFields createdAt createdBy
    updatedAt updatedBy deletedAt
"""


def test_every_field_of_the_contract_is_readable(api, thandi):
    assert set(CONTRACT.split()) - api.get(url(thandi)).json().keys() == set()


def test_a_handicap_and_a_consent_are_as_of_now_unless_told(api, thandi):
    body = api.patch(url(thandi), {"handicap": 9.4, "gdprConsent": True}).json()
    assert body["handicapUpdatedAt"] == body["gdprConsentAt"] == body["updatedAt"]
    at = "2026-01-01T00:00:00Z"
    assert api.patch(url(thandi), {"gdprConsent": False, "gdprConsentAt": at}).json()["gdprConsentAt"] == at


def test_every_writable_field_is_written_and_read_back(api, thandi):
    CustomFieldFactory(key="snake_case")
    CustomFieldFactory(key="Camel", type="INT")
    wanted = {
        "firstName": "A", "lastName": "B", "displayName": "C", "dateOfBirth": "1987-04-15", "gender": "x",
        "country": "ZA", "language": "en-ZA", "status": "INACTIVE", "lifecycleStage": "ADVOCATE",
        "customerType": "AFFILIATE", "tags": ["t"], "isVip": True, "isBlocked": True, "isPending": True,
        "sourceDetails": {"Camp_aign": {"Id": 1}}, "handicap": -2.1, "homeClubId": "club-fynbos",
        "homeClubName": "Fynbos", "membershipTier": "Gold", "membershipStatus": "ACTIVE",
        "memberSince": "2020-02-29", "membershipExpiry": "2027-01-01", "gdprConsent": True,
        "gdprConsentAt": "2026-01-01T00:00:00Z", "dataRetentionDate": "2030-01-01", "customerNotes": "n\nm",
        "internalNotes": "i", "customFields": {"snake_case": "x", "Camel": 1}, "emailVerified": True,
        "phoneVerified": True, "email": "new@example.com", "phoneNumber": "+27821234567", "sclMemberId": 7,
        "authUserId": "auth0|1", "teetimePlayerId": "p-1", "messagingContactId": "m-1",
        "externalIds": {"golfRsaId": "9"},
    }  # fmt: skip
    reply = api.patch(url(thandi), wanted)
    assert reply.status_code == 200, reply.content
    read = api.get(url(thandi)).json()
    assert {name: read[name] for name in wanted} == wanted
    assert api.patch(url(thandi), {"country": "gb"}).json()["country"] == "GB"


def test_only_the_listed_fields_can_be_written(api, tenant, thandi):
    """Mass assignment: everything that any model has, in every spelling."""
    api = api.as_key_of(tenant, limits={"write": 1000})
    before = api.get(url(thandi)).json()
    allowed = {"tenantId", "shared"}
    allowed |= set(CustomerChange().fields)
    names = (
        set(before)
        | {field.name for field in CustomerProfile._meta.fields}
        | {"pk", "tenant_id", "provenance"}
    )
    for name in sorted(names - allowed):
        reply = api.patch(url(thandi), {name: before.get(name)})
        assert (reply.status_code, code_of(reply)) == (400, "UNKNOWN_FIELD"), name
    assert api.get(url(thandi)).json() == before


def test_consent_and_scores_are_not_the_apis_to_write(api, thandi):
    for name in (
        "emailOptIn",
        "smsOptInAt",
        "engagementScore",
        "lifetimeValue",
        "activityCount30d",
        "mergedInto",
    ):
        assert code_of(api.patch(url(thandi), {name: True})) == "UNKNOWN_FIELD"


def test_if_match_guards_a_change(api, thandi):
    etag = api.get(url(thandi))["ETag"]
    changed = api.patch(url(thandi), {"lastName": "B"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed["ETag"] != etag
    reply = api.patch(url(thandi), {"lastName": "C"}, headers={"If-Match": etag})
    assert (reply.status_code, code_of(reply)) == (412, "PRECONDITION_FAILED")
    for weak in (f"W/{changed['ETag']}", '"x"', "x", ""):
        assert api.patch(url(thandi), {"lastName": "C"}, headers={"If-Match": weak}).status_code == 412
    assert api.get(url(thandi)).json()["lastName"] == "B"
    assert api.patch(url(thandi), {"lastName": "C"}, headers={"If-Match": "*"}).status_code == 200


def test_a_change_of_nothing_keeps_the_etag(api):
    made = api.post(LIST, {"email": "a@example.com", "lastName": "Nkosi", "handicap": 12.4, "tags": ["a"]})
    for nothing in (
        {},
        {"lastName": " Nkosi"},
        {"handicap": 12.4},
        {"tags": ["a", "a"]},
        {"email": "A@example.com "},
    ):
        changed = api.patch(made["Location"], nothing)
        assert changed.status_code == 200
        if "email" not in nothing:
            assert changed["ETag"] == made["ETag"], nothing


def test_an_identifier_of_somebody_else_is_409_with_their_id(api, thandi):
    other = CustomerProfileFactory(email="other@example.com")
    reply = api.patch(url(thandi), {"email": "other@example.com"})
    assert (reply.status_code, code_of(reply)) == (409, "DUPLICATE_RESOURCE")
    assert {detail["field"]: detail["message"] for detail in reply.json()["error"]["details"]}["id"] == str(
        other.pk
    )
    assert api.patch(url(thandi), {"email": "other@example.com", "shared": True}).status_code == 200


def test_a_number_that_cannot_be_dialled_is_kept_as_sent(api, thandi):
    body = api.patch(url(thandi), {"phoneNumber": "ext 12"}).json()
    assert (body["phoneNumber"], body["phoneIsValid"]) == ("ext 12", False)
    assert api.patch(url(thandi), {"email": "not an address"}).status_code == 400


@pytest.mark.parametrize("handicap", [54.1, -10.1, 1e308, 10**40, 10**400, True, "12"])
def test_a_handicap_that_nobody_has_is_refused(api, thandi, handicap):
    reply = api.patch(url(thandi), {"handicap": handicap})
    assert (reply.status_code, reply.json()["error"]["details"][0]["field"]) == (400, "handicap")


def test_deleting_is_soft_and_can_be_undone(api, thandi):
    assert api.delete(url(thandi)).status_code == 204
    assert code_of(api.get(url(thandi))) == "CUSTOMER_NOT_FOUND"
    assert api.patch(url(thandi), {"lastName": "X"}).status_code == 404
    assert api.delete(url(thandi)).status_code == 404
    shown = api.get(url(thandi), {"includeDeleted": "true"}).json()
    assert shown["status"] == "DELETED"
    assert shown["deletedAt"] is not None
    restored = api.post(url(thandi, "restore"))
    assert (restored.status_code, restored.json()["status"], restored.json()["deletedAt"]) == (
        200,
        "ACTIVE",
        None,
    )
    assert code_of(api.post(url(thandi, "restore"))) == "RESOURCE_CONFLICT"
    assert OutboxMessage.objects.filter(topic="crm.profile.deleted").count() == 1


def test_deleting_needs_the_admin_scope(api, tenant, thandi):
    client = api.as_key_of(tenant, scopes=["crm:read", "crm:write"])
    assert code_of(client.delete(url(thandi))) == "SCOPE_REQUIRED"
    assert api.get(url(thandi)).status_code == 200


def test_calls_that_need_no_body_refuse_one(api, thandi):
    api.delete(url(thandi))
    assert code_of(api.post(url(thandi, "restore"), {"status": "MERGED"})) == "UNKNOWN_FIELD"


def test_a_stage_set_by_hand_stays_until_it_is_lifted(api, thandi):
    assert api.patch(url(thandi), {"lifecycleStage": "MEMBER"}).json()["lifecycleStage"] == "MEMBER"
    assert api.patch(url(thandi), {"lifecycleStage": None}).json()["lifecycleStage"] == "SUBSCRIBER"


def test_sparse_fields_work_here_too(api, thandi):
    assert api.get(url(thandi), {"fields": "id,mergedFrom"}).json() == {"id": str(thandi.pk)}
    assert code_of(api.get(url(thandi), {"fields": "nope"})) == "UNKNOWN_FIELD"


def test_shared_holders_do_not_change_who_owns(api, thandi):
    other = CustomerProfileFactory(email="")
    hold(other, "phoneNumber", "+27820000001")
    assert api.patch(url(thandi), {"phoneNumber": "0820000001", "shared": True}).status_code == 200
    found = api.get(f"{LIST}/resolve", {"phone": "0820000001"}).json()
    assert (found["profile"]["id"], found["ambiguous"]) == (str(other.pk), True)
