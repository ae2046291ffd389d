"""Push by FCM HTTP v1: its token, its messages, its errors."""

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from crm.messaging.delivery import Channel, Outgoing, Result, Sender
from crm.messaging.fcm import FCMGateway
from tests.crm.messaging.providers import Script
from tests.loopback import Server

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


def push(number: int = 1, **fields: Any) -> Outgoing:
    given = {"subject": "Course open", "text": "Tee off at 9", **fields}
    return Outgoing(f"m:{number}", Channel.PUSH, f"device-{number}", Sender("Fynbos", ""), **given)


def error(status: int, code: str, message: str, own: str = "") -> tuple[int, Any]:
    details = [{"@type": FCM_ERROR, "errorCode": own}] if own else []
    return status, {"error": {"code": status, "message": message, "status": code, "details": details}}


class Google:
    """Issues tokens and takes messages; `says(token of the device)` answers instead where it gives something."""

    def __init__(self, says: Callable[[str], Any] = lambda device: None) -> None:
        self.says, self.issued, self.url = says, 0, ""
        self.grants: Any = None
        self.good: set[str] = set()
        self.taken: list[dict[str, Any]] = []

    def __call__(self, said: Any, path: str) -> Any:
        if path == "/token":
            claims = jwt.decode(
                said["assertion"], KEY.public_key(), algorithms=["RS256"], audience=f"{self.url}/token"
            )
            assert claims["iss"] == "crm@club.iam.gserviceaccount.com"
            assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
            assert claims["exp"] - claims["iat"] == 3600
            self.issued += 1
            return self.grants or (200, {"access_token": f"ya29.{self.issued}", "expires_in": 3599})
        assert path == "/v1/projects/club-app/messages:send"
        found = self.says(said["message"]["token"])
        if found is None:
            self.taken.append(said["message"])
            return 200, {"name": f"projects/club-app/messages/{said['message']['token']}"}
        return found


@pytest.fixture
def start(serve: Callable[..., Server]) -> Any:
    def start(google: Google) -> tuple[FCMGateway, Server]:
        server = serve(Script(google))
        google.url = server.url.removesuffix("/hook")
        account = {
            "project_id": "club-app", "client_email": "crm@club.iam.gserviceaccount.com", "private_key": PEM,
            "private_key_id": "k1", "token_uri": f"{google.url}/token",
        }  # fmt: skip
        return FCMGateway(url=google.url, credentials=json.dumps(account)), server

    return start


def test_one_token_serves_many_messages(start: Any) -> None:
    google = Google()
    gateway, server = start(google)
    outcomes = gateway.send([push(number) for number in range(20)])
    assert [o.provider_id for o in outcomes] == [f"projects/club-app/messages/device-{n}" for n in range(20)]
    gateway.send([push(21)])
    assert google.issued == 1
    assert {headers.get("Authorization") for path, headers, _ in server.seen if path != "/token"} == {
        "Bearer ya29.1"
    }


def test_what_the_app_gets(start: Any) -> None:
    google = Google()
    start(google)[0].send(
        [push(link="https://club.example/book", image="https://club.example/a.png", data={"a": "b"})]
    )
    (got,) = google.taken
    assert got["notification"] == {
        "title": "Course open", "body": "Tee off at 9", "image": "https://club.example/a.png",
    }  # fmt: skip
    assert got["data"] == {"a": "b", "key": "m:1", "link": "https://club.example/book"}
    assert got["android"]["notification"]["tag"] == got["apns"]["headers"]["apns-collapse-id"] == "m:1"
    assert got["webpush"]["fcm_options"] == {"link": "https://club.example/book"}


@pytest.mark.parametrize(
    ("said", "result", "code"),
    [
        (error(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"), "UNREGISTERED", "UNREGISTERED"),
        (error(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token",
               "INVALID_ARGUMENT"), "UNREGISTERED", "INVALID_ARGUMENT"),
        (error(400, "INVALID_ARGUMENT", "Android message is too big", "INVALID_ARGUMENT"), "REFUSED",
         "INVALID_ARGUMENT"),
        (error(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"), "REFUSED", "SENDER_ID_MISMATCH"),
        (error(401, "UNAUTHENTICATED", "Request is missing APNs credential", "THIRD_PARTY_AUTH_ERROR"), "LATER",
         "THIRD_PARTY_AUTH_ERROR"),
        (error(500, "INTERNAL", "Internal error encountered.", "INTERNAL"), "UNKNOWN", ""),
        ("cut", "UNKNOWN", ""), ((200, b"ok"), "UNKNOWN", ""),
    ],
)  # fmt: skip
def test_what_it_says_of_one_device_is_of_that_one(start: Any, said: Any, result: str, code: str) -> None:
    gateway, _ = start(Google(lambda device: said if device == "device-1" else None))
    first, second = gateway.send([push(1), push(2)])
    assert (first.result, first.code, second.result) == (result, code, Result.ACCEPTED)


@pytest.mark.parametrize(
    ("said", "code", "wait"),
    [
        ((*error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", "QUOTA_EXCEEDED"), {"Retry-After": "67608"}),
         "QUOTA_EXCEEDED", 67608.0),
        (error(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), "RESOURCE_EXHAUSTED", 60.0),
        ((*error(503, "UNAVAILABLE", "The service is unavailable.", "UNAVAILABLE"), {"Retry-After": "9"}),
         "UNAVAILABLE", 9.0),
        (error(403, "PERMISSION_DENIED", "Cloud Messaging API is not in use"), "PERMISSION_DENIED", None),
        (error(404, "NOT_FOUND", "Project not found"), "NOT_FOUND", None),
    ],
)  # fmt: skip
def test_when_nobody_can_go_the_rest_is_not_tried(
    start: Any, said: Any, code: str, wait: float | None
) -> None:
    gateway, server = start(Google(lambda device: said))
    outcomes = gateway.send([push(number) for number in range(60)])
    assert {(o.result, o.code, o.wait) for o in outcomes} == {(Result.LATER, code, wait)}
    assert len(server.seen) <= 17


def test_a_token_that_ended_early_is_fetched_anew_once(start: Any) -> None:
    ended = iter([error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")])
    google = Google(lambda device: next(ended, None))
    assert start(google)[0].send([push()])[0].result == Result.ACCEPTED
    assert google.issued == 2
    google.says = lambda device: error(
        401, "UNAUTHENTICATED", "Request had invalid authentication credentials."
    )
    (outcome,) = start(google)[0].send([push()])
    assert (outcome.result, outcome.code) == (Result.LATER, "401")


@pytest.mark.parametrize(
    "said",
    [
        (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}), (500, b"oops"), "cut",
        (200, b"{}"), (200, {"access_token": ["x"]}), (200, b"\xff"),
    ],
)  # fmt: skip
def test_without_a_token_nothing_was_done(start: Any, said: Any) -> None:
    google = Google()
    google.grants = said
    outcomes = start(google)[0].send([push(1), push(2)])
    assert {o.result for o in outcomes} == {Result.LATER}
    assert google.taken == []
    assert "PRIVATE KEY" not in repr(outcomes)
