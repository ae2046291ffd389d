"""Mail by SMTP: what the server gets, and what is known of a mail wherever the conversation ends."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from crm.messaging import smtp
from crm.messaging.delivery import Channel, Outgoing, Result, Sender
from crm.messaging.smtp import SMTPGateway
from tests.crm.messaging.smtp_sink import HANG_UP, SMTPSink

SENDER = Sender("Golf Club “Fynbos”", "news@club.example", reply_to="desk@club.example")
Says = Callable[[str, str], Any]


@pytest.fixture(params=[False, True], ids=["one by one", "pipelined"])
def sink(request: pytest.FixtureRequest) -> Iterator[SMTPSink]:
    sink = SMTPSink(pipelines=request.param)
    yield sink
    sink.close()


def mail(number: int = 1, **fields: Any) -> Outgoing:
    given = {"sender": SENDER, "subject": "Tee times", "html": "<p>Hello</p>", "text": "Hello"}
    return Outgoing(f"m{number}", Channel.EMAIL, **{"to": f"p{number}@mail.example", **given, **fields})


def send(sink: SMTPSink, *mails: Outgoing) -> list[Any]:
    return SMTPGateway(**sink.server).send(mails)


def results(sink: SMTPSink, says: Says, mails: int = 3) -> list[str]:
    sink.says = says
    return [str(outcome.result) for outcome in send(sink, *[mail(number) for number in range(mails)])]


def only(sink: SMTPSink) -> EmailMessage:
    (got,) = sink.got
    return message_from_bytes(got, policy=policy.default)  # type: ignore[return-value]


def test_a_batch_goes_over_one_connection_and_each_mail_is_named_by_its_key(sink: SMTPSink) -> None:
    outcomes = send(sink, mail(1), mail(2), mail(3))
    assert [(o.key, o.result, o.provider_id) for o in outcomes] == [
        (f"m{number}", Result.ACCEPTED, f"m{number}@club.example") for number in (1, 2, 3)
    ]
    assert (sink.connections, len(sink.got)) == (1, 3)
    assert send(sink, mail(1))[0].provider_id == outcomes[0].provider_id


def test_everything_that_a_mail_must_have_and_once(sink: SMTPSink) -> None:
    text, html = "Grüße\n.\n..\nFrom: here", "<p>" + "é" * 5_000 + "</p>\n.\n"
    headers = {
        "List-Unsubscribe": "<https://club.example/t/u/1>, <mailto:u@club.example>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    send(sink, mail(subject="Ihre Startzeit " + "für morgen " * 30, text=text, html=html, headers=headers))
    got = only(sink)
    for name in ("From", "To", "Date", "Message-ID", "Subject", "Reply-To", *headers):
        assert len(got.get_all(name)) == 1, name
    assert got["From"] == "Golf Club “Fynbos” <news@club.example>"
    assert got["Subject"] == ("Ihre Startzeit " + "für morgen " * 30)
    assert got["List-Unsubscribe"] == headers["List-Unsubscribe"]
    assert got.get_content_type() == "multipart/alternative"
    first, second = got.iter_parts()
    assert [part.get_content().replace("\r\n", "\n") for part in (first, second)] == [text, html]
    assert (first.get_content_type(), second.get_content_type()) == ("text/plain", "text/html")
    (raw,) = sink.got
    assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Two\r\nBcc: x@example.com"}, {"subject": "Two\nlines"}, {"to": "a@b.example\r\nRCPT TO:<x@y.z>"},
        {"to": "no address"}, {"to": "a@b.example>, <c@d.example"}, {"to": "zoë@mail.example"}, {"to": "a@-"},
        {"headers": {"X-Note": "a\r\nBcc: b@c.example"}}, {"headers": {"To": "b@c.example"}},
        {"headers": {"X: a\r\nBcc": "b@c.example"}}, {"headers": {"X-Long": "x" * 2_000}},
    ],
)  # fmt: skip
def test_what_can_be_no_mail_is_refused_and_the_others_go(sink: SMTPSink, fields: dict[str, Any]) -> None:
    bad, good = send(sink, mail(1, **fields), mail(2))
    assert (bad.result, bad.code, good.result) == (Result.REFUSED, "NOT_MAIL", Result.ACCEPTED)
    assert len(sink.got) == 1


def test_a_domain_in_other_letters_goes_out_as_dns_knows_it(sink: SMTPSink) -> None:
    send(sink, mail(to="anna@bücher.example"))
    assert only(sink)["To"] == "anna@xn--bcher-kva.example"


def test_a_club_whose_name_looks_like_an_encoded_word_or_has_quotes(sink: SMTPSink) -> None:
    for name in ('The "Links", est. 1890', "=?utf-8?q?Bank?=", "Côte d’Azur \\ Golf", ""):
        sink.got.clear()
        send(sink, mail(sender=Sender(name, "news@club.example")))
        assert only(sink)["From"].addresses[0].display_name == name


@pytest.mark.parametrize(
    ("step", "said", "result", "code"),
    [
        ("RCPT", "550 5.1.1 <p@mail.example>: Recipient address rejected: User unknown", "UNREGISTERED", "5.1.1"),
        ("RCPT", "550-5.1.1 The email account that you tried to reach does not exist.\r\n550 5.1.1 Try", "UNREGISTERED",
         "5.1.1"),
        ("RCPT", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
         "UNREGISTERED", "5.1.10"),
        ("RCPT", "550 No such user here", "UNREGISTERED", "550"),
        ("RCPT", "550 5.7.1 Service unavailable; client host blocked using zen.spamhaus.org", "REFUSED", "5.7.1"),
        ("RCPT", "554 Relay access denied", "REFUSED", "554"),
        ("RCPT", "552 5.2.2 Mailbox full", "REFUSED", "5.2.2"),
        ("RCPT", "450 4.2.0 Greylisted, see http://postgrey.example/", "LATER", "4.2.0"),
        ("RCPT", "452 4.5.3 Too many recipients", "LATER", "4.5.3"),
        ("DATA", "451 4.3.0 Out of disk", "LATER", "4.3.0"),
        ("BODY", "554 5.7.1 Message contains spam", "REFUSED", "5.7.1"),
        ("BODY", "451 4.7.1 Try again later", "LATER", "4.7.1"),
        ("MAIL", "550 5.7.60 Client does not have permissions to send as this sender", "LATER", "550"),
        ("MAIL", "552 5.3.4 Message size exceeds fixed limit", "REFUSED", "552"),
    ],
)  # fmt: skip
def test_what_a_server_says_to_one_mail_is_of_that_mail_alone(
    sink: SMTPSink, step: str, said: str, result: str, code: str
) -> None:
    times = iter([said])
    sink.says = lambda verb, text: next(times, "") if verb == step else ""
    first, second = send(sink, mail(1), mail(2))
    assert (first.result, first.code, second.result) == (result, code, Result.ACCEPTED)
    assert (sink.connections, len(sink.got)) == (1, 1)


def test_without_an_answer_to_a_whole_mail_nobody_knows(sink: SMTPSink) -> None:
    times = iter([HANG_UP])
    lost = results(sink, lambda verb, text: next(times, "") if verb == "BODY" else "")
    assert lost == ["UNKNOWN", "ACCEPTED", "ACCEPTED"]
    assert (sink.connections, len(sink.mails)) == (2, 3)


def test_a_server_that_is_silent_after_a_mail_is_not_waited_for_for_ever(
    sink: SMTPSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "LAST", 0.2)
    times = iter([1.0])
    assert results(sink, lambda verb, text: next(times, "") if verb == "BODY" else "", 2) == [
        "UNKNOWN",
        "ACCEPTED",
    ]


def test_a_server_that_drips_is_cut_off(sink: SMTPSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "BUDGET", 0.3)
    assert results(sink, lambda verb, text: 2.0 if verb == "RCPT" else "") == ["LATER"] * 3


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_who_hangs_up_before_a_mail_is_whole_has_not_taken_it(sink: SMTPSink, step: str) -> None:
    times = iter([HANG_UP])
    found = results(sink, lambda verb, text: next(times, "") if verb == step else "")
    assert found == ["LATER", "ACCEPTED", "ACCEPTED"]
    assert len(sink.mails) == 2


def test_a_server_that_takes_two_mails_a_connection_gets_all(sink: SMTPSink) -> None:
    seen: list[str] = []

    def says(verb: str, text: str) -> str:
        if verb == "CONNECT":
            seen.clear()
        if verb == "MAIL":
            seen.append(text)
        return "421 4.7.0 Too many messages on this connection" if len(seen) > 2 else ""

    assert results(sink, says, 7) == ["ACCEPTED"] * 7
    assert sink.connections == 4


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("CONNECT", "421 4.3.2 Service shutting down"), ("CONNECT", "554 No SMTP here"), ("CONNECT", HANG_UP),
        ("CONNECT", "hello?"), ("EHLO", HANG_UP),
        ("MAIL", "421 4.7.0 Too fast"), ("MAIL", HANG_UP),
    ],
)  # fmt: skip
def test_a_server_that_is_not_to_be_had_holds_all_of_a_batch_up(sink: SMTPSink, verb: str, said: str) -> None:
    assert results(sink, lambda at, text: said if at == verb else "") == ["LATER"] * 3
    assert (sink.connections, sink.mails) == (1, [])


def test_a_server_that_resets_each_mail_is_left_alone_soon(sink: SMTPSink) -> None:
    found = results(sink, lambda verb, text: HANG_UP if verb == "BODY" else "", 10)
    assert found == ["UNKNOWN"] * 3 + ["LATER"] * 7


def test_nobody_there() -> None:
    (found,) = SMTPGateway(host="127.0.0.1", port=1).send([mail()])
    assert (found.result, found.wait) == (Result.LATER, None)
    assert "ConnectionRefusedError" in found.why


def test_a_refused_login_is_nobodys_fault_and_shows_no_password(sink: SMTPSink) -> None:
    sink.says = lambda verb, text: {
        "EHLO": "250-sink\r\n250 AUTH PLAIN LOGIN", "AUTH": "535 5.7.8 Authentication failed: dXNlcgBwYXNz",
    }.get(verb, "")  # fmt: skip
    (found,) = SMTPGateway(**sink.server, username="user", password="pass").send([mail()])
    assert (found.result, found.code) == (Result.LATER, "535")
    assert "pass" not in found.why and "dXNl" not in found.why


def test_a_server_without_tls_is_not_trusted_with_a_password(sink: SMTPSink) -> None:
    said: list[str] = []
    sink.says = lambda verb, text: said.append(text) or ""
    (found,) = SMTPGateway(**sink.server, username="user", password="pass", use_tls=True).send([mail()])
    assert found.result == Result.LATER
    with suppress(StopIteration):
        assert not next(line for line in said if line.startswith(("AUTH", "MAIL")))
