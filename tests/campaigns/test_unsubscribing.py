"""RFC 8058 and the page: leaving takes one click, works for years, and nobody is taken out by a machine that looks."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import gate, tokens
from campaigns.models import Interaction, Message, Origin, Sender
from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from customers.consent import Consent, State
from customers.consents import OPT_OUT, record_consents
from customers.erasure import erase_customer
from customers.merging import merge_customers
from customers.models import ConsentEntry, CustomerProfile
from tests.factories import CustomerProfileFactory

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def thandi(tenant: Tenant) -> CustomerProfile:
    return CustomerProfileFactory(email_opt_in=True, sms_opt_in=True)


def message(customer: CustomerProfile, **fields: Any) -> Message:
    usual = {"channel": "EMAIL", "message_class": "MARKETING", "state": "SENT", "address": customer.email}
    named = {"tenant": customer.tenant, "customer": customer, "recorded_for": customer.pk}
    row: Message = Message.objects.create(**{**usual, **named, **fields})
    return row


def page(row: Message) -> str:
    return f"/t/u/{tokens.make(tokens.UNSUBSCRIBE, row.pk)}"


@pytest.fixture
def anyone(db: None) -> Client:
    """A bare client that no token is forged for."""
    return Client(enforce_csrf_checks=True)


def flags(customer: CustomerProfile) -> tuple[Any, ...]:
    customer.refresh_from_db()
    return customer.email_opt_in, customer.sms_opt_in, customer.push_opt_in, customer.whatsapp_opt_in


@pytest.mark.parametrize("form", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_one_click_is_enough(anyone: Client, thandi: CustomerProfile, form: str) -> None:
    row = message(thandi)
    body = "List-Unsubscribe=One-Click"
    if "multipart" in form:
        body = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    reply = anyone.generic("POST", page(row), body, content_type=form)
    assert (reply.status_code, reply.content, dict(reply.cookies)) == (200, b"", {})
    assert flags(thandi)[:2] == (False, True)
    (entry,) = ConsentEntry.objects.all()
    assert (entry.reason, entry.purpose, entry.channel, entry.state) == (
        "UNSUBSCRIBE", "MARKETING", "EMAIL", "WITHDRAWN",
    )  # fmt: skip
    row.refresh_from_db()
    assert row.unsubscribed_at
    assert OutboxMessage.objects.filter(topic=OPT_OUT).count() == 1  # Messaging is asked to follow


def test_again_is_the_same(anyone: Client, thandi: CustomerProfile) -> None:
    row = message(thandi)
    for _ in range(3):
        assert anyone.post(page(row), ONE_CLICK).status_code == 200
    assert (ConsentEntry.objects.count(), Interaction.objects.count()) == (1, 1)


def test_who_came_back_can_leave_again(anyone: Client, thandi: CustomerProfile) -> None:
    row = message(thandi)
    anyone.post(page(row), ONE_CLICK)
    thandi.tenant.consent_owner = Tenant.ConsentOwner.LOCAL
    thandi.tenant.save()
    record_consents(thandi.pk, [Consent("EMAIL", State.GRANTED, timezone.now(), "FORM")], by="user:x")
    anyone.post(page(row), ONE_CLICK)
    assert list(ConsentEntry.objects.order_by("at").values_list("state", flat=True)) == [
        "WITHDRAWN", "GRANTED", "WITHDRAWN",
    ]  # fmt: skip


def test_looking_changes_nothing(anyone: Client, thandi: CustomerProfile) -> None:
    row = message(thandi)
    for _ in range(3):
        shown = anyone.get(page(row))
        anyone.head(page(row))
    assert shown.status_code == 200 and not shown.cookies
    assert '<form method="post">' in shown.content.decode()
    assert "script" not in shown.content.decode() and shown["Cache-Control"] == "no-store"
    assert (ConsentEntry.objects.count(), Interaction.objects.count(), flags(thandi)[0]) == (0, 0, True)


def test_a_wrong_token_is_no_page(anyone: Client, thandi: CustomerProfile) -> None:
    row = message(thandi)
    for wrong in ("/t/u/x", page(row)[:-1], f"/t/u/{tokens.make(tokens.OPEN, row.pk)}"):
        assert anyone.get(wrong).status_code == anyone.post(wrong, ONE_CLICK).status_code == 404
    assert anyone.put(page(row)).status_code == 405


def test_the_button_leaves_the_purpose_and_the_other_one_everything(
    anyone: Client, thandi: CustomerProfile
) -> None:
    row = message(thandi, purpose="OFFERS")
    reply = anyone.post(page(row), {"scope": "PURPOSE"})
    assert "You are unsubscribed" in reply.content.decode() and not reply.cookies
    assert flags(thandi) == (True, True, None, None)
    assert ConsentEntry.objects.get().purpose == "OFFERS"
    anyone.post(page(row), {"scope": "ALL"})
    assert flags(thandi) == (False, False, False, False)


def test_what_is_queued_does_not_leave_any_more(anyone: Client, thandi: CustomerProfile) -> None:
    sent, queued = message(thandi), message(thandi, state="QUEUED")
    service = message(thandi, state="QUEUED", message_class="TRANSACTIONAL")
    anyone.post(page(sent), ONE_CLICK)
    verdicts = gate.decide([queued, service], timezone.now())
    assert [verdicts[one.pk].reason for one in (queued, service)] == ["REFUSED", ""]


def test_it_works_after_a_merge_an_erasure_and_a_change_of_keys(
    anyone: Client, thandi: CustomerProfile, settings: Any
) -> None:
    row = message(thandi)
    address = page(row)
    winner = CustomerProfileFactory(email_opt_in=True)
    merge_customers(winner.pk, thandi.pk, by="user:x")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert anyone.post(address, ONE_CLICK).status_code == 200
    assert flags(winner)[0] is False
    erase_customer(winner.pk, by="user:x")
    assert anyone.get(address).status_code == anyone.post(address, ONE_CLICK).status_code == 200


def test_a_test_message_takes_nobody_out(anyone: Client, thandi: CustomerProfile) -> None:
    row = message(thandi, origin=Origin.TEST)
    assert "test message" in anyone.get(page(row)).content.decode()
    assert anyone.post(page(row), ONE_CLICK).status_code == 200
    assert flags(thandi)[0] is True


def test_the_page_speaks_for_the_club(anyone: Client, thandi: CustomerProfile) -> None:
    Sender.objects.create(
        tenant=thandi.tenant, from_name="Fynbos Golf", brand_color="#7a1f2b", logo_url="https://cdn.example/logo.png",
        postal_address="1 Links Road", website="https://fynbos.example",
    )  # fmt: skip
    shown = anyone.get(page(message(thandi)))
    text = shown.content.decode()
    assert all(
        word in text
        for word in ("Fynbos Golf", "/t/s/7a1f2b.css", "1 Links Road", "https://cdn.example/logo.png")
    )
    assert "img-src 'self' data: https://cdn.example" in shown["Content-Security-Policy"]
