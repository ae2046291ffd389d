"""Push by Firebase Cloud Messaging, HTTP v1."""

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from time import monotonic, time
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import orjson

from crm.messaging.answers import read, seconds, why
from crm.messaging.delivery import Outcome, Outgoing, Result
from crm.messaging.reading import mapping, objects, words
from crm.messaging.singly import HeldUp, Lost, check_status, one_by_one, post
from crm.outbound import Reply

WHO = "FCM"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EARLY = 300.0  # seconds before a token ends that a new one is fetched
QUOTA = 60.0  # seconds to wait where FCM does not say
NO_TOKEN = "not a valid FCM registration token"  # noqa: S105 # words of an answer


class FCMGateway:
    """FCM knows no keys. The key names the notification on the device too, where a second one takes the first's place.

    credentials: the service account's JSON, with project_id, client_email, private_key and token_uri.
    """

    name = "fcm"
    most_at_once = 200
    repeats_for: timedelta | None = None
    can_look_up = False

    def __init__(self, *, url: str, credentials: str) -> None:
        self.account: Mapping[str, str] = json.loads(credentials)
        self.url = f"{url.rstrip('/')}/v1/projects/{quote(self.account['project_id'], safe='')}/messages:send"
        self.lock = threading.Lock()
        self.token, self.ends = "", 0.0

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return one_by_one(batch, self._send)

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {}

    def _send(self, message: Outgoing) -> Outcome:
        try:
            body = orjson.dumps({"message": payload(message)})
        except TypeError:
            return Outcome(message.key, Result.REFUSED, code="NOT_TEXT", why="It is not plain text.")
        token = self._token()
        reply = self._post(token, body)
        if reply.status == 401 and _code(reply) != "THIRD_PARTY_AUTH_ERROR":  # it ended earlier than it said
            self._forget(token)
            reply = self._post(self._token(), body)
        if reply.ok:
            name = words(mapping(read(reply)).get("name"), 200)
            if not name:
                raise Lost(f"{WHO}’s answer names no message.")
            return Outcome(message.key, Result.ACCEPTED, provider_id=name)
        return _refusal(message.key, reply)

    def _post(self, token: str, body: bytes) -> Reply:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return post(WHO, self.url, headers=headers, body=body)

    def _token(self) -> str:
        """An access token, fetched once for all threads. Raises HeldUp."""
        with self.lock:
            if self.ends <= monotonic():
                self.token, lasts = self._fetch_token()
                self.ends = monotonic() + max(1.0, lasts - EARLY)
            return self.token

    def _forget(self, token: str) -> None:
        with self.lock:
            if token == self.token:
                self.ends = 0.0

    def _fetch_token(self) -> tuple[str, float]:
        now, where = int(time()), self.account["token_uri"]
        claims = {
            "iss": self.account["client_email"],
            "scope": SCOPE,
            "aud": where,
            "iat": now,
            "exp": now + 3600,
        }
        key = {"kid": self.account.get("private_key_id", "")}
        signed = jwt.encode(claims, self.account["private_key"], algorithm="RS256", headers=key)
        body = urlencode({"grant_type": GRANT, "assertion": signed}).encode()
        try:
            reply = post(
                "Google", where, headers={"Content-Type": "application/x-www-form-urlencoded"}, body=body
            )
        except Lost as lost:  # a token that nobody read does no harm
            raise HeldUp(str(lost)) from lost
        said = mapping(read(reply))
        token = words(said.get("access_token"), 5_000)
        if not reply.ok or not token:
            raise HeldUp(why(reply, "Google"), code=str(reply.status), wait=reply.retry_after)
        return token, seconds(said.get("expires_in")) or 3600.0


def _refusal(key: str, reply: Reply) -> Outcome:
    """What an error says of a message. Raises HeldUp and Lost."""
    code, text = _code(reply), why(reply, WHO)
    if code == "UNREGISTERED" or (code == "INVALID_ARGUMENT" and NO_TOKEN in text):
        return Outcome(key, Result.UNREGISTERED, code=code, why=text)
    if code == "THIRD_PARTY_AUTH_ERROR":  # Apple's certificate: a matter of its devices alone
        return Outcome(key, Result.LATER, code=code, why=text)
    if code in ("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"):
        raise HeldUp(text, code=code, wait=reply.retry_after or QUOTA)
    if code in ("PERMISSION_DENIED", "NOT_FOUND"):  # of the project, not of a device
        raise HeldUp(text, code=code)
    check_status(reply, WHO)
    return Outcome(key, Result.REFUSED, code=code or str(reply.status), why=text)


def _code(reply: Reply) -> str:
    """FCM's own code of an error, else that of Google's frame around it."""
    error = mapping(mapping(read(reply)).get("error"))
    own = [words(item.get("errorCode"), 50) for item in objects(error.get("details"))]
    return next(filter(None, own), words(error.get("status"), 50))


def payload(message: Outgoing) -> dict[str, Any]:
    """A message as FCM is told of it; `data` reaches the app, our key and the link in it."""
    shown = {"title": message.subject, "body": message.text, "image": message.image}
    data = {**message.data, "key": message.key, **({"link": message.link} if message.link else {})}
    told: dict[str, Any] = {
        "token": message.to,
        "notification": {name: text for name, text in shown.items() if text},
        "data": {name: str(value) for name, value in data.items()},
        "android": {"notification": {"tag": message.key}},
        "apns": {"headers": {"apns-collapse-id": message.key[:64]}},
        "webpush": {"notification": {"tag": message.key}},
    }
    if message.link.startswith("https://"):
        told["webpush"]["fcm_options"] = {"link": message.link}
    return told
