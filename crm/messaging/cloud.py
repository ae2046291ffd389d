"""WhatsApp by Meta's Cloud API."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson

from crm.messaging.answers import read, why
from crm.messaging.delivery import Outcome, Outgoing, Result
from crm.messaging.reading import mapping, objects, words
from crm.messaging.singly import HeldUp, Lost, check_status, one_by_one, post
from crm.messaging.whatsapp import ACCOUNT, NUMBER, result_of

WHO = "WhatsApp"
PAIR = 60.0  # seconds until the same person can be written to again


class WhatsAppGateway:
    """Meta knows no keys, but gives ours back with each status, so a lost answer may still come that way.

    number: the id of the phone number for clubs that have none of their own.
    """

    name = "whatsapp"
    most_at_once = 100
    repeats_for: timedelta | None = None
    can_look_up = False

    def __init__(self, *, url: str, token: str, number: str = "") -> None:
        self.url, self.number = url.rstrip("/"), number
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return one_by_one(batch, self._send)

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {}

    def _send(self, message: Outgoing) -> Outcome:
        number = message.sender.phone or self.number
        if not number:
            raise HeldUp("No WhatsApp number is set up.", code="NO_NUMBER", of_sender=True)
        try:
            body = orjson.dumps(payload(message))
        except (TypeError, ValueError) as wrong:
            words_of = f"It can’t be put into a call ({type(wrong).__name__})."
            return Outcome(message.key, Result.REFUSED, code="NOT_TEXT", why=words_of)
        address = f"{self.url}/{quote(number, safe='')}/messages"
        reply = post(WHO, address, headers=self.headers, body=body)
        said = mapping(read(reply))
        error = mapping(said.get("error"))
        code = words(error.get("code"), 20)
        if code in ACCOUNT or code in NUMBER:
            raise HeldUp(why(reply, WHO), code=code, wait=reply.retry_after, of_sender=code in NUMBER)
        if not code or reply.status >= 500:
            check_status(reply, WHO)
        if not reply.ok:
            detail = words(mapping(error.get("error_data")).get("details")) or why(reply, WHO)
            result = result_of(code)
            wait = PAIR if result == Result.LATER else None
            return Outcome(message.key, result, code=code or str(reply.status), why=detail, wait=wait)
        name = next((words(item.get("id"), 200) for item in objects(said.get("messages"))), "")
        if not name:
            raise Lost(f"{WHO}’s answer names no message.")
        return Outcome(message.key, Result.ACCEPTED, provider_id=name)


def payload(message: Outgoing) -> dict[str, Any]:
    """The call's body: a template where one is named, as it must be outside of a conversation, else a text."""
    told: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,
        "biz_opaque_callback_data": message.key,
    }
    name = message.data.get("template", "")
    if not name:
        return {**told, "type": "text", "text": {"body": message.text, "preview_url": bool(message.link)}}
    parameters = orjson.loads(message.data.get("parameters") or "[]")
    texts = [{"type": "text", "text": str(value)} for value in parameters]
    components: list[dict[str, Any]] = [{"type": "body", "parameters": texts}] if texts else []
    if message.image:
        image = {"type": "image", "image": {"link": message.image}}
        components.insert(0, {"type": "header", "parameters": [image]})
    language = {"code": message.data.get("language") or "en"}
    return {
        **told,
        "type": "template",
        "template": {"name": name, "language": language, "components": components},
    }
