"""What a scenario is, and the acts and looks that many of them share. Bounds in seconds are liveness bounds."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.rig.journal import read
from tests.rig.platform import Failure, Rig

RESUMES = 120.0  # Q3, Q5: seconds after which work goes on
SEEN = 120.0  # Q7 and operability: seconds in which trouble must be told
PATIENT = 2.0  # Q6: p95 of answers in degraded service


class Scenario(NamedTuple):
    """`times` is how often the fault strikes in `make soak`; for some it is a number of seconds."""

    ids: tuple[str, ...]
    run: Callable[[Rig, int], None]
    times: int = 20

    @property
    def name(self) -> str:
        return self.run.__name__


SCENARIOS: list[Scenario] = []


def scenario(*ids: str, times: int = 20) -> Callable[[Any], Any]:
    def register(run: Any) -> Any:
        SCENARIOS.append(Scenario(ids, run, times))
        return run

    return register


def resumes(rig: Rig, within: float = RESUMES) -> float:
    """Wait until the web answers and an event that came after now is applied."""
    since = datetime.now(UTC)
    sql = "SELECT 1 FROM timeline_inboundevent WHERE received_at > %s AND processed_at IS NOT NULL LIMIT 1"
    took = rig.until(lambda: rig.get("/health/live").ok, within=within, what="the web answers")
    return took + rig.until(lambda: rig.rows(sql, since), within=within, what="events are applied again")


def strike(
    rig: Rig, times: int, fault: Callable[[], None], *, rest: float = 3.0, within: float = RESUMES
) -> None:
    """A fault at so many random moments, each after the platform has come back from the last."""
    worst = 0.0
    for _ in range(times):
        rig.wait(rig.dice.uniform(0, rest))
        fault()
        worst = max(worst, resumes(rig, within))
    rig.note(f"resumed within {worst:.1f} s")


# --- of all of them
def answers_were_fine(rig: Rig, since: float, until: float) -> None:
    """In degraded service: no answer of 5xx, none lost, and quick ones."""
    answers = [line for line in read(rig.journal, "looks") if since <= line["began"] and line["at"] <= until]
    bad = [line for line in answers if line["what"] == "lost" or line["status"] >= 500]
    if bad or not answers:
        raise Failure(f"{len(bad)} of {len(answers)} answers were bad: {bad[:3]}")
    times = sorted(line["at"] - line["began"] for line in answers)
    p95 = times[int(len(times) * 0.95)]
    rig.note(f"{len(answers)} answers, p95 {p95:.2f} s")
    if p95 > PATIENT:
        raise Failure(f"p95 of answers was {p95:.2f} s")


def stayed_alive(rig: Rig, before: dict[str, int]) -> None:
    if rig.pids() != before:
        raise Failure(f"processes had to be restarted: {before} -> {rig.pids()}")


@contextlib.contextmanager
def without_right(rig: Rig, right: str, table: str) -> Iterator[None]:
    """The application may not do something to a table meanwhile, as after a botched migration."""
    rig.note(f"REVOKE {right} ON {table}")
    with rig.database() as database:
        database.execute(f"REVOKE {right} ON {table} FROM fairway_app")  # type: ignore[arg-type]
        try:
            yield
        finally:
            database.execute(f"GRANT {right} ON {table} TO fairway_app")  # type: ignore[arg-type]


def told(
    rig: Rig, parts: tuple[str, ...], finding: str, metric: str, alarms: Callable[[float], bool]
) -> None:
    """Within two minutes /health, /metrics and the doctor all tell of the trouble, the doctor what to do as well."""

    def seen() -> bool:
        health = rig.health()
        shown = any(health[part]["status"] != "ok" or health[part].get("count") for part in parts)
        return shown and any(map(alarms, rig.metric(metric)))

    seconds = rig.until(seen, within=SEEN, what=f"{parts} and {metric} tell of the trouble")
    said = rig.doctor()
    lines = said.splitlines()
    at = next((n for n, line in enumerate(lines) if finding in line and not line.startswith("ok")), None)
    if at is None or "runbooks/" not in "".join(lines[at : at + 2]):
        raise Failure(f"the doctor does not name {finding}:\n{said}")
    rig.note(f"told within {seconds:.0f} s")
