import hmac
import itertools
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from campaigns import receipts, reputation
from campaigns.models import Interaction, Message, MessageState, Sender
from crm.messaging.receipts import Kind, Receipt
from crm.tenancy.models import Tenant
from customers.consent import Consent, State
from customers.consents import record_consents
from customers.models import ConsentEntry, CustomerProfile, Suppression
from customers.suppression import standing_over
from tests.factories import CustomerProfileFactory

NOW = datetime(2026, 6, 3, 10, tzinfo=UTC)


@pytest.fixture
def thandi(tenant: Tenant) -> CustomerProfile:
    return CustomerProfileFactory(
        email_opt_in=True, sms_opt_in=True, phone_number="+27821234567", phone_is_valid=True
    )


def message(customer: CustomerProfile, **fields: Any) -> Message:
    usual = {
        "channel": "EMAIL", "message_class": "MARKETING", "state": "SENT", "address": customer.email,
        "sent_at": NOW - timedelta(minutes=5), "gateway": "esp",
    }  # fmt: skip
    named = {"tenant": customer.tenant, "customer": customer, "recorded_for": customer.pk}
    row: Message = Message.objects.create(**{**usual, **named, **fields})
    return row


def key(row: Message) -> str:
    return f"{row.tenant_id.hex}:{row.pk}"


def told(row: Message, kind: Kind, after: float = 0, **fields: Any) -> Receipt:
    return Receipt(kind, key(row), at=NOW + timedelta(seconds=after), **fields)


def reasons(address: str, kind: str = "email") -> list[str]:
    return [one.reason for one in standing_over([(kind, address)], NOW).get((kind, address), [])]


def test_any_order_and_any_repetition_ends_in_the_same_state(thandi: CustomerProfile) -> None:
    story = [(Kind.SENT, 0), (Kind.DELIVERED, 1), (Kind.OPENED, 60), (Kind.COMPLAINED, 90)]
    ends = set()
    for order in itertools.permutations(story):
        row = message(thandi, state="UNKNOWN", sent_at=None)
        for kind, after in [*order, *order]:
            receipts.apply([told(row, kind, after)], gateway="esp", now=NOW)
        row.refresh_from_db()
        ends.add((row.state, row.delivered_at, row.first_open_at, row.complained_at))
        assert Interaction.objects.filter(message=row).count() == 4
    assert ends == {("COMPLAINED", *(NOW + timedelta(seconds=after) for after in (1, 60, 90)))}


def test_a_receipt_may_come_before_the_handing_over_is_settled(thandi: CustomerProfile) -> None:
    row = message(thandi, state="SENDING", sent_at=None, gateway="")
    receipts.apply([told(row, Kind.DELIVERED, provider_id="SM1")], gateway="esp", now=NOW)
    row.refresh_from_db()
    assert (row.state, row.provider_id, row.sent_at) == (MessageState.DELIVERED, "SM1", NOW)


def test_the_providers_own_id_tells_the_message_too(thandi: CustomerProfile, other_tenant: Tenant) -> None:
    row = message(thandi, provider_id="SM1", gateway="twilio")
    assert receipts.apply([Receipt(Kind.DELIVERED, provider_id="SM1")], gateway="esp", now=NOW) == 0
    assert receipts.apply([Receipt(Kind.DELIVERED, provider_id="SM1")], gateway="twilio", now=NOW) == 1
    strange = Receipt(Kind.BOUNCED, f"{other_tenant.pk.hex}:{row.pk}", is_permanent=True)
    assert receipts.apply([strange, Receipt(Kind.BOUNCED, "x:y")], gateway="esp", now=NOW) == 0


def test_what_came_back_for_good_is_suppressed_at_once(thandi: CustomerProfile) -> None:
    row = message(thandi)
    bounce = told(row, Kind.BOUNCED, code="550", detail="No such user", is_permanent=True)
    receipts.apply([bounce], gateway="esp", now=NOW)
    row.refresh_from_db()
    assert (row.state, row.error, reasons(row.address)) == ("BOUNCED", "550 No such user", ["HARD_BOUNCE"])
    assert Suppression.objects.get().channel == "EMAIL"


def test_a_repeated_call_makes_up_for_one_that_died(thandi: CustomerProfile) -> None:
    row = message(thandi)
    receipts._apply([(row.pk, told(row, Kind.COMPLAINED))], "esp", NOW)
    receipts.apply([told(row, Kind.COMPLAINED)], gateway="esp", now=NOW)
    assert reasons(row.address) == ["COMPLAINT"]
    thandi.refresh_from_db()
    assert (thandi.email_opt_in, ConsentEntry.objects.count()) == (False, 1)


def test_an_address_rests_after_three_soft_bounces_none_delivered_between(thandi: CustomerProfile) -> None:
    def bounce() -> list[str]:
        row = message(thandi)
        receipts.apply([told(row, Kind.BOUNCED, code="452")], gateway="esp", now=NOW)
        return reasons(thandi.email)

    assert [bounce(), bounce()] == [[], []]
    row = message(thandi)
    receipts.apply([told(row, Kind.DELIVERED, 1)], gateway="esp", now=NOW)
    Message.objects.filter(pk=row.pk).update(delivered_at=NOW)
    assert bounce() == []
    Message.objects.filter(pk=row.pk).update(delivered_at=NOW - timedelta(days=1))
    assert bounce() == ["SOFT_BOUNCES"]
    assert Suppression.objects.get().expires_at == NOW + timedelta(days=30)


def test_a_sender_of_whose_mail_too_much_comes_back_is_paused(thandi: CustomerProfile) -> None:
    rows = [message(thandi, sent_at=NOW, club_ref="") for _ in range(100)]
    for row in rows[:5]:
        receipts.apply([told(row, Kind.BOUNCED)], gateway="esp", now=NOW)
    assert not Sender.objects.exists()
    receipts.apply([told(rows[5], Kind.BOUNCED)], gateway="esp", now=NOW)
    sender = Sender.objects.get()
    assert (sender.paused_at, "came back" in sender.pause_reason) == (NOW, True)
    assert reputation.watch([""], now=NOW + timedelta(hours=1)) == []  # it is paused already


@pytest.mark.parametrize(
    ("sent", "bounced", "complained", "expected"),
    [(99, 99, 99, ""), (100, 5, 0, ""), (100, 6, 0, "bounces"), (1000, 0, 1, ""), (1000, 0, 2, "complaints"),
     (3000, 0, 3, "")],
)  # fmt: skip
def test_what_is_too_much(sent: int, bounced: int, complained: int, expected: str) -> None:
    assert reputation.too_much(sent, bounced, complained) == expected


def test_a_new_domain_begins_slowly() -> None:
    first = NOW.date()
    limits = [reputation.daily_limit(first, first + timedelta(days=day)) for day in (0, 2, 14, 27, 28)]
    assert limits == [50, 100, 6400, 579261, None]
    assert reputation.daily_limit(None, first) is None


# --- the calls of providers
@pytest.fixture
def twilio(settings: Any) -> Any:
    settings.TWILIO_AUTH_TOKEN, settings.PUBLIC_URL = "secret", "https://crm.example"

    def call(form: dict[str, str], query: str = "", token: str = "secret") -> int:  # noqa: S107
        path = "/webhooks/twilio/" + query
        signed = f"https://crm.example{path}" + "".join(name + form[name] for name in sorted(form))
        mac = b64encode(hmac.new(token.encode(), signed.encode(), sha1).digest()).decode()
        reply = Client(enforce_csrf_checks=True).post(
            path, urlencode(form), content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": mac},
        )  # fmt: skip
        return reply.status_code

    return call


def test_twilio_tells_of_its_messages_and_no_forger_does(thandi: CustomerProfile, twilio: Any) -> None:
    row = message(thandi, channel="SMS", address=thandi.phone_number, gateway="twilio")
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"}
    assert twilio(form, f"?key={key(row)}", token="guessed") == 401
    row.refresh_from_db()
    assert row.state == "SENT"
    assert twilio(form, f"?key={key(row)}") == 200
    row.refresh_from_db()
    assert row.state == "BOUNCED"


def test_stop_and_start_are_heeded(thandi: CustomerProfile, twilio: Any) -> None:
    thandi.tenant.consent_owner = Tenant.ConsentOwner.LOCAL
    thandi.tenant.save()
    record_consents(thandi.pk, [Consent("SMS", State.GRANTED, NOW, "FORM")], by="user:x")
    answer = {"MessageSid": "SM9", "From": thandi.phone_number, "To": "+27600000000"}
    assert twilio({**answer, "Body": "what is this?"}) == 200
    thandi.refresh_from_db()
    assert thandi.sms_opt_in is True
    assert twilio({**answer, "Body": "Staak asb."}) == 200
    thandi.refresh_from_db()
    assert (thandi.sms_opt_in, thandi.email_opt_in) == (False, True)
    assert twilio({**answer, "Body": "START"}) == 200
    thandi.refresh_from_db()
    assert thandi.sms_opt_in is True


def test_messaging_tells_what_became_of_its_messages(thandi: CustomerProfile, settings: Any) -> None:
    settings.MESSAGING_CALLBACK_SECRET = "secret"
    row = message(thandi, gateway="messaging")
    said = {"receipts": [{"type": "message.delivered", "idempotencyKey": key(row)}, {"type": "nothing"}, 7]}
    body = json.dumps(said).encode()
    for secret, expected in (("guessed", 401), ("secret", 200)):
        mac = hmac.new(secret.encode(), body, sha256).hexdigest()
        reply = Client().generic("POST", "/webhooks/messaging/", body, headers={"X-Signature": mac})
        assert reply.status_code == expected
    row.refresh_from_db()
    assert row.state == "DELIVERED"
    settings.MESSAGING_CALLBACK_SECRET = ""
    assert Client().generic("POST", "/webhooks/messaging/", body).status_code == 401


def test_meta_is_answered_with_its_own_word(db: None, settings: Any) -> None:
    settings.WHATSAPP_VERIFY_TOKEN = "word"
    asked = "/webhooks/whatsapp/?hub.mode=subscribe&hub.challenge=42&hub.verify_token="
    assert Client().get(f"{asked}word").content == b"42"
    assert Client().get(f"{asked}guess").status_code == 401
