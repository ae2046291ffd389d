"""WhatsApp by the Cloud API: templates and texts, its error codes, its webhooks."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from crm.messaging import whatsapp
from crm.messaging.cloud import WhatsAppGateway
from crm.messaging.delivery import Channel, Outgoing, Result, Sender
from crm.messaging.keywords import Meaning
from crm.messaging.receipts import Kind, Receipt
from tests.crm.messaging.providers import Script
from tests.loopback import Server

CLUB = Sender("Fynbos", "", phone="106540352242922")


def message(number: int = 1, sender: Sender = CLUB, **fields: Any) -> Outgoing:
    return Outgoing(
        f"m:{number}", Channel.WHATSAPP, f"+2783000{number:04}", sender, **{"text": "Hello", **fields}
    )


def error(code: int, message: str, details: str = "", status: int = 400) -> tuple[int, Any]:
    data = {"messaging_product": "whatsapp", "details": details}
    said = {
        "message": f"(#{code}) {message}",
        "type": "OAuthException",
        "code": code,
        "error_data": data,
        "fbtrace_id": "A",
    }
    return status, {"error": said}


def sent(said: Any, path: str) -> tuple[int, Any]:
    name = f"wamid.{said['to']}"
    contacts = [{"input": said["to"], "wa_id": said["to"].removeprefix("+")}]
    return 200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": name}]}


@pytest.fixture
def start(serve: Callable[..., Server]) -> Any:
    def start(says: Any, **fields: Any) -> tuple[WhatsAppGateway, Server]:
        server = serve(Script(says))
        return WhatsAppGateway(url=server.url.replace("/hook", "/v24.0"), token="t", **fields), server

    return start


def test_a_template_with_its_words_and_a_text(start: Any) -> None:
    bodies: list[Any] = []
    gateway, server = start(lambda said, path: bodies.append(said) or sent(said, path))
    data = {"template": "tee_time", "language": "af", "parameters": '["Thandi", "9:10"]'}
    outcomes = gateway.send([message(1, data=data, image="https://club.example/a.png")]) + gateway.send(
        [message(2)]
    )
    assert [o.provider_id for o in outcomes] == ["wamid.+27830000001", "wamid.+27830000002"]
    assert {path for path, *_ in server.seen} == {"/v24.0/106540352242922/messages"}
    template, text = bodies
    assert template["biz_opaque_callback_data"] == "m:1"
    assert template["template"] == {
        "name": "tee_time", "language": {"code": "af"}, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://club.example/a.png"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Thandi"}, {"type": "text", "text": "9:10"}]},
        ],
    }  # fmt: skip
    assert (text["type"], text["text"]) == ("text", {"body": "Hello", "preview_url": False})


@pytest.mark.parametrize(
    ("said", "result", "code", "wait"),
    [
        (error(131026, "Message undeliverable"), "UNREGISTERED", "131026", None),
        (error(131047, "Re-engagement message", "Message failed to send because more than 24 hours have passed"),
         "REFUSED", "131047", None),
        (error(131049, "This message was not delivered to maintain healthy ecosystem engagement."), "REFUSED", "131049",
         None),
        (error(131050, "User has stopped receiving marketing messages"), "OPTED_OUT", "131050", None),
        (error(131056, "Pair rate limit hit"), "LATER", "131056", 60.0),
        (error(132001, "Template name does not exist in the translation", status=404), "REFUSED", "132001", None),
        (error(100, "Invalid parameter"), "REFUSED", "100", None),
        (error(131000, "Something went wrong", status=500), "UNKNOWN", "", None),
        ("cut", "UNKNOWN", "", None), ((200, {"messages": []}), "UNKNOWN", "", None),
        ((200, b"\xff"), "UNKNOWN", "", None),
    ],
)  # fmt: skip
def test_what_it_says_of_one_person_is_of_that_one(
    start: Any, said: Any, result: str, code: str, wait: float | None
) -> None:
    gateway, _ = start(lambda form, path: said if form["to"].endswith("1") else sent(form, path))
    first, second = gateway.send([message(1), message(2)])
    assert (first.result, first.code, first.wait, second.result) == (result, code, wait, Result.ACCEPTED)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (error(190, "Access token has expired", status=401), "190"), (error(80007, "Rate limit issues"), "80007"),
        (error(131031, "Account has been locked"), "131031"),
        (error(131042, "Business eligibility payment issue"), "131042"),
        ((503, b""), "503"), ((429, b"<html>"), "429"),
    ],
)  # fmt: skip
def test_when_nobody_can_go_the_rest_is_not_tried(start: Any, said: Any, code: str) -> None:
    gateway, server = start(lambda form, path: said)
    outcomes = gateway.send([message(number) for number in range(60)])
    assert {(o.result, o.code) for o in outcomes} == {(Result.LATER, code)}
    assert len(server.seen) <= 16


def test_a_number_that_is_full_holds_up_its_own_club_alone(start: Any) -> None:
    gateway, _ = start(
        lambda form, path: error(130429, "Rate limit hit") if "/555/" in path else sent(form, path)
    )
    other = Sender("Heath", "", phone="555")
    outcomes = gateway.send([message(number, other if number % 2 else CLUB) for number in range(20)])
    assert {o.result for o in outcomes[::2]} == {Result.ACCEPTED}
    assert {(o.result, o.code) for o in outcomes[1::2]} == {(Result.LATER, "130429")}


def test_a_club_without_a_number_waits_for_one(start: Any) -> None:
    (outcome,) = start(sent)[0].send([message(sender=Sender("Fynbos", ""))])
    assert (outcome.result, outcome.code) == (Result.LATER, "NO_NUMBER")
    assert (
        start(sent, number="1")[0].send([message(sender=Sender("Fynbos", ""))])[0].result == Result.ACCEPTED
    )


def test_words_that_are_no_list_are_refused(start: Any) -> None:
    (outcome,) = start(sent)[0].send([message(data={"template": "a", "parameters": "Thandi"})])
    assert (outcome.result, outcome.code) == (Result.REFUSED, "NOT_TEXT")


def hook(**value: Any) -> dict[str, Any]:
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"}, **value}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"value": value, "field": "messages"}]}],
    }


def test_statuses_are_receipts() -> None:
    def status(name: str, **more: Any) -> dict[str, Any]:
        return {"id": "wamid.A", "status": name, "timestamp": "1764590400", "recipient_id": "27", **more}

    errors = [
        {"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on WhatsApp."}}
    ]
    said = hook(statuses=[
        status("sent"), status("delivered", biz_opaque_callback_data="m:1"), status("read"),
        status("failed", errors=errors), status("failed", errors=[{"code": 131050, "title": "Stopped"}]),
        status("failed", errors=[{"code": 131049, "title": "Ecosystem"}]), status("warehoused"),
    ])  # fmt: skip
    found = list(whatsapp.receipts(said))
    kinds = [Kind.SENT, Kind.DELIVERED, Kind.OPENED, Kind.BOUNCED, Kind.OPTED_OUT, Kind.FAILED]
    assert [receipt.kind for receipt in found] == kinds
    at = datetime(2025, 12, 1, 12, tzinfo=UTC)
    assert found[1] == Receipt(Kind.DELIVERED, "m:1", "wamid.A", at)
    assert found[3] == Receipt(Kind.BOUNCED, "", "wamid.A", at, "131026", "Not on WhatsApp.", True)


def test_what_people_write_and_their_preferences_are_answers() -> None:
    def item(**more: Any) -> dict[str, Any]:
        return {"from": "27830000001", "id": "wamid.B", "timestamp": "1764590400", **more}

    found = list(whatsapp.answers(hook(
        messages=[
            item(type="text", text={"body": "Stop asseblief"}), item(type="button", button={"text": "See you!"}),
            item(type="image", image={"id": "1"}),
            item(type="interactive", interactive={"button_reply": {"id": "x", "title": "STOP"}}),
        ],
        user_preferences=[
            {"wa_id": "27830000001", "category": "marketing_messages", "value": "stop", "timestamp": 1764590400},
            {"wa_id": "27830000001", "category": "marketing_messages", "value": "resume", "timestamp": 1764590401},
        ],
    )))  # fmt: skip
    out, back = Meaning.OPT_OUT, Meaning.OPT_IN
    assert [answer.meaning for answer in found] == [out, None, None, out, out, back]
    assert {(answer.sender, answer.to) for answer in found} == {("+27830000001", "106540352242922")}


@pytest.mark.parametrize(
    "said",
    [
        None, [], "x", {}, {"entry": {}}, {"entry": [1, {"changes": "x"}, {"changes": [{"value": []}]}]},
        hook(statuses=[{"id": {}, "status": []}, {"status": "read"}, 7], messages=[{"from": []}, {}]),
        hook(user_preferences=[{}]),
        hook(statuses="read", messages={"a": 1}, metadata="x"),
    ],
)  # fmt: skip
def test_nonsense_is_nothing(said: Any) -> None:
    assert [*whatsapp.receipts(said), *whatsapp.answers(said)] == []
