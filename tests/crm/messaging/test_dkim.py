"""DKIM: what we sign is good for a verifier that is not ours, and only as it was."""

from collections.abc import Iterator
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from crm import env
from crm.messaging.delivery import Channel, Outgoing, Result, Sender
from crm.messaging.dkim import Signer
from crm.messaging.gateways import gateway_for
from crm.messaging.smtp import SMTPGateway
from tests.crm.messaging.smtp_sink import SMTPSink

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> str:
    private = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()).decode()


def record(name: bytes, timeout: int = 5) -> bytes:
    """What the domain publishes."""
    assert name == b"fairway._domainkey.xn--bcher-kva.example."
    frame = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + b"".join(frame.splitlines()[1:-1])


@pytest.fixture
def sink() -> Iterator[SMTPSink]:
    sink = SMTPSink()
    yield sink
    sink.close()


def mail(**fields: Any) -> Outgoing:
    headers = {
        "List-Unsubscribe": "<mailto:u@club.example?subject=unsubscribe>, <https://club.example/"
        + "t" * 200
        + ">",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    given = {
        "subject": "Grüße aus dem Klub " * 9,
        "html": "<p>Grüße  \t </p>\n\n.\n\n",
        "text": "Grüße \n.\n\n\n",
    }
    sender = Sender("Fynbos, “Golf”", "news@bücher.example", "desk@club.example")
    return Outgoing("f0:1", Channel.EMAIL, "p@mail.example", sender, headers=headers, **{**given, **fields})


@pytest.mark.parametrize(
    "fields", [{}, {"html": ""}, {"text": ""}, {"html": "", "text": ""}, {"text": "\n\n \n"}]
)
def test_another_verifier_takes_it_and_both_headers_are_signed(
    sink: SMTPSink, fields: dict[str, Any]
) -> None:
    (outcome,) = SMTPGateway(**sink.server, signer=Signer(pem(KEY), "fairway")).send([mail(**fields)])
    assert outcome.result == Result.ACCEPTED
    (got,) = sink.got
    assert dkim.verify(got, dnsfunc=record)
    signed = got.split(b"h=", 1)[1].split(b";", 1)[0].split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"from", b"to", b"date", b"message-id"} <= set(
        signed
    )
    assert max(map(len, got.split(b"\r\n"))) <= 998


def test_a_mail_that_was_changed_is_not_ours(sink: SMTPSink) -> None:
    SMTPGateway(**sink.server, signer=Signer(pem(KEY), "fairway")).send([mail()])
    (got,) = sink.got
    for old, new in ((b"One-Click", b"Two-Click"), (b"desk@club", b"evil@club"), (b"<p>", b"<b>")):
        assert old in got and not dkim.verify(got.replace(old, new), dnsfunc=record)
    assert not dkim.verify(b"From: evil@example.com\r\n" + got, dnsfunc=record)


def test_the_key_of_the_settings_signs_what_goes_to_customers(sink: SMTPSink, settings: Any) -> None:
    settings.CAMPAIGN_EMAIL_SERVER, settings.DKIM_KEY = sink.server, pem(KEY)
    gateway_for(Channel.EMAIL).send([mail()])
    assert dkim.verify(sink.got[0], dnsfunc=record)


def test_what_is_no_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DKIM_KEY", pem(KEY))
    assert env.rsa_key("DKIM_KEY") == pem(KEY).strip()
    assert env.rsa_key("NOT_SET") == ""
    other = pem(ed25519.Ed25519PrivateKey.generate())
    for wrong in ("secret", other, pem(KEY)[:200]):
        monkeypatch.setenv("DKIM_KEY", wrong)
        with pytest.raises(env.BadSetting) as refused:
            env.rsa_key("DKIM_KEY")
        assert (
            wrong[30:60] not in str(refused.value) or wrong == "secret" and "secret" not in str(refused.value)
        )
