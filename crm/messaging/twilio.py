"""Twilio's webhooks and error codes: what it tells of messages, what people answer, and whether it is really Twilio."""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha1
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from crm.messaging.delivery import Result
from crm.messaging.keywords import Meaning, meaning
from crm.messaging.reading import words
from crm.messaging.receipts import Answer, Kind, Receipt

# Of a recipient: said STOP, or is blocked by the carrier; no such number, or one that takes no messages.
OPTED_OUT = frozenset({"21610", "30004"})
UNREGISTERED = frozenset({"21211", "21217", "21614", "21635", "30005", "30006"})
# Nobody can go before somebody sets it right or a queue has emptied: of the account, and of one of its numbers.
ACCOUNT = frozenset({"20003", "20005", "20404", "20429", "30001", "30002", "30010"})
NUMBER = frozenset({"14107", "21212", "21603", "21606", "21611", "21659", "21701", "21703", "63038"})
STATUSES = {
    "sent": Kind.SENT, "delivered": Kind.DELIVERED, "read": Kind.OPENED, "undelivered": Kind.BOUNCED,
    "failed": Kind.FAILED,
}  # fmt: skip
OPT_OUT_TYPES = {"STOP": Meaning.OPT_OUT, "START": Meaning.OPT_IN, "HELP": Meaning.HELP}


def result_of(code: str) -> Result:
    """What an error code says of one recipient."""
    if code in OPTED_OUT:
        return Result.OPTED_OUT
    return Result.UNREGISTERED if code in UNREGISTERED else Result.REFUSED


def is_signed(url: str, form: Mapping[str, Sequence[str]], signature: str, token: str) -> bool:
    """Whether X-Twilio-Signature is of this call: its whole address, with query, and its form, by the auth token.

    Twilio signs addresses with their port or without. Compared in constant time. Without a token nothing is signed.
    """
    fields = "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    found = [_is_mac(address + fields, signature, token) for address in _spellings(url)]
    return bool(token) and any(found)


def receipt(form: Mapping[str, str], key: str = "") -> Receipt | None:
    """A status callback; None for a status that tells nothing new. `key`: ours, from the callback's address."""
    kind = STATUSES.get(form.get("MessageStatus", "").lower())
    if kind is None:
        return None
    code = words(form.get("ErrorCode"), 20)
    if kind in (Kind.BOUNCED, Kind.FAILED) and code in OPTED_OUT:
        kind = Kind.OPTED_OUT
    elif kind == Kind.FAILED and code in UNREGISTERED:
        kind = Kind.BOUNCED
    name = words(form.get("MessageSid") or form.get("SmsSid"), 200)
    return Receipt(
        kind,
        words(key, 200),
        name,
        None,
        code,
        words(form.get("ErrorMessage")),
        is_permanent=code in UNREGISTERED,
    )


def answer(form: Mapping[str, str]) -> Answer | None:
    """What a person sent to one of our numbers; None where the call is no message. Twilio's own reading comes first."""
    sender, name = words(form.get("From"), 50), words(form.get("MessageSid") or form.get("SmsSid"), 200)
    if not sender or not name or "Body" not in form:
        return None
    text = form["Body"].replace("\x00", "")[:1_600]
    meant = OPT_OUT_TYPES.get(form.get("OptOutType", "").upper()) or meaning(text)
    return Answer(sender, words(form.get("To"), 50), text, meant, name)


def twiml(*texts: str) -> str:
    """The document that answers a message with these texts, or with silence."""
    said = "".join(f"<Message>{escape(text)}</Message>" for text in texts)
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'


def _is_mac(text: str, signature: str, token: str) -> bool:
    expected = b64encode(hmac.new(token.encode(), text.encode("utf-8", "replace"), sha1).digest())
    return hmac.compare_digest(expected, signature.encode("utf-8", "replace"))


def _spellings(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    host = parts.hostname or ""
    bare = parts._replace(netloc=host).geturl()
    return {url, bare, parts._replace(netloc=f"{host}:{parts.port or port}").geturl()}
