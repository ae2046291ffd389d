"""Runs the chosen rows in the database of the environment. BENCH_SCALE, BENCH_ROUNDS, BENCH_ONLY, BENCH_OUTPUT."""

import json
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

from crm import env
from crm.embedded import VAR

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
django.setup()

from tests.bench import (  # noqa: E402 - Django comes first
    b1_intake,
    b2_processing,
    b3_resolution,
    b4_timeline,
    b5_search,
    b6_segments,
    b7_live,
    b12_pages,
    b13_start,
    b16_duplicates,
    b17_growth,
)
from tests.bench.context import DEFAULT_SCALE, Bench, set_up  # noqa: E402
from tests.bench.measure import Measure, table  # noqa: E402

ROWS = {
    "B1": b1_intake.measure,
    "B2": b2_processing.measure,
    "B3": b3_resolution.measure,
    "B4": b4_timeline.measure,
    "B5": b5_search.measure,
    "B6": b6_segments.measure,
    "B7": b7_live.measure,
    "B12": b12_pages.measure,
    "B13": b13_start.measure,
    "B16": b16_duplicates.measure,
    "B17": b17_growth.measure,
}
ONLY_WHEN_ASKED = {"B13"}
ROUNDS = 5


def main() -> int:
    scale = float(env.text("BENCH_SCALE", str(DEFAULT_SCALE)))
    only = env.items("BENCH_ONLY") or [name for name in ROWS if name not in ONLY_WHEN_ASKED]
    started = time.monotonic()
    bench = set_up(scale=scale, rounds=env.number("BENCH_ROUNDS", ROUNDS))
    say(f"{bench.people:,} people after {time.monotonic() - started:.0f} s; measuring {', '.join(only)}")
    measures, failed = measure_rows(bench, only)
    say(f"\n{table(measures)}\n\nin {time.monotonic() - started:.0f} s")
    save(bench, measures)
    if failed:
        say(f"failed: {', '.join(failed)}")
    return bool(failed)


def measure_rows(bench: Bench, names: list[str]) -> tuple[list[Measure], list[str]]:
    """What was measured, and the rows that broke, their traceback said already."""
    measures: list[Measure] = []
    failed = []
    try:
        for name in names:
            try:
                for found in ROWS[name](bench):
                    measures.append(found)
                    say("  ".join(cell for cell in found.cells().values() if cell != "–"))
            except Exception:  # one row that breaks must not cost the others
                traceback.print_exc()
                failed.append(name)
    finally:
        bench.service.stop()
    return measures, failed


def save(bench: Bench, measures: list[Measure]) -> None:
    """The table as JSON, for programs to compare."""
    path = Path(env.text("BENCH_OUTPUT", str(VAR / "bench.json")))
    found: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "scale": bench.scale,
        "rounds": bench.rounds,
        "people": bench.people,
        "measures": [measure.as_json() for measure in measures],
    }
    path.write_text(json.dumps(found, indent=2) + "\n")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
