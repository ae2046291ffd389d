"""SMS by Twilio's API: what is asked of it, and what its answers and codes mean."""

import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from crm.messaging import singly
from crm.messaging.delivery import Channel, Outgoing, Result, Sender
from crm.messaging.sms import TwilioGateway
from tests.crm.messaging.providers import Script
from tests.loopback import Server, reply

CLUB = Sender("Fynbos", "", phone="+27820000000")


def sms(number: int = 1, sender: Sender = CLUB, **fields: Any) -> Outgoing:
    return Outgoing(
        f"m:{number}", Channel.SMS, f"+2783000{number:04}", sender, **{"text": "Tee off at 9 ⛳", **fields}
    )


def error(code: int, message: str, status: int = 400) -> tuple[int, dict[str, Any]]:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": message, "more_info": more, "status": status}


def sent(said: Any, path: str) -> tuple[int, dict[str, Any]]:
    sid = "SM" + said["To"].removeprefix("+").rjust(32, "0")
    return 201, {"sid": sid, "status": "queued", "error_code": None, "error_message": None, "to": said["To"]}


@pytest.fixture
def start(serve: Callable[..., Server]) -> Any:
    def start(says: Any, **fields: Any) -> tuple[TwilioGateway, Server]:
        server = serve(Script(says))
        url = server.url.removesuffix("/hook")
        return TwilioGateway(url=url, account="AC17", token="auth token", **fields), server

    return start


def test_a_message_is_a_form_with_our_key_in_the_callback(start: Any) -> None:
    gateway, server = start(sent, callback="https://crm.example/webhooks/twilio/status")
    (outcome,) = gateway.send([sms()])
    assert (outcome.result, outcome.provider_id) == (Result.ACCEPTED, "SM" + "27830000001".rjust(32, "0"))
    path, headers, body = server.seen[0]
    assert path == "/2010-04-01/Accounts/AC17/Messages.json"
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"AC17:auth token"
    assert parse_qs(body.decode()) == {
        "To": ["+27830000001"], "From": ["+27820000000"], "Body": ["Tee off at 9 ⛳"],
        "StatusCallback": ["https://crm.example/webhooks/twilio/status?key=m%3A1"],
    }  # fmt: skip


def test_a_messaging_service_and_a_club_without_a_number(start: Any) -> None:
    service = "MG" + "0" * 32
    gateway, server = start(sent, sender=service)
    gateway.send([sms(sender=Sender("Fynbos", ""))])
    assert parse_qs(server.seen[0][2].decode())["MessagingServiceSid"] == [service]


def test_a_batch_keeps_its_order(start: Any) -> None:
    outcomes = start(sent)[0].send([sms(number) for number in range(40)])
    assert [o.key for o in outcomes] == [f"m:{number}" for number in range(40)]
    assert all(o.provider_id.endswith(f"{number:04}") for number, o in enumerate(outcomes))


@pytest.mark.parametrize(
    ("said", "result", "code"),
    [
        (error(21610, "Attempt to send to unsubscribed recipient"), "OPTED_OUT", "21610"),
        (error(21211, "Invalid 'To' Phone Number: +2783000XXXX"), "UNREGISTERED", "21211"),
        (error(21614, "To number: +2783000XXXX, is not a mobile number"), "UNREGISTERED", "21614"),
        (error(21408, "Permission to send an SMS has not been enabled for the region"), "REFUSED", "21408"),
        (error(21617, "The concatenated message body exceeds the 1600 character limit"), "REFUSED", "21617"),
        ((201, {"sid": "SM1", "status": "failed", "error_code": 30006}), "UNREGISTERED", "30006"),
        ((400, b"not JSON"), "REFUSED", "400"),
    ],
)  # fmt: skip
def test_what_it_says_of_one_number_is_of_that_one(start: Any, said: Any, result: str, code: str) -> None:
    gateway, _ = start(lambda form, path: said if form["To"].endswith("1") else sent(form, path))
    first, second = gateway.send([sms(1), sms(2)])
    assert (first.result, first.code, second.result) == (result, code, Result.ACCEPTED)


@pytest.mark.parametrize(
    ("said", "code", "wait"),
    [
        ((*error(20429, "Too Many Requests", 429), {"Retry-After": "67608"}), "20429", 67608.0),
        ((429, b"", {"Retry-After": "7"}), "429", 7.0), ((503, b"<html>", {}), "503", None),
        (error(20003, "Authenticate", 401), "20003", None), (error(30002, "Account suspended"), "30002", None),
        (error(20404, "The requested resource was not found", 404), "20404", None),
    ],
)  # fmt: skip
def test_when_nobody_can_go_the_rest_is_not_tried(
    start: Any, said: Any, code: str, wait: float | None
) -> None:
    gateway, server = start(lambda form, path: said)
    outcomes = gateway.send([sms(number) for number in range(60)])
    assert {(o.result, o.code, o.wait) for o in outcomes} == {(Result.LATER, code, wait)}
    assert len(server.seen) <= 16


def test_a_number_that_may_not_send_holds_up_its_own_club_alone(start: Any) -> None:
    def says(form: Any, path: str) -> Any:
        return (
            error(21606, "The 'From' number is not a valid number")
            if form["From"] == "+1"
            else sent(form, path)
        )

    gateway, _ = start(says)
    outcomes = gateway.send(
        [sms(number, Sender("A", "", phone="+1") if number % 2 else CLUB) for number in range(40)]
    )
    assert {o.result for o in outcomes[::2]} == {Result.ACCEPTED}
    assert {(o.result, o.code) for o in outcomes[1::2]} == {(Result.LATER, "21606")}


@pytest.mark.parametrize(
    "said", ["cut", (500, {}), (502, b"<html>"), (200, b"{}"), (200, b"\xff"), (201, ["SM1"])]
)
def test_what_may_have_gone_is_not_known_and_soon_no_more_is_tried(start: Any, said: Any) -> None:
    gateway, server = start(lambda form, path: said)
    (one,) = gateway.send([sms()])
    assert one.result == Result.UNKNOWN
    server.seen.clear()
    results = [o.result for o in gateway.send([sms(number) for number in range(60)])]
    assert set(results) == {Result.UNKNOWN, Result.LATER}
    assert results.count(Result.UNKNOWN) == len(server.seen) <= 16


def test_a_batch_has_a_limited_time(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(singly, "BUDGET", 0.3)
    gateway, server = start(lambda form, path: time.sleep(0.2) or sent(form, path))
    results = [o.result for o in gateway.send([sms(number) for number in range(60)])]
    assert results.count(Result.ACCEPTED) == len(server.seen) < 30
    assert results.count(Result.LATER) == 60 - len(server.seen)


def test_nobody_there_is_nothing_done() -> None:
    gateway = TwilioGateway(url="http://127.0.0.1:1", account="AC17", token="secret-token")
    outcomes = gateway.send([sms(1), sms(2)])
    assert {o.result for o in outcomes} == {Result.LATER}
    assert "secret-token" not in repr(outcomes)


def test_an_answer_that_never_ends_is_not_read(serve: Callable[..., Server]) -> None:
    server = serve(reply(201, b"x" * 2_000_000))
    gateway = TwilioGateway(url=server.url.removesuffix("/hook"), account="AC17", token="t")
    assert gateway.send([sms()])[0].result == Result.UNKNOWN
