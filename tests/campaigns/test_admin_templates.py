"""The staff pages of templates."""

from typing import Any

from campaigns import ready_made, wordings
from campaigns.models import MessageTemplate, TemplateContent
from campaigns.templates import create_template
from campaigns.writing import Wording
from crm.tenancy.models import AuditEntry, Tenant
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import staff_of

PAGES = "/admin/campaigns/messagetemplate/"
MAIL = {"name": "News", "description": "", "club": "", "language": "en", "channel": "EMAIL",
        "subject": "Hi {{ firstName }}", "preheader": "",
        "body": "<p>\r\nHello {{ lastName }}</p>", "text": ""}  # fmt: skip


def sms(*words: tuple[str, str]) -> MessageTemplate:
    contents = [Wording(language, body=body) for language, body in words]
    return create_template("Hello", by="user:1", channel="SMS", contents=contents)


def test_a_template_is_written_and_changed(tenant: Tenant) -> None:
    browser = staff_of("MARKETING")
    club = ClubFactory()
    reply = browser.post(f"{PAGES}add/?channel=EMAIL", MAIL | {"club": str(club.pk)})
    template = MessageTemplate.objects.get()
    page = f"{PAGES}{template.pk}/change/"
    assert reply["Location"] == f"{page}?language=en"
    assert (template.club, template.channel) == (club, "EMAIL")
    assert "Hello {{ lastName }}" in browser.text(page)
    browser.post(page, MAIL | {"etag": template.etag})  # the same words: only the club goes
    browser.post(page, MAIL | {"subject": "Hello"})
    assert list(TemplateContent.objects.order_by("pk").values_list("revision", "subject")) == [
        (1, "Hi {{ firstName }}"),
        (2, "Hello"),
    ]
    late = browser.post(page, MAIL | {"name": "x", "etag": template.etag})
    assert "changed since you opened it" in late.content.decode()


def test_problems_stand_beside_the_words(tenant: Tenant) -> None:
    reply = staff_of("MARKETING").post(f"{PAGES}add/", MAIL | {"body": "<p>\r\n{{ fistName }}</p>"})
    assert (
        "body: Line 2, column 4: there is no variable “fistName”; did you mean “firstName”?"
        in reply.content.decode()
    )
    assert not MessageTemplate.objects.exists()


def test_another_language_begins_empty_and_can_be_taken_away(tenant: Tenant) -> None:
    template = sms(("en", "Hi"), ("af", "Hallo"))
    browser = staff_of("MARKETING")
    page = f"{PAGES}{template.pk}/"
    assert "Hallo</textarea>" in browser.get(f"{page}change/?language=af").content.decode()
    other = browser.get(f"{page}change/?language=zu").content.decode()
    assert "Hallo</textarea>" not in other
    assert "Hi</textarea>" not in other
    browser.post(f"{page}remove-language/", {"language": "af"})
    assert set(wordings.latest([template.pk])[template.pk]) == {"en"}


def test_the_preview_is_of_the_words_in_the_form(tenant: Tenant) -> None:
    person = CustomerProfileFactory(first_name="Ann", last_name="")
    browser = staff_of("MARKETING")
    found = browser.post(f"{PAGES}preview/", MAIL | {"person": str(person.pk)}).json()
    assert (found["subject"], found["missing"], found["problems"]) == ("Hi Ann", ["lastName"], [])
    assert AuditEntry.objects.filter(action="customer.viewed", object_id=str(person.pk)).exists()
    wrong = browser.post(f"{PAGES}preview/", MAIL | {"body": "<p>{% if %}</p>"}).json()
    assert (wrong["problems"][0]["part"], wrong["problems"][0]["line"]) == ("body", 1)


def test_the_frame_shows_html_in_which_nothing_runs(tenant: Tenant) -> None:
    reply = staff_of("MARKETING").post(f"{PAGES}frame/", MAIL)
    assert "Hello Mokoena" in reply.content.decode()
    policy = reply["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert reply["X-Frame-Options"] == "SAMEORIGIN"


def test_a_ready_made_one_is_taken(tenant: Tenant) -> None:
    browser = staff_of("MARKETING")
    assert "Membership renewal" in browser.text(f"{PAGES}gallery/")
    browser.post(f"{PAGES}gallery/take/", {"key": "welcome"})
    assert MessageTemplate.objects.get().key == "welcome"


def test_who_only_looks_cannot_write(tenant: Tenant) -> None:
    template = ready_made.take("welcome", by="user:1")
    browser = staff_of("VIEWER")
    text = browser.get(f"{PAGES}{template.pk}/change/").content.decode()
    assert "Welcome, {{ firstName }}" in text
    assert 'value="Save"' not in text
    assert browser.post(f"{PAGES}{template.pk}/change/", MAIL).status_code == 403


def test_the_list_tells_of_channels_and_languages(tenant: Tenant) -> None:
    sms(("en", "Hi"), ("af", "Hallo"))
    ready_made.take("newsletter", by="user:1")
    browser = staff_of("STAFF")
    text: Any = browser.text(PAGES)
    assert "Hello" in text and "Newsletter" in text
    assert "Newsletter" not in browser.text(f"{PAGES}?channel=SMS")
