"""The addresses that stand in messages: short, signed, good for years, and no secret of anybody.

A token names a message, and for a click the place of its link, with 128 bits of HMAC over both and over what the token
is for. It needs no row of its own and no date: an unsubscribe link must work in an old mail too. SECRET_KEY signs, its
fallbacks are recognised.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from campaigns.models import Message, MessageClass, Sender

SIGNATURE = 16
LONGEST = 60  # of a token, in characters
TRAP = 10_000  # the place of a link that no person sees
OPEN, CLICK, UNSUBSCRIBE, PREFERENCES, CONFIRM, VIEW = "o", "c", "u", "p", "k", "v"


class Token(NamedTuple):
    message: int
    position: int = 0


def make(kind: str, message: int, position: int = 0, address: str = "") -> str:
    """A token; `address` is signed too, where it is not the one that is stored with the link."""
    body = _packed(message) + (_packed(position) if kind == CLICK else b"")
    return _text(body + _signature(_keys()[0], kind, body, address))


def read(kind: str, token: str, address: str = "") -> Token | None:
    """What a token says; None where we did not make it, for that."""
    if not 0 < len(token) <= LONGEST or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Error, ValueError):
        return None
    body, signed = raw[:-SIGNATURE], raw[-SIGNATURE:]
    known = [hmac.compare_digest(signed, _signature(key, kind, body, address)) for key in _keys()]
    if not any(known) or _text(raw) != token:
        return None
    message, rest = _unpacked(body)
    position, _ = _unpacked(rest) if kind == CLICK else (0, b"")
    return Token(message, position)


def base_of(sender: Sender) -> str:
    """Where the links of a sender lead: its own tracking domain, else here."""
    return (
        f"https://{sender.tracking_domain}"
        if sender.tracking_domain
        else str(settings.PUBLIC_URL).rstrip("/")
    )


def open_url(message: int, *, base: str = "") -> str:
    return _url(OPEN, make(OPEN, message), base) + ".gif"


def click_url(message: int, position: int, *, base: str = "", address: str = "") -> str:
    """The address that leads to a link's; `address` where it is not the one that is stored."""
    found = _url(CLICK, make(CLICK, message, position, address), base)
    return f"{found}?{urlencode({'to': address})}" if address else found


def trap_url(message: int, *, base: str = "") -> str:
    """A link that no person sees: what follows it is a machine."""
    return click_url(message, TRAP, base=base)


def unsubscribe_url(message: int, *, base: str = "") -> str:
    return _url(UNSUBSCRIBE, make(UNSUBSCRIBE, message), base)


def preferences_url(message: int, *, base: str = "") -> str:
    return _url(PREFERENCES, make(PREFERENCES, message), base)


def confirm_url(statement: int, *, base: str = "") -> str:
    """Where somebody confirms what they asked for: it names the statement, in the place of a message."""
    return _url(CONFIRM, make(CONFIRM, statement), base)


def view_url(message: int, *, base: str = "") -> str:
    return _url(VIEW, make(VIEW, message), base)


def headers(message: Message, sender: Sender) -> dict[str, str]:
    """What lets a mail program unsubscribe with one click (RFC 8058). Marketing alone has them."""
    if message.message_class != MessageClass.MARKETING or message.channel != "EMAIL":
        return {}
    url = unsubscribe_url(message.pk, base=base_of(sender))
    ways = [f"<{url}>"]
    if sender.reply_to or sender.from_email:
        to = quote(sender.reply_to or sender.from_email, safe="@")
        ways.insert(0, f"<mailto:{to}?subject=unsubscribe%20{make(UNSUBSCRIBE, message.pk)}>")
    return {"List-Unsubscribe": ", ".join(ways), "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


class MessageLinks:
    """The addresses of one message, for rendering. stored: those of the template's links, by place."""

    def __init__(self, message: int, sender: Sender, stored: Sequence[str] = ()) -> None:
        self.message, self.base, self.stored = message, base_of(sender), stored

    def link(self, position: int, address: str) -> str:
        if not address.startswith(("http://", "https://")):
            return address
        is_stored = position < len(self.stored) and self.stored[position] == address
        return click_url(self.message, position, base=self.base, address="" if is_stored else address)

    def own(self, name: str) -> str:
        ways = {"unsubscribeUrl": unsubscribe_url, "preferencesUrl": preferences_url, "viewUrl": view_url}
        return ways[name](self.message, base=self.base)

    def pixel(self) -> str:
        return open_url(self.message, base=self.base)


def _url(kind: str, token: str, base: str) -> str:
    return f"{base or str(settings.PUBLIC_URL).rstrip('/')}/t/{kind}/{token}"


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _packed(number: int) -> bytes:
    """Seven bits a byte, the last without the high bit."""
    found = [number & 127]
    while number := number >> 7:
        found.append(number & 127 | 128)
    return bytes(reversed(found))


def _unpacked(raw: bytes) -> tuple[int, bytes]:
    number = 0
    for place, byte in enumerate(raw):
        number = number << 7 | byte & 127
        if byte < 128:
            return number, raw[place + 1 :]
    return number, b""


def _signature(key: bytes, kind: str, body: bytes, address: str) -> bytes:
    said = b"\0".join((kind.encode(), body, address.encode()))
    return hmac.new(key, said, hashlib.sha256).digest()[:SIGNATURE]


def _keys() -> Sequence[bytes]:
    return _derived((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _derived(secrets: tuple[str, ...]) -> Sequence[bytes]:
    return [
        HKDF(SHA256(), length=32, salt=None, info=b"fairway.message-links").derive(secret.encode())
        for secret in secrets
    ]
