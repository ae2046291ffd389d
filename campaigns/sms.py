"""How many SMS a text takes: GSM 03.38 and UCS-2, with the joins of long messages. Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"  # two places each: an escape stands before them
# What keyboards and editors put in unasked, and what says the same within GSM 03.38.
PLAINER = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-", "…": "...",
     "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": "", "\t": " "}
)  # fmt: skip


class Encoding(StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


class Sizes(NamedTuple):
    single: int
    joined: int  # of each where there are several: a header takes the rest


SIZES = {Encoding.GSM_7: Sizes(160, 153), Encoding.UCS_2: Sizes(70, 67)}
WIDTHS = {**dict.fromkeys(BASIC, 1), **dict.fromkeys(EXTENDED, 2)}


class Count(NamedTuple):
    """What a text takes.

    units: places taken; left: free ones in the last part; odd: the characters that made it UCS-2.
    """

    encoding: Encoding
    units: int
    parts: int
    left: int
    odd: tuple[str, ...] = ()


def plainer(text: str) -> str:
    """A text with typographic quotes, dashes and spaces as a phone's alphabet has them, which halves many messages."""
    return text.translate(PLAINER)


def count(text: str) -> Count:
    """Count the parts of a text. No character is torn between two parts."""
    odd = tuple(dict.fromkeys(one for one in text if one not in WIDTHS))
    encoding = Encoding.UCS_2 if odd else Encoding.GSM_7
    widths = [2 if ord(one) > 0xFFFF else 1 for one in text] if odd else [WIDTHS[one] for one in text]
    units, sizes = sum(widths), SIZES[encoding]
    if units <= sizes.single:
        return Count(encoding, units, 1 if units else 0, sizes.single - units, odd)
    parts, filled = _pack(widths, sizes.joined)
    return Count(encoding, units, parts, sizes.joined - filled, odd)


def _pack(widths: Iterable[int], size: int) -> tuple[int, int]:
    parts, filled = 1, 0
    for width in widths:
        if filled + width > size:
            parts, filled = parts + 1, 0
        filled += width
    return parts, filled
