"""A body with its Liquid covered by one character a piece, so that HTML tools leave it alone. Pure."""

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

LIQUID = re.compile(
    r"\{%-?\s*(?P<block>raw|comment)\s*-?%\}.*?\{%-?\s*end(?P=block)\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL
)
# Tangut, which no mail is written in: what is for private use is spelt out by MRML, as \u{e000}.
FIRST, LAST = 0x17000, 0x187F7
COVER = re.compile(f"[{chr(FIRST)}-{chr(LAST)}]")
MOST = LAST - FIRST + 1
STAMPS = 0xF0000
STAMP = re.compile(f"[{chr(STAMPS)}-{chr(STAMPS + 0xFFFD)}]")


class Piece(NamedTuple):
    """A piece of Liquid: its text and where it begins in the source."""

    text: str
    start: int

    @property
    def is_output(self) -> bool:
        return self.text.startswith("{{")

    @property
    def inner(self) -> str:
        """What stands between the braces."""
        return self.text[2:-2].strip("-").strip()


class Stencil(NamedTuple):
    """A covered text. starts: where each cover lies in it."""

    text: str
    pieces: tuple[Piece, ...]
    starts: tuple[int, ...]

    def piece(self, cover: str) -> Piece:
        return self.pieces[ord(cover) - FIRST]

    def source_index(self, index: int) -> int:
        """Where something of the covered text lies in the source."""
        at = bisect_right(self.starts, index) - 1
        if at < 0:
            return index
        piece = self.pieces[at]
        return piece.start + (index - self.starts[at] - 1 + len(piece.text) if index > self.starts[at] else 0)

    def uncover(self, text: str, write: Callable[[Piece], str] = lambda piece: piece.text) -> str:
        """A covered text with its Liquid again."""
        return COVER.sub(lambda found: write(self.piece(found[0])), text)


def cover(source: str) -> Stencil:
    """Raises ValueError where there is more Liquid than anybody writes."""
    pieces: list[Piece] = []
    starts: list[int] = []
    parts, end, length = [], 0, 0
    for found in LIQUID.finditer(source):
        if len(pieces) == MOST:
            raise ValueError("too much Liquid")
        parts += [source[end : found.start()], chr(FIRST + len(pieces))]
        length += found.start() - end
        starts.append(length)
        length += 1
        pieces.append(Piece(found[0], found.start()))
        end = found.end()
    return Stencil("".join([*parts, source[end:]]), tuple(pieces), tuple(starts))


def without_covers(text: str) -> str:
    """A text without the characters that covers and stamps are made of."""
    return COVER.sub("", STAMP.sub("", text))


class Stamps:
    """Pieces of Liquid of our own, put into a covered text: one character each, till it is uncovered."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def put(self, text: str) -> str:
        self.texts.append(text)
        return chr(STAMPS + len(self.texts) - 1)

    def write(self, text: str) -> str:
        return STAMP.sub(lambda found: self.texts[ord(found[0]) - STAMPS], text)
