from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import gate, preferences, tokens
from campaigns.models import Message, Origin
from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from customers.consent import Consent, State
from customers.consents import OPT_IN, record_consents
from customers.models import ConsentEntry, CustomerProfile
from customers.suppression import suppress
from tests.factories import CustomerProfileFactory


@pytest.fixture
def thandi(tenant: Tenant) -> CustomerProfile:
    tenant.consent_owner = Tenant.ConsentOwner.LOCAL
    tenant.save()
    return CustomerProfileFactory(email="thandi@example.com", language="en")


@pytest.fixture
def anyone(db: None) -> Client:
    return Client(enforce_csrf_checks=True)


def message(customer: CustomerProfile, **fields: Any) -> Message:
    usual = {"channel": "EMAIL", "message_class": "MARKETING", "state": "SENT", "address": customer.email}
    named = {"tenant": customer.tenant, "customer": customer, "recorded_for": customer.pk}
    row: Message = Message.objects.create(**{**usual, **named, **fields})
    return row


def page(customer: CustomerProfile, **fields: Any) -> str:
    return f"/t/p/{tokens.make(tokens.PREFERENCES, message(customer, **fields).pk)}"


def reason(customer: CustomerProfile, purpose: str) -> str:
    row = message(customer, purpose=purpose, state="QUEUED")
    return gate.decide([row], timezone.now())[row.pk].reason


def test_what_is_switched_on_comes_and_the_rest_does_not(anyone: Client, thandi: CustomerProfile) -> None:
    address = page(thandi)
    record_consents(
        thandi.pk, [Consent("EMAIL", State.GRANTED, timezone.now(), "FORM", purpose="OFFERS")], by="user:x"
    )
    shown = anyone.get(address).content.decode()
    assert shown.count('value="EMAIL:OFFERS" checked') == 1 and shown.count("checked") == 1
    assert "t•••@example.com" in shown and "SMS" not in shown
    reply = anyone.post(
        address, {"act": "save", "on": ["EMAIL:NEWSLETTER", "SMS:OFFERS", "nonsense", "EMAIL:EVERYTHING"]}
    )
    assert (reply.status_code, dict(reply.cookies)) == (200, {})
    assert [reason(thandi, one) for one in ("NEWSLETTER", "OFFERS")] == ["", "REFUSED"]
    granted = ConsentEntry.objects.get(purpose="NEWSLETTER")
    assert (granted.reason, granted.wording, granted.locale) == ("PREFERENCE", preferences.WORDING, "en")


def test_who_left_everything_can_come_back_for_something(anyone: Client, thandi: CustomerProfile) -> None:
    address = page(thandi)
    anyone.post(address, {"act": "leave"})
    suppress([("email", thandi.email)], reason="UNSUBSCRIBED", by="import", now=timezone.now())
    assert "checked" not in anyone.get(address).content.decode()
    anyone.post(address, {"act": "save", "on": ["EMAIL:COMPETITIONS"]})
    assert [reason(thandi, one) for one in ("COMPETITIONS", "NEWSLETTER")] == ["", "REFUSED"]


def test_where_messaging_owns_consent_it_is_asked(anyone: Client, thandi: CustomerProfile) -> None:
    thandi.tenant.consent_owner = Tenant.ConsentOwner.MESSAGING
    thandi.tenant.save()
    reply = anyone.post(page(thandi), {"act": "save", "on": ["EMAIL:NEWSLETTER"]})
    assert "within a few minutes" in reply.content.decode()
    (asked,) = OutboxMessage.objects.filter(topic=OPT_IN)
    assert asked.payload["customerId"] == str(thandi.pk) and not ConsentEntry.objects.exists()


def test_a_pause_holds_and_ends(anyone: Client, thandi: CustomerProfile) -> None:
    CustomerProfile.objects.update(email_opt_in=True)
    address = page(thandi)
    assert "Paused until" in anyone.post(address, {"act": "pause-30"}).content.decode()
    assert reason(thandi, "MARKETING") == "SUPPRESSED"
    assert "Paused until" not in anyone.post(address, {"act": "pause-0"}).content.decode()
    assert reason(thandi, "MARKETING") == ""


def test_looking_changes_nothing_and_neither_does_a_test_message(
    anyone: Client, thandi: CustomerProfile
) -> None:
    address = page(thandi)
    for _ in range(2):
        anyone.get(address)
        anyone.head(address)
    assert "test message" in anyone.post(page(thandi, origin=Origin.TEST), {"act": "leave"}).content.decode()
    assert not ConsentEntry.objects.exists()
    assert anyone.get("/t/p/nothing").status_code == anyone.post("/t/p/nothing").status_code == 404


def test_the_page_speaks_their_language(anyone: Client, thandi: CustomerProfile) -> None:
    CustomerProfile.objects.update(language="af-ZA")
    shown = anyone.get(page(thandi)).content.decode()
    assert '<html lang="af">' in shown and "Wat jy van ons hoor" in shown


def test_a_double_opt_in_takes_a_post_and_works_once(anyone: Client, thandi: CustomerProfile) -> None:
    url = preferences.ask_to_confirm(thandi.pk, "EMAIL", "NEWSLETTER", by="key:form")
    address = "/t/" + url.split("/t/")[1]
    for _ in range(3):  # a scanner looks
        assert "Is that right?" in anyone.get(address).content.decode()
    assert reason(thandi, "NEWSLETTER") == "NEVER_ASKED"
    assert "Thank you" in anyone.post(address).content.decode()
    assert reason(thandi, "NEWSLETTER") == ""
    for reply in (anyone.post(address), anyone.get(address)):
        assert "was used" in reply.content.decode()
    assert ConsentEntry.objects.filter(reason="DOUBLE_OPT_IN").count() == 1


def test_a_link_that_is_old_or_overtaken_confirms_nothing(anyone: Client, thandi: CustomerProfile) -> None:
    entry = preferences.pending_of(
        preferences.ask_to_confirm(thandi.pk, "EMAIL", "OFFERS", by="key:form").rsplit("/", 1)[1]
    )
    assert entry is not None
    week = timezone.now() + timedelta(days=8)
    assert not preferences.confirm(entry, now=week, proof=preferences.Proof())
    record_consents(
        thandi.pk, [Consent("EMAIL", State.WITHDRAWN, timezone.now(), "CALL", purpose="OFFERS")], by="user:x"
    )
    assert not preferences.confirm(entry, now=timezone.now(), proof=preferences.Proof())
    assert reason(thandi, "OFFERS") == "REFUSED"
