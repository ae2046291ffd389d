"""How sure a share is, and a difference of shares. Pure."""

from math import sqrt
from typing import NamedTuple

Z = 1.959964  # 95 %


class Interval(NamedTuple):
    low: float
    high: float


def wilson(hits: int, of: int) -> Interval:
    """Where the true share lies, with 95 % certainty; anywhere, where nothing was tried."""
    if of <= 0:
        return Interval(0.0, 1.0)
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = Z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return Interval(max(0.0, middle - reach), min(1.0, middle + reach))


def difference(hits: int, of: int, other_hits: int, other_of: int) -> Interval:
    """Where the first share less the other lies, with 95 % certainty (Newcombe’s way of both Wilson intervals)."""
    first, second = wilson(hits, of), wilson(other_hits, other_of)
    one, two = (hits / of if of else 0.0), (other_hits / other_of if other_of else 0.0)
    return Interval(
        one - two - sqrt((one - first.low) ** 2 + (second.high - two) ** 2),
        one - two + sqrt((first.high - one) ** 2 + (two - second.low) ** 2),
    )
