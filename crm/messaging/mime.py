"""An e-mail as it goes over the wire, put together from strings: ten times as fast as the standard library's builder.

All of it is ASCII in lines of at most 998 letters (RFC 5322); bodies are quoted-printable, in which the boundary
can't occur.
"""

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from crm.messaging.delivery import Outgoing

LONGEST = 990  # letters of a line, below the 998 that are allowed
BOUNDARY = "=_fairway"  # quoted-printable never has “=_”
OURS = frozenset(
    [
        *("from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "message-id"),
        *("mime-version", "content-type", "content-transfer-encoding"),
    ]
)
NAME = re.compile(r"[!-9;-~]+")
KEY = re.compile(r"[\w.:-]{1,200}", re.ASCII)
LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PLAIN = re.compile(r"[A-Za-z0-9 ]*")


class NotMail(ValueError):
    """This can't be an e-mail, however often it is tried; the text says why."""


def compose(message: Outgoing, *, at: datetime) -> bytes:
    """The whole mail, headers and body. Raises NotMail."""
    head = "\r\n".join(headers(message, at=at)).encode("ascii")
    return b"\r\n".join([head, *_body(message.text, message.html)])


def headers(message: Outgoing, *, at: datetime) -> list[str]:
    """The lines above the body. Raises NotMail for what can't be one, whoever builds the mail."""
    sender = message.sender
    lines = [
        f"From: {named(sender.name, sender.email)}",
        f"To: {address(message.to)}",
        f"Subject: {words(message.subject)}",
        f"Date: {_date(at)}",
        f"Message-ID: <{message_id(message)}>",
    ]
    if sender.reply_to:
        lines.append(f"Reply-To: {address(sender.reply_to)}")
    lines += (_header(name, value) for name, value in message.headers.items())
    lines.append("MIME-Version: 1.0")
    return lines


def message_id(message: Outgoing) -> str:
    """The same whenever a message is made anew, so that two of it can be told for one."""
    if not KEY.fullmatch(message.key):
        raise NotMail("The key of a message is not one.")
    domain = address(message.sender.email).rpartition("@")[2]
    return f"{message.key.replace(':', '.')}@{domain}"


@lru_cache(maxsize=1_000)
def address(text: str) -> str:
    """An address as SMTP takes it, its domain in ASCII. Raises NotMail."""
    local, at, domain = text.rpartition("@")
    if not at or not LOCAL.fullmatch(local):
        raise NotMail("The address is not one that mail can be sent to.")
    try:
        known = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError:
        known = ""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", known) or ".." in known:
        raise NotMail("The domain of the address is not one.")
    return f"{local}@{known}"


@lru_cache(maxsize=1_000)
def named(name: str, email: str) -> str:
    """`Name <address>`, the name quoted or encoded where it must be."""
    if not name:
        return address(email)
    if not PLAIN.fullmatch(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = (
            f'"{escaped}"'
            if name.isascii() and not CONTROL.search(name) and "=?" not in name
            else words(name)
        )
    return f"{name} <{address(email)}>"


@lru_cache(maxsize=1_000)
def words(text: str) -> str:
    """Words of a header: as they are in ASCII, else encoded and folded (RFC 2047). Raises NotMail for a line break."""
    if CONTROL.search(text):
        raise NotMail("A header has a line break in it.")
    if text.isascii() and "=?" not in text and len(text) < LONGEST - 100:
        return text
    return "\r\n ".join(f"=?utf-8?b?{b2a_base64(chunk, newline=False).decode()}?=" for chunk in _chunks(text))


def _chunks(text: str) -> Iterator[bytes]:
    """UTF-8 of at most 45 bytes each, cut between letters: an encoded word is 75 letters long at most."""
    chunk = b""
    for letter in text:
        more = letter.encode("utf-8", "replace")
        if len(chunk) + len(more) > 45:
            yield chunk
            chunk = b""
        chunk += more
    yield chunk


@lru_cache(maxsize=10)
def _date(at: datetime) -> str:
    return format_datetime(at)


def _header(name: str, value: str) -> str:
    if not NAME.fullmatch(name) or name.lower() in OURS:
        raise NotMail(f"{name[:50]} is not a header that a message may bring.")
    if CONTROL.search(value) or not value.isascii():
        raise NotMail(f"The header {name} is not plain text of one line.")
    return "\r\n ".join(_folded(f"{name}: {value}"))


def _folded(line: str) -> Iterator[str]:
    while len(line) > LONGEST:
        cut = line.rfind(" ", 1, LONGEST)
        if cut < 0:
            raise NotMail("A header has a word that is longer than a line.")
        yield line[:cut]
        line = line[cut + 1 :]
    yield line


def _body(text: str, html: str) -> Iterator[bytes]:
    """The lines that follow on the headers, from the content type on."""
    if not (text and html):
        yield from _part(html or text, "html" if html else "plain")
        return
    between = f"--{BOUNDARY}".encode()
    yield f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"'.encode()
    yield b""
    yield between
    yield from _part(text, "plain")
    yield between
    yield from _part(html, "html")
    yield between + b"--"
    yield b""


def _part(words: str, kind: str) -> Iterator[bytes]:
    plain = words.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    yield f"Content-Type: text/{kind}; charset=utf-8".encode()
    yield b"Content-Transfer-Encoding: quoted-printable"
    yield b""
    yield b2a_qp(plain).replace(b"\n", b"\r\n")
