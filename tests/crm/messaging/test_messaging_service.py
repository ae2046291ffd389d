"""Messages by the Messaging service: each once, whatever becomes of the calls."""

import time
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from crm.messaging import service
from crm.messaging.delivery import Channel, Outcome, Outgoing, Result, Sender
from crm.messaging.service import MessagingGateway
from tests.crm.messaging.providers import TOKEN, MessagingService
from tests.loopback import Server

SENDER = Sender(
    "Fynbos", "news@club.example", "desk@club.example", "+27820000000", {"tenantId": "fynbos-group"}
)


def message(number: int = 1, channel: Channel = Channel.EMAIL, **fields: Any) -> Outgoing:
    return Outgoing(
        f"m:{number}", channel, f"p{number}@mail.example", SENDER, **{"subject": "Tee times", **fields}
    )


def messages(count: int) -> list[Outgoing]:
    return [message(number) for number in range(count)]


@pytest.fixture
def start(serve: Callable[..., Server]) -> Callable[[MessagingService], MessagingGateway]:
    def start(provider: MessagingService) -> MessagingGateway:
        url = serve(provider).url.removesuffix("/hook")
        return MessagingGateway(url=url, token=TOKEN, remembers=timedelta(hours=24))

    return start


def test_a_batch_is_one_call_and_each_message_has_an_outcome(start: Any) -> None:
    provider = MessagingService()
    outcomes = start(provider).send(messages(3))
    assert outcomes == [Outcome(f"m:{n}", Result.ACCEPTED, f"msg-m:{n}") for n in range(3)]
    assert provider.calls == 1
    assert provider.taken["m:1"] == {
        "idempotencyKey": "m:1", "tenantId": "fynbos-group", "channel": "EMAIL", "to": "p1@mail.example",
        "class": "MARKETING", "fromName": "Fynbos", "from": "news@club.example", "replyTo": "desk@club.example",
        "subject": "Tee times",
    }  # fmt: skip


def test_each_channel_says_what_it_needs(start: Any) -> None:
    provider = MessagingService()
    sms = message(1, Channel.SMS, text="Tee off at 9", subject="", is_marketing=False)
    push = message(2, Channel.PUSH, text="Now", link="https://club.example/", data={"page": "book"})
    start(provider).send([sms, push])
    assert (
        provider.taken["m:1"]["from"] == "+27820000000" and provider.taken["m:1"]["class"] == "TRANSACTIONAL"
    )
    assert "replyTo" not in provider.taken["m:1"]
    assert provider.taken["m:2"]["link"] == "https://club.example/" and provider.taken["m:2"]["data"] == {
        "page": "book"
    }


@pytest.mark.parametrize(
    ("item", "result", "code", "wait"),
    [
        ({"status": "REJECTED", "error": {"code": "UNREGISTERED", "message": "Gone."}},
         "UNREGISTERED", "UNREGISTERED", None),
        ({"status": "REJECTED", "error": {"code": "OPTED_OUT"}}, "OPTED_OUT", "OPTED_OUT", None),
        ({"status": "REJECTED", "error": {"code": "INVALID_RECIPIENT"}}, "REFUSED", "INVALID_RECIPIENT", None),
        ({"status": "REJECTED", "error": "No."}, "REFUSED", "", None),
        ({"status": "RETRY", "error": {"code": "THROTTLED"}, "retryAfter": 67608}, "LATER", "THROTTLED", 67608.0),
        ({"status": "DUPLICATE", "messageId": 17}, "ACCEPTED", "", None),
        ({"status": ["ACCEPTED"]}, "UNKNOWN", "", None), ({"status": "PERHAPS"}, "UNKNOWN", "", None),
        ({"status": "RETRY", "retryAfter": 1e300}, "LATER", "", 30 * 86_400.0),
        ({"status": "RETRY", "retryAfter": "soon"}, "LATER", "", None),
        ({"status": "RETRY", "retryAfter": float("nan")}, "LATER", "", None),
    ],
)  # fmt: skip
def test_what_it_says_of_one_is_of_that_one(
    start: Any, item: Any, result: str, code: str, wait: float | None
) -> None:
    provider = MessagingService()
    provider.refuses["m:1"] = item
    first, second = start(provider).send([message(1), message(2)])
    assert (first.result, first.code, first.wait, second.result) == (result, code, wait, "ACCEPTED")


LATER, UNKNOWN = Result.LATER, Result.UNKNOWN


@pytest.mark.parametrize(
    ("fate", "result", "wait", "words"),
    [
        ((429, {"error": {"message": "Slow down."}}, {"Retry-After": "67608"}), LATER, 67608.0, "429: Slow down."),
        ((503, {}, {"Retry-After": "9"}), LATER, 9.0, "503"), ((404, {"message": "No"}), LATER, None, "404: No"),
        ((401, {"error": "token expired"}), LATER, None, "401: token expired"), ((403, {}), LATER, None, "403"),
        ((302, b"", {"Location": "http://127.0.0.1/"}), LATER, None, "302"),
        ((409, {}), UNKNOWN, None, "409"),
        ((500, b"oops"), UNKNOWN, None, "500: oops"), ((502, b""), UNKNOWN, None, "5"),
        ("cut", UNKNOWN, None, "can’t be reached"), ("lost", UNKNOWN, None, "can’t be reached"),
        ("garbage", UNKNOWN, None, "says nothing"), ((200, ["a list"]), UNKNOWN, None, "says nothing"),
        ((200, {"results": {"m:0": "ACCEPTED"}}), UNKNOWN, None, "says nothing"),
        ((200, b"[" * 100_000), UNKNOWN, None, "says nothing"),
        ((200, {"results": [1, None, "x", []]}), UNKNOWN, None, "says nothing"),
    ],
)  # fmt: skip
def test_a_call_that_fails_is_repeated_with_the_same_keys(
    start: Any, fate: Any, result: Result, wait: Any, words: str
) -> None:
    provider = MessagingService(lambda number: fate if number == 1 else None)
    gateway = start(provider)
    first = gateway.send(messages(3))
    assert {(outcome.result, outcome.wait) for outcome in first} == {(result, wait)}
    assert words in first[0].why
    assert {outcome.result for outcome in gateway.send(messages(3))} == {Result.ACCEPTED}
    assert provider.times == {"m:0": 1, "m:1": 1, "m:2": 1}


def test_a_service_that_is_silent_is_not_waited_for(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SECONDS", 0.1)
    provider = MessagingService(lambda number: "slow" if number == 1 else None)
    gateway = start(provider)
    assert [o.result for o in gateway.send(messages(2))] == [Result.UNKNOWN] * 2
    assert gateway.look_up(["m:0", "m:7"]) == {
        "m:0": Outcome("m:0", Result.ACCEPTED, "msg-m:0"),
        "m:7": Outcome("m:7", Result.LATER, why="Messaging does not know of it."),
    }


def test_nobody_there() -> None:
    gateway = MessagingGateway(url="http://127.0.0.1:1", token="t", remembers=timedelta(hours=24))
    assert [o.result for o in gateway.send(messages(2))] == [Result.LATER] * 2
    assert gateway.look_up(["m:0"]) == {}


@pytest.mark.parametrize("fate", [(500, {}), "cut", "garbage", (200, {}), (200, {"data": "all"})])
def test_a_look_up_that_fails_says_nothing_of_any_key(start: Any, fate: Any) -> None:
    assert start(MessagingService(lambda number: fate)).look_up(["m:1"]) == {}


def test_many_keys_are_looked_up_by_the_hundred(start: Any) -> None:
    provider = MessagingService()
    gateway = start(provider)
    gateway.send(messages(150))
    found = gateway.look_up([f"m:{number}" for number in range(250)])
    assert [found[f"m:{n}"].result for n in (0, 149, 150, 249)] == ["ACCEPTED", "ACCEPTED", "LATER", "LATER"]
    assert provider.calls == 4


def test_one_message_that_spoils_a_call_is_found_and_the_others_go(start: Any) -> None:
    provider = MessagingService()
    provider.poison = {"m:5"}
    outcomes = start(provider).send(messages(16))
    assert [o.key for o in outcomes if o.result == Result.REFUSED] == ["m:5"]
    assert outcomes[5].why == "Messaging answered 422: One message is not valid."
    assert len(provider.taken) == 15


def test_large_messages_are_sent_in_calls_that_are_not_too_large(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_BYTES", 3_000)
    provider = MessagingService()
    outcomes = start(provider).send([message(number, html="x" * 1_000) for number in range(7)])
    assert [o.result for o in outcomes] == [Result.ACCEPTED] * 7
    assert provider.calls == 4
    provider.fate = lambda number: "lost"
    lost = [
        o.result for o in start(provider).send([message(number, html="x" * 1_000) for number in range(7)])
    ]
    assert lost == [UNKNOWN] * 2 + [LATER] * 5
    provider.fate = lambda number: (429, {}, {"Retry-After": "60"})
    held = start(provider).send([message(number, html="x" * 1_000) for number in range(7)])
    assert {(o.result, o.wait) for o in held} == {(Result.LATER, 60.0)}


def test_a_batch_has_a_limited_time(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_BYTES", 100)
    monkeypatch.setattr(service, "BUDGET", 0.3)
    provider = MessagingService(lambda number: time.sleep(0.2))
    outcomes = start(provider).send(messages(5))
    assert [o.result for o in outcomes] == [Result.ACCEPTED] * 2 + [LATER] * 3
    assert len(provider.taken) == 2


def test_what_is_no_text_is_refused_alone(start: Any) -> None:
    bad, good = start(MessagingService()).send([message(1, text="\ud800"), message(2)])
    assert (bad.result, good.result) == (Result.REFUSED, Result.ACCEPTED)


def test_what_it_says_is_short_and_without_control_characters(start: Any) -> None:
    provider = MessagingService()
    long = "x" * 5_000
    provider.refuses = {
        "m:1": {
            "status": "REJECTED",
            "error": {"code": "\x00\x1b[31m" + long, "message": "a\x00b\nc" + long},
        },
        "m:2": {"status": "ACCEPTED", "messageId": "id\x00" + long},
    }
    first, second = start(provider).send([message(1), message(2)])
    assert (len(first.code), len(first.why), len(second.provider_id)) == (50, 300, 200)
    assert not any(letter < " " for letter in first.code + first.why + second.provider_id)


@pytest.mark.parametrize("seed", range(3))
def test_each_message_arrives_once_whatever_goes_wrong(start: Any, seed: int) -> None:
    """Answers lost, garbage, refusals for a while: tried until nothing is left, as the sender does."""
    dice = Random(seed)
    bad = ["lost", "cut", "garbage", (500, {}), (429, {}, {"Retry-After": "1"}), (502, b"<html>")]
    provider = MessagingService(lambda number: dice.choice(bad) if dice.random() < 0.4 else None)
    gateway, waiting, tries = start(provider), messages(200), 0
    while waiting and tries < 50:
        tries += 1
        batch, rest = waiting[:25], waiting[25:]
        again = {o.key for o in gateway.send(batch) if o.result in (LATER, UNKNOWN)}
        waiting = rest + [one for one in batch if one.key in again]
    assert waiting == []
    assert len(provider.times) == 200 and set(provider.times.values()) == {1}
