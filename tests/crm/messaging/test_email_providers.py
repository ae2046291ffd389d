"""E-mail by a provider of Anymail's, over real HTTP: Postmark's and Brevo's answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from crm.messaging.delivery import Channel, Outgoing, Result, Sender
from crm.messaging.esp import AnymailGateway
from tests.crm.messaging.providers import Script
from tests.loopback import Server

CLUB = Sender("Fynbos “Golf”", "news@club.example", "desk@club.example")


def mail(number: int = 1, **fields: Any) -> Outgoing:
    given = {"subject": "Tee times", "html": "<p>Hello</p>", "text": "Hello", **fields}
    return Outgoing(
        f"m:{number}", Channel.EMAIL, **{"to": f"p{number}@mail.example", "sender": CLUB, **given}
    )


def sent(said: Any, path: str) -> tuple[int, Any]:
    name = f"pm-{said['To']}"
    return 200, {
        "To": said["To"],
        "SubmittedAt": "2026-12-01T09:00:00Z",
        "MessageID": name,
        "ErrorCode": 0,
        "Message": "OK",
    }


@pytest.fixture
def start(serve: Callable[..., Server], settings: Any) -> Any:
    def start(says: Any) -> tuple[AnymailGateway, Server]:
        server = serve(Script(says))
        settings.ANYMAIL = {
            **settings.ANYMAIL, "POSTMARK_SERVER_TOKEN": "server-token", "REQUESTS_TIMEOUT": 2,
            "POSTMARK_API_URL": server.url.replace("hook", ""),
        }  # fmt: skip
        return AnymailGateway(provider="postmark"), server

    return start


def test_a_mail_carries_its_headers_and_our_key(start: Any) -> None:
    gateway, server = start(sent)
    (outcome,) = gateway.send([mail(headers={"List-Unsubscribe": "<https://club.example/u>"})])
    assert (outcome.result, outcome.provider_id) == (Result.ACCEPTED, "pm-p1@mail.example")
    said = json.loads(server.seen[0][2])
    assert said["Headers"] == [{"Name": "List-Unsubscribe", "Value": "<https://club.example/u>"}]
    assert (said["Metadata"], said["Tag"]) == ({"key": "m:1"}, "marketing")
    assert (said["TextBody"], said["HtmlBody"], said["ReplyTo"]) == (
        "Hello",
        "<p>Hello</p>",
        "desk@club.example",
    )


def test_a_batch_keeps_its_order(start: Any) -> None:
    outcomes = start(sent)[0].send([mail(number) for number in range(30)])
    assert [(o.key, o.provider_id) for o in outcomes] == [
        (f"m:{n}", f"pm-p{n}@mail.example") for n in range(30)
    ]


@pytest.mark.parametrize(
    ("said", "result", "code"),
    [
        ((422, {"ErrorCode": 406, "Message": "You tried to send to a recipient that has been marked as inactive.\n"
                "Found inactive addresses: p1@mail.example.\nInactive recipients are ones that bounced."}),
         "REFUSED", "rejected"),
        ((422, {"ErrorCode": 300, "Message": "Invalid 'From' address."}), "REFUSED", "422"),
        ((422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'p1@mail.example'."}), "UNREGISTERED", "invalid"),
        ((413, {"Message": "Too large."}), "REFUSED", "413"),
        ((500, {"Message": "Internal"}), "UNKNOWN", ""), ((200, b"\xff"), "UNKNOWN", ""), ("cut", "UNKNOWN", ""),
    ],
)  # fmt: skip
def test_what_it_says_of_one_address_is_of_that_one(start: Any, said: Any, result: str, code: str) -> None:
    gateway, _ = start(lambda form, path: said if "p1@" in form["To"] else sent(form, path))
    first, second = gateway.send([mail(1), mail(2)])
    assert (first.result, first.code, second.result) == (result, code, Result.ACCEPTED)


@pytest.mark.parametrize(
    ("said", "code", "wait"),
    [
        ((429, {"Message": "Slow down"}, {"Retry-After": "67608"}), "429", 67608.0), ((503, b""), "503", None),
        ((401, {"ErrorCode": 10, "Message": "Bad or missing API token."}), "401", None), ((403, {}), "403", None),
    ],
)  # fmt: skip
def test_when_nobody_can_go_the_rest_is_not_tried(
    start: Any, said: Any, code: str, wait: float | None
) -> None:
    gateway, server = start(lambda form, path: said)
    outcomes = gateway.send([mail(number) for number in range(60)])
    assert {(o.result, o.code, o.wait) for o in outcomes} == {(Result.LATER, code, wait)}
    assert len(server.seen) <= 16 and "server-token" not in repr(outcomes)


def test_nobody_there_is_nothing_done(settings: Any) -> None:
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": "http://127.0.0.1:1/"}
    (outcome,) = AnymailGateway(provider="postmark").send([mail()])
    assert (outcome.result, outcome.why) == (Result.LATER, "postmark can’t be reached.")


@pytest.mark.parametrize("provider", ["postmark", "no_such_provider"])
def test_a_provider_that_is_not_set_up_waits_for_that(settings: Any, provider: str) -> None:
    settings.ANYMAIL = {}
    (outcome,) = AnymailGateway(provider=provider).send([mail()])
    assert (outcome.result, outcome.code) == (Result.LATER, "NOT_SET_UP")


@pytest.mark.parametrize(
    "fields", [{"subject": "a\r\nBcc: x@y.example"}, {"to": "no address"}, {"headers": {"X": "a\nB: c"}}]
)
def test_what_can_be_no_mail_is_refused_and_the_others_go(start: Any, fields: Any) -> None:
    gateway, server = start(sent)
    bad, good = gateway.send([mail(1, **fields), mail(2)])
    assert (bad.result, bad.code, good.result) == (Result.REFUSED, "NOT_MAIL", Result.ACCEPTED)


def test_another_provider_gives_its_id_too(serve: Callable[..., Server], settings: Any) -> None:
    server = serve(Script(lambda said, path: (201, {"messageId": "<1.2@smtp-relay.mailin.fr>"})))
    settings.ANYMAIL = {"BREVO_API_KEY": "k", "BREVO_API_URL": server.url.replace("hook", "v3/")}
    (outcome,) = AnymailGateway(provider="brevo").send([mail()])
    assert (outcome.result, outcome.provider_id) == (Result.ACCEPTED, "<1.2@smtp-relay.mailin.fr>")
    said = json.loads(server.seen[0][2])
    assert json.loads(said["headers"]["X-Mailin-custom"]) == {"key": "m:1"}
