"""The one HTTP client for calls to other systems.

A call holds no database connection while the network is slow, connects to no address inside our own network unless the
operator named it, follows no redirect, reads no more than it was told to, and says of a failure whether trying the same
again can help and whether it may have been done.
"""

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import urllib3
from django.db import connection
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

CONNECT, ANSWER = 5.0, 15.0  # seconds for a connection, and from there to the whole answer
MOST = 1_000_000  # bytes of an answer
CHUNK = 65_536
SHOWN = 4_096  # bytes of an answer that are kept for people to look at
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # what a later try may answer differently
SLOW_DOWN = frozenset({429, 502, 503, 504})
LONGEST_WAIT = 30 * 86_400.0  # seconds
AGENT = "Fairway/1"


class InsideTransaction(RuntimeError):
    """A call was to be made with a transaction open: its locks would be held for as long as the network takes."""


class CallFailed(Exception):
    """There was no answer to a call.

    may_be_done: the request may have reached the other side: ask there before doing it again.
    permanent:   trying the same again can't help.
    """

    may_be_done = False
    permanent = False


class AddressRefused(CallFailed):
    """The address is not one that is called: not HTTP, with a login in it, or inside our own network."""

    permanent = True


class NotReached(CallFailed):
    """No connection came about, so nothing was sent."""


class NoAnswer(CallFailed):
    """The connection broke, or time was up, before the answer was there."""

    may_be_done = True


class AnswerRefused(CallFailed):
    """The answer is longer than asked for, or packed though it was asked for plain."""

    may_be_done = True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status; redirects are not followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def may_help_to_retry(self) -> bool:
        return self.status in AGAIN

    @property
    def retry_after(self) -> float | None:
        """Seconds that the other side asks to wait, up to LONGEST_WAIT; None where it does not ask."""
        said = next((value for name, value in self.headers.items() if name.lower() == "retry-after"), "")
        if self.status not in SLOW_DOWN or not said:
            return None
        if said.strip().isdecimal():
            return min(float(said.strip()[:20]), LONGEST_WAIT)
        try:
            wait = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
            return min(max(0.0, wait), LONGEST_WAIT)
        except (TypeError, ValueError, OverflowError):
            return None

    @property
    def excerpt(self) -> str:
        """The beginning of the body as text, for people to look at; escape it where it is shown."""
        return self.body[:SHOWN].decode("utf-8", "replace").replace("\x00", "�")

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError."""
        return json.loads(self.body)


def call(
    method: str,
    url: str,
    *,
    payload: Any = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    is_ours: bool = False,
    seconds: float = ANSWER,
    most: int = MOST,
) -> Reply:
    """Call another system once. No query; gives the thread's database connection back first.

    payload: sent as JSON, else `body` as it is.
    is_ours: the address comes from the operator, so it may lie inside our own network.
    seconds: for the whole answer, from when the connection stands; most: bytes of it.

    Raises InsideTransaction, and CallFailed in its kinds. An answer of any status is a Reply.
    """
    step_outside()
    check_address(url)
    sent = {"User-Agent": AGENT, "Accept-Encoding": "identity", **(headers or {})}
    if payload is not None:
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        sent.setdefault("Content-Type", "application/json")
    pools = _INSIDE if is_ours else _OUTSIDE
    timeout = urllib3.Timeout(connect=CONNECT, read=seconds)
    with _cut_off_after(CONNECT + seconds) as is_late:
        try:
            answer = pools.request(
                method, url, body=body or None, headers=sent, redirect=False, retries=False,
                preload_content=False, decode_content=False, timeout=timeout,
            )  # fmt: skip
        except (ConnectTimeoutError, NameResolutionError, NewConnectionError, SSLError) as error:
            raise NotReached(_words(error)) from error
        except LocationParseError as error:
            raise AddressRefused("This is not an address.") from error
        except (HTTPError, OSError) as error:
            raise NoAnswer(_words(error)) from error
        try:
            read = _read(answer, most)
            if is_late():  # what was cut off looks like the end of an answer without a length
                raise NoAnswer("TimeoutError")
            return Reply(answer.status, dict(answer.headers), read)
        except (HTTPError, OSError) as error:
            answer.close()
            raise NoAnswer(_words(error)) from error
        except CallFailed:
            answer.close()
            raise
        finally:
            answer.release_conn()


def step_outside() -> None:
    """Give the thread's database connection back before the network is used. Raises InsideTransaction.

    The transaction that a test lies in is none of ours.
    """
    blocks: list[Any] = connection.atomic_blocks
    if blocks and not blocks[-1]._from_testcase:
        raise InsideTransaction("commit first: no lock is held while the network is slow")
    if not blocks:
        connection.close()


def check_address(url: str) -> None:
    """Raise AddressRefused for what can't be the address of another system, before anybody is asked for its name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"“{url[:200]}” is not an address: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise AddressRefused("Only http and https addresses are called.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a login in it is not called.")
    if not parts.hostname or port == 0 or any(ord(letter) < 33 for letter in url):
        raise AddressRefused(f"“{url[:200]}” is not an address.")


def is_public(address: str) -> bool:
    """Whether an IP address lies outside of our own and every other private network, whichever way it is written."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = (
            found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1] or _translated(found)
        )
        if inner is not None:
            found = inner
    if found in _PROTOCOLS:
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")  # some Pythons take a part of it for public


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _read(answer: urllib3.BaseHTTPResponse, most: int) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise AnswerRefused("The answer is packed, though it was asked for plain.")
    read = bytearray()
    while chunk := answer.read(CHUNK, decode_content=False):
        read += chunk
        if len(read) > most:
            raise AnswerRefused(f"The answer is longer than {most} bytes.")
    return bytes(read)


def _words(error: BaseException) -> str:
    """What happened, without the address, which may hold a secret."""
    cause = getattr(error, "reason", None) or error.__cause__ or error
    return type(cause if isinstance(cause, BaseException) else error).__name__


class _Calling(threading.local):
    """The connection over which this thread calls just now."""

    connection: HTTPConnection | None = None


_calling = _Calling()


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[Callable[[], bool]]:
    """Break the connection when time is up: one who sends a byte now and then would never run into a timeout.

    Yields what tells whether that happened.
    """
    _calling.connection = None
    held = _calling.__dict__
    until = time.monotonic() + seconds
    watchdog = threading.Timer(seconds, _cut, [held])
    watchdog.daemon = True
    watchdog.start()
    try:
        yield lambda: time.monotonic() >= until
    finally:
        watchdog.cancel()


def _cut(held: Mapping[str, Any]) -> None:
    connected = held.get("connection")
    if connected is not None and connected.sock is not None:
        with suppress(OSError):
            connected.sock.shutdown(socket.SHUT_RDWR)


class _Watched:
    def request(self, *args: Any, **kwargs: Any) -> None:
        _calling.connection = self  # type: ignore[assignment]
        super().request(*args, **kwargs)  # type: ignore[misc]


class _HTTP(_Watched, HTTPConnection):
    pass


class _HTTPS(_Watched, HTTPSConnection):
    pass


class _Public:
    """Connects to the very address that was checked: a name that is asked for twice may answer differently."""

    host: str
    port: int
    timeout: Any
    source_address: Any
    socket_options: Any
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotReached("NameResolutionError") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(map(is_public, addresses)):
            raise AddressRefused("The address leads into a private network.")
        last: OSError | None = None
        for address in addresses:
            try:
                return urllib3.util.connection.create_connection(
                    (address, self.port),
                    self.timeout,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError as error:
                last = error
        raise NotReached(_words(last or OSError())) from last


class _PublicHTTP(_Public, _HTTP):
    pass


class _PublicHTTPS(_Public, _HTTPS):
    pass


def _pools(http: type[HTTPConnection], https: type[HTTPSConnection]) -> urllib3.PoolManager:
    """Connections that are kept for the next call to the same place."""
    plain = type("Pool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": http})
    secure = type("SecurePool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": https})
    manager = urllib3.PoolManager(num_pools=50, maxsize=16)
    manager.pool_classes_by_scheme = {"http": plain, "https": secure}
    return manager


_INSIDE = _pools(_HTTP, _HTTPS)
_OUTSIDE = _pools(_PublicHTTP, _PublicHTTPS)
