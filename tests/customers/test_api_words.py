"""What the customer endpoints take, in which words, and what they say to the rest."""

import pytest

from customers.models import CustomerProfile, Tag
from tests.factories import CustomerProfileFactory, CustomFieldFactory

LIST, RESOLVE = "/api/v1/customers", "/api/v1/customers/resolve"
BIDI = "\u202eevil\u200b \u2066name\ufeff"


def problem(reply):
    assert reply.status_code == 400, reply.content
    (detail,) = reply.json()["error"]["details"]
    return detail["field"], detail["message"]


@pytest.fixture
def thandi(tenant):
    return CustomerProfileFactory(email="thandi@example.com", last_name="Nkosi")


@pytest.mark.parametrize(
    "field", ["memberSince", "membershipExpiry", "dataRetentionDate", "dateOfBirth", "gdprConsentAt"]
)
@pytest.mark.parametrize("year", ["0001", "1899", "9999"])
def test_a_date_of_a_year_that_nobody_means_is_refused_with_the_range(api, thandi, field, year):
    value = f"{year}-01-02" + ("T00:00:00Z" if field.endswith("At") else "")
    named, message = problem(api.patch(f"{LIST}/{thandi.pk}", {field: value}))
    assert named == field and "1900" in message


@pytest.mark.parametrize("field", ["memberSince", "dateOfBirth", "gdprConsentAt"])
def test_what_has_been_is_not_in_the_future(api, thandi, field):
    value = "2900-01-02" + ("T00:00:00Z" if field.endswith("At") else "")
    assert problem(api.patch(f"{LIST}/{thandi.pk}", {field: value})) == (
        field, "must be a day from 1900 on that is not in the future",
    )  # fmt: skip


@pytest.mark.parametrize("field", ["membershipExpiry", "dataRetentionDate"])
def test_what_ends_may_end_in_the_future(api, thandi, field):
    assert api.patch(f"{LIST}/{thandi.pk}", {field: "2900-01-02"}).status_code == 200


@pytest.mark.parametrize("number", [0, -1, "0", "-5", 2**53, "9007199254740992", 10**17, "x"])
def test_a_member_number_is_from_one_on_and_one_that_every_reader_holds(api, thandi, number):
    for reply in (
        api.patch(f"{LIST}/{thandi.pk}", {"sclMemberId": number}),
        api.post(RESOLVE, {"sclMemberId": number}),
        api.get(RESOLVE, {"sclMemberId": number}),
    ):
        assert problem(reply) == ("sclMemberId", f"must be a whole number from 1 to {2**53 - 1}")


def test_another_identifier_that_no_reader_holds_is_to_be_text(api):
    assert problem(api.post(RESOLVE, {"teetimePlayerId": 2**53}))[1].endswith("write it as text")
    assert api.post(RESOLVE, {"teetimePlayerId": str(2**53)}).json()["isNew"]


@pytest.mark.parametrize("code", ["XX", "ZZ", "XK", "eu", "UK"])
def test_a_country_is_one_of_iso_3166(api, thandi, code):
    field, message = problem(api.patch(f"{LIST}/{thandi.pk}", {"country": code}))
    assert field == "country" and "ISO 3166-1" in message
    assert api.patch(f"{LIST}/{thandi.pk}", {"country": "aq"}).json()["country"] == "AQ"


def test_names_and_tags_hold_nothing_that_nobody_sees(api):
    body = {
        "email": "a@example.com",
        "firstName": BIDI,
        "lastName": "می\u200cخواهم",
        "tags": [BIDI, "evil name"],
    }
    made = api.post(LIST, body).json()
    assert (made["firstName"], made["lastName"], made["tags"]) == (
        "evil name",
        "می\u200cخواهم",
        ["evil name"],
    )
    assert api.get(LIST, {"tags": BIDI}).json()["meta"]["total"] == 1
    assert problem(api.patch(f"{LIST}/{made['id']}", {"tags": ["\u200b"]}))[0] == "tags"


@pytest.mark.parametrize("stage", ["VISITOR", "visitor", "subscriber"])
def test_filters_take_the_words_of_other_systems(api, thandi, stage):
    CustomerProfileFactory(last_name="Champ", lifecycle_stage="ADVOCATE")
    CustomerProfileFactory(last_name="Lead", lifecycle_stage="LEAD")

    def found(words):
        return sorted(row["lastName"] for row in api.get(LIST, {"lifecycleStage": words}).json()["data"])

    assert found(stage) == ["Nkosi"]
    assert found("Champion,contact") == ["Champ", "Lead"]


def test_country_and_language_are_found_in_any_case(api):
    CustomerProfileFactory(country="ZA", language="en-ZA")
    CustomerProfileFactory(country="GB", language="EN-gb")
    for query in ({"country": "za"}, {"language": "EN-za"}, {"language": "en-ZA,fr"}):
        assert api.get(LIST, query).json()["meta"]["total"] == 1, query
    assert api.get(LIST, {"language": "en-GB", "country": "gb"}).json()["meta"]["total"] == 1


def test_brackets_of_a_custom_field_are_told_the_dot(api):
    field, message = problem(api.get(f"{LIST}?customFields[size]=L"))
    assert (field, message) == ("customFields[size]", "is written customFields.size=")


@pytest.mark.parametrize("field", ["sourceDetails", "customFields"])
def test_a_map_is_bounded(api, thandi, field):
    CustomFieldFactory(key="story", type="TEXT")
    named, message = problem(api.patch(f"{LIST}/{thandi.pk}", {field: {"story": "x" * 66_000}}))
    assert named == field and "65,536 bytes" in message
    entry = {"type": "PHONE_CALL", "metadata": {"story": "x" * 66_000}}
    assert problem(api.post(f"{LIST}/{thandi.pk}/activities", entry))[0] == "metadata"


def test_custom_fields_are_bounded_in_all(api, thandi):
    for number in range(4):
        CustomFieldFactory(key=f"story{number}", type="TEXT")
    for number in range(3):
        assert (
            api.patch(f"{LIST}/{thandi.pk}", {"customFields": {f"story{number}": "x" * 20_000}}).status_code
            == 200
        )
    named, message = problem(api.patch(f"{LIST}/{thandi.pk}", {"customFields": {"story3": "x" * 20_000}}))
    assert named == "customFields" and "in all" in message
    both = {"story3": "x" * 20_000, "story0": None}
    assert api.patch(f"{LIST}/{thandi.pk}", {"customFields": both}).status_code == 200


def test_custom_fields_that_differ_in_capitals_only_are_one(api):
    body = {"key": "shirtSize", "label": "Shirt size", "type": "STRING"}
    assert api.post("/api/v1/custom-fields", body).status_code == 201
    reply = api.post("/api/v1/custom-fields", body | {"key": "SHIRTsize"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "DUPLICATE_RESOURCE")
    assert "shirtSize" in reply.json()["error"]["message"]


def test_resolving_somebody_new_asks_for_what_is_required_and_for_somebody_known_does_not(api, thandi):
    CustomFieldFactory(key="size", is_required=True)
    hints = {"email": "new@example.com"}
    assert problem(api.post(RESOLVE, hints)) == ("customFields.size", "is required")
    assert not CustomerProfile.objects.filter(email="new@example.com").exists()
    made = api.post(RESOLVE, hints | {"customFields": {"size": "L"}}).json()
    assert (made["isNew"], made["profile"]["customFields"]) == (True, {"size": "L"})
    again = api.post(RESOLVE, hints | {"customFields": {"size": "M"}}).json()
    assert (again["isNew"], again["profile"]["customFields"]) == (False, {"size": "L"})
    known = api.post(LIST, {"email": "b@example.com", "customFields": {"size": "S"}}).json()
    assert api.post(RESOLVE, {"email": "b@example.com"}).json()["profile"]["id"] == known["id"]


def test_single_custom_fields_can_be_chosen(api, thandi):
    for key in ("size", "shoe"):
        CustomFieldFactory(key=key)
    api.patch(f"{LIST}/{thandi.pk}", {"customFields": {"size": "L", "shoe": "9"}})
    wanted = {"lastName": "Nkosi", "customFields": {"size": "L"}}
    query = {"fields": "lastName,customFields.size"}
    assert api.get(LIST, query).json()["data"] == [wanted]
    assert api.get(f"{LIST}/{thandi.pk}", query).json() == wanted
    both = api.get(LIST, {"fields": "customFields.shoe,customFields"}).json()["data"]
    assert both == [{"customFields": {"size": "L", "shoe": "9"}}]
    for path in (LIST, f"{LIST}/{thandi.pk}"):
        reply = api.get(path, {"fields": "id,customFields.nope"})
        assert reply.json()["error"]["code"] == "UNKNOWN_FIELD"
        assert problem(reply) == ("fields[1]", "there is no “customFields.nope” here")


def test_the_history_of_a_map_is_that_of_all_its_keys(api, thandi):
    for key in ("size", "shoe"):
        CustomFieldFactory(key=key)
    api.patch(f"{LIST}/{thandi.pk}", {"customFields": {"size": "L", "shoe": "9"}, "firstName": "T"})
    rows = api.get(f"{LIST}/{thandi.pk}/history", {"field": "customFields"}).json()["data"]
    assert {row["field"] for row in rows} == {"customFields.size", "customFields.shoe"}
    assert api.get(f"{LIST}/{thandi.pk}/history", {"field": "externalIds"}).json()["meta"]["total"] == 0


def test_a_tag_that_nobody_has_is_deleted_and_one_that_somebody_has_when_asked_to(api, thandi):
    api.post(f"{LIST}/{thandi.pk}/tags", {"tags": ["Winter / league"]})
    address = "/api/v1/tags/winter%20/%20league"
    reply = api.delete(address)
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "TAG_IN_USE")
    assert api.delete(f"{address}?untag=true").status_code == 204
    assert api.get(f"{LIST}/{thandi.pk}").json()["tags"] == [] and not Tag.objects.exists()
    api.post(f"{LIST}/{thandi.pk}/tags", {"tags": ["Old"]})
    api.delete(f"{LIST}/{thandi.pk}/tags?tags=Old")
    assert api.delete("/api/v1/tags/OLD").status_code == 204
    assert api.delete("/api/v1/tags/OLD").json()["error"]["code"] == "TAG_NOT_FOUND"


@pytest.mark.parametrize("path", ["/api/v1/events/stats", "/api/v1/events", "{customer}/activities"])
def test_a_stretch_that_ends_before_it_begins_is_told_both_ends(api, thandi, path):
    query = {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
    reply = api.get(path.format(customer=f"{LIST}/{thandi.pk}"), query)
    assert reply.status_code == 400
    assert {detail["field"] for detail in reply.json()["error"]["details"]} == {"from", "to"}


@pytest.mark.parametrize("name", ["%00", "a%00b", "%E2%80%8B", "x" * 300, "%ED%A0%80"])
def test_a_tag_that_can_not_be_is_not_there(api, name):
    reply = api.delete(f"/api/v1/tags/{name}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "TAG_NOT_FOUND")


@pytest.mark.parametrize("key", ["%00", "", "a%00", "1", "no-key", "x" * 65, "a.b"])
def test_a_key_that_can_not_be_is_no_field(api, key):
    for path in (LIST, f"{LIST}/{CustomerProfileFactory().pk}"):
        reply = api.get(f"{path}?fields=customFields.{key}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "UNKNOWN_FIELD")
