"""GET /api/v1/customers/{id}/provenance: which write each field comes from."""

from datetime import UTC, datetime

import pytest

from crm.tenancy.permissions import Role
from customers.models import CustomerProfile
from tests.factories import CustomFieldFactory
from timeline.ingestion import process_due, receive

LIST = "/api/v1/customers"
MEMBER = {
    "id": "scl-1", "type": "scl.member.created", "timestamp": "2026-11-01T07:46:23Z", "source": "scl",
    "identity": {"sclMemberId": 48490, "email": "thabo@example.com"},
    "payload": {"id": 48490, "firstName": "Thabo", "lastName": "Nkosi", "status": "ACTIVE"},
}  # fmt: skip
ENTRY = {"source", "at", "tier", "version", "eventId", "by", "recordedAt"}

pytestmark = pytest.mark.services


@pytest.fixture
def thabo(api, tenant):
    """A member whom SCL told of, and of whom a key changed the last name and a custom field."""
    CustomFieldFactory(key="size")
    CustomFieldFactory(key="shoe")
    receive([MEMBER])
    process_due(tenant)
    address = f"{LIST}/{CustomerProfile.objects.get().pk}"
    body = {"lastName": "Zulu", "customFields": {"size": "L", "shoe": "9"}, "internalNotes": "shy"}
    assert api.patch(address, body).status_code == 200
    assert api.patch(address, {"customFields": {"shoe": None}}).status_code == 200
    return address


def fields(api, address):
    reply = api.get(f"{address}/provenance")
    assert reply.status_code == 200, reply.content
    return reply.json()["fields"]


def test_each_field_names_the_write_that_won_it(api, thabo):
    found = fields(api, thabo)
    assert all(entry.keys() == ENTRY for entry in found.values())
    first = found["firstName"]
    assert (first["source"], first["eventId"], first["at"], first["by"]) == (
        "scl", "scl-1", "2026-11-01T07:46:23Z", "events",
    )  # fmt: skip
    assert (found["lastName"]["source"], found["lastName"]["eventId"]) == ("api", None)
    assert found["lastName"]["by"] == f"key:{api.key.split('_')[1]}"
    assert {"customFields.size", "customFields.shoe"} <= found.keys() and "customFields" not in found
    assert (found["sclMemberId"]["source"], found["sclMemberId"]["eventId"]) == ("scl", "scl-1")
    shown = api.get(thabo).json()
    assert {name.partition(".")[0] for name in found} <= shown.keys()


def test_it_follows_what_is_written_and_leaves_the_etag_alone(api, thabo):
    before, tag = fields(api, thabo), api.get(thabo)["ETag"]
    assert api.patch(thabo, {"firstName": "Thabo"})["ETag"] == tag
    after = fields(api, thabo)
    assert (before["firstName"]["source"], after["firstName"]["source"]) == ("scl", "api")
    assert after["firstName"]["by"] is None  # it said again what stood there
    assert datetime.fromisoformat(after["firstName"]["at"]) > datetime(2026, 11, 2, tzinfo=UTC)
    assert api.get(thabo)["ETag"] == tag


def test_a_link_that_was_taken_is_gone_and_a_cleared_field_says_who_cleared_it(api, thabo):
    api.patch(thabo, {"firstName": None, "externalIds": {"golfRsaId": "g"}})
    found = fields(api, thabo)
    assert found["firstName"]["source"] == "api" and found["externalIds.golfRsaId"]["source"] == "api"
    api.patch(thabo, {"sclMemberId": None})
    assert fields(api, thabo)["sclMemberId"]["source"] == "api"


def test_what_a_role_does_not_see_is_left_out(api, tenant, thabo):
    viewer = api.as_key_of(tenant, scopes=["crm:read"], sees_as=Role.VIEWER)
    kept_back = {"email", "emailDisplay", "internalNotes", "customFields.size", "customFields.shoe"}
    seen, whole = fields(viewer, thabo), fields(api, thabo)
    masked = {name for name in whole if name not in seen}
    assert masked and masked <= kept_back | {"phoneNumber", "dateOfBirth"} and "email" in masked
    assert "firstName" in seen


def test_it_costs_the_same_however_much_was_written(api, thabo, django_assert_max_num_queries):
    for number in range(5):
        api.patch(thabo, {"lastName": f"Z{number}"})
    with django_assert_max_num_queries(10):
        fields(api, thabo)


def test_who_is_not_there_is_404(api, thabo):
    api.delete(thabo)
    assert api.get(f"{thabo}/provenance").json()["error"]["code"] == "CUSTOMER_NOT_FOUND"
