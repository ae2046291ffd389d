import pytest

from crm.tenancy.models import AuditEntry
from customers.models import Suppression
from tests.conftest import Api

PATH = "/api/v1/suppressions"


def test_an_address_is_put_on_the_list_found_and_taken_off(api: Api) -> None:
    made = api.post(PATH, {"address": " Ann@Example.com ", "channel": "EMAIL"})
    again = api.post(PATH, {"address": "ann@example.com", "channel": "EMAIL"})
    assert (made.status_code, made.json()["id"]) == (200, again.json()["id"])
    assert "example.com" not in made.content.decode()
    listed = api.get(f"{PATH}?address=ann@example.com").json()["data"]
    assert [(one["kind"], one["reason"], one["channel"], one["liftable"]) for one in listed] == [
        ("email", "MANUAL", "EMAIL", True)
    ]
    assert api.get(f"{PATH}?address=bob@example.com").json()["meta"]["total"] == 0
    address = f"{PATH}/{made.json()['id']}"
    assert api.delete(address).status_code == 400  # say why
    assert api.delete(f"{address}?reason=They+asked").status_code == 204
    assert api.delete(f"{address}?reason=They+asked").json()["error"]["code"] == "SUPPRESSION_NOT_FOUND"
    assert api.get(PATH).json()["meta"]["total"] == 0
    entry = AuditEntry.objects.get(action="suppression.lifted")
    assert (entry.before, entry.after) == ({"reason": "MANUAL"}, {"why": "They asked"})


# who may lift what: the others come back by their own word
@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("MANUAL", 204), ("HARD_BOUNCE", 204), ("SOFT_BOUNCES", 204), ("INVALID", 204), ("COMPLAINT", 409),
        ("CARRIER", 409), ("UNSUBSCRIBED", 409), ("PAUSED", 409), ("ERASED", 409),
    ],
)  # fmt: skip
def test_only_some_reasons_can_be_lifted(api: Api, reason: str, status: int) -> None:
    made = api.post(PATH, {"address": "ann@example.com"}).json()
    Suppression.objects.update(reason=reason)
    assert api.delete(f"{PATH}/{made['id']}?reason=x").status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"address": "nobody"},
        {"address": "a@b.co", "channel": "SMS"},
        {"address": "a@b.co", "reason": "ERASED"},
        {},
    ],
)
def test_what_is_no_address_of_the_channel_is_refused(api: Api, body: dict[str, str]) -> None:
    assert api.post(PATH, body).status_code == 400
