"""The page that makes a segment: its form, what the services refuse, the preview, templates, and who is in a file."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile
from segments.admin.venn import circles, lens
from segments.admin.words import builder_words
from segments.compiler import current_vocabulary, matching
from segments.identifiers import named_in
from segments.models import Segment, SegmentEntry, SegmentMember
from segments.rules import parse
from segments.services import create_segment
from segments.templates import templates
from tests.factories import ClubFactory, CustomerProfileFactory, hold
from tests.pages import LIST, at_most, staff_of, words

SEGMENTS = "/admin/segments/segment/"
ADD, PREVIEW = f"{SEGMENTS}add/", f"{SEGMENTS}preview/"
GOOD = {"combinator": "AND", "rules": [{"field": "handicap", "operator": "lte", "value": 12}]}


def filled(**fields: Any) -> dict[str, Any]:
    usual = {
        "name": "Good players", "description": "", "type": "DYNAMIC", "category": "BEHAVIORAL",
        "refresh_frequency": "DAILY", "club": "", "criteria": json.dumps(GOOD),
    }  # fmt: skip
    return usual | fields


def test_the_form_works_without_the_builder(tenant: Tenant) -> None:
    """Without a script the rules are text."""
    club = ClubFactory(name="Fynbos Links")
    browser = staff_of("MARKETING")
    assert "The rules as JSON" in browser.text(ADD)
    reply = browser.post(ADD, filled(club=str(club.pk)))
    segment = Segment.objects.get()
    assert reply["Location"] == f"{SEGMENTS}{segment.pk}/"
    assert (segment.criteria, segment.refresh_frequency, segment.club) == (GOOD, "DAILY", club)
    page = browser.get(f"{SEGMENTS}{segment.pk}/change/")
    sent = filled(name="Better ones", refresh_frequency="LIVE", etag=segment.etag)
    browser.post(f"{SEGMENTS}{segment.pk}/change/", sent)
    segment.refresh_from_db()
    assert page.status_code == 200
    assert (segment.name, segment.refresh_frequency, segment.type) == ("Better ones", "LIVE", "DYNAMIC")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"criteria": "{not json"}, "This is not JSON"),
        ({"criteria": ""}, "must be a"),
        ({"criteria": '{"rules": [{"field": "handycap", "operator": "lte", "value": 1}]}'}, "rules[0].field"),
        ({"name": "Taken"}, "There is a segment “Taken” already."),
        ({"type": "NONE"}, "Select a valid choice"),
    ],
)
def test_what_cant_be_saved_is_said_where_it_is(tenant: Tenant, fields: dict[str, str], said: str) -> None:
    create_segment("Taken", by="user:x", criteria=GOOD)
    page = words(staff_of().post(ADD, filled(**fields)))
    assert said in page
    assert Segment.objects.count() == 1


def test_two_who_edit_one_segment_do_not_undo_each_other(tenant: Tenant) -> None:
    segment = create_segment("Good players", by="user:x", criteria=GOOD)
    old = segment.etag
    path = f"{SEGMENTS}{segment.pk}/change/"
    staff_of().post(path, filled(name="Mine", etag=old))
    assert "changed since you opened the form" in words(
        staff_of().post(path, filled(name="Theirs", etag=old))
    )
    segment.refresh_from_db()
    assert segment.name == "Mine"


def test_a_list_has_no_rules(tenant: Tenant) -> None:
    staff_of().post(ADD, filled(type="STATIC", criteria="{}"))
    segment = Segment.objects.get()
    assert (segment.type, segment.criteria, segment.refresh_frequency) == ("STATIC", {}, "MANUAL")
    page = staff_of().text(f"{SEGMENTS}{segment.pk}/change/")
    assert "The rules as JSON" not in page


def test_the_preview_says_who_would_be_in_and_what_is_wrong(tenant: Tenant) -> None:
    CustomerProfileFactory(first_name="Ann", last_name="Botha", handicap="9.4")
    CustomerProfileFactory(first_name="Ben", last_name="Nkosi", handicap="22")
    browser = staff_of("MARKETING")
    with at_most(20):
        told = browser.post(PREVIEW, filled(name="")).json()
    assert told["problems"] == []
    assert "<b>1</b>" in told["html"]
    assert "Ann Botha" in told["html"]
    assert "Ben Nkosi" not in told["html"]
    wrong = {
        "rules": [{"field": "handicap", "operator": "lte", "value": 1}, {"field": "x", "operator": "eq"}]
    }
    told = browser.post(PREVIEW, filled(criteria=json.dumps(wrong))).json()
    assert [one["field"] for one in told["problems"]] == ["rules[1].field"]
    assert browser.get(PREVIEW).status_code == 405


def test_every_template_can_be_saved_as_it_is(tenant: Tenant) -> None:
    browser = staff_of("MARKETING")
    gallery = browser.get(f"{SEGMENTS}gallery/").content.decode()
    for one in templates():
        assert f"?template={one.key}" in gallery
        vocabulary = current_vocabulary()
        assert parse(one.criteria, vocabulary)
    key = templates()[0].key
    form = browser.get(f"{ADD}?template={key}").context["form"]
    told = browser.post(PREVIEW, filled(criteria=json.dumps(form.initial["criteria"]))).json()
    assert told["problems"] == []
    assert "preview-words" in told["html"]


def test_a_template_that_is_not_there_is_a_page_that_is_not_there(tenant: Tenant) -> None:
    assert staff_of().get(f"{ADD}?template=nonsense").status_code == 404


def test_the_builder_is_told_everything_that_rules_can_be_about(tenant: Tenant) -> None:
    vocabulary = current_vocabulary()
    told = builder_words(vocabulary)
    assert set(told["fields"]) == set(vocabulary.words.fields)
    assert {name for _label, names in told["groups"] for name in names} == set(told["fields"])
    assert set(told["relations"]) == set(vocabulary.relations)
    json.dumps(told)


# --- from the list of customers
def test_a_narrowed_list_of_customers_becomes_rules_that_mean_the_same_people(tenant: Tenant) -> None:
    club = ClubFactory(refs=["fynbos", "fynbos-9"])
    chosen = {
        "status": "ACTIVE", "stage": "MEMBER", "tag": "committee", "consent": "email-yes", "marked": "vip",
        "type": "GUEST", "club": str(club.pk), "active": "30", "score": "engaged", "source": "scl",
    }  # fmt: skip
    fields = {
        "lifecycle_stage": "MEMBER", "tags": ["committee"], "email_opt_in": True, "is_vip": True, "source": "scl",
        "home_club_ref": "fynbos", "customer_type": "GUEST",
    }  # fmt: skip
    metrics = {"last_activity_at": timezone.now(), "engagement_score": 70}
    ann = CustomerProfileFactory(**fields, metrics=metrics)
    CustomerProfileFactory(**fields | {"is_vip": False}, metrics=metrics)
    browser = staff_of("MARKETING")
    page = browser.get(LIST, chosen)
    assert [row.pk for row in page.context["cl"].result_list] == [ann.pk]
    link = page.context["links"][0].url
    form = browser.get(link).context["form"]
    tree = parse(form.initial["criteria"], current_vocabulary())
    assert list(matching(tree, moment=timezone.now()).values_list("pk", flat=True)) == [ann.pk]
    assert len(form.initial["criteria"]["rules"]) == len(chosen)
    assert "links" not in browser.get(LIST).context or browser.get(LIST).context["links"] == []
    assert staff_of("STAFF").get(LIST, chosen).context["links"] == []


@pytest.mark.parametrize("name", ["active", "consent", "marked", "score", "club", "status", "q", "x"])
def test_a_filter_that_no_rule_asks_for_is_said(tenant: Tenant, name: str) -> None:
    page = staff_of().get(ADD, {"from": "list", name: "nonsense", "stage": "MEMBER"})
    assert len(page.context["form"].initial["criteria"]["rules"]) == 1
    assert "No rule asks for what the list was narrowed by here" in words(page)


# --- files
def test_a_file_puts_in_whom_it_names_and_says_whom_it_does_not(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(first_name="Ann", email="ann@example.com")
    ben = CustomerProfileFactory(first_name="Ben")
    hold(ben, "sclMemberId", "4711")
    segment = create_segment("From a file", by="user:x", type="IMPORT")
    file = SimpleUploadedFile(
        "people.csv", f"ANN@example.com\n4711\n\nnobody@example.com\n???\n{ann.pk}\n".encode()
    )
    reply = staff_of().post(
        f"{SEGMENTS}{segment.pk}/upload/", {"file": file, "reason": "The dinner"}, follow=True
    )
    page = words(reply)
    assert "2 people are put in." in page
    assert "Line 4: Nobody has this identifier." in page
    assert "Line 5" in page
    assert set(SegmentMember.objects.values_list("customer", flat=True)) == {ann.pk, ben.pk}
    assert set(SegmentEntry.objects.values_list("reason", flat=True)) == {"The dinner"}


def test_a_file_with_headings_is_read_by_its_columns(tenant: Tenant) -> None:
    ann = CustomerProfileFactory()
    hold(ann, "externalIds.golfRsaId", "GR-1")
    text = "\ufeffName;externalIds.golfRsaId;E-mail\nAnn;GR-1;\nBen;;\n"
    (batch,) = named_in(BytesIO(text.encode()), CustomerProfile.objects.all())
    assert [(one.line, one.customer, one.problem) for one in batch] == [
        (2, ann.pk, ""),
        (3, None, "There is no identifier."),
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PK\x03\x04\x00\x01\x02\xff"])
def test_what_is_no_such_file_is_refused(tenant: Tenant, content: bytes) -> None:
    segment = create_segment("From a file", by="user:x", type="IMPORT")
    file = SimpleUploadedFile("people.xlsx", content)
    reply = staff_of().post(f"{SEGMENTS}{segment.pk}/upload/", {"file": file}, follow=True)
    assert "This is not a CSV file in UTF-8." in words(reply)
    assert "Choose a file first." in words(staff_of().post(f"{SEGMENTS}{segment.pk}/upload/", follow=True))


# --- two circles
@pytest.mark.parametrize(
    ("one", "other", "both"), [(100, 50, 20), (100, 100, 100), (10, 10, 0), (40, 10, 10), (0, 0, 0)]
)
def test_circles_overlap_as_much_as_the_people_do(one: int, other: int, both: int) -> None:
    first, second = circles(one, other, both)
    if not one:
        return
    scale = (first.r**2) / one
    shared = lens(first.r, second.r, abs(second.x - first.x)) / 3.14159 / scale
    assert shared == pytest.approx(both, abs=max(one, other) * 0.02)
    assert second.r**2 == pytest.approx(other * scale, rel=0.02)
