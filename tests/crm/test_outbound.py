"""Calls to other systems: what is never called, what a failure means, and how a hostile answer is contained."""

import gzip
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from crm import outbound
from crm.outbound import (
    AddressRefused,
    AnswerRefused,
    InsideTransaction,
    NoAnswer,
    NotReached,
    call,
    is_public,
)
from tests.loopback import Server, reply

DATA = Path(__file__).parents[1] / "data"
REFUSED = [
    line for line in (DATA / "private-addresses.txt").read_text().splitlines() if line and line[0] != "#"
] + ["http://exa\tmple.com/", "http://example.com/\r\nX: y", "http://exam ple.com/", ""]


def test_a_payload_goes_out_as_json_and_the_answer_comes_back(serve: Callable[..., Server]) -> None:
    server = serve(reply(201, b'{"id": "segment-1"}'))
    found = call("POST", server.url, payload={"name": "Zoë"}, headers={"Idempotency-Key": "k"}, is_ours=True)
    path, headers, body = server.seen[0]
    assert (found.ok, found.status, found.json()) == (True, 201, {"id": "segment-1"})
    assert (path, body.decode(), headers["Idempotency-Key"]) == ("/hook", '{"name":"Zoë"}', "k")
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("url", REFUSED)
def test_what_lies_inside_or_is_no_address_is_not_called(url: str) -> None:
    with pytest.raises((AddressRefused, NotReached)) as refused:
        call("GET", url, seconds=1)
    if refused.type is NotReached:  # a spelling that the resolver here does not know
        assert str(refused.value) == "NameResolutionError"


def test_the_address_that_was_checked_is_the_one_connected_to(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads outside when it is checked, and inside when it is asked for again."""
    server = serve(reply())
    asked: list[str] = []

    def rebinding(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        address = "192.0.66.1" if len(asked) > 1 and host == "rebind.example" else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with pytest.raises(AddressRefused):
        call("GET", f"http://rebind.example:{server.server_port}/", seconds=1)
    assert (asked, server.seen) == (["rebind.example"], [])


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(AddressRefused):
        call("GET", "http://both.example/")


def test_a_public_address_is_one() -> None:
    assert all(map(is_public, ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]))


def test_a_redirect_is_an_answer(serve: Callable[..., Server]) -> None:
    server = serve(reply(302, b"", Location="http://169.254.169.254/"))
    assert call("GET", server.url, is_ours=True).status == 302
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "header", "seconds", "again"),
    [(429, "67608", 67608.0, True), (503, "", None, True), (400, "5", None, False), (200, "5", None, False)],
)
def test_what_an_answer_asks_for(
    serve: Callable[..., Server], status: int, header: str, seconds: float | None, again: bool
) -> None:
    found = call("GET", serve(reply(status, Retry_After=header)).url, is_ours=True)
    assert (found.retry_after, found.may_help_to_retry) == (seconds, again)


def test_a_date_to_wait_until_is_read_too(serve: Callable[..., Server]) -> None:
    found = call("GET", serve(reply(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")).url, is_ours=True)
    assert found.retry_after == 0


def test_nobody_there_means_that_nothing_was_done() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotReached) as failed:
        call("POST", f"http://127.0.0.1:{port}/", payload={}, is_ours=True)
    assert (failed.value.may_be_done, failed.value.permanent) == (False, False)


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def half(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    request.connection.shutdown(socket.SHUT_RDWR)


def silence(request: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)


def drip(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        time.sleep(0.1)
        request.wfile.write(b".")


def dripping_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(40):
        time.sleep(0.1)
        request.wfile.write(b"X-%d: .\r\n" % number)


def nonsense(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
    request.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("behaviour", [hang_up, half, silence, drip, dripping_headers, nonsense])
def test_no_whole_answer_means_that_it_may_be_done(
    serve: Callable[..., Server], behaviour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "CONNECT", 0.5)
    server = serve(behaviour)
    with pytest.raises(NoAnswer) as failed:
        call("POST", server.url, payload={}, is_ours=True, seconds=0.5)
    assert failed.value.may_be_done
    assert len(server.seen) == 1, "it is not sent again behind our back"


def endless(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        request.wfile.write(b"x" * 65_536)


def bomb(request: BaseHTTPRequestHandler) -> None:
    reply(200, gzip.compress(b"0" * 10_000_000), Content_Encoding="gzip")(request)


@pytest.mark.parametrize("behaviour", [endless, bomb, reply(200, b"x" * 2_000)])
def test_no_more_is_read_than_was_asked_for(serve: Callable[..., Server], behaviour: Any) -> None:
    with pytest.raises(AnswerRefused):
        call("GET", serve(behaviour).url, is_ours=True, most=1_000)


def test_a_name_inside_is_called_for_the_operator_only(serve: Callable[..., Server]) -> None:
    server = serve(reply())
    assert call("GET", server.url, is_ours=True).ok
    with pytest.raises(AddressRefused):
        call("GET", server.url)
    assert len(server.seen) == 1


@pytest.mark.django_db(transaction=True)
def test_no_call_is_made_with_a_transaction_open() -> None:
    with pytest.raises(InsideTransaction), transaction.atomic():
        call("GET", "http://example.com/")


def test_what_is_kept_of_an_answer_is_short_and_plain(serve: Callable[..., Server]) -> None:
    found = call("GET", serve(reply(500, b"\x00" + b"\xff" * 10_000)).url, is_ours=True)
    assert len(found.excerpt) <= outbound.SHOWN
    assert "\x00" not in found.excerpt
