"""One line of the table: what was measured, against what, and whether it is good enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.harness import median

OURS, LIMIT, NAIVE = "ours", "limit", "naive"
COLUMNS = ("row", "operation", "unit", OURS, LIMIT, NAIVE, "/limit", "/naive", "memory", "goal", "met")
RIGHT = {OURS, LIMIT, NAIVE, "/limit", "/naive", "memory"}


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for our figure itself (of = ours), or for our figure divided by another contestant's."""

    of: str = OURS
    at_least: float | None = None
    at_most: float | None = None

    def __str__(self) -> str:
        bound = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        return bound if self.of == OURS else f"{bound} × {self.of}"


@dataclass(frozen=True, slots=True)
class Measure:
    """Samples of each contestant, one a round. A ratio is the median of the rounds' ratios.

    memory: the peak bytes of one process, by contestant. details: what else is worth keeping in the JSON.
    """

    row: str
    operation: str
    unit: str
    samples: Mapping[str, Sequence[float]]
    goals: Sequence[Goal] = ()
    memory: Mapping[str, int | None] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        return median(self.samples[name]) if name in self.samples else None

    def ratio(self, name: str) -> float | None:
        if name not in self.samples:
            return None
        return median(
            [own / other for own, other in zip(self.samples[OURS], self.samples[name], strict=True)]
        )

    @property
    def is_met(self) -> bool:
        return all(self._holds(goal) for goal in self.goals)

    def _holds(self, goal: Goal) -> bool:
        found = self.value(OURS) if goal.of == OURS else self.ratio(goal.of)
        if found is None:
            return False
        enough = goal.at_least is None or found >= goal.at_least
        return enough and (goal.at_most is None or found <= goal.at_most)

    def cells(self) -> dict[str, str]:
        """The line as texts, by column."""
        memory = self.memory.get(OURS)
        return {
            "row": self.row,
            "operation": self.operation,
            "unit": self.unit,
            **{name: figure(self.value(name)) for name in (OURS, LIMIT, NAIVE)},
            **{f"/{name}": figure(self.ratio(name)) for name in (LIMIT, NAIVE)},
            "memory": f"{memory / 2**20:.0f} MB" if memory else "–",
            "goal": ", ".join(map(str, self.goals)) or "–",
            "met": ("yes" if self.is_met else "NO") if self.goals else "–",
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "operation": self.operation,
            "unit": self.unit,
            "values": {name: self.value(name) for name in self.samples},
            "ratios": {name: self.ratio(name) for name in self.samples if name != OURS},
            "samples": {name: list(sample) for name, sample in self.samples.items()},
            "peakBytes": dict(self.memory),
            "goals": [str(goal) for goal in self.goals],
            "met": self.is_met,
            **({"details": self.details} if self.details else {}),
        }


def figure(value: float | None) -> str:
    """Three digits that matter."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(measures: Sequence[Measure]) -> str:
    """All lines under one head, columns in step."""
    lines = [dict(zip(COLUMNS, COLUMNS, strict=True)), *(measure.cells() for measure in measures)]
    widths = {name: max(len(line[name]) for line in lines) for name in COLUMNS}
    rows = [
        "  ".join(f"{line[name]:{'>' if name in RIGHT else '<'}{widths[name]}}" for name in COLUMNS).rstrip()
        for line in lines
    ]
    return "\n".join([rows[0], "-" * len(rows[0]), *rows[1:]])
