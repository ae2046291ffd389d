"""What is done to the platform, by the id of the promise that it must keep. Each runs under load, then all is compared.

`times` is how often a fault strikes: 20 in `make soak`, less in a quick run. Bounds in seconds are liveness bounds.
"""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import redis

from crm.embedded.programs import background
from tests.rig.events import TENANT, event, lethal
from tests.rig.journal import Journal, read
from tests.rig.platform import Failure, Rig

RESUMES = 120.0  # Q3, Q5: seconds after which work goes on
WEB_BACK, WORKERS_BACK = 5.0, 15.0  # F2, once PostgreSQL answers
SEEN = 120.0  # Q7 and operability: seconds in which trouble must be told
PATIENT = 2.0  # Q6: p95 of answers in degraded service


class Scenario(NamedTuple):
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


# --- workers
@scenario("Q3")
def a_worker_child_is_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.kill_child("worker"))


@scenario("Q3")
def a_whole_worker_is_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.kill("worker"))


@scenario("Q4", times=1)
def an_event_kills_every_worker_that_takes_it(rig: Rig, times: int) -> None:
    """Tried three times at most, then parked and shown; the others go on."""
    for number in range(times):
        pk = f"lethal-{rig.runs}-{number}"
        rig.post("/api/v1/events", lethal(pk, datetime.now(UTC))).raise_for_status()
        sql = "SELECT error_code FROM timeline_inboundevent WHERE event_id = %s AND dead_at IS NOT NULL"
        deadline = time.monotonic() + 240
        while not (found := rig.rows(sql, pk)):
            resumes(rig)
            if time.monotonic() > deadline:
                raise Failure("the lethal event is not parked")
            rig.wait(1)
        deaths = Path(rig.env["RIG_POISON"]).read_text().split().count(pk)
        if found != [("WORKER_DIED",)] or not 1 <= deaths <= 3:
            raise Failure(f"the lethal event was tried {deaths} times and ended as {found}")
        rig.note(f"parked after {deaths} deaths")
        listed = rig.get("/api/v1/events?status=FAILED&take=5", Authorization=f"Bearer {rig.key}").text
        told(rig, ("deadLetters",), "dead letters", "fairway_events_dead_letters", lambda value: value > 0)
        if pk not in listed:
            raise Failure(f"the parked event is not listed: {listed[:300]}")


@scenario("Q3", "OB3", times=2)
def a_worker_freezes_beyond_its_lease_and_wakes_up(rig: Rig, times: int) -> None:
    """A zombie: another takes its work over, and what it does when it wakes changes nothing."""
    rig.supervisor.start(rig.service("worker2", background()["worker"]))
    rig.wait(8)
    for _ in range(times):
        rig.wait(rig.dice.uniform(0, 2))
        with rig.frozen("worker"):
            rig.wait(40)
            resumes(rig)
        resumes(rig)
    rig.supervisor.stop("worker2")


# --- Redis
@scenario("Q5", "F3", times=5)
def redis_is_emptied(rig: Rig, times: int) -> None:
    strike(rig, times, rig.flush_redis)


@scenario("Q5", times=5)
def redis_is_killed_and_keeps_nothing(rig: Rig, times: int) -> None:
    strike(rig, times, rig.lose_redis)


@scenario("F3")
def redis_is_killed_and_keeps_its_data(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.kill("valkey"), rest=1)


@scenario("Q6", "F3", times=300)
def redis_is_away(rig: Rig, times: int) -> None:
    """`times` seconds long. People go on working, logins too; nobody restarts anything afterwards."""
    before, began = rig.pids(), time.time()
    with rig.without("valkey"):
        rig.wait(min(5, times))
        rig.log_in()
        if rig.health()["status"] != "degraded" or rig.get("/health/ready").status_code != 200:
            raise Failure("without Redis, /health must say degraded and ready must stay 200")
        rig.wait(max(0, times - 5))
    answers_were_fine(rig, began, time.time())
    strike(rig, 1, lambda: None, rest=0, within=60)
    stayed_alive(rig, before)


@scenario("F3", times=20)
def redis_is_full(rig: Rig, times: int) -> None:
    before, began = rig.pids(), time.time()
    rig.note("maxmemory reached")
    rig.valkey().config_set("maxmemory", "1mb")
    rig.wait(times)
    answers_were_fine(rig, began, time.time())
    rig.valkey().config_set("maxmemory", "0")
    strike(rig, 1, lambda: None, rest=0, within=60)
    stayed_alive(rig, before)


@scenario("F3", times=30)
def redis_hangs(rig: Rig, times: int) -> None:
    """As DEBUG SLEEP: connected, and no answer for `times` seconds."""
    before, began = rig.pids(), time.time()
    with rig.frozen("valkey"):
        rig.wait(times)
    answers_were_fine(rig, began, time.time())
    strike(rig, 1, lambda: None, rest=0, within=60)
    stayed_alive(rig, before)


# --- PostgreSQL
@scenario("F2", times=60)
def postgres_is_away(rig: Rig, times: int) -> None:
    """`times` seconds long. Who asks is told so; afterwards everybody comes back by himself, however long it was."""
    before = rig.pids()
    with rig.without("postgres"):
        rig.wait(times)
    back(rig)
    stayed_alive(rig, before)


def back(rig: Rig) -> tuple[float, float]:
    """Seconds from PostgreSQL's first answer until the API answers, and until events are applied again."""
    rig.until(lambda: rig.rows("SELECT 1"), within=60, what="PostgreSQL is back")
    path = "/api/v1/customers?take=1"

    def answers() -> bool:
        return rig.get(path, Authorization=f"Bearer {rig.key}").status_code == 200

    web = rig.until(answers, within=WEB_BACK, what="the API answers")
    workers = resumes(rig, WORKERS_BACK)
    rig.note(f"web back within {web:.1f} s, workers within {web + workers:.1f} s")
    return web, workers


@scenario("F2", times=9)
def postgres_crashes_and_loses_all_sessions(rig: Rig, times: int) -> None:
    """Every 20 s, in turn. Everybody comes back by himself."""
    before = rig.pids()
    for number in range(times):
        began = time.monotonic()
        (rig.end_all_sessions if number % 2 else rig.crash_postgres)()
        back(rig)
        rig.wait(max(0.0, 20 - (time.monotonic() - began)) if times > 2 else 0.5)
    stayed_alive(rig, before)


# --- processes
@scenario("F1", "I3", "OB1")
def web_processes_are_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.dice.choice((rig.kill, rig.kill_child))("web"), rest=2)


@scenario("F1")
def a_consumer_is_killed(rig: Rig, times: int) -> None:
    strike(rig, times, lambda: rig.kill("consumer"), rest=2)


@scenario("Q8", "F1", times=10)
def beat_is_killed_and_doubled(rig: Rig, times: int) -> None:
    """Due rows decide, not beat: with nudges lost, only what beat sends finds the work."""
    rig.supervisor.start(rig.service("beat2", background()["beat"]))
    strike(rig, times, lambda: rig.kill(rig.dice.choice(("beat", "beat2"))))
    rig.supervisor.stop("beat2")


@scenario("Q9", times=20)
def everything_restarts_in_turn(rig: Rig, times: int) -> None:
    """TERM: each ends its work at hand within 30 s, by itself and without complaint."""
    worst = 0.0
    for number in range(times):
        name = ("worker", "web", "consumer", "worker", "beat")[number % 5]
        process = rig.process(name)
        rig.signal(name, signal.SIGTERM)
        worst = max(worst, rig.until(lambda p=process: p.poll() is not None, within=30, what=f"{name} ends"))  # type: ignore[misc]
        if process.returncode not in (0, -signal.SIGTERM):
            raise Failure(f"{name} ended with {process.returncode} when asked to end")
        rig.process(name)
        rig.wait(rig.dice.uniform(0, 3))
    rig.note(f"ended within {worst:.1f} s")
    resumes(rig)


@scenario("F1", times=60)
def anything_at_any_time(rig: Rig, times: int) -> None:
    """`times` seconds of whatever may happen, at no fixed pace and with no rest."""
    faults: list[Callable[[], None]] = [
        *(lambda name=name: rig.kill(name) for name in ("web", "worker", "consumer", "beat", "valkey")),  # type: ignore[misc]
        *(lambda name=name: rig.kill_child(name) for name in ("web", "worker")),  # type: ignore[misc]
        rig.crash_postgres, rig.end_all_sessions, rig.flush_redis, rig.lose_redis,
    ]  # fmt: skip
    deadline = time.monotonic() + times
    while time.monotonic() < deadline:
        rig.wait(rig.dice.expovariate(1 / 3))
        _try(rig.dice.choice(faults))
    rig.until(lambda: rig.get("/health/ready").status_code == 200, within=60, what="the platform is ready")
    resumes(rig)


def _try(fault: Callable[[], None]) -> None:
    """A server that is away already can't be broken again."""

    try:
        fault()
    except (psycopg.Error, redis.RedisError):
        return


# --- what is promised of events
@scenario("I5", times=10_000)
def every_event_is_sent_twice_in_shuffled_batches(rig: Rig, times: int) -> None:
    """A batch with one bad event says which and keeps the others."""
    run = f"{rig.seed:x}twice{rig.runs}"
    journal = Journal(rig.journal / f"events.{run}.jsonl")
    numbers = [*range(times)] * 2
    rig.dice.shuffle(numbers)
    at = datetime.now(UTC)
    for start in range(0, len(numbers), 100):
        batch = numbers[start : start + 100]
        journal.note("sent", run=run, numbers=batch)
        bad = {"id": "bad", "type": "web.page_view", "timestamp": "yesterday"}
        answer = rig.post("/api/v1/events", [bad, *(event(run, number, at) for number in batch)]).json()
        if [result["index"] for result in answer["results"] if result["status"] == "REJECTED"] != [0]:
            raise Failure(f"one bad event in a batch: {answer['rejected']} were rejected")
        journal.note("acked", run=run, numbers=batch)
        rig.wait(0.01)


@scenario("I1", times=100)
def one_key_many_times_at_once(rig: Rig, times: int) -> None:
    body, key = {"email": f"once{rig.runs}@rig.example", "lastName": "Once"}, f"{rig.seed:x}once{rig.runs}"

    def call(_: int) -> tuple[int, bytes]:
        reply = rig.post("/api/v1/customers", body, **{"Idempotency-Key": key})
        return reply.status_code, reply.content if reply.status_code == 201 else b""

    with ThreadPoolExecutor(max_workers=25) as pool:
        calls = [pool.submit(call, number) for number in range(times)]
        rig.until(lambda: all(one.done() for one in calls), within=60, what="all calls are answered")
    answers = {one.result() for one in calls}
    if not {status for status, _ in answers} <= {201, 409} or len({b for s, b in answers if s == 201}) != 1:
        raise Failure(f"one key at once: {answers}")


# --- trouble is told
@scenario("Q7", times=1)
def a_worker_is_up_but_takes_nothing(rig: Rig, times: int) -> None:
    with rig.frozen("worker"):
        told(rig, ("workers",), "process events", "fairway_heartbeat_age_seconds", lambda value: value > 90)
    rig.until(lambda: rig.health()["workers"]["status"] == "ok", within=60, what="the worker's life is seen")


@scenario("stuck", times=1)
def a_queue_is_stuck(rig: Rig, times: int) -> None:
    with rig.without("worker"):
        told(
            rig,
            ("events", "outbox"),
            "events (normal)",
            "fairway_events_oldest_due_seconds",
            lambda value: value > 60,
        )
    resumes(rig)


@scenario("F8", times=1)
def a_fault_of_ours_has_an_id_a_line_and_a_counter(rig: Rig, times: int) -> None:
    """A right is taken away, as a botched migration does: 500 with an id, a line that has it, a counter that moved."""
    before = sum(rig.metric("fairway_http_requests_total"))
    path = "/api/v1/customers/resolve?email=someone-secret@rig.example"
    rig.note("REVOKE")
    with rig.database() as database:
        database.execute("REVOKE SELECT ON customers_identityalias FROM fairway_app")
        try:
            reply = rig.get(path, Authorization=f"Bearer {rig.key}")
        finally:
            database.execute("GRANT SELECT ON customers_identityalias TO fairway_app")
    request_id = reply.headers.get("X-Request-Id", "")
    if reply.status_code != 500 or reply.json()["error"]["requestId"] != request_id or "denied" in reply.text:
        raise Failure(f"an unhandled error answered {reply.status_code}: {reply.text[:300]}")
    rig.wait(1)
    said = [line for line in (rig.var / "platform.log").read_text().splitlines() if request_id in line]
    told_of = any('"level": "error"' in line and TENANT in line for line in said)
    if not told_of or "someone-secret" in "".join(said):
        raise Failure(f"the log's lines of an unhandled error: {said}")
    if sum(rig.metric("fairway_http_requests_total")) <= before:
        raise Failure("no counter moved")


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
