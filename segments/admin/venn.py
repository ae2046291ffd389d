"""Two overlapping circles whose areas are as two sets of people and what they share. Pure."""

from dataclasses import dataclass
from math import acos, pi, sqrt

WIDTH, HEIGHT, MARGIN = 240.0, 130.0, 4.0


@dataclass(frozen=True, slots=True)
class Circle:
    x: float
    y: float
    r: float


def circles(one: int, other: int, both: int) -> tuple[Circle, Circle]:
    """The circles of two sets, fitted into WIDTH x HEIGHT; `both` is in each of them. A set of nobody is a point."""
    first, second = sqrt(max(one, 0) / pi), sqrt(max(other, 0) / pi)
    distance = _distance(first, second, min(both, one, other))
    left, right = min(-first, distance - second), max(first, distance + second)
    size = max(right - left, 1e-9)
    scale = min((WIDTH - 2 * MARGIN) / size, (HEIGHT - 2 * MARGIN) / (2 * max(first, second, 1e-9)))
    middle = (WIDTH - size * scale) / 2 - left * scale
    return _circle(middle, first * scale), _circle(middle + distance * scale, second * scale)


def _circle(x: float, r: float) -> Circle:
    return Circle(round(x, 2), HEIGHT / 2, round(r, 2))


def _distance(first: float, second: float, shared: float) -> float:
    """How far apart the centres are where the circles share an area; found by halving."""
    near, far = abs(first - second), first + second
    if shared <= 0:
        return far * 1.04
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if lens(first, second, middle) > shared else (near, middle)
    return (near + far) / 2


def lens(first: float, second: float, distance: float) -> float:
    """The area that two circles share."""
    if distance >= first + second:
        return 0.0
    if distance <= abs(first - second):
        return pi * min(first, second) ** 2
    one = (distance**2 + first**2 - second**2) / (2 * distance)
    other = distance - one
    return (
        first**2 * acos(_cosine(one / first)) - one * sqrt(max(first**2 - one**2, 0))
        + second**2 * acos(_cosine(other / second)) - other * sqrt(max(second**2 - other**2, 0))
    )  # fmt: skip


def _cosine(value: float) -> float:
    return min(max(value, -1.0), 1.0)
