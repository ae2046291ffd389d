"""People who were deleted: nobody finds or extends them by their identifiers, and restoring is as before."""

import pytest

from customers import services
from customers.models import AliasHolder, CustomerProfile

LIST, RESOLVE = "/api/v1/customers", "/api/v1/customers/resolve"


@pytest.fixture
def gone(api):
    """The id of somebody who was deleted."""
    pk = api.post(LIST, {"email": "gone@example.com", "sclMemberId": 7}).json()["id"]
    assert api.delete(f"{LIST}/{pk}").status_code == 204
    return pk


@pytest.mark.parametrize("hints", [{"email": "gone@example.com"}, {"sclMemberId": 7}])
def test_a_look_up_does_not_find_them(api, gone, hints):
    reply = api.get(RESOLVE, hints)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RESOLVE, {"email": "gone@example.com"}),
        (RESOLVE, {"email": "gone@example.com", "phone": "082 123 4567"}),
        (RESOLVE, {"sclMemberId": 7, "email": "other@example.com"}),
        (LIST, {"email": "gone@example.com"}),
        (LIST, {"sclMemberId": 7, "lastName": "New"}),
    ],
)
def test_finding_or_making_them_says_how_to_bring_them_back_and_writes_nothing(api, gone, path, body):
    before = list(CustomerProfile.objects.values()), list(AliasHolder.objects.values())
    reply = api.post(path, body)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (409, "DUPLICATE_RESOURCE")
    assert "was deleted" in error["message"] and f"POST /customers/{gone}/restore" in error["message"]
    assert error["details"] == [{"field": "id", "code": "DUPLICATE_RESOURCE", "message": gone}]
    assert before == (list(CustomerProfile.objects.values()), list(AliasHolder.objects.values()))
    assert api.post(f"{LIST}/{gone}/restore").status_code == 200
    assert api.post(RESOLVE, {"email": "gone@example.com"}).json()["profile"]["id"] == gone


def test_an_identifier_of_theirs_can_not_be_given_to_somebody_else(api, gone):
    other = api.post(LIST, {"email": "other@example.com"}).json()["id"]
    reply = api.patch(f"{LIST}/{other}", {"sclMemberId": 7})
    assert reply.status_code == 409 and gone in reply.json()["error"]["message"]


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE"])
def test_restoring_is_to_the_status_from_before_however_often(api, gone, status):
    api.post(f"{LIST}/{gone}/restore")
    for _ in range(2):
        assert api.patch(f"{LIST}/{gone}", {"status": status}).json()["status"] == status
        api.delete(f"{LIST}/{gone}")
        restored = api.post(f"{LIST}/{gone}/restore").json()
        assert (restored["status"], restored["deletedAt"]) == (status, None)


def test_the_services_say_the_same_to_staff(tenant):
    made = services.create_customer({"status": "INACTIVE"}, {"email": "a@example.com"}, by="user:x")
    services.delete_customer(made.pk, by="user:x")
    assert services.restore_customer(made.pk, by="user:x").status == "INACTIVE"
