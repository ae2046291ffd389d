"""A Messaging service as docs/messaging.md describes it: groups of contacts, idempotency keys, real refusals."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import uuid4

TOKEN = "a token of Messaging"


class MessagingService:
    """Keeps groups in memory. `to_come` holds what it does with the next calls instead: a status, or a word."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.groups: dict[str, dict[str, dict[str, Any]]] = {}
        self.answered: dict[str, tuple[int, Any]] = {}
        self.to_come: list[Any] = []
        self.calls: list[tuple[str, str, Any, str]] = []
        self.refuses: set[str] = set()

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        _path, headers, body = request.server.seen[-1]  # type: ignore[attr-defined]
        said, key = json.loads(body), headers["Idempotency-Key"]
        self.calls.append((request.command, request.path, said, key))
        fate = self.to_come.pop(0) if self.to_come else None
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(request, 401, {"error": {"code": "UNAUTHORIZED", "message": "Who are you?"}})
        elif isinstance(fate, tuple):
            status, message, extra = fate
            self.answer(request, status, {"error": {"code": "X", "message": message}}, extra)
        else:
            if key not in self.answered:
                self.answered[key] = self.do(request.command, request.path, said)
            if fate == "done, but the answer is lost":
                request.connection.close()
                return
            self.answer(request, *self.answered[key])

    def do(self, method: str, path: str, said: dict[str, Any]) -> tuple[int, Any]:
        _, _, name, *rest = path.split("/")
        if method == "PUT":
            group = "msg-" + name[-12:]
            self.names[group] = said["name"]
            if said["replace"] or group not in self.groups:
                self.groups[group] = {}
            return 200, {"id": group}
        if name not in self.groups:
            return 404, {"error": {"code": "SEGMENT_NOT_FOUND", "message": "No such segment."}}
        if method == "DELETE":
            del self.groups[name], self.names[name]
            return 204, None
        assert rest == ["contacts"], path
        assert len(said["add"]) + len(said["remove"]) <= 1_000
        results = []
        for contact in said["add"]:
            if contact["externalId"] in self.refuses:
                results.append(
                    {"externalId": contact["externalId"], "status": "REJECTED", "error": "Suppressed."}
                )
            else:
                self.groups[name][contact["externalId"]] = contact
        for pk in said["remove"]:
            self.groups[name].pop(pk, None)
        return 200, {"results": results, "requestId": str(uuid4())}

    @staticmethod
    def answer(
        request: BaseHTTPRequestHandler, status: int, said: Any, extra: dict[str, str] | None = None
    ) -> None:
        body = b"" if said is None else json.dumps(said).encode()
        request.send_response(status)
        for header, value in {"Content-Length": str(len(body)), **(extra or {})}.items():
            request.send_header(header, value)
        request.end_headers()
        request.wfile.write(body)

    @property
    def only_group(self) -> set[str]:
        (group,) = self.groups.values()
        return set(group)
