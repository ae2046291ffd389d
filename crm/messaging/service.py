"""Messages by the Messaging service, over HTTP and in bulk. docs/messaging.md describes the calls.

Each message carries its own idempotency key. When an answer is lost nobody knows what was taken: the keys are looked
up, or the same messages sent again while the service still knows them; what it has taken it does not take again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import quote

import orjson

from crm.messaging.answers import read, seconds, why
from crm.messaging.delivery import BUDGET, Channel, Outcome, Outgoing, Result, all_of
from crm.messaging.reading import mapping, objects, words
from crm.outbound import CallFailed, Reply, call

MOST_BYTES = 4_000_000  # of a call
KEYS_AT_ONCE = 100  # that are looked up with a call
SECONDS = 20.0
TAKEN = frozenset({"ACCEPTED", "QUEUED", "SENT", "DELIVERED", "DUPLICATE"})
REFUSED = {"UNREGISTERED": Result.UNREGISTERED, "OPTED_OUT": Result.OPTED_OUT}
MAY_BE_DONE = frozenset({409, 500, 502, 504})  # 409: a call with these keys is under way
NOT_THIS = frozenset({400, 413, 422})  # a call of other messages may be taken


class MessagingGateway:
    """The Messaging service. `remembers`: how long it knows a key again."""

    name = "messaging"
    most_at_once = 500
    can_look_up = True

    def __init__(self, *, url: str, token: str, remembers: timedelta) -> None:
        self.url, self.token = url.rstrip("/"), token
        self.repeats_for: timedelta | None = remembers

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        found: dict[str, Outcome] = {}
        until = monotonic() + BUDGET
        for group in _groups(batch, found):
            found |= self._send(group, until)
        return [found[message.key] for message in batch]

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            asked = keys[start : start + KEYS_AT_ONCE]
            try:
                reply = self._call("GET", f"/messages?keys={quote(','.join(asked), safe=',')}")
            except CallFailed:
                return found
            said = read(reply)
            if not reply.ok or not isinstance(mapping(said).get("data"), list):
                return found
            known = _results(objects(said["data"]))
            never_seen = {
                key: Outcome(key, Result.LATER, why="Messaging does not know of it.") for key in asked
            }
            found |= never_seen | {key: known[key] for key in asked if key in known}
        return found

    def _send(self, group: Sequence[tuple[Outgoing, bytes]], until: float) -> dict[str, Outcome]:
        """One call; where the whole of it is refused, its halves, until the message is found that is meant."""
        messages = [message for message, _ in group]
        if monotonic() > until:
            return _all(messages, Outcome("", Result.LATER, why="Messaging takes too long."))
        body = b'{"messages":[' + b",".join(item for _, item in group) + b"]}"
        try:
            reply = self._call("POST", "/messages/bulk", body)
        except CallFailed as failed:
            result = Result.UNKNOWN if failed.may_be_done else Result.LATER
            return _all(messages, Outcome("", result, why=f"Messaging can’t be reached ({failed})."))
        if reply.ok:
            return _read(messages, reply)
        if reply.status in NOT_THIS:
            if len(group) == 1:
                refused = Outcome("", Result.REFUSED, code=str(reply.status), why=why(reply, "Messaging"))
                return _all(messages, refused)
            half = len(group) // 2
            return self._send(group[:half], until) | self._send(group[half:], until)
        # A refused login or an address that is gone is for the operator to set right; the messages wait.
        result = Result.UNKNOWN if reply.status in MAY_BE_DONE else Result.LATER
        text = why(reply, "Messaging")
        return _all(messages, Outcome("", result, code=str(reply.status), why=text, wait=reply.retry_after))

    def _call(self, method: str, path: str, body: bytes = b"") -> Reply:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        return call(method, self.url + path, body=body, headers=headers, is_ours=True, seconds=SECONDS)


def payload(message: Outgoing) -> dict[str, Any]:
    """A message as the service is told of it; what is blank is left out."""
    sender = message.sender
    told: dict[str, Any] = {
        "idempotencyKey": message.key,
        "tenantId": sender.account.get("tenantId", ""),
        "channel": str(message.channel),
        "to": message.to,
        "class": "MARKETING" if message.is_marketing else "TRANSACTIONAL",
        "fromName": sender.name,
        "from": sender.email if message.channel == Channel.EMAIL else sender.phone,
        "replyTo": sender.reply_to if message.channel == Channel.EMAIL else "",
        "subject": message.subject,
        "html": message.html,
        "text": message.text,
        "headers": dict(message.headers),
        "link": message.link,
        "image": message.image,
        "data": dict(message.data),
    }
    return {name: value for name, value in told.items() if value}


def _groups(batch: Sequence[Outgoing], found: dict[str, Outcome]) -> Iterator[list[tuple[Outgoing, bytes]]]:
    """Messages with their JSON, as many as a call takes; once one call could not be made, the rest wait with it."""
    group: list[tuple[Outgoing, bytes]] = []
    size = 0
    for number, message in enumerate(batch):
        try:
            item = orjson.dumps(payload(message))
        except TypeError:
            found[message.key] = Outcome(
                message.key, Result.REFUSED, code="NOT_TEXT", why="It is not plain text."
            )
            continue
        if group and size + len(item) > MOST_BYTES:
            yield group
            held = found[group[-1][0].key]
            if all(found[sent.key].result in (Result.LATER, Result.UNKNOWN) for sent, _ in group):
                found |= _all(batch[number:], replace(held, result=Result.LATER))
                return
            group, size = [], 0
        group.append((message, item))
        size += len(item)
    if group:
        yield group


def _read(messages: Sequence[Outgoing], reply: Reply) -> dict[str, Outcome]:
    """What came of each; of one that the answer does not name nothing is known."""
    found = _results(objects(mapping(read(reply)).get("results")))
    silent = _all(messages, Outcome("", Result.UNKNOWN, why="Messaging’s answer says nothing of it."))
    return silent | {message.key: found[message.key] for message in messages if message.key in found}


def _results(items: Sequence[Mapping[str, Any]]) -> dict[str, Outcome]:
    return {outcome.key: outcome for outcome in map(_outcome, items)}


def _outcome(item: Mapping[str, Any]) -> Outcome:
    key, status = words(item.get("idempotencyKey"), 200), words(item.get("status"), 50)
    if status in TAKEN:
        return Outcome(key, Result.ACCEPTED, provider_id=words(item.get("messageId"), 200))
    error = mapping(item.get("error"))
    code, text = words(error.get("code"), 50), words(error.get("message") or item.get("error"))
    if status == "REJECTED":
        return Outcome(key, REFUSED.get(code, Result.REFUSED), code=code, why=text or "Messaging refused it.")
    result = Result.LATER if status == "RETRY" else Result.UNKNOWN
    return Outcome(key, result, code=code, why=text, wait=seconds(item.get("retryAfter")))


def _all(messages: Sequence[Outgoing], outcome: Outcome) -> dict[str, Outcome]:
    return {message.key: alike for message, alike in zip(messages, all_of(messages, outcome), strict=True)}
