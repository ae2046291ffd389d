"""The endpoints of templates."""

from typing import Any

import pytest

from campaigns.models import MessageTemplate, TemplateContent
from crm.tenancy.models import AuditEntry, Tenant
from tests.conftest import Api
from tests.factories import CustomerProfileFactory

LIST = "/api/v1/templates"
SMS = {"name": "Hello", "channel": "SMS", "contents": [{"language": "en", "body": "Hi {{ firstName }} "}]}


def created(api: Api, body: Any = SMS) -> Any:
    reply = api.post(LIST, body)
    assert reply.status_code == 201, reply.json()
    return reply


def test_a_template_is_made_read_changed_and_archived(api: Api) -> None:
    reply = created(api)
    made = reply.json()
    one = f"{LIST}/{made['id']}"
    assert made["contents"][0]["body"] == "Hi {{ firstName }} "
    assert api.get(one).json() == made
    words = {"contents": [{"language": "en", "body": "Hello"}, {"language": "AF", "body": "Hallo"}]}
    changed = api.patch(one, words, headers={"If-Match": reply["ETag"]}).json()
    assert [(c["language"], c["revision"], c["body"]) for c in changed["contents"]] == [
        ("af", 1, "Hallo"),
        ("en", 2, "Hello"),
    ]
    assert api.patch(one, words, headers={"If-Match": reply["ETag"]}).status_code == 412
    assert api.delete(one).status_code == 204
    assert api.get(one).json()["error"]["code"] == "TEMPLATE_NOT_FOUND"
    assert TemplateContent.objects.count() == 3


def test_problems_are_told_with_their_place(api: Api) -> None:
    words = {"language": "en", "subject": "Hi", "body": "<p>\n{{ membership_tier }}</p>"}
    error = api.post(LIST, {"name": "x", "channel": "EMAIL", "contents": [words]}).json()["error"]
    assert error["code"] == "INVALID_TEMPLATE"
    assert error["details"] == [
        {
            "field": "contents[0].body",
            "code": "UNKNOWN_VARIABLE",
            "message": "Line 2, column 4: there is no variable “membership_tier”; did you mean “membershipTier”?",
        }
    ]
    assert not MessageTemplate.objects.exists()


def test_a_ready_made_one_is_taken(api: Api) -> None:
    made = created(api, {"gallery": "welcome", "name": "Our welcome"}).json()
    assert (made["name"], made["gallery"], made["channel"]) == ("Our welcome", "welcome", "EMAIL")
    assert [one["language"] for one in made["contents"]] == ["af", "en"]


@pytest.mark.parametrize(
    "body", [{"name": "x"}, {"channel": "SMS"}, {"gallery": "welcome", "channel": "SMS"}, {"gallery": "nope"}]
)
def test_a_body_that_says_too_little_or_too_much_is_400(api: Api, body: Any) -> None:
    assert api.post(LIST, body).status_code == 400


def test_the_list_is_filtered(api: Api) -> None:
    created(api)
    created(api, {"gallery": "newsletter"})
    found = api.get(f"{LIST}?channel=EMAIL&fields=name").json()
    assert found["data"] == [{"name": "Newsletter"}]
    assert [one["name"] for one in api.get(f"{LIST}?search=hel").json()["data"]] == ["Hello"]


def test_a_preview_is_for_a_customer_and_on_record(api: Api) -> None:
    person = CustomerProfileFactory(first_name="Ann")
    one = created(api).json()["id"]
    reply = api.get(f"{LIST}/{one}/preview?customerId={person.pk}").json()
    assert (reply["text"], reply["sms"]["parts"], reply["html"]) == ("Hi Ann", 1, None)
    assert AuditEntry.objects.filter(action="customer.viewed", object_id=str(person.pk)).count() == 1
    assert api.get(f"{LIST}/{one}/preview").json()["text"] == "Hi Thandi"


def test_words_are_tried_out_before_they_are_saved(api: Api) -> None:
    content = {"language": "en", "subject": "Hi", "body": "<p>{{ lastName }}</p>"}
    reply = api.post(f"{LIST}/preview", {"channel": "EMAIL", "content": content}).json()
    assert "<p>Mokoena</p>" in reply["html"]
    content["body"] = "{% if %}"
    assert api.post(f"{LIST}/preview", {"channel": "EMAIL", "content": content}).status_code == 422


def test_variables_and_the_gallery_are_told(api: Api, tenant: Tenant) -> None:
    names = [one["name"] for one in api.get(f"{LIST}/variables").json()["data"]]
    assert {"firstName", "membershipTier", "lastBookingDate", "unsubscribeUrl"} <= set(names)
    assert "welcome" in [one["key"] for one in api.get(f"{LIST}/gallery").json()["data"]]
