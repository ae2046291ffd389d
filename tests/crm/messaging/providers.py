"""Providers of messages on the loopback address, with what they really say when something is wrong."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "a token of Messaging"
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]] | str


class MessagingService:
    """The Messaging service as docs/messaging.md describes it. `fate(number)` may change what the n-th call gets:

    an answer, or “lost” (done, then hung up), “cut” (hung up, nothing done), “garbage”, “slow” (done, no answer).
    """

    def __init__(self, fate: Callable[[int], Any] = lambda number: None) -> None:
        self.fate = fate
        self.lock = threading.Lock()
        self.calls = 0
        self.taken: dict[str, dict[str, Any]] = {}
        self.times: dict[str, int] = {}
        self.refuses: dict[str, Any] = {}
        self.poison: set[str] = set()

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        path, headers, body = request.server.seen[-1]  # type: ignore[attr-defined]
        with self.lock:
            self.calls += 1
            fate = self.fate(self.calls)
        if isinstance(fate, tuple):
            answer(request, *fate)
        elif fate == "cut":
            request.connection.close()
        elif headers.get("Authorization") != f"Bearer {TOKEN}":
            answer(request, 401, {"error": {"code": "UNAUTHORIZED", "message": "Who are you?"}})
        else:
            status, said = self.look_up(path) if request.command == "GET" else self.take(json.loads(body))
            if fate == "lost":
                request.connection.close()
            elif fate == "slow":
                time.sleep(0.4)
                request.connection.close()
            elif fate == "garbage":
                answer(request, 200, b"<html>Bad gateway, but with a good face\xff")
            else:
                answer(request, status, said)

    def take(self, said: Any) -> tuple[int, Any]:
        if self.poison & {item["idempotencyKey"] for item in said["messages"]}:
            return 422, {"error": {"code": "VALIDATION_ERROR", "message": "One message is not valid."}}
        return 200, {"results": [self.one(item) for item in said["messages"]]}

    def one(self, item: dict[str, Any]) -> dict[str, Any]:
        key = item["idempotencyKey"]
        if key in self.refuses:
            return {"idempotencyKey": key, **self.refuses[key]}
        with self.lock:
            if key not in self.taken:
                self.taken[key] = item
                self.times[key] = self.times.get(key, 0) + 1
        return {"idempotencyKey": key, "status": "ACCEPTED", "messageId": f"msg-{key}"}

    def look_up(self, path: str) -> tuple[int, Any]:
        keys = unquote(parse_qs(urlsplit(path).query)["keys"][0]).split(",")
        known = [key for key in keys if key in self.taken]
        return 200, {"data": [self.one({"idempotencyKey": key}) for key in known]}


class Script:
    """Answers each call with what `says(form or JSON, path)` gives: (status, body), headers too, or “cut”."""

    def __init__(self, says: Callable[[Any, str], Any]) -> None:
        self.says = says

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        path, headers, body = request.server.seen[-1]  # type: ignore[attr-defined]
        text = body.decode()
        is_form = headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        said = {name: values[0] for name, values in parse_qs(text).items()} if is_form else json.loads(text)
        found = self.says(said, path)
        if found == "cut":
            request.connection.close()
        else:
            answer(request, *found)


def answer(
    request: BaseHTTPRequestHandler, status: int, said: Any, headers: dict[str, str] | None = None
) -> None:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
