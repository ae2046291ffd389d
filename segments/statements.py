"""Pieces of SQL, each with the values it binds: what somebody wrote never becomes a part of the text. Pure."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

_PLACE = re.compile(r"\{(\w+)\}")


class Later(Enum):
    """A parameter that is known when a tree is compiled."""

    ZONE = "the name of the time zone"


class Sql(NamedTuple):
    """Text that stands in our source, and the values of its placeholders, in order."""

    text: str
    params: tuple[Any, ...] = ()


def sql(template: str, **parts: Any) -> Sql:
    """Fill the {places} of a template of ours: with pieces of SQL as they are, with anything else as a parameter."""
    params: list[Any] = []

    def put(place: re.Match[str]) -> str:
        part = parts[place[1]]
        if isinstance(part, Sql):
            params.extend(part.params)
            return part.text
        params.append(part)
        return "%s"

    return Sql(_PLACE.sub(put, template), tuple(params))


def joined(separator: str, pieces: Iterable[Sql]) -> Sql:
    pieces = list(pieces)
    return Sql(separator.join(piece.text for piece in pieces), tuple(_params(pieces)))


def _params(pieces: Iterable[Sql]) -> Iterator[Any]:
    for piece in pieces:
        yield from piece.params
