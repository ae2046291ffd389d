"""Templates as the use cases keep them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns import previews, templates, variables, wordings
from campaigns.checking import InvalidTemplate
from campaigns.models import Campaign, CampaignStatus, CampaignVariant, Link, Sender, TemplateContent
from campaigns.personalisation import MESSAGE_LINKS, VARIABLES, Kind
from campaigns.templates import TemplateInUse
from campaigns.writing import Wording
from crm.errors import DuplicateResource, PreconditionFailed, ValidationFailed
from crm.tenancy.models import AuditEntry, Tenant
from crm.versions import Condition
from customers.models import Booking
from tests.campaigns.words import LETTER
from tests.factories import ClubFactory, CustomerProfileFactory

pytestmark = pytest.mark.django_db
BY = "user:1"
HELLO = Wording("en", "Hi {{ firstName }}", "", LETTER)


def made(*contents: Wording, channel: str = "EMAIL", name: str = "News", **more: Any) -> Any:
    return templates.create_template(name, by=BY, channel=channel, contents=contents or (HELLO,), **more)


def sms(text: str, language: str = "en") -> Wording:
    return Wording(language, body=text)


def test_words_are_kept_with_their_links(tenant: Tenant) -> None:
    template = made()
    content = TemplateContent.objects.get(template=template)
    assert (content.language, content.revision, content.body) == ("en", 1, LETTER)
    assert "{{ _link[0] }}" in content.html
    assert (
        list(Link.objects.order_by("position").values_list("url", flat=True))[1]
        == "https://club.example/book"
    )
    assert AuditEntry.objects.filter(action="template.created").count() == 1


def test_other_words_are_the_next_revision_and_the_same_words_are_none(tenant: Tenant) -> None:
    template = made()
    same = templates.change_template(template.pk, {"contents": [HELLO]}, by=BY)
    assert same.version == 1
    changed = templates.change_template(
        template.pk, {"contents": [HELLO._replace(subject="Hello"), HELLO._replace(language="af_za")]}, by=BY,
        if_match=Condition.of(same.etag),
    )  # fmt: skip
    assert changed.version == 2
    rows = (
        TemplateContent.objects.filter(template=template).order_by("pk").values_list("language", "revision")
    )
    assert list(rows) == [("en", 1), ("en", 2), ("af-ZA", 1)]
    with pytest.raises(PreconditionFailed):
        templates.change_template(template.pk, {"name": "x"}, by=BY, if_match=Condition.of(same.etag))


def test_a_language_can_be_taken_away_and_come_back(tenant: Tenant) -> None:
    template = made(sms("One"), sms("Een", "af"), channel="SMS")
    templates.change_template(template.pk, {"remove_languages": ["af"]}, by=BY)
    assert set(wordings.latest([template.pk])[template.pk]) == {"en"}
    templates.change_template(template.pk, {"contents": [sms("Twee", "af")]}, by=BY)
    assert wordings.latest([template.pk])[template.pk]["af"].revision == 3
    with pytest.raises(ValidationFailed):
        templates.change_template(template.pk, {"remove_languages": ["zu"]}, by=BY)


def test_what_is_wrong_is_told_by_language_and_place(tenant: Tenant) -> None:
    with pytest.raises(InvalidTemplate) as raised:
        made(sms("ok"), sms("a {{ fistName }}", "af"), channel="SMS")
    (detail,) = raised.value.details
    assert (detail.field, detail.code) == ("contents[1].body", "UNKNOWN_VARIABLE")
    assert detail.message == "Line 1, column 6: there is no variable “fistName”; did you mean “firstName”?"
    assert not TemplateContent.objects.exists()


@pytest.mark.parametrize(
    ("channel", "wording", "field"),
    [
        ("EMAIL", Wording("en", "", "", "<p>x</p>"), "subject"),
        ("EMAIL", Wording("en", "x", "", ""), "body"),
        ("EMAIL", Wording("en", "{{ nope }}", "", "<p>x</p>"), "subject"),
        ("EMAIL", Wording("en", "x", "{{ nope }}", "<p>x</p>"), "preheader"),
        ("EMAIL", Wording("en", "x", "", "<p>x</p>", "{{ nope }}"), "text"),
        ("SMS", Wording("en", "x", "", "y"), "subject"),
        ("SMS", Wording("en", "", "", ""), "body"),
        ("PUSH", Wording("en", "x", "", "y", "", {"link": "javascript:x"}), "extra.link"),
        ("PUSH", Wording("en", "x", "", "y", "", {"nope": "x"}), "extra"),
        ("WHATSAPP", Wording("en", "", "", "y"), "extra"),
        (
            "WHATSAPP", Wording("en", body="y", extra={"templateName": "t", "parameters": ["{{ x }}"]}),
            "extra.parameters.0",
        ),
    ],
)  # fmt: skip
def test_each_channel_has_its_shape(tenant: Tenant, channel: str, wording: Wording, field: str) -> None:
    with pytest.raises(InvalidTemplate) as raised:
        made(wording, channel=channel)
    assert f"contents[0].{field}" in [one.field for one in raised.value.details]


def test_a_name_is_taken_once(tenant: Tenant) -> None:
    made()
    with pytest.raises(DuplicateResource):
        made()


def test_a_copy_has_the_words_that_count(tenant: Tenant) -> None:
    template = made(sms("One"), channel="SMS")
    templates.change_template(template.pk, {"contents": [sms("Two")]}, by=BY)
    copy = templates.clone_template(template.pk, by=BY)
    assert copy.name == "News (Copy)"
    assert [(one.body, one.revision) for one in wordings.latest([copy.pk])[copy.pk].values()] == [("Two", 1)]


@pytest.mark.parametrize(
    ("status", "is_refused"), [("DRAFT", False), ("SCHEDULED", True), ("ACTIVE", True), ("COMPLETED", False)]
)
def test_what_is_about_to_be_sent_is_not_archived(tenant: Tenant, status: str, is_refused: bool) -> None:
    template = made()
    campaign = Campaign.objects.create(
        tenant=tenant, name="C", status=CampaignStatus(status), channels=["EMAIL"]
    )
    CampaignVariant.objects.create(tenant=tenant, campaign=campaign, email_template=template)
    if is_refused:
        with pytest.raises(TemplateInUse, match="used by C"):
            templates.archive_template(template.pk, by=BY)
    else:
        templates.archive_template(template.pk, by=BY)
        with pytest.raises(templates.TemplateNotFound):
            templates.find_template(template.pk)


# --- languages
@pytest.mark.parametrize(
    ("there", "language", "others", "found"),
    [
        (["en", "af"], "af", [], "af"),
        (["en", "af"], "af-ZA", [], "af"),
        (["en-GB", "af"], "en-ZA", [], "en-GB"),
        (["en", "af"], "EN_za", [], "en"),
        (["en", "af", "zu"], "fr", ["de", "zu-ZA"], "zu"),
        (["af", "en"], "fr", ["de"], "en"),
        (["zu", "af"], "fr", [], "af"),
        (["af"], "", ["en"], "af"),
    ],
)
def test_nobody_gets_a_blank_message(there: list[str], language: str, others: list[str], found: str) -> None:
    contents = {name: TemplateContent(language=name, body="x") for name in there}
    chosen = wordings.choose(contents, language, others)
    assert chosen is not None
    assert chosen.language == found


def test_the_chain_is_club_then_sender_then_tenant(tenant: Tenant) -> None:
    club = ClubFactory(language="af")
    assert wordings.fallbacks(Sender(fallback_languages=["zu", "xh"]), club) == ["af", "zu", "xh", "en"]


# --- what is known of people
def test_values_are_loaded_for_a_batch(tenant: Tenant, django_assert_num_queries: Any) -> None:
    now = datetime(2026, 12, 1, 10, tzinfo=UTC)
    club = ClubFactory(name="Fynbos", phone="+27215550100", timezone="Africa/Johannesburg")
    ann, bob = (
        CustomerProfileFactory(first_name="Ann", custom_fields={"shoe": "9"}),
        CustomerProfileFactory(first_name=""),
    )
    for days, status in (
        (-40, "COMPLETED"),
        (-3, "COMPLETED"),
        (-1, "CANCELLED"),
        (2, "CANCELLED"),
        (4, "BOOKED"),
        (9, "BOOKED"),
    ):
        booking(ann, now + timedelta(days=days, hours=13), status)
    sender = Sender(club=club, postal_address="1 Lane", brand_color="red; x", website="https://f.example")
    with django_assert_num_queries(3):
        found = variables.load([ann.pk, bob.pk, uuid4()], sender=sender, club=club, now=now)
    assert set(found) == {ann.pk, bob.pk}
    assert found[ann.pk]["firstName"] == "Ann"
    assert found[ann.pk]["customFields"] == {"shoe": "9"}
    assert found[ann.pk]["lastBookingDate"] == "2026-11-29"
    assert found[ann.pk]["nextBooking"] == "2026-12-06T01:00:00+02:00"
    assert found[bob.pk]["firstName"] is None
    assert found[bob.pk]["nextBooking"] is None
    assert found[bob.pk]["club"] == {
        "name": "Fynbos", "phone": "+27215550100", "email": club.email or None, "address": "1 Lane",
        "website": "https://f.example", "logo": None, "color": "#14532d",
    }  # fmt: skip
    assert found[ann.pk].shared is found[bob.pk].shared


def booking(person: Any, at: datetime, status: str) -> None:
    Booking.objects.create(
        tenant=person.tenant, key=str(uuid4()), customer=person, tee_time=at, status=status
    )


def test_everything_in_the_registry_is_loaded(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    values = variables.load([person.pk])[person.pk]
    for one in VARIABLES.values():
        head, _, rest = one.name.partition(".")
        if one.kind is not Kind.BLOCK and one.name not in MESSAGE_LINKS:
            assert head in values and (not rest or rest in values[head]), one.name


# --- looking
def test_a_preview_is_in_the_language_of_the_customer(tenant: Tenant) -> None:
    template = made(
        sms("Hello {{ firstName }}"), sms("Hallo {{ firstName }} {{ lastName }}", "af"), channel="SMS"
    )
    person = CustomerProfileFactory(first_name="Piet", last_name="", language="af-ZA")
    seen = previews.preview(template, customer_id=person.pk)
    assert (seen.rendered.text, seen.language, seen.missing) == ("Hallo Piet", "af", ["lastName"])
    assert previews.preview(template, customer_id=person.pk, language="en").rendered.text == "Hello Piet"


def test_without_a_customer_examples_stand_in(tenant: Tenant) -> None:
    seen = previews.preview(made())
    assert seen.rendered.subject == "Hi Thandi"
    assert seen.missing == []


def test_words_are_made_ready_once(tenant: Tenant, django_assert_num_queries: Any) -> None:
    content = TemplateContent.objects.get(template=made())
    words = wordings.words_of(content)
    with django_assert_num_queries(0):
        assert wordings.words_of(content) is words
