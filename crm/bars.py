"""Small pictures of numbers, in percent of their width and height. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of a picture: `y` counts from the top, as SVG does. is_cut: higher than the picture."""

    value: int
    x: float
    width: float
    y: float
    height: float
    is_cut: bool = False


def bars(values: Sequence[int], *, most: int = 0, fill: float = 0.72) -> list[Bar]:
    """A bar a value, the highest as high as the picture; what is not nothing is at least seen."""
    top = most or max(values, default=0)
    step = 100 / max(len(values), 1)
    drawn = []
    for position, value in enumerate(values):
        height = min(max(round(value / top * 100, 2), 2.0), 100.0) if value and top else 0.0
        x = round((position + (1 - fill) / 2) * step, 3)
        drawn.append(Bar(value, x, round(step * fill, 3), round(100 - height, 2), height, value > top))
    return drawn


def scale(values: Sequence[int]) -> int:
    """The round top of a scale for values of which one or two may be far out: those are cut, the rest stays seen."""
    most, usual = max(values, default=0), sorted(values)[-3] if len(values) > 2 else 0
    return nice(round(usual * 1.25) if usual and most > 3 * usual else most)


def nice(most: int) -> int:
    """The next round number from which a scale can start: 378 -> 400."""
    if most <= 4:
        return 2 if most <= 2 else 4
    size = 10 ** (len(str(most)) - 1)
    return int(next(top for top in (size, 2 * size, 4 * size, 5 * size, 8 * size, 10 * size) if top >= most))
