"""Who gets which way of saying it: an exact split, whatever the size of the audience and of its parts. Pure."""

from collections.abc import Mapping, Sequence
from math import gcd
from typing import TypeVar

Key = TypeVar("Key")


def turns(weights: Mapping[Key, int]) -> Sequence[Key]:
    """The order in which people are given one of the keys, over and over: no beginning of it is off by more than one.

    Each turn goes to whoever is furthest behind their share.
    """
    each = gcd(*weights.values())
    shares = {key: weight // each for key, weight in weights.items()}
    total, behind, order = sum(shares.values()), dict.fromkeys(shares, 0), []
    for _ in range(total):
        for key, share in shares.items():
            behind[key] += share
        turn = max(behind, key=lambda key: behind[key])
        behind[turn] -= total
        order.append(turn)
    return order


def is_in_sample(number: int, percent: int) -> bool:
    """Whether the person of this number, from 0, is among the percent who come first: exact for every beginning."""
    return (number + 1) * percent // 100 > number * percent // 100
