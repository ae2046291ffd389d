"""What a client knows of the thing that it reads or changes: RFC 9110, section 13, apart from any request. Pure.

Tags are written as HTTP has them, with their quotes; W/ before one makes it weak.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from crm.errors import PreconditionFailed

EVERY = "*"
_TAG = re.compile(r'[ \t]*(?:((?:W/)?"[!#-~\x80-\xff]*")[ \t]*)?(?:,|$)')


class Condition(NamedTuple):
    """What has to hold of a thing's present version for a request to go on.

    match:    one of these tags is the version's; None asks nothing.
    no_match: none of these is.
    """

    match: frozenset[str] | None = None
    no_match: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *etags: str) -> "Condition":
        """That the thing is still in one of these versions."""
        return cls(frozenset(etags))

    @classmethod
    def of_headers(cls, if_match: str | None, if_none_match: str | None) -> "Condition":
        return cls(None if if_match is None else tags(if_match), tags(if_none_match or ""))

    def check(self, etag: str) -> None:
        """Raise PreconditionFailed for a version that the client does not expect."""
        if not self.matches(etag) or self.knows(etag):
            raise PreconditionFailed

    def matches(self, etag: str) -> bool:
        """Whether If-Match lets a version through. A weak tag is nobody's here: it does not say byte for byte."""
        return self.match is None or EVERY in self.match or (etag in self.match and not _is_weak(etag))

    def knows(self, etag: str) -> bool:
        """Whether If-None-Match names a version, weakly or not."""
        return EVERY in self.no_match or _bare(etag) in map(_bare, self.no_match)


ANY = Condition()


def tags(header: str) -> frozenset[str]:
    """The tags of a header, or “*”; nothing of a header that is no list of tags."""
    if header.strip() == EVERY:
        return frozenset({EVERY})
    found, at = [], 0
    while at < len(header):
        piece = _TAG.match(header, at)
        if piece is None:
            return frozenset()
        found.append(piece[1])
        at = piece.end()
    return frozenset(tag for tag in found if tag)


def etag_of(parts: Iterable[Any]) -> str:
    """A tag that changes with any of the parts."""
    text = json.dumps(list(parts), default=_plain, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _plain(value: Any) -> str:
    """One spelling of a moment, whatever zone it is told in."""
    return str(value.astimezone(UTC) if isinstance(value, datetime) else value)


def _is_weak(tag: str) -> bool:
    return tag.startswith("W/")


def _bare(tag: str) -> str:
    return tag.removeprefix("W/")
