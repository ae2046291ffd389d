from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import tokens, tracking
from campaigns.models import Interaction, Link, Message, MessageTemplate, Origin, TemplateContent
from crm.tenancy.models import Tenant
from customers.models import CustomerMetrics, CustomerProfile
from tests.factories import CustomerProfileFactory
from timeline.models import Activity

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
BOOK = "https://fynbos.example/book"


@pytest.fixture
def thandi(tenant: Tenant) -> CustomerProfile:
    return CustomerProfileFactory(email_opt_in=True)


@pytest.fixture
def sent(thandi: CustomerProfile) -> Message:
    """An e-mail with three links that arrived an hour ago."""
    tenant = thandi.tenant
    template = MessageTemplate.objects.create(tenant=tenant, name="News", channel="EMAIL")
    content = TemplateContent.objects.create(tenant=tenant, template=template, language="en")
    for position, url in enumerate((BOOK, "https://fynbos.example/shop", "mailto:pro@fynbos.example")):
        Link.objects.create(tenant=tenant, content=content, position=position, url=url)
    row: Message = Message.objects.create(
        tenant=tenant, customer=thandi, recorded_for=thandi.pk, channel="EMAIL", message_class="MARKETING",
        state="DELIVERED", content=content, delivered_at=timezone.now() - timedelta(hours=1), address=thandi.email,
    )  # fmt: skip
    return row


@pytest.fixture
def browser(db: None) -> Client:
    return Client(headers={"User-Agent": PHONE})


def path(url: str) -> str:
    return "/t/" + url.split("/t/", 1)[1]


def judged() -> None:
    assert tracking.judge_due(timezone.now() + timedelta(minutes=2)) >= 0


def test_an_open_is_a_picture_and_counts_once_it_is_a_persons(browser: Client, sent: Message) -> None:
    reply = browser.get(path(tokens.open_url(sent.pk)))
    assert (reply.status_code, reply["Content-Type"], len(reply.content)) == (200, "image/gif", 42)
    assert reply["Cache-Control"] == "no-store" and not reply.cookies
    sent.refresh_from_db()
    assert sent.first_open_at and not sent.opened_at
    judged()
    sent.refresh_from_db()
    assert sent.opened_at == sent.first_open_at
    (entry,) = Activity.objects.filter(type="EMAIL_OPENED")
    metrics = CustomerMetrics.objects.get(customer=sent.customer_id)
    assert (entry.customer_id, entry.counts, metrics.last_email_open_at) == (
        sent.customer_id,
        True,
        sent.opened_at,
    )


def test_a_click_leads_to_its_address_and_to_no_other(browser: Client, sent: Message) -> None:
    reply = browser.get(path(tokens.click_url(sent.pk, 0)))
    assert (reply.status_code, reply["Location"], reply.content) == (302, BOOK, b"")
    assert reply["Referrer-Policy"] == "no-referrer" and not reply.cookies
    own = "https://fynbos.example/book?member=12"
    assert browser.get(path(tokens.click_url(sent.pk, 0, address=own)))["Location"] == own
    for wrong in (
        path(tokens.click_url(sent.pk, 0)) + "?to=https://evil.example",
        path(tokens.click_url(sent.pk, 0, address=own)).replace("member", "evil"),
        "/t/c/nothing", path(tokens.click_url(sent.pk + 1, 0)),
    ):  # fmt: skip
        assert browser.get(wrong).status_code == 404
    assert "Location" not in browser.get(path(tokens.click_url(sent.pk, 9))).headers
    assert "Location" not in browser.get(path(tokens.click_url(sent.pk, 2))).headers


def test_a_click_counts_once_it_is_a_persons(browser: Client, sent: Message) -> None:
    browser.get(path(tokens.click_url(sent.pk, 0)))
    judged()
    sent.refresh_from_db()
    assert sent.clicked_at and sent.opened_at == sent.clicked_at  # who clicks has opened it
    assert CustomerMetrics.objects.get(customer=sent.customer_id).last_email_click_at


def test_a_scanner_is_kept_beside_and_counts_for_nothing(sent: Message) -> None:
    scanner = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) SafeLinks"})
    for position in range(3):
        scanner.head(path(tokens.click_url(sent.pk, position)))
        scanner.get(path(tokens.click_url(sent.pk, position)))
    scanner.get(path(tokens.trap_url(sent.pk)))
    scanner.get(path(tokens.open_url(sent.pk)))
    judged()
    sent.refresh_from_db()
    assert sent.first_click_at and sent.first_open_at
    assert (sent.clicked_at, sent.opened_at, Activity.objects.count()) == (None, None, 0)
    assert Interaction.objects.filter(is_human=False).count() == Interaction.objects.count() == 8


def test_the_same_again_is_one_row_and_there_is_an_end_to_it(
    browser: Client, sent: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        browser.get(path(tokens.open_url(sent.pk)))
    assert Interaction.objects.count() == 1
    monkeypatch.setattr(tracking, "MOST", 1)
    assert browser.get(path(tokens.click_url(sent.pk, 0))).status_code == 302
    assert Interaction.objects.count() == 1


def test_a_request_is_two_statements(browser: Client, sent: Message) -> None:
    with CaptureQueriesContext(connection) as seen:
        browser.get(path(tokens.click_url(sent.pk, 0)))
    assert len(seen) == 2
    with CaptureQueriesContext(connection) as seen:
        browser.get("/t/c/nothing-of-ours")
    assert len(seen) == 0


def test_a_test_message_tells_no_timeline(browser: Client, sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(origin=Origin.TEST)
    browser.get(path(tokens.open_url(sent.pk)))
    judged()
    sent.refresh_from_db()
    assert sent.opened_at and not Activity.objects.exists()


def test_judging_again_changes_nothing_and_statements_do_not_grow(browser: Client, sent: Message) -> None:
    browser.get(path(tokens.open_url(sent.pk)))
    judged()
    assert tracking.judge_due(timezone.now() + timedelta(hours=1)) == 0
    assert Activity.objects.count() == 1


def test_pages_of_a_tenant_that_is_gone_are_gone(browser: Client, sent: Message) -> None:
    Tenant.objects.filter(pk=sent.tenant_id).update(is_active=False)
    assert browser.get(path(tokens.click_url(sent.pk, 0))).status_code == 404
    assert browser.get(path(tokens.open_url(sent.pk))).status_code == 200  # no broken picture


def test_the_colours_of_a_club_can_be_read(browser: Client) -> None:
    dark, light = browser.get("/t/s/14532d.css"), browser.get("/t/s/ffd400.css")
    assert "--on-brand:#ffffff" in dark.content.decode() and "--on-brand:#10201a" in light.content.decode()
    for wrong in ("14532d;}", "red", "14532d00"):
        assert browser.get(f"/t/s/{wrong}.css").status_code == 404
