"""What providers tell later: read whatever they send, and believed only with their signature."""

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha1, sha256
from typing import Any

import pytest

from crm.messaging import receipts, twilio
from crm.messaging.keywords import Meaning
from crm.messaging.receipts import Answer, Kind, Receipt

URL = "https://crm.example/webhooks/twilio/status?key=m%3A1"
TOKEN = "auth token"
FORM = {"MessageSid": ["SM1"], "MessageStatus": ["delivered"], "To": ["+27830000001"], "Empty": [""]}


def mac(url: str, token: str = TOKEN) -> str:
    text = url + "EmptyMessageSidSM1MessageStatusdeliveredTo+27830000001"
    return b64encode(hmac.new(token.encode(), text.encode(), sha1).digest()).decode()


def test_a_call_of_twilio_is_known_by_its_signature() -> None:
    with_port = URL.replace("crm.example", "crm.example:443")
    assert twilio.is_signed(URL, FORM, mac(URL), "auth token")
    assert twilio.is_signed(URL, FORM, mac(with_port), "auth token")
    assert twilio.is_signed(with_port, FORM, mac(URL), "auth token")


def test_the_example_of_twilios_documents() -> None:
    form = {"CallSid": ["CA1234567890ABCDE"], "Caller": ["+14158675310"], "Digits": ["1234"], "From": ["+14158675310"],
            "To": ["+18005551212"]}  # fmt: skip
    url = "https://example.com/myapp.php?foo=1&bar=2"
    assert twilio.is_signed(url, form, "L/OH5YylLD5NRKLltdqwSvS0BnU=", "12345")


@pytest.mark.parametrize(
    ("url", "form", "signature", "token"),
    [
        (URL, {**FORM, "To": ["+1"]}, mac(URL), "auth token"), (URL + "1", FORM, mac(URL), "auth token"),
        (URL, FORM, mac(URL, "other"), "auth token"), (URL, FORM, "", "auth token"),
        (URL, FORM, "é\ud800", "auth token"),
        (URL, FORM, mac(URL, ""), ""), (URL, {**FORM, "More": ["x"]}, mac(URL), "auth token"),
    ],
)  # fmt: skip
def test_anything_else_is_not_twilio(url: str, form: Any, signature: str, token: str) -> None:
    assert not twilio.is_signed(url, form, signature, token)


@pytest.mark.parametrize(
    ("status", "code", "kind", "permanent"),
    [
        ("sent", "", Kind.SENT, False), ("delivered", "", Kind.DELIVERED, False), ("read", "", Kind.OPENED, False),
        ("undelivered", "30003", Kind.BOUNCED, False), ("undelivered", "30005", Kind.BOUNCED, True),
        ("undelivered", "30006", Kind.BOUNCED, True), ("undelivered", "30004", Kind.OPTED_OUT, False),
        ("failed", "21610", Kind.OPTED_OUT, False), ("failed", "30007", Kind.FAILED, False),
        ("failed", "21211", Kind.BOUNCED, True),
    ],
)  # fmt: skip
def test_what_a_status_of_twilio_means(status: str, code: str, kind: Kind, permanent: bool) -> None:
    found = twilio.receipt({"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": code}, "m:1")
    assert found == Receipt(kind, "m:1", "SM1", None, code, "", permanent)


@pytest.mark.parametrize("status", ["queued", "accepted", "sending", "scheduled", "", "<script>"])
def test_a_status_that_tells_nothing_new_is_none(status: str) -> None:
    assert twilio.receipt({"MessageSid": "SM1", "MessageStatus": status}) is None


def test_what_a_person_answers_by_sms() -> None:
    form = {"MessageSid": "SM2", "From": "+27830000001", "To": "+27820000000", "Body": "Stop asseblief"}
    assert twilio.answer(form) == Answer(
        "+27830000001", "+27820000000", "Stop asseblief", Meaning.OPT_OUT, "SM2"
    )
    told = twilio.answer({**form, "Body": "¡Alto ya!", "OptOutType": "STOP"})
    assert told and told.meaning == Meaning.OPT_OUT
    for missing in ("MessageSid", "From", "Body"):
        assert twilio.answer({name: value for name, value in form.items() if name != missing}) is None


def test_what_is_answered_can_not_become_markup() -> None:
    said = twilio.twiml("Tea & <b>cake</b>")
    assert said.endswith("<Response><Message>Tea &amp; &lt;b&gt;cake&lt;/b&gt;</Message></Response>")
    assert twilio.twiml().endswith("<Response></Response>")


def test_a_signed_body() -> None:
    body = b'{"receipts": []}'
    right = hmac.new(b"secret", body, sha256).hexdigest()
    assert receipts.is_signed(body, right, "secret") and receipts.is_signed(
        body, f"sha256={right.upper()}", "secret"
    )
    for wrong in (right[:-1], right + "0", "", "sha256=", "é\ud800"):
        assert not receipts.is_signed(body, wrong, "secret")
    assert not receipts.is_signed(body + b" ", right, "secret")
    assert not receipts.is_signed(body, hmac.new(b"", body, sha256).hexdigest(), "")


def test_receipts_of_messaging() -> None:
    said = {"receipts": [
        {"type": "message.delivered", "idempotencyKey": "m:1", "messageId": "msg-1",
         "occurredAt": "2026-12-01T09:00:00Z"},
        {"type": "message.bounced", "messageId": 7, "code": "5.1.1", "reason": "No\x00such\nmailbox",
         "permanent": True},
        {"type": "message.bounced", "messageId": "msg-3", "permanent": "false", "occurredAt": "yesterday"},
        {"type": "email.opened"}, {"type": "message.exploded", "messageId": "1"}, None, 7, {"type": []},
    ]}  # fmt: skip
    assert list(receipts.of_messaging(said)) == [
        Receipt(Kind.DELIVERED, "m:1", "msg-1", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        Receipt(Kind.BOUNCED, "", "7", None, "5.1.1", "No such mailbox", True),
        Receipt(Kind.BOUNCED, "", "msg-3"),
    ]


@pytest.mark.parametrize("said", [None, [], "x", 1, {}, {"receipts": {}}, {"receipts": "x"}])
def test_nonsense_is_nothing(said: Any) -> None:
    assert list(receipts.of_messaging(said)) == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "x",
        [],
        "9" * 400,
        "nan",
        "inf",
        -1,
        "0001-01-01T00:00:00+14:00",
        "2026-12-01",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_moment_out_of_reason_is_none(value: Any) -> None:
    assert (receipts.epoch(value), receipts.moment(value)) == (None, None)
