"""Reading what a client sent: bounded, UTF-8, strict JSON, nothing that the database could not store."""

import json
from collections.abc import Iterator
from io import BytesIO
from math import isfinite
from typing import Any, BinaryIO

from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser

from crm.errors import Detail, MalformedBody, PayloadTooLarge, UnsupportedMediaType, ValidationFailed

CHUNK = 64 * 1024
DRAINED = 32 * 1024 * 1024
DEEPEST = 50
WIDEST = 1000  # members of one list or object


class StrictJSONParser(BaseParser):
    """application/json in UTF-8. The view says how much: `body_limit`, `body_depth`.

    A view with `body_is_many` answers for each item by itself: one odd text must not cost the others.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        view, request = parser_context["view"], parser_context["request"]._request
        charset = request.content_params.get("charset", "utf-8").lower()
        if charset not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("JSON comes in UTF-8.")
        body = read_body(request, view.body_limit)
        if view.body_is_many:
            return load_json(body, deepest=view.body_depth, once=False)
        value = load_json(body, deepest=view.body_depth)
        refuse_crowds(value)
        refuse_unstorable(value)
        return value


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The request's body, kept as request.body. Raises PayloadTooLarge beyond `limit` bytes.

    A body that says it is too large is not kept: it is thrown away as it comes, up to 32 MiB, so that a client
    that writes first and reads later still sees the answer.
    """
    if hasattr(request, "_body"):
        return request.body
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    stream = request.META["wsgi.input"] if chunked and request.META.get("wsgi.input_terminated") else request
    declared = 0 if chunked else _declared_length(request)
    try:
        body = b"" if declared > limit else b"".join(_chunks(stream, limit + 1))
        if max(declared, len(body)) > limit:
            for _ in _chunks(stream, DRAINED):
                pass
            raise PayloadTooLarge(f"The body is larger than the {limit:,} bytes that this endpoint takes.")
    except UnreadablePostError:
        raise MalformedBody("The body ended before it was complete.") from None
    if len(body) < declared:
        raise MalformedBody("The body ended before it was complete.")
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._read_started, request._body = True, body  # type: ignore[attr-defined]
    request._stream = BytesIO(body)
    return body


def _declared_length(request: HttpRequest) -> int:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    return int(declared) if declared.isascii() and declared.isdigit() else 0


def _chunks(stream: BinaryIO | HttpRequest, most: int) -> Iterator[bytes]:
    while most > 0 and (chunk := stream.read(min(CHUNK, most))):
        most -= len(chunk)
        yield chunk


def load_json(raw: bytes, *, deepest: int = DEEPEST, once: bool = True) -> Any:
    """Parse JSON as the standard has it: no NaN, no Infinity, at most `deepest` levels.

    once: also no name twice in an object; else the last one counts.
    Raises MalformedBody.
    """
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_once if once else None,
        )
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    except json.JSONDecodeError as exc:
        raise MalformedBody(
            f"The body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}."
        ) from None
    except RecursionError:
        raise _too_deep(deepest) from None
    except ValueError:
        raise MalformedBody("The body has a number that is too long.") from None
    if depth(value, deepest) > deepest:
        raise _too_deep(deepest)
    return value


def depth(value: Any, enough: int) -> int:
    """How deep a value is nested, or some number above `enough`; a scalar is 0, [] is 1."""
    level, row = 0, [value]
    while row := [inner for inner in row if isinstance(inner, dict | list)]:
        level += 1
        if level > enough:
            break
        row = [child for inner in row for child in (inner.values() if isinstance(inner, dict) else inner)]
    return level


def refuse_crowds(value: Any) -> None:
    """Raise ValidationFailed naming the first list or object with more members than anything here needs.

    Each of them would be checked, and complained of, one by one.
    """
    for path, inner in _containers(value, ""):
        if len(inner) > WIDEST:
            words = f"must not have more than {WIDEST:,} members"
            raise ValidationFailed(details=[Detail(path, "INVALID_FIELD", words)])


def _containers(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        yield path, value
        members = (
            value.items() if isinstance(value, dict) else ((f"[{n}]", one) for n, one in enumerate(value))
        )
        for name, inner in members:
            own = name if isinstance(value, list) or not path else f".{name}"
            yield from _containers(inner, path + own)


def refuse_unstorable(value: Any) -> None:
    """Raise ValidationFailed naming each text with a NUL character or half of a surrogate pair, keys included."""
    details = [
        Detail(path, "INVALID_FORMAT", "must not contain NUL characters or broken Unicode")
        for path, text in _texts(value, "")
        if "\0" in text or not is_unicode(text)
    ]
    if details:
        raise ValidationFailed(details=details[:20])


def is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield path, key
            yield from _texts(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]")


def _too_deep(deepest: int) -> MalformedBody:
    return MalformedBody(f"The body is nested deeper than {deepest} levels.")


def _no_constant(name: str) -> Any:
    raise MalformedBody(f"{name} is not a JSON number.")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise MalformedBody("The body has a number that is too large.")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedBody("The body has the same name twice in one object.")
    return found
